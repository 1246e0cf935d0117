"""Parses written dates: the calendar day, and the instant if there is a time of day with a zone."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

from backfile.archive.formats.dates.calendar import (
    NO_DATE,
    NO_DAY,
    ParsedDate,
    day_of,
    is_placeholder,
)
from backfile.archive.formats.dates.figures import day_of_number, days_in_figures
from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.dates.words import days_in_words, is_calendar_word
from backfile.archive.model.article import DateCertainty

TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})[:h](\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?!\d)"
    r"\s*(?:([AaPp])\.?\s?[Mm]\b\.?)?\s*"
    r"(?:\b(Z|UTC?|GMT|[ECMP][SD]T)\b)?\s*(?:\(?(?:UTC|GMT)?([+-]\d\d):?(\d\d)\b)?"
    r"(?:[A-Z]{3,5}(?=\s\d{4}\b))?"  # another zone, before the year, as in a Unix date
)
# Hours without minutes give no instant; they are removed before the date is read.
HOUR = re.compile(r"\b\d{1,2}(?:\.\d\d)?\s*(?:[ap]\.?\s?m\b\.?|uhr\b|h\b)", re.I)
MAIL_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TimeOfDay(NamedTuple):
    """A time of day, and its zone as in mail, or an empty zone."""

    time: str
    zone: str

    def on(self, day: date) -> datetime | None:
        """The instant on a day; None if the zone is empty or its offset is unknown.

        Mail has offsets for American zones and Greenwich: RFC 5322, section 4.3.
        """
        written = f"{day.day} {MAIL_MONTHS[day.month - 1]} {day.year} {self.time} {self.zone}"
        try:
            instant = parsedate_to_datetime(written)
        except (ValueError, IndexError, OverflowError):
            return None
        return instant if self.zone and instant.tzinfo else None


def time_of_day_in(value: str) -> tuple[TimeOfDay | None, str]:
    """The time of day in a text, and the text without it and without other hours.

    >>> time_of_day_in("Sat March 23, 2024 4:05 p.m. EDT")
    (TimeOfDay(time='16:05:00', zone='EDT'), 'Sat March 23, 2024  ')
    """
    found = TIME.search(value)
    if not found:
        return None, HOUR.sub(" ", value)
    hour, minute, second, half, zone, hours, minutes = found.groups()
    o_clock = int(hour) % 12 + 12 * (half in "Pp") if half else int(hour)
    time = f"{o_clock:02d}:{int(minute):02d}:{int(second or 0):02d}"
    offset = f"{hours}{minutes}" if hours else zone or ""
    return TimeOfDay(time, offset), HOUR.sub(" ", TIME.sub(" ", value))


LONGEST = 120  # characters; a longer value is not a date
ISO = re.compile(r"\d{4}-?(?:\d\d-?\d\d|W\d\d-?[1-7])(?:$|[T ]\d\d)")
LONGEST_LINE, MOST_WORDS = 60, 6  # of a line with a date alone
DATE_WORD = re.compile(r"[^\W\d_]+\.?")
NUMBER = re.compile(r"-?\d{1,19}(?:\.\d{1,9})?")


def parse_date(value: str) -> ParsedDate | None:
    """Parse a date in any of the usual notations; None if there is no day.

    The day is the written one: an offset belongs to the instant, and never moves the day.

    >>> parse_date("2023-11-04T23:40:00-05:00").day.isoformat()
    '2023-11-04'
    >>> parse_date("March 2024") is None
    True
    """
    found = read_date(value)
    return found if found.day else None


def read_date(
    value: str,
    order: DateOrder = DateOrder.MONTH_FIRST,
    *,
    order_given: bool = False,
    language: str = "",
    today: date | None = None,
) -> ParsedDate:
    """Parse a date; `order` settles an ambiguous one, as an assumption unless `order_given`.

    Of several dates, the earliest is the result, as LIKELY: published before updated, from before
    to.

    >>> read_date("4/11/2023", DateOrder.DAY_FIRST).day.isoformat()
    '2023-11-04'
    """
    value = value.strip()
    if not value or len(value) > LONGEST:
        return NO_DATE
    return _read(value, order, order_given, language, today or datetime.now(UTC).date())


def is_date(line: str) -> bool:
    """Whether a line is a date alone; a number alone is not a date.

    >>> is_date("Published: Saturday, March 23, 2024"), is_date("The fire of March 23, 2024")
    (True, False)
    """
    if len(line) > LONGEST_LINE or NUMBER.fullmatch(line.strip()) or parse_date(line) is None:
        return False
    words = DATE_WORD.findall(time_of_day_in(line)[1])
    return len(words) <= MOST_WORDS and all(is_calendar_word(word) for word in words)


@lru_cache(maxsize=4096)
def _read(
    value: str, order: DateOrder, order_given: bool, language: str, today: date
) -> ParsedDate:
    if NUMBER.fullmatch(value):
        return day_of_number(value)
    if ISO.match(value):
        try:
            return _of_iso(datetime.fromisoformat(value))
        except ValueError:
            pass  # not valid ISO, or not in the calendar
    clock, rest = time_of_day_in(value)
    found = [
        *days_in_figures(rest, order, order_given, today),
        *days_in_words(rest, language, today),
    ]
    days = {each.day for each in found if each.day}
    if not days:
        return NO_DAY if found else NO_DATE
    if len(days) > 1:
        return ParsedDate(min(days), None, DateCertainty.LIKELY)
    best = next(each for each in found if each.day)
    return best._replace(instant=clock.on(best.day)) if clock and best.day else best


def _of_iso(written: datetime) -> ParsedDate:
    day = day_of(written.year, written.month, written.day)
    if day is None or is_placeholder(written):
        return NO_DAY
    return ParsedDate(day, written if written.tzinfo else None)
