"""Dates that are less exact than a day: a month, a year, or an interval, as first and last day.

They are written as in the Extended Date/Time Format, level 0: `2024-05`, `2024`, `2024-03/2024-05`
(https://www.loc.gov/standards/datetime/), a profile of ISO 8601.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import Self

WRITTEN = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class DateSpan:
    """The days from `first` to `last`, both included. Raises ValueError if they are reversed.

    The precision follows from the two days: 1 to 31 May is the month of May. Spans are sorted by
    their beginning, then by their end.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    @classmethod
    def of(cls, year: int, month: int | None = None, day: int | None = None) -> Self:
        """A year, a month or a day; raise ValueError if the calendar does not have it.

        >>> DateSpan.of(2024, 2).last
        datetime.date(2024, 2, 29)
        """
        if month is None:
            return cls(date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
        return cls(date(year, month, day), date(year, month, day))

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read what `str` writes; raise ValueError for any other text.

        >>> DateSpan.parse("2024-03/2024-05").last
        datetime.date(2024, 5, 31)
        """
        ends = []
        for part in written.split("/", 1):
            found = WRITTEN.fullmatch(part)
            if not found:
                raise ValueError(f"{written!r} is no day, month, year or interval")
            year, *rest = found.groups()
            ends.append(cls.of(int(year), *(int(number) for number in rest if number)))
        return cls(ends[0].first, ends[-1].last)

    @property
    def is_day(self) -> bool:
        return self.first == self.last

    @property
    def is_month(self) -> bool:
        """Whether this is one whole month."""
        same = (self.first.year, self.first.month) == (self.last.year, self.last.month)
        return same and self._is_of_months

    @property
    def is_year(self) -> bool:
        """Whether this is one whole year."""
        return self.first.year == self.last.year and self._is_of_years

    @property
    def is_interval(self) -> bool:
        """Whether this is more than a day, and not one month or year."""
        return not (self.is_day or self.is_month or self.is_year)

    @property
    def fields(self) -> str:
        """The fields of the calendar that are known: `y`, `yM` or `yMd`."""
        if self._is_of_years:
            return "y"
        return "yM" if self._is_of_months else "yMd"

    def __str__(self) -> str:
        """Write it, as short as possible.

        >>> str(DateSpan.of(2024)), str(DateSpan(date(2024, 3, 1), date(2024, 5, 31)))
        ('2024', '2024-03/2024-05')
        """
        length = {"y": 4, "yM": 7, "yMd": 10}[self.fields]
        first, last = self.first.isoformat()[:length], self.last.isoformat()[:length]
        return first if first == last else f"{first}/{last}"

    @property
    def _is_of_months(self) -> bool:
        """Whether these are whole months."""
        end = calendar.monthrange(self.last.year, self.last.month)[1]
        return self.first.day == 1 and self.last.day == end

    @property
    def _is_of_years(self) -> bool:
        """Whether these are whole years."""
        ends = (self.first.month, self.first.day, self.last.month, self.last.day)
        return ends == (1, 1, 12, 31)
