"""Makes dates of years, months and days, and rejects dates that news cannot have."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from backfile.archive.model.article import DateCertainty

# Printing began about 1450; other years belong to another calendar, such as Persia's 1403.
EARLIEST_YEAR, LATEST_YEAR = 1450, 2199
# Dates that software writes for "no date". With the month as a word they are real dates.
PLACEHOLDERS = frozenset((date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1)))


class ParsedDate(NamedTuple):
    """A calendar day as the source writes it, and the instant if it is unambiguous.

    `day` is None with certainty DOUBTFUL if the written date is one that news cannot have, and with
    NONE if there is no single date.
    """

    day: date | None
    instant: datetime | None = None
    certainty: DateCertainty = DateCertainty.CERTAIN


NO_DATE = ParsedDate(None, None, DateCertainty.NONE)
NO_DAY = ParsedDate(None, None, DateCertainty.DOUBTFUL)


def day_of(year: int, month: int, day: int) -> date | None:
    """The date; None if the calendar does not have it, or news cannot."""
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_in_century(year: str, month: int, day: int, today: date) -> date | None:
    """The date; a year of two digits is the latest one that is not after tomorrow.

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


def parsed_day(day: date | None, *, sure: bool = True) -> ParsedDate:
    """A found day as a ParsedDate; NO_DAY for None."""
    if day is None:
        return NO_DAY
    return ParsedDate(day, None, DateCertainty.CERTAIN if sure else DateCertainty.LIKELY)


def is_placeholder(written: datetime) -> bool:
    """Whether software writes this for "no date"."""
    return written.date() in PLACEHOLDERS and written.time() == time()
