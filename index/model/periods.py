"""The periods of a timeline: days, months, years, decades or centuries."""

from datetime import MAXYEAR, MINYEAR, date, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.archive.model.dates import DateSpan
from backfile.index.model.arrays import Rows

MOST_DAYS = 62  # two months; a longer span is shown by month
MOST_MONTHS = 36
MOST_YEARS = 60
MOST_DECADES = 60


class Unit(StrEnum):
    """The length of a period."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    DECADE = "decade"
    CENTURY = "century"

    def fits(self, first: date, last: date) -> bool:
        """Whether there are at most MOST_DAYS, MOST_MONTHS ... periods between two days."""
        most = {
            Unit.DAY: MOST_DAYS,
            Unit.MONTH: MOST_MONTHS,
            Unit.YEAR: MOST_YEARS,
            Unit.DECADE: MOST_DECADES,
        }.get(self)
        number = Period.around(last, self).number - Period.around(first, self).number
        return most is None or number < most


UNITS = tuple(Unit)
YEARS = {Unit.YEAR: 1, Unit.DECADE: 10, Unit.CENTURY: 100}


class Period(NamedTuple):
    """One period: its unit, and its number, counted in that unit from the year 0.

    The number of a day is its `date.toordinal()`.
    """

    unit: Unit
    number: int

    @classmethod
    def around(cls, day: date, unit: Unit) -> Self:
        """The period that contains a day."""
        match unit:
            case Unit.DAY:
                return cls(unit, day.toordinal())
            case Unit.MONTH:
                return cls(unit, 12 * day.year + day.month - 1)
        return cls(unit, day.year // YEARS[unit])

    @property
    def since(self) -> date:
        """The first day."""
        match self.unit:
            case Unit.DAY:
                return date.fromordinal(self.number)
            case Unit.MONTH:
                return date(self.number // 12, self.number % 12 + 1, 1)
        return date(max(MINYEAR, self.number * YEARS[self.unit]), 1, 1)

    @property
    def until(self) -> date:
        """The last day."""
        match self.unit:
            case Unit.DAY:
                return self.since
            case Unit.MONTH if self.number == 12 * MAXYEAR + 11:
                return date.max
            case Unit.MONTH:
                return Period(self.unit, self.number + 1).since - timedelta(days=1)
        return date((self.number + 1) * YEARS[self.unit] - 1, 12, 31)

    def __str__(self) -> str:
        """Write it: `2024-03-23`, `2024-03`, `2024`, `2020s`, `2000-2099`.

        >>> [str(Period.around(date(1999, 12, 31), unit)) for unit in Unit]
        ['1999-12-31', '1999-12', '1999', '1990s', '1900-1999']
        """
        match self.unit:
            case Unit.DAY:
                return self.since.isoformat()
            case Unit.MONTH:
                return self.since.isoformat()[:7]
            case Unit.YEAR:
                return f"{self.number:04d}"
            case Unit.DECADE:
                return f"{self.number:03d}0s"
        return f"{self.number:02d}00-{self.number:02d}99"


def whole_periods(since: date | None, until: date | None) -> tuple[DateSpan, Unit]:
    """The days of all periods with one of these days, and the longest unit that these may have.

    Up to two months that is a month, else a year: the timeline of articles that are dated by a day
    has no longer periods.
    """
    is_short = since and until and Unit.DAY.fits(since, until)
    unit = Unit.MONTH if is_short else Unit.YEAR
    first, last = (Period.around(day, unit) for day in (since or date.min, until or date.max))
    return DateSpan(first.since, last.until), unit


def numbers(ordinals: npt.NDArray[np.signedinteger], unit: Unit) -> Rows:
    """The number of the period of each day, (n,); `ordinals` are days as in `date.toordinal()`."""
    if unit is Unit.DAY:
        return ordinals.astype(np.int64)
    days = ordinals.astype("datetime64[D]") + (np.datetime64("0001-01-01") - np.datetime64(1, "D"))
    if unit is Unit.MONTH:
        return days.astype("datetime64[M]").astype(np.int64) + 12 * 1970
    return (days.astype("datetime64[Y]").astype(np.int64) + 1970) // YEARS[unit]
