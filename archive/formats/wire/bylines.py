"""Reads bylines and datelines: who wrote a story, and where it was written."""

import re
from collections.abc import Iterable

OPENING = re.compile(r"^\W*(?:by|von|par|por|door|af|av)\s*:?\s+", re.I)
DIVIDER = re.compile(r"\s*(?:;|\||/|\s(?:&|and|und|et|och|og)\s|,(?!\s*(?:jr|sr)\b))\s*", re.I)
# What stands beside a name and is none.
OFFICE = re.compile(
    r"\b(?:staff|writers?|reporters?|correspondents?|editors?|columnists?|critic|bureau|desk|press|"
    r"agency|news|newspapers?|times|tribune|journal|herald|gazette|chronicle|service|"
    r"contributors?|photographs?|redaktion|korrespondent(?:in)?|agentur|agence|"
    r"database|media|network|association|foundation|institute|inc\.?|ltd\.?|llc|gmbh|dpa|afp|ap|reuters|ansa|efe|tass|apa|ntb|tt|pa|upi|international)\b"
    r"|\.\w{2,4}$|^the\b|^(?:for|to|in|at|from|with)\b",
    re.I,
)
NAME = re.compile(r"[^\W\d_][^\d_]*")  # of a place; what has figures in it is a time
FIRST_PARAGRAPHS = 8  # in which a byline may stand
LONGEST_BYLINE_IN_TEXT = 90  # characters
LONGEST_BYLINE = 300  # characters; more is a sentence
DATELINE_WITHIN = 160  # characters of a text in which its dateline would stand
LONGEST_DATELINE = 120


def names_in(byline: str) -> list[str]:
    """The names in a byline, without offices and agencies, as they are written.

    >>> names_in("By JANE DOE and JOHN ROE, Staff writers =")
    ['JANE DOE', 'JOHN ROE']
    """
    byline = " ".join(byline.split()).strip(" =<^.,-–—")
    if len(byline) > LONGEST_BYLINE:
        return []
    parts = [part.strip(" .:") for part in DIVIDER.split(OPENING.sub("", byline))]
    parts = [part for part in parts if part and any(map(str.isalpha, part))]
    parts = [part for part in parts if part != part.lower() or not part.isascii()]  # initials
    return [part for part in parts if not is_office(part)] or parts[:1]


def byline_in(text: str) -> list[str]:
    """The names in the byline that stands among the first paragraphs of a text, if there is one.

    >>> byline_in("* Rain in Ash\\n\\nBy Ana Ruiz\\n\\nASHFORD (CC) - Rain fell.")
    ['Ana Ruiz']
    """
    for line in text[:2000].splitlines()[: 2 * FIRST_PARAGRAPHS]:
        found = OPENING.match(line)
        if found and len(line) < LONGEST_BYLINE_IN_TEXT and line[found.end() :][:1].isupper():
            return [] if line.rstrip().endswith((".", "!", "?", ":")) else names_in(line)
    return []


def is_office(name: str) -> bool:
    """Whether a name is an office's or an agency's rather than a person's.

    >>> is_office("Staff Reporter"), is_office("Ana Ruiz")
    (True, False)
    """
    return bool(OFFICE.search(name))


def first_names(bylines: Iterable[str]) -> list[str]:
    """The names in the first byline that has any."""
    return next((names for names in map(names_in, bylines) if names), [])


def with_dateline(text: str, dateline: str) -> str:
    """Put a dateline that is kept apart before its text, unless the text begins with it already.

    >>> with_dateline("The ferry stops.", "ASHFORD, March 23 (CC)")
    'ASHFORD, March 23 (CC) – The ferry stops.'
    >>> with_dateline("ASHFORD (CC) – The ferry stops.", "Ashford")
    'ASHFORD (CC) – The ferry stops.'
    """
    dateline = " ".join(dateline.split()).strip(" -–—=<^")
    place = re.split(r"\s*[,(–—]|\s-", dateline, maxsplit=1)[0]
    if not NAME.fullmatch(place) or len(dateline) > LONGEST_DATELINE or not text:
        return text
    opening = text[:DATELINE_WITHIN]
    if _has(dateline, opening) or _has(place, opening.lstrip('(["“')[: len(place) + 1]):
        return text
    return f"{dateline} – {text}"


def _has(words: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.I))
