"""Reads the days that people type into the page's fields: May 1, 2013; 1.5.2013; last week."""

from collections.abc import Mapping, Sequence
from datetime import date

from backfile.archive.formats.dates.order import usual_order
from backfile.archive.formats.dates.parsing import read_date
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.model.dates import DateSpan
from backfile.index.asking.dates import day_range

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
