"""Reads the date conditions in a query's text: before:2024-03, after:"last week"."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.lexical.query_parser.preprocess import QUOTATION_MARKS
from backfile.index.model.filters import Filters, parse_day

CONDITION = re.compile(
    r'"[^"]*"|(?<![^\s(-])(?P<name>before|after|on):(?P<value>"[^"]*"|[^\s"()]+)', re.IGNORECASE
)
JOINED_BEFORE = re.compile(r"(?:^|\s)AND\s+$")
JOINED_AFTER = re.compile(r"^\s+AND(?=\s)")
ALTERNATIVE_BEFORE = re.compile(r"(?:^|[\s(])(?:OR|NOT)\s+$|-$")
ALTERNATIVE_AFTER = re.compile(r"^\s+OR(?=\s)")
NO_DAY = Message("the days that are asked for leave none")


class DayRange(NamedTuple):
    """A range of calendar days, both ends included."""

    first: date
    last: date


class Condition(NamedTuple):
    """A date condition as it was typed, and its first and last day; None for an open end."""

    text: str
    since: date | None
    until: date | None


class DatedText(NamedTuple):
    """A text without its date conditions, the conditions, and notes about those read as words."""

    text: str
    conditions: tuple[Condition, ...] = ()
    notes: tuple[Message, ...] = ()


def take_days(text: str, today: date) -> DatedText:
    """Remove the date conditions from a query's text; invalid ones stay in it, as words.

    >>> take_days("ferry before:2024-03", date(2024, 5, 6)).conditions[0].until
    datetime.date(2024, 2, 29)
    """
    rest, last = "", 0
    conditions, notes = [], []
    marks = text.translate(QUOTATION_MARKS)
    for found, depth in _named(marks):
        before, after = rest + marks[last : found.start()], marks[found.end() :]
        condition = _condition(found, today)
        alternative = ALTERNATIVE_BEFORE.search(before) or ALTERNATIVE_AFTER.match(after)
        last = found.end()
        if condition is None or depth or alternative:
            rest = f"{before}{found['name']} {found['value']}"
            notes.append(_misread(found.group(), names_a_day=condition is not None))
            continue
        conditions.append(condition)
        rest, joined = JOINED_BEFORE.subn(" ", before)
        if not joined and (operator := JOINED_AFTER.match(after)):
            last += operator.end()
    if not conditions and not notes:
        return DatedText(text)
    return DatedText(" ".join((rest + marks[last:]).split()), tuple(conditions), tuple(notes))


def narrowed(filters: Filters, conditions: tuple[Condition, ...]) -> Filters:
    """Narrow filters to the days of all conditions; `since` may then be after `until`."""
    since = [day for day in (filters.since, *(c.since for c in conditions)) if day]
    until = [day for day in (filters.until, *(c.until for c in conditions)) if day]
    return replace(filters, since=max(since, default=None), until=min(until, default=None))


def day_range(value: str, today: date) -> DayRange | None:
    """Read a day, a month, a year, or a range relative to `today`; None for any other text.

    >>> day_range("last month", date(2024, 3, 31))
    DayRange(first=datetime.date(2024, 2, 1), last=datetime.date(2024, 2, 29))
    """
    match " ".join(value.casefold().split()):
        case "today":
            return DayRange(today, today)
        case "yesterday":
            return _days_before(today, 1)
        case "last week":  # from Monday to Sunday
            return _days_before(today - timedelta(today.weekday()), 7)
        case "last month":
            end = today.replace(day=1) - timedelta(1)
            return DayRange(end.replace(day=1), end)
        case "last year":
            return DayRange(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    try:
        first, last = (parse_day("q", value.strip(), end=end) for end in (False, True))
    except BadQuery:
        return None
    return DayRange(first, last) if first and last else None


def _named(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Iterate over the conditions outside of phrases, with their depth in parentheses."""
    depth = last = 0
    for found in CONDITION.finditer(text):
        between = text[last : found.start()]
        depth += between.count("(") - between.count(")")
        last = found.end()
        if found["name"]:
            yield found, max(0, depth)


def _condition(found: re.Match[str], today: date) -> Condition | None:
    period = day_range(found["value"].strip('"'), today)
    if period is None:
        return None
    try:
        match found["name"].casefold():
            case "before":
                return Condition(found.group(), None, period.first - timedelta(1))
            case "after":
                return Condition(found.group(), period.last + timedelta(1), None)
    except OverflowError:  # before 0001-01-01 or after 9999-12-31
        return None
    return Condition(found.group(), *period)


def _misread(typed: str, *, names_a_day: bool) -> Message:
    if not names_a_day:
        return Message("%(typed)s names no day: read as words", typed=typed)
    return Message("%(typed)s narrows the whole search only: read as words", typed=typed)


def _days_before(day: date, count: int) -> DayRange:
    return DayRange(day - timedelta(count), day - timedelta(1))
