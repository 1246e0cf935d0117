"""Reads the calendar day (and the instant, where there is one) that a source wrote."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

ISO_DAY = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
COMPACT_DAY = re.compile(r"\s*(\d{4})(\d{2})(\d{2})(?:T\d{4,6}(?:Z|[+-]\d{2}:?\d{2})?)?\s*$")
DOTTED_DAY = re.compile(r"\d{1,2}\.\s*\d{1,2}\.\s*\d{4}\b")  # day first wherever it is in use
EPOCH = re.compile(r"\s*\d{9,13}(?:\.\d+)?\s*$")
EARLIEST_YEAR = 1400  # before the first printed news; anything earlier is a mistake


class Dated(NamedTuple):
    """A calendar day as the source wrote it, and the instant if it names one unmistakably."""

    day: date
    instant: datetime | None


def parse_date(value: str) -> Dated | None:
    """Read a date in any of the usual notations; None if it names no single day.

    The day is the one that is written: an offset makes the instant, and never moves the day.

    >>> parse_date("2023-11-04T23:40:00-05:00").day.isoformat()
    '2023-11-04'
    >>> parse_date("March 2024") is None
    True
    """
    dated = _parse(value.strip())
    return dated if dated and dated.day.year >= EARLIEST_YEAR else None


@lru_cache(maxsize=4096)
def _parse(value: str) -> Dated | None:
    if not value or len(value) > 100:
        return None
    if match := ISO_DAY.match(value) or COMPACT_DAY.match(value):
        return _from_parts(match, value)
    if EPOCH.match(value):
        return _from_epoch(float(value))
    return _from_mail(value) or _from_words(value)


def _from_parts(match: re.Match[str], value: str) -> Dated | None:
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:
        return None
    try:
        written = datetime.fromisoformat(value)
    except ValueError:
        return Dated(day, None)
    return Dated(day, written if written.tzinfo else None)


def _from_epoch(seconds: float) -> Dated:
    if seconds >= 1e11:  # milliseconds, as JavaScript counts
        seconds /= 1000
    instant = datetime.fromtimestamp(seconds, UTC)
    return Dated(instant.date(), instant)


def _from_mail(value: str) -> Dated | None:
    try:
        written = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    return Dated(written.date(), written if written.tzinfo else None)


def _from_words(value: str) -> Dated | None:
    import dateparser  # 0.1 s to import, and most archives write ISO dates

    if not re.search(r"\d", value):
        return None  # "yesterday" is a day only on the day it was written
    options: dict[str, Any] = {"STRICT_PARSING": True}
    if DOTTED_DAY.match(value):
        options["DATE_ORDER"] = "DMY"
    try:
        written = dateparser.parse(value, settings=options)
    except (ValueError, OverflowError, RecursionError):
        return None
    if written is None or not re.search(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}", value):
        return None  # "3 days ago" has digits too, and no date
    return Dated(written.date(), written if written.tzinfo else None)
