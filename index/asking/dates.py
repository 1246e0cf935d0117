"""Reads the days a query's text names: before:2024-03, after:"last week", on:yesterday."""

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


class Period(NamedTuple):
    """Calendar days, both ends included."""

    first: date
    last: date


class Condition(NamedTuple):
    """What was typed of days, and the days it leaves; None where that end is open."""

    text: str
    since: date | None
    until: date | None


class Dated(NamedTuple):
    """A text without the days it names, those days, and a note for each that was misread."""

    text: str
    conditions: tuple[Condition, ...] = ()
    notes: tuple[Message, ...] = ()


def take_days(text: str, today: date) -> Dated:
    """Take the days out of a query's text; what is no day stays in it, as words.

    >>> take_days("ferry before:2024-03", date(2024, 5, 6)).conditions[0].until
    datetime.date(2024, 2, 29)
    """
    kept, last = "", 0
    conditions, notes = [], []
    marks = text.translate(QUOTATION_MARKS)
    for found, depth in _named(marks):
        before, after = kept + marks[last : found.start()], marks[found.end() :]
        condition = _condition(found, today)
        alternative = ALTERNATIVE_BEFORE.search(before) or ALTERNATIVE_AFTER.match(after)
        last = found.end()
        if condition is None or depth or alternative:
            kept = f"{before}{found['name']} {found['value']}"
            notes.append(_misread(found.group(), names_a_day=condition is not None))
            continue
        conditions.append(condition)
        kept, joined = JOINED_BEFORE.subn(" ", before)
        if not joined and (operator := JOINED_AFTER.match(after)):
            last += operator.end()
    if not conditions and not notes:
        return Dated(text)
    return Dated(" ".join((kept + marks[last:]).split()), tuple(conditions), tuple(notes))


def narrowed(filters: Filters, conditions: tuple[Condition, ...]) -> Filters:
    """Narrow filters to the days of all conditions; none may be left."""
    since = [day for day in (filters.since, *(c.since for c in conditions)) if day]
    until = [day for day in (filters.until, *(c.until for c in conditions)) if day]
    return replace(filters, since=max(since, default=None), until=min(until, default=None))


def period_of(value: str, today: date) -> Period | None:
    """Read a day, a month, a year, or one that is told from today; None if it is none.

    >>> period_of("last month", date(2024, 3, 31))
    Period(first=datetime.date(2024, 2, 1), last=datetime.date(2024, 2, 29))
    """
    match " ".join(value.casefold().split()):
        case "today":
            return Period(today, today)
        case "yesterday":
            return _days_before(today, 1)
        case "last week":  # from Monday to Sunday
            return _days_before(today - timedelta(today.weekday()), 7)
        case "last month":
            end = today.replace(day=1) - timedelta(1)
            return Period(end.replace(day=1), end)
        case "last year":
            return Period(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    try:
        first, last = (parse_day("q", value.strip(), end=end) for end in (False, True))
    except BadQuery:
        return None
    return Period(first, last) if first and last else None


def _named(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Find what may name days, outside of phrases, and how deep in parentheses it stands."""
    depth = last = 0
    for found in CONDITION.finditer(text):
        between = text[last : found.start()]
        depth += between.count("(") - between.count(")")
        last = found.end()
        if found["name"]:
            yield found, max(0, depth)


def _condition(found: re.Match[str], today: date) -> Condition | None:
    period = period_of(found["value"].strip('"'), today)
    if period is None:
        return None
    try:
        match found["name"].casefold():
            case "before":
                return Condition(found.group(), None, period.first - timedelta(1))
            case "after":
                return Condition(found.group(), period.last + timedelta(1), None)
    except OverflowError:  # there is no day before the first year, none after the last
        return None
    return Condition(found.group(), *period)


def _misread(typed: str, *, names_a_day: bool) -> Message:
    if not names_a_day:
        return Message("%(typed)s names no day: read as words", typed=typed)
    return Message("%(typed)s narrows the whole search only: read as words", typed=typed)


def _days_before(day: date, count: int) -> Period:
    return Period(day - timedelta(count), day - timedelta(1))
