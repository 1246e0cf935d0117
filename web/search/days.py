"""The days of the page's fields: read as people type them, and ranges that are offered."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from backfile.archive.formats.dates.order import usual_order
from backfile.archive.formats.dates.parsing import read_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message
from backfile.index.asking.dates import day_range
from backfile.index.search.overview import Overview

YEARS = 2  # offered
FIELDS = ("since", "until")


def with_days(
    parameters: Mapping[str, Sequence[str]], language: str, today: date
) -> dict[str, list[str]]:
    """The parameters of a page with `since` and `until` as ISO days.

    What names no day stays as it is: reading the query then says so.
    """
    read = {name: list(values) for name, values in parameters.items()}
    for name in FIELDS:
        if typed := [value for value in read.get(name, ()) if value.strip()][-1:]:
            found = days_of(typed[0], language, today)
            first_or_last = {"since": found.first, "until": found.last} if found else {}
            read[name] = [str(first_or_last.get(name, typed[0]))]
    return read


def days_of(value: str, language: str, today: date) -> DateSpan | None:
    """The days that a text names, as it is usual in a language; None if it names none.

    >>> str(days_of("May 1, 2013", "en", date(2024, 5, 6)))
    '2013-05-01'
    >>> str(days_of("1.5.2013", "de", date(2024, 5, 6)))
    '2013-05-01'
    """
    if found := day_range(value, today):
        return DateSpan(found.first, found.last)
    if span := read_span(value, language):
        return span
    day = read_date(value, usual_order(language, ""), language=language, today=today).day
    return DateSpan(day, day) if day else None


class Preset(NamedTuple):
    """A range of days, by a name."""

    name: Message
    since: date
    until: date


def presets(overview: Overview, today: date) -> Iterator[Preset]:
    """Offer ranges in which the archive has days: relative ones, else its latest years."""
    if overview.days is None:
        return
    first, last = overview.days
    last = min(last, today)
    named = ("last week", Message("Last week")), ("last month", Message("Last month"))
    for written, name in named:
        days = day_range(written, today)
        if days and days.first <= last and first <= days.last:
            yield Preset(name, *days)
    for year in range(last.year, max(first.year, last.year - YEARS + 1) - 1, -1):
        name = Message("This year") if year == today.year else Message("%(year)s", year=str(year))
        yield Preset(name, date(year, 1, 1), date(year, 12, 31))
