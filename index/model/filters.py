"""The filters of a query: days, and facet values to include or exclude."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message

DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
LEAP_YEAR = 2000  # it has all 366 days of a year
DAY_OF_YEAR = re.compile(r"(\d{1,2})-(\d{1,2})")


class DateFilter(StrEnum):
    """Which articles pass by their date: all, or the undated ones only.

    With WITHIN, a month, year or interval lies between `since` and `until` as a whole; else it has
    at least one day of theirs.
    """

    ANY = "any"
    NONE = "none"
    WITHIN = "within"


class DayOfYear(NamedTuple):
    """A month and a day, in any year; 29 February matches in leap years."""

    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.month:02d}-{self.day:02d}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on the columns of an article; the default values filter nothing.

    `since` and `until` are inclusive; only articles dated by a day pass `day`. An article
    passes a facet if it has one of the listed values, and none of the values listed with `not_`.
    """

    since: date | None = None
    until: date | None = None
    source: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    organisation: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    date: DateFilter = DateFilter.ANY
    day: DayOfYear | None = None
    not_source: tuple[str, ...] = ()
    not_section: tuple[str, ...] = ()
    not_language: tuple[str, ...] = ()
    not_author: tuple[str, ...] = ()
    not_person: tuple[str, ...] = ()
    not_organisation: tuple[str, ...] = ()
    not_place: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Filters()

    def values(self) -> list[tuple[str, str]]:
        """The names and values of all facets to include or exclude, facet by facet."""
        pairs = [pair for facet in EXCLUSIONS.items() for pair in facet]
        return [(name, value) for name in pairs for value in getattr(self, name)]


FACETS = ("source", "section", "language", "author", "person", "organisation", "place")
EXCLUSIONS = {name: f"not_{name}" for name in FACETS}
FACET_FILTERS = (*FACETS, *EXCLUSIONS.values())
"""Repeatable URL parameters, which are also fields of Filters."""


def parse_day(name: str, value: str, *, end: bool) -> date | None:
    """Read `2024-03-23`, `2024-03` or `2024`; a month or year means its first or last day.

    Returns None for an empty value; raises BadQuery.

    >>> parse_day("until", "2024-02", end=True)
    datetime.date(2024, 2, 29)
    """
    if not value:
        return None
    match = DAY.fullmatch(value)
    if not match:
        reason = Message(
            "%(value)s is not a day such as 2024-03-23, a month or a year", value=repr(value)
        )
        raise BadQuery(name, reason)
    year, month, day = int(match[1]), match[2], match[3]
    try:
        if day:
            return date(year, int(month), int(day))
        number = int(month) if month else (12 if end else 1)
        return date(year, number, calendar.monthrange(year, number)[1] if end else 1)
    except ValueError as exc:  # calendar.IllegalMonthError is one too
        raise _no_day(name, value) from exc


def parse_day_of_year(name: str, value: str) -> DayOfYear | None:
    """Read `03-23`, a month and a day; None for an empty value. Raises BadQuery.

    >>> parse_day_of_year("day", "2-29")
    DayOfYear(month=2, day=29)
    """
    if not value:
        return None
    match = DAY_OF_YEAR.fullmatch(value)
    if not match:
        reason = Message("%(value)s is not a month and a day such as 03-23", value=repr(value))
        raise BadQuery(name, reason)
    try:
        day = date(LEAP_YEAR, int(match[1]), int(match[2]))
    except ValueError as exc:
        raise _no_day(name, value) from exc
    return DayOfYear(day.month, day.day)


def _no_day(name: str, value: str) -> BadQuery:
    return BadQuery(name, Message("%(value)s is not in the calendar", value=repr(value)))
