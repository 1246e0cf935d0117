"""Reads bylines (the authors of a story) and datelines (its place and day)."""

import re
from collections.abc import Iterable

BYLINE_OPENING = re.compile(r"^\W*(?:by|von|par|por|door|af|av)\s*:?\s+", re.I)
DIVIDER = re.compile(r"\s*(?:;|\||/|\s(?:&|and|und|et|och|og)\s|,(?!\s*(?:jr|sr)\b))\s*", re.I)
# Words of a byline that are not a person's name.
OFFICE = re.compile(
    r"\b(?:staff|writers?|reporters?|correspondents?|editors?|columnists?|critic|bureau|desk|press|"
    r"agency|news|newspapers?|times|tribune|journal|herald|gazette|chronicle|service|"
    r"contributors?|photographs?|redaktion|korrespondent(?:in)?|agentur|agence|"
    r"database|media|network|association|foundation|institute|inc\.?|ltd\.?|llc|gmbh|dpa|afp|ap|reuters|ansa|efe|tass|apa|ntb|tt|pa|upi|international)\b"
    r"|\.\w{2,4}$|^the\b|^(?:for|to|in|at|from|with)\b",
    re.I,
)
PLACE_NAME = re.compile(r"[^\W\d_][^\d_]*")  # with digits it is a time
FIRST_PARAGRAPHS = 8  # that may contain a byline
LONGEST_BYLINE_IN_TEXT = 90  # characters
LONGEST_BYLINE = 300  # characters; a longer one is a sentence
DATELINE_WITHIN = 160  # characters at a text's beginning that may contain its dateline
LONGEST_DATELINE = 120


def names_in(byline: str) -> list[str]:
    """The names in a byline as written, without offices and agencies.

    >>> names_in("By JANE DOE and JOHN ROE, Staff writers =")
    ['JANE DOE', 'JOHN ROE']
    """
    byline = " ".join(byline.split()).strip(" =<^.,-–—")
    if len(byline) > LONGEST_BYLINE:
        return []
    parts = [part.strip(" .:") for part in DIVIDER.split(BYLINE_OPENING.sub("", byline))]
    parts = [part for part in parts if part and any(map(str.isalpha, part))]
    parts = [part for part in parts if part != part.lower() or not part.isascii()]  # initials
    return [part for part in parts if not is_office(part)] or parts[:1]


def byline_in(text: str) -> list[str]:
    """The names in a byline among the first paragraphs of a text; empty if there is none.

    >>> byline_in("* Rain in Ash\\n\\nBy Ana Ruiz\\n\\nASHFORD (CC) - Rain fell.")
    ['Ana Ruiz']
    """
    for line in text[:2000].splitlines()[: 2 * FIRST_PARAGRAPHS]:
        found = BYLINE_OPENING.match(line)
        if found and len(line) < LONGEST_BYLINE_IN_TEXT and line[found.end() :][:1].isupper():
            return [] if line.rstrip().endswith((".", "!", "?", ":")) else names_in(line)
    return []


def is_office(name: str) -> bool:
    """Whether a name is that of an office or an agency, not of a person.

    >>> is_office("Staff Reporter"), is_office("Ana Ruiz")
    (True, False)
    """
    return bool(OFFICE.search(name))


def first_names(bylines: Iterable[str]) -> list[str]:
    """The names in the first byline with a name."""
    return next((names for names in map(names_in, bylines) if names), [])


def with_dateline(text: str, dateline: str) -> str:
    """Put a separate dateline before its text, unless the text begins with it.

    >>> with_dateline("The ferry stops.", "ASHFORD, March 23 (CC)")
    'ASHFORD, March 23 (CC) – The ferry stops.'
    >>> with_dateline("ASHFORD (CC) – The ferry stops.", "Ashford")
    'ASHFORD (CC) – The ferry stops.'
    """
    dateline = " ".join(dateline.split()).strip(" -–—=<^")
    place = re.split(r"\s*[,(–—]|\s-", dateline, maxsplit=1)[0]
    if not PLACE_NAME.fullmatch(place) or len(dateline) > LONGEST_DATELINE or not text:
        return text
    opening = text[:DATELINE_WITHIN]
    if _has(dateline, opening) or _has(place, opening.lstrip('(["“')[: len(place) + 1]):
        return text
    return f"{dateline} – {text}"


def _has(words: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.I))
