"""Names the subjects of IPTC's vocabularies where an item gives the code alone."""

import re

# The first level of the Subject Codes and of the Media Topics, which share their numbers:
# https://cv.iptc.org/newscodes/subjectcode/ and https://cv.iptc.org/newscodes/mediatopic/
FIRST_LEVEL = (
    *("arts, culture and entertainment", "crime, law and justice", "disaster and accident"),
    *("economy, business and finance", "education", "environment", "health", "human interest"),
    *("labour", "lifestyle and leisure", "politics", "religion", "science and technology"),
    *("society", "sport", "conflict, war and peace", "weather"),
)
CODE = re.compile(r"(?:.*[:/])?(\d\d)\d{6}$")


def subject_name(code: str) -> str:
    """The first-level subject of an eight-digit code; nothing for any other code.

    >>> subject_name("subj:15054000"), subject_name("medtop:20000822")
    ('sport', '')
    """
    match = CODE.match(code.strip())
    number = int(match[1]) if match else 0
    return FIRST_LEVEL[number - 1] if 1 <= number <= len(FIRST_LEVEL) else ""
