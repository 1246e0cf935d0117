"""Reads the calendar day that a source wrote, and the instant where a time stands beside it."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

from backfile.archive.formats.dates.calendar import NO_DATE, NO_DAY, Dated, day_of, is_placeholder
from backfile.archive.formats.dates.figures import day_of_number, days_in_figures
from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.dates.words import days_in_words, is_calendar_word
from backfile.archive.model.article import DateCertainty

TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})[:h](\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?!\d)"
    r"\s*(?:([AaPp])\.?\s?[Mm]\b\.?)?\s*"
    r"(?:\b(Z|UTC?|GMT|[ECMP][SD]T)\b)?\s*(?:\(?(?:UTC|GMT)?([+-]\d\d):?(\d\d)\b)?"
    r"(?:[A-Z]{3,5}(?=\s\d{4}\b))?"  # another zone, as it stands before the year in a Unix date
)
# Hours alone say nothing of the instant; they are only in the way of the date.
HOUR = re.compile(r"\b\d{1,2}(?:\.\d\d)?\s*(?:[ap]\.?\s?m\b\.?|uhr\b|h\b)", re.I)
MAIL_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Clock(NamedTuple):
    """A time of day, and its zone as mail writes it, or nothing."""

    time: str
    zone: str

    def on(self, day: date) -> datetime | None:
        """The instant on a day; None where the zone is none, or its offset is not known.

        Mail knows the offsets of America's zones and of Greenwich: RFC 5322, section 4.3.
        """
        written = f"{day.day} {MAIL_MONTHS[day.month - 1]} {day.year} {self.time} {self.zone}"
        try:
            instant = parsedate_to_datetime(written)
        except (ValueError, IndexError, OverflowError):
            return None
        return instant if self.zone and instant.tzinfo else None


def clock_in(value: str) -> tuple[Clock | None, str]:
    """The time of day in a text, and the text without it and other hours.

    >>> clock_in("Sat March 23, 2024 4:05 p.m. EDT")
    (Clock(time='16:05:00', zone='EDT'), 'Sat March 23, 2024  ')
    """
    found = TIME.search(value)
    if not found:
        return None, HOUR.sub(" ", value)
    hour, minute, second, half, zone, hours, minutes = found.groups()
    o_clock = int(hour) % 12 + 12 * (half in "Pp") if half else int(hour)
    time = f"{o_clock:02d}:{int(minute):02d}:{int(second or 0):02d}"
    offset = f"{hours}{minutes}" if hours else zone or ""
    return Clock(time, offset), HOUR.sub(" ", TIME.sub(" ", value))


LONGEST = 120  # characters; a longer value is a text
ISO = re.compile(r"\d{4}-?(?:\d\d-?\d\d|W\d\d-?[1-7])(?:$|[T ]\d\d)")
LONGEST_LINE, MOST_WORDS = 60, 6  # of a line that is nothing but a date
WORD = re.compile(r"[^\W\d_]+\.?")
NUMBER = re.compile(r"-?\d{1,19}(?:\.\d{1,9})?")


def parse_date(value: str) -> Dated | None:
    """Read a date in any of the usual notations; None if it names no single day.

    The day is the one that is written: an offset makes the instant, and never moves the day.

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
    told: bool = False,
    language: str = "",
    today: date | None = None,
) -> Dated:
    """Read a date; where the order of day and month matters it is `order`, assumed unless `told`.

    Of several days it is the first, and only likely: published before updated, from before to.

    >>> read_date("4/11/2023", DateOrder.DAY_FIRST).day.isoformat()
    '2023-11-04'
    """
    value = value.strip()
    if not value or len(value) > LONGEST:
        return NO_DATE
    return _read(value, order, told, language, today or datetime.now(UTC).date())


def is_date(line: str) -> bool:
    """Whether a line is a date and nothing else; a number alone is none.

    >>> is_date("Published: Saturday, March 23, 2024"), is_date("The fire of March 23, 2024")
    (True, False)
    """
    if len(line) > LONGEST_LINE or NUMBER.fullmatch(line.strip()) or parse_date(line) is None:
        return False
    words = WORD.findall(clock_in(line)[1])
    return len(words) <= MOST_WORDS and all(is_calendar_word(word) for word in words)


@lru_cache(maxsize=4096)
def _read(value: str, order: DateOrder, told: bool, language: str, today: date) -> Dated:
    if NUMBER.fullmatch(value):
        return day_of_number(value)
    if ISO.match(value):
        try:
            return _of_iso(datetime.fromisoformat(value))
        except ValueError:
            pass  # not quite ISO, or no day of the calendar
    clock, rest = clock_in(value)
    found = [*days_in_figures(rest, order, told, today), *days_in_words(rest, language, today)]
    days = {each.day for each in found if each.day}
    if not days:
        return NO_DAY if found else NO_DATE
    if len(days) > 1:
        return Dated(min(days), None, DateCertainty.LIKELY)
    best = next(each for each in found if each.day)
    return best._replace(instant=clock.on(best.day)) if clock and best.day else best


def _of_iso(written: datetime) -> Dated:
    day = day_of(written.year, written.month, written.day)
    if day is None or is_placeholder(written):
        return NO_DAY
    return Dated(day, written if written.tzinfo else None)
