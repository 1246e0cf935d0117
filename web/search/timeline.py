"""Lays out the timeline: its bars, the labels of its axis, and the period to zoom out to.

All positions are in percent of the width, so that it stretches without distortion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from backfile.archive.model.message import Message
from backfile.index.model.filters import Filters
from backfile.index.model.periods import Period, Unit
from backfile.index.model.query import Query, Scale
from backfile.index.model.results import Bin, Timeline
from backfile.web.i18n.negotiation import language_of_page, translated

MOST_BARS = 62
LEAST_HEIGHT = 4  # percent of the highest bar, so that one article is visible beside thousands
NARROWEST = 240  # pixels; the least width of the axis
CHARACTER, SPACE = 7.2, 10  # pixels of a label, at the font size of the style sheet
STEPS = {
    Unit.DAY: (1, 2, 7, 14, 28),
    Unit.MONTH: (1, 3, 6, 12, 24),
    Unit.YEAR: (1, 2, 5, 10, 20, 50),
    Unit.DECADE: (1, 2, 5, 10, 20),
    Unit.CENTURY: (1, 2, 5, 10, 20, 50),
}
"""Numbers of periods from one label to the next; the smallest that fits is used."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One period of the timeline: `count` matches `of` all articles; its index among `n` bars.

    `height` is in percent of the highest bar, at least LEAST_HEIGHT so that it is seen; `length`
    is exact.
    """

    period: Period
    count: int
    of: int
    index: int
    n: int
    height: float
    length: float

    @property
    def since(self) -> date:
        return self.period.since

    @property
    def until(self) -> date:
        return self.period.until

    @property
    def name(self) -> str:
        """The name of the period: `23 March 2024`, `March 2024`, `2024`, `1960s`, `1900–1999`."""
        return name_of(self.period)

    @property
    def share(self) -> float:
        """The share of all articles of the period, 0 to 1."""
        return self.count / self.of if self.of else 0.0


class Tick(NamedTuple):
    """A label of the axis; its `anchor` (start, middle or end) is at `left`, in percent."""

    label: str
    left: float
    anchor: str


def bars(timeline: Timeline, query: Query) -> list[Bar]:
    """The periods from the first with a match to the last, empty ones included.

    If the query has `since` and `until`, up to these, unless that makes MOST_BARS or more.
    """
    if not timeline.bins or timeline.unit is None:
        return []
    unit = timeline.unit
    found = {Period.around(each.since, unit).number: each for each in timeline.bins}
    first, last = _ends(found, unit, query.filters)
    by_share = query.timeline is Scale.SHARE
    sizes = {n: each.count / each.of if by_share else each.count for n, each in found.items()}
    highest = max(sizes.values())
    return [
        Bar(
            Period(unit, number),
            *((found[number].count, found[number].of) if number in found else (0, 0)),
            index=number - first,
            n=last - first + 1,
            height=max(LEAST_HEIGHT, length) if length else 0,
            length=length,
        )
        for number in range(first, last + 1)
        for length in [round(100 * sizes.get(number, 0) / highest, 2)]
    ]


def ticks(shown: Sequence[Bar]) -> list[Tick]:
    """Labels for some of the bars, as many as fit on the narrowest axis."""
    for step in STEPS[shown[0].period.unit]:
        some = [_tick(bar) for bar in shown if bar.period.number % step == 0]
        if _fit(some):
            return some
    return some[:1]


def wider(query: Query) -> Period | None:
    """The shortest longer period that contains the query's `since` and `until`; None if none."""
    since, until = query.filters.since, query.filters.until
    if not since or not until:
        return None
    for unit in (Unit.MONTH, Unit.YEAR, Unit.DECADE):
        period = Period.around(since, unit)
        if period.until >= until and (period.since, period.until) != (since, until):
            return period
    return None


def years_of(shown: Sequence[Bar]) -> str:
    """The year of all bars, or the first and the last year."""
    first, last = shown[0].since.year, shown[-1].until.year
    return f"{first}" if first == last else f"{first}–{last}"


def name_of(period: Period) -> str:
    """The name of a period in the language of the page.

    >>> [name_of(Period.around(date(1999, 3, 5), unit)) for unit in Unit]
    ['5 March 1999', 'March 1999', '1999', '1990s', '1900–1999']
    """
    since = period.since
    match period.unit:
        case Unit.DAY:
            return language_of_page().day(since)
        case Unit.MONTH:
            return language_of_page().part_of_day(since, "yMMMM")
    return _years(period)


def _years(period: Period) -> str:
    if period.unit is Unit.DECADE:
        return translated(Message("%(year)ss", year=str(period).removesuffix("s")))
    return str(period).replace("-", "–")


def _ends(found: dict[int, Bin], unit: Unit, filters: Filters) -> tuple[int, int]:
    first, last = min(found), max(found)
    if filters.since and filters.until:
        bounds = [Period.around(day, unit).number for day in (filters.since, filters.until)]
        if bounds[1] - bounds[0] < MOST_BARS:
            return min(first, bounds[0]), max(last, bounds[1])
    return first, last


def _tick(bar: Bar) -> Tick:
    """The label at a bar's middle, or at an edge of the axis that it would cross."""
    label = _label(bar.period)
    middle = 100 * (bar.index + 0.5) / bar.n
    half = 50 * len(label) * CHARACTER / NARROWEST
    if middle < half:
        return Tick(label, 0, "start")
    if middle > 100 - half:
        return Tick(label, 100, "end")
    return Tick(label, round(middle, 2), "middle")


def _label(period: Period) -> str:
    match period.unit:
        case Unit.DAY:
            return language_of_page().part_of_day(period.since, "dMMM")
        case Unit.MONTH if period.since.month > 1:
            return language_of_page().part_of_day(period.since, "MMM")
        case Unit.CENTURY:
            return str(period).partition("-")[0]
    return str(period.since.year) if period.unit is Unit.MONTH else _years(period)


def _fit(some: Sequence[Tick]) -> bool:
    """Whether all labels have enough space between them."""
    reached = float("-inf")
    for tick in some:
        size = len(tick.label) * CHARACTER
        begin = (
            NARROWEST * tick.left / 100 - size * ("start", "middle", "end").index(tick.anchor) / 2
        )
        if begin < reached:
            return False
        reached = begin + size + SPACE
    return True
