"""Makes days of years, months and days, and refuses those that news cannot have."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from backfile.archive.model.article import DateCertainty

# Printing began about 1450, and what counts less or more is another calendar: Persia's 1403.
EARLIEST_YEAR, LATEST_YEAR = 1450, 2199
# What software writes where it has no date. In words they are days like any other.
PLACEHOLDERS = frozenset((date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1)))


class Dated(NamedTuple):
    """A calendar day as the source wrote it, and the instant if it names one unmistakably.

    There is no day, and the certainty is DOUBTFUL, where what is written is no day that news can
    have; NONE where no single day is named.
    """

    day: date | None
    instant: datetime | None = None
    certainty: DateCertainty = DateCertainty.CERTAIN


NO_DATE = Dated(None, None, DateCertainty.NONE)
NO_DAY = Dated(None, None, DateCertainty.DOUBTFUL)


def day_of(year: int, month: int, day: int) -> date | None:
    """The day, if the calendar has it and news can be of it."""
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_in_century(year: str, month: int, day: int, today: date) -> date | None:
    """The day; a year of two digits is the last that does not put it beyond tomorrow.

    >>> str(day_in_century("19", 8, 9, date(2026, 1, 1)))
    '2019-08-09'
    >>> str(day_in_century("68", 8, 9, date(2026, 1, 1)))
    '1968-08-09'
    """
    if len(year) > 2:
        return day_of(int(year), month, day)
    full = today.year // 100 * 100 + int(year)
    found = day_of(full, month, day)
    late = found and found > today + timedelta(days=1)
    return day_of(full - 100, month, day) if late or not found else found


def dated(day: date | None, *, sure: bool = True) -> Dated:
    """A day as it was found; NO_DAY where there is none."""
    if day is None:
        return NO_DAY
    return Dated(day, None, DateCertainty.CERTAIN if sure else DateCertainty.LIKELY)


def is_placeholder(written: datetime) -> bool:
    """Whether software writes this where it has no date."""
    return written.date() in PLACEHOLDERS and written.time() == time()
