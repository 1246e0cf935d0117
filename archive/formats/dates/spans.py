"""Reads dates without a day, or with several: May 2024, 2024-05, March–April 2024, 1998-2001."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self

from backfile.archive.formats.dates.calendar import EARLIEST_YEAR, LATEST_YEAR
from backfile.archive.formats.dates.words import (
    BETWEEN,
    LABELS,
    TOKEN,
    folded,
    is_weekday,
    month_of,
)
from backfile.archive.model.dates import DateSpan

LONGEST = 60  # characters; a longer value is no such date
# Spreadsheets and dataframes write a year as 2024.0, MySQL an unknown day or month as 00.
YEAR = re.compile(r"(\d{4})(?:\.0|-00-00)?", re.ASCII)
MONTH_LAST = re.compile(
    r"(\d{4})(?:[-./](\d\d?)|-(\d\d)-00|\s*[年년]\s*(\d\d?)\s*[月월])", re.ASCII
)
MONTH_FIRST = re.compile(r"(\d\d?)[-./](\d{4})", re.ASCII)
YEARS = re.compile(r"(\d{4})\s*[-–—/]\s*(\d{4})", re.ASCII)
JOINER = re.compile(
    r"\s*[-–—/&]\s*|\s+(?:to|and|until|bis|und|à|au|et|a|al|y|e|en|tot|och|og|till|do|i)\s+", re.I
)


@lru_cache(maxsize=4096)
def read_span(value: str, language: str = "") -> DateSpan | None:
    """Read a month, a year or an interval; None for a day, and for all else.

    >>> str(read_span("May 2024")), str(read_span("März–April 2024")), str(read_span("1998-2001"))
    ('2024-05', '2024-03/2024-04', '1998/2001')
    >>> read_span("23 March 2024") is None
    True
    """
    value = value.strip()
    if not value or len(value) > LONGEST:
        return None
    try:
        found = _in_figures(value) or _in_words(value, language)
    except ValueError:  # not in the calendar, or reversed
        return None
    if found is None or found.is_day:
        return None
    return found if EARLIEST_YEAR <= found.first.year <= found.last.year <= LATEST_YEAR else None


def _in_figures(value: str) -> DateSpan | None:
    if found := YEAR.fullmatch(value):
        return DateSpan.of(int(found[1]))
    if found := YEARS.fullmatch(value):
        return DateSpan(DateSpan.of(int(found[1])).first, DateSpan.of(int(found[2])).last)
    if found := MONTH_FIRST.fullmatch(value):
        return DateSpan.of(int(found[2]), int(found[1]))
    if found := MONTH_LAST.fullmatch(value):
        return DateSpan.of(int(found[1]), int(found[2] or found[3] or found[4]))
    return DateSpan.parse(value) if "/" in value and value[:4].isdigit() else None


class _Fields(NamedTuple):
    """Year, month and day of a date, as far as they are written."""

    year: int | None
    month: int | None
    day: int | None

    @classmethod
    def read(cls, text: str, language: str) -> Self | None:
        """Read them in any order; None if anything else is there, or one of them twice."""
        found: dict[str, int] = {}
        for token in TOKEN.findall(text):
            name, number = _field(token, language)
            if number is None or name in found:
                return None
            if name:
                found[name] = number
        return cls(found.get("year"), found.get("month"), found.get("day"))

    def span(self) -> DateSpan | None:
        if self.year is None or (self.day and not self.month):
            return None
        known = (each for each in (self.month, self.day) if each)
        return DateSpan.of(self.year, *known)


def _field(token: str, language: str) -> tuple[str, int | None]:
    """The field that a word or a figure is, and its number; without a name if it is none."""
    if token[0].isdecimal():
        name = {1: "day", 2: "day", 4: "year"}.get(len(token), "")
        return name, int(token) if name else None
    if month := month_of(token, language):
        return "month", month
    word = folded(token)
    return "", 0 if word in BETWEEN or word in LABELS or is_weekday(word) else None


def _in_words(value: str, language: str) -> DateSpan | None:
    """Read one date, or two of which either may lack what the other has: 23–25 March 2024."""
    sides = [_Fields.read(side, language) for side in JOINER.split(value)]
    known = [side for side in sides if side]
    if len(known) != len(sides) or not any(side.month for side in known):
        return None
    match known:
        case [only]:
            return only.span()
        case [first, last]:
            return _between(first, last)
    return None


def _between(first: _Fields, last: _Fields) -> DateSpan | None:
    if (first.day is None) != (last.day is None):
        return None
    if first.day:
        first = first._replace(month=first.month or last.month)
        last = last._replace(month=last.month or first.month)
    first = first._replace(year=first.year or last.year)
    ends: Sequence[DateSpan | None] = (first.span(), last.span())
    if not ends[0] or not ends[1] or (first.month is None) != (last.month is None):
        return None
    return DateSpan(ends[0].first, ends[1].last)
