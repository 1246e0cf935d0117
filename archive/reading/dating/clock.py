"""Finds the time of day beside a date, and its offset: they make the instant."""

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

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
