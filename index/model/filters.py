"""The filters of a query: days, and facet values to include or exclude."""

import calendar
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, NamedTuple, Self

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.arrays import Rows

DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
# A plus sign that was not encoded in an address is a space there.
INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+ -]\d\d:?\d\d)?", re.ASCII
)
LEAP_YEAR = 2000  # it has all 366 days of a year
DAY_OF_YEAR = re.compile(r"(\d{1,2})-(\d{1,2})")

Moment = date
"""A day, or an instant: a datetime is a date."""


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
class Members:
    """The articles of a collection in one version, by number, which no other version ever has."""

    version: int
    numbers: Rows = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on the columns of an article; the default values filter nothing.

    `since` and `until` are inclusive; only articles dated by a day pass `day`. An article
    passes a facet if it has one of the listed values, and none of the values listed with `not_`.
    `added_since` is an instant in UTC, or the beginning of a day in the time zone of this machine.
    `members` are the articles of `collection` once a search has looked them up.
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
    collection: str = ""
    added_since: Moment | None = None
    members: Members | None = None

    def __bool__(self) -> bool:
        return self != Filters()

    def values(self) -> list[tuple[str, str]]:
        """The names and values of all facets to include or exclude, facet by facet."""
        pairs = [pair for facet in EXCLUSIONS.items() for pair in facet]
        return [(name, value) for name in pairs for value in getattr(self, name)]

    @property
    def filtered_facets(self) -> tuple[str, ...]:
        """The facets of which a value is included or excluded."""
        return tuple(
            facet
            for facet, excluded in EXCLUSIONS.items()
            if getattr(self, facet) or getattr(self, excluded)
        )

    def without(self, facet: str) -> Self:
        """The same filters but for the values of a facet, included or excluded."""
        unfiltered: dict[str, Any] = {facet: (), EXCLUSIONS[facet]: ()}
        return replace(self, **unfiltered)


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
            "%(value)s is no date: write a day (2024-03-23), a month (2024-03) or a year",
            value=repr(value),
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


def parse_instant(name: str, value: str) -> Moment | None:
    """Read a day as `parse_day` does, or an instant (ISO 8601), to the millisecond in UTC.

    Without an offset, it is in the time zone of this machine. Raises BadQuery.

    >>> parse_instant("added_since", "2024-03-23T10:00:00.5+01:00")
    datetime.datetime(2024, 3, 23, 9, 0, 0, 500000, tzinfo=datetime.timezone.utc)
    """
    if not INSTANT.fullmatch(value):
        return parse_day(name, value, end=False)
    try:
        found = datetime.fromisoformat(value.replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise _no_day(name, value) from exc
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def written_instant(value: Moment) -> str:
    """Write a day, or an instant, as `parse_instant` reads it.

    >>> written_instant(datetime(2024, 3, 23, 9, tzinfo=UTC)), written_instant(date(2024, 3, 23))
    ('2024-03-23T09:00:00Z', '2024-03-23')
    """
    if not isinstance(value, datetime):
        return value.isoformat()
    spec = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def milliseconds_of(value: Moment) -> int:
    """An instant, or the beginning of a day on this machine, in milliseconds since 1970.

    >>> milliseconds_of(datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=UTC))
    1500
    """
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    try:
        return round(value.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):  # in the year 1 or 9999, a zone leads beyond it
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)


def instant_of(milliseconds: int) -> datetime:
    """The instant in UTC of milliseconds since 1970.

    >>> instant_of(1500).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(
        microsecond=milliseconds % 1000 * 1000
    )


def _no_day(name: str, value: str) -> BadQuery:
    return BadQuery(name, Message("%(value)s is not in the calendar", value=repr(value)))
