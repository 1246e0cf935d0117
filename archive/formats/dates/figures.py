"""Reads dates in figures: 2024-03-23, 23.3.2024, 3/23/24, 20240323, 1711209600."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from backfile.archive.formats.dates.calendar import (
    NO_DATE,
    NO_DAY,
    PLACEHOLDERS,
    ParsedDate,
    day_in_century,
    day_of,
    parsed_day,
)
from backfile.archive.formats.dates.order import DateOrder

NUMERIC_DATE = re.compile(
    r"(?<!\d)(?<!\d[/.-])(\d{4}|\d{1,2})\s?([/.-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{1,2})(?![/.-]?\d)"
)
EASTERN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})")  # 2024年3月23日
# A time of day only where the number cannot be a count of milliseconds.
COMPACT = re.compile(r"(?=\d{8}$|(?:19|20)\d{10}(?:\d\d)?$)(\d{4})(\d\d)(\d\d)\d*")
SHORTEST_EPOCH = 9  # digits: from 1973 on
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Larger counts are milliseconds, microseconds and so on: as seconds they would be after 5138.
FIRST_THOUSANDTHS = 1e11


def days_in_figures(
    value: str, order: DateOrder, order_given: bool, today: date
) -> Iterator[ParsedDate]:
    """Find the dates in a text; one that the calendar does not have is NO_DAY."""
    for match in EASTERN.finditer(value):
        yield _parsed_day(day_of(int(match[1]), int(match[2]), int(match[3])))
    for match in NUMERIC_DATE.finditer(value):
        first, mark, second, third = match.groups()
        if len(first) == 4:
            yield _parsed_day(day_of(int(first), int(second), int(third)))
        elif len(third) > 1:
            yield _ordered(
                (first, second, third), mark, order, order_given=order_given, today=today
            )


def day_of_number(value: str) -> ParsedDate:
    """Read a number: 20240323, 20240323160500, or the time since 1970.

    >>> day_of_number("20240323").day == day_of_number("1711209600000").day
    True
    """
    compact = COMPACT.fullmatch(value)
    day = day_of(*(int(part) for part in compact.groups())) if compact else None
    if day:
        return _parsed_day(day)
    if not float(value):
        return NO_DAY  # 1970 is a placeholder
    count = abs(float(value))
    if count < 10 ** (SHORTEST_EPOCH - 1):
        return NO_DAY if compact else NO_DATE
    while count >= FIRST_THOUSANDTHS:
        count /= 1000
    try:
        instant = EPOCH + timedelta(seconds=-count if value.startswith("-") else count)
    except OverflowError:
        return NO_DAY
    day = day_of(instant.year, instant.month, instant.day)
    return ParsedDate(day, instant) if day else NO_DAY


def _ordered(
    figures: tuple[str, str, str], mark: str, order: DateOrder, *, order_given: bool, today: date
) -> ParsedDate:
    """Make a date of three figures in an order, which is an assumption unless `order_given`.

    Dots between them mean that the day comes first, in every country that writes dots.
    """
    first, second, third = figures
    ways = {
        DateOrder.DAY_FIRST: day_in_century(third, int(second), int(first), today),
        DateOrder.MONTH_FIRST: day_in_century(third, int(first), int(second), today),
    }
    if len(third) == 2 and (order is DateOrder.YEAR_FIRST or int(first) > 31):
        ways[DateOrder.YEAR_FIRST] = day_in_century(first, int(second), int(third), today)
    days = {way: day for way, day in ways.items() if day}
    if not days:
        return NO_DAY
    dotted = mark == "." and not order_given
    day = days.get(DateOrder.DAY_FIRST if dotted else order) or next(iter(days.values()))
    settled = dotted or (order_given and order in days) or len(set(days.values())) == 1
    return _parsed_day(day, sure=settled and len(third) == 4)


def _parsed_day(day: date | None, *, sure: bool = True) -> ParsedDate:
    return NO_DAY if day in PLACEHOLDERS else parsed_day(day, sure=sure)
