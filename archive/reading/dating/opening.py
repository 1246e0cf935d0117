"""Finds the day in the opening of a text, where it stands before a dash as agencies put it."""

import re
from datetime import date, timedelta

from archive.article import DateCertainty
from archive.reading.dating.dates import is_date, read_date

LONGEST = 80  # characters that are looked at
END = re.compile(r"\s*[.,:]?\s*(?:[–—]|-{1,2}\s)|:\s")
YEAR = re.compile(r"\b(?:1[4-9]|20)\d\d\b")


def day_in_opening(text: str, language: str, today: date) -> date | None:
    """The day that a text opens with, behind the name of a place or not; with its year.

    >>> str(day_in_opening("LONDON, March 23, 2024 (Wire) — Rain fell.", "en", date(2026, 1, 1)))
    '2024-03-23'
    >>> day_in_opening("March 23, 2024 was a wet day.", "en", date(2026, 1, 1)) is None
    True
    """
    opening = text[:LONGEST]
    end = END.search(opening)
    if not end or not YEAR.search(opening[: end.start()]):
        return None
    line = re.sub(r"\([^()]*\)?", " ", opening[: end.start()]).strip(" .,")
    parts = line.split(",")
    for first in range(len(parts)):
        written = ",".join(parts[first:]).strip()
        if is_date(written):
            day, _, certainty = read_date(written, language=language, today=today)
            if day is None or certainty is not DateCertainty.CERTAIN:
                return None
            return day if day <= today + timedelta(days=1) else None
    return None
