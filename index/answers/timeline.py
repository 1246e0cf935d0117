"""Counts the matching articles by period, and finds the first and the last date.

Of a divided archive, each shard counts its own articles, in the same periods as the others. Nothing
that a search does depends on these counts, so they are added up at its end, in the answer.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np

from backfile.archive.model.dates import DateSpan
from backfile.index.duplicates.crossing import Crossing, surplus_by_key
from backfile.index.model.arrays import Bools, Rows, distinct
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.periods import UNITS, Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, Timeline
from backfile.index.model.whole import UNDIVIDED, Stage, Whole

Ends = tuple[DateSpan, DateSpan]


class Tally(NamedTuple):
    """Articles of one shard, or their clusters, counted by period, (n,).

    `shared` are the clusters that other shards may count, too: their names, and the index of the
    period.
    """

    counts: Rows
    shared: Set[tuple[int, int]]


class TimelinePart(NamedTuple):
    """What one shard adds to a timeline: its matches and all its articles, from a first period on.

    Those that are undated, and those whose date crosses periods, are counted as of one period.
    There is no first period where no match of the whole is dated.
    """

    first: Period | None
    matches: Tally
    archive: Tally
    undated: Tally
    crossing: Tally


def merged_timeline(parts: Sequence[TimelinePart]) -> Timeline:
    """The timeline of all shards; it has the periods with matches."""
    first = parts[0].first
    (undated,), (crossing,) = (
        _added(some).tolist()
        for some in ([each.undated for each in parts], [each.crossing for each in parts])
    )
    if first is None:
        return Timeline((), undated, None, crossing)
    counts = _added([each.matches for each in parts])
    archive_counts = _added([each.archive for each in parts])
    bins = []
    for i in np.flatnonzero(counts).tolist():
        period = Period(first.unit, first.number + i)
        found = (int(counts[i]), int(archive_counts[i]))
        bins.append(Bin(str(period), period.since, period.until, *found))
    return Timeline(tuple(bins), undated, first.unit, crossing)


def _added(shards: Sequence[Tally]) -> Rows:
    counts: Rows = np.sum([each.counts for each in shards], axis=0)
    for period, count in surplus_by_key([each.shared for each in shards]).items():
        counts[period] -= count
    return counts


@dataclass(frozen=True, slots=True)
class Placed:
    """The periods of a timeline, in which articles are counted: none where no match is dated.

    If copies are folded, a cluster counts once in each period in which it has an article.
    """

    table: ArticleTable
    unit: Unit
    periods: "_Periods | None"
    copies: Copies
    crossing: Crossing

    def part(self, article_mask: Bools) -> TimelinePart:
        """What the own matches, given as a mask, and the own articles add to the timeline."""
        table, copies, crossing = self.table, self.copies, self.crossing
        dated = article_mask & ~table.undated
        placed = _in_one_period(table, dated, self.unit)
        undated, beyond = (
            _count(table, mask, copies, crossing)
            for mask in (article_mask & table.undated, dated & ~placed)
        )
        if self.periods is None:
            none = Tally(np.zeros(0, np.int64), frozenset())
            return TimelinePart(None, none, none, undated, beyond)
        matches = self.periods.matches(placed)
        return TimelinePart(self.periods.first, matches, self.periods.archive, undated, beyond)


def placed_in_periods(
    table: ArticleTable,
    article_mask: Bools,
    copies: Copies,
    crossing: Crossing,
    longest: Unit = Unit.CENTURY,
) -> Stage[Placed]:
    """Select the periods for the matches of the whole, of which these are the own ones.

    They are of the shortest unit in which at least half of the articles have a period, and that is
    not too short for the time between these. If it is more than the `longest`, they may reach into
    the days of any shard.
    """
    dated, whole = article_mask & ~table.undated, crossing.whole
    all_ends = _own_span(table, dated)
    placements = (
        whole.reduced(_placement(table, dated, unit, all_ends), _placement_of_all) for unit in Unit
    )
    given = list(placements) if whole.is_divided else placements  # all in one round
    yield
    for unit, placed in zip(Unit, given, strict=False):
        ends, n_placed, n_dated = placed.value()
        if ends and 2 * n_placed >= n_dated and unit.fits(ends[0].first, ends[1].last):
            break
    if ends and UNITS.index(unit) > UNITS.index(longest):
        whole.require_all()
    periods = _Periods.of(table, copies, unit, ends, crossing) if ends else None
    return Placed(table, unit, periods, copies, crossing)


class _Placement(NamedTuple):
    """The ends of the articles whose date is within a period of a unit, their number, and all."""

    ends: Ends | None
    placed: int
    dated: int


def _placement(table: ArticleTable, dated: Bools, unit: Unit, ends: Ends | None) -> _Placement:
    placed = _in_one_period(table, dated, unit)
    own = ends if placed is dated else _own_span(table, placed)
    return _Placement(own, int(placed.sum()), int(dated.sum()))


def _placement_of_all(shards: Sequence[_Placement]) -> _Placement:
    ends, placed, dated = zip(*shards, strict=True)
    return _Placement(_merged_span(ends), sum(placed), sum(dated))


def _in_one_period(table: ArticleTable, dated: Bools, unit: Unit) -> Bools:
    """Article mask of those of the dated articles whose date is within one period."""
    if not len(crossing := table.crossing(unit)):
        return dated
    placed = dated.copy()
    placed[crossing] = False
    return placed


def span(table: ArticleTable, article_mask: Bools, whole: Whole = UNDIVIDED) -> Stage[Ends | None]:
    """The earliest date, by its first day, and the latest, by its last day; None if none is dated.

    Of several, the shortest.
    """
    given = whole.collected(_own_span(table, article_mask))
    yield
    return _merged_span(given.values())


def _merged_span(shards: Iterable[Ends | None]) -> Ends | None:
    found = [each for each in shards if each]
    if not found:
        return None
    return (
        min((first for first, _ in found), key=lambda each: (each.first, each.last)),
        max((last for _, last in found), key=lambda each: (each.last, each.first)),
    )


def _own_span(table: ArticleTable, article_mask: Bools) -> Ends | None:
    dated = np.flatnonzero(article_mask & ~table.undated)
    if not len(dated):
        return None
    first, last = table.published[dated], table.published_last[dated]
    begin, end = int(first.min()), int(last.max())
    return (
        _date_span(begin, int(last[first == begin].min())),
        _date_span(int(first[last == end].max()), end),
    )


def _date_span(first: int, last: int) -> DateSpan:
    return DateSpan(date.fromordinal(first), date.fromordinal(last))


@dataclass(frozen=True)
class _Periods:
    """Consecutive periods of one unit; `period_of` (n_days,) is the index of each day's period."""

    table: ArticleTable
    copies: Copies
    first: Period
    period_of: Rows
    crossing: Crossing

    @classmethod
    def of(
        cls, table: ArticleTable, copies: Copies, unit: Unit, ends: Ends, crossing: Crossing
    ) -> "_Periods":
        first, last = Period.around(ends[0].first, unit), Period.around(ends[1].last, unit)
        days = np.arange(first.since.toordinal(), last.until.toordinal() + 1)
        return cls(table, copies, first, numbers(days, unit) - first.number, crossing)

    def matches(self, article_mask: Bools) -> Tally:
        """Count some articles, each of which has a period."""
        return self._tally(self.count(article_mask), article_mask)

    @cached_property
    def archive(self) -> Tally:
        """Count all articles of the archive that have a period."""
        return self._tally(self.of_archive, self._inside)

    def _tally(self, counts: Rows, article_mask: Bools) -> Tally:
        if self.copies is not Copies.FOLD or self.crossing.are_none:
            return Tally(counts, frozenset())
        members = np.flatnonzero(article_mask & self.crossing.members)
        return Tally(counts, self.crossing.keyed(members, self._periods(members).tolist()))

    def count(self, article_mask: Bools) -> Rows:
        """Count articles, each of which has a period, or their clusters, by period."""
        size = int(self.period_of[-1]) + 1
        counts: Rows = np.bincount(self._periods(np.flatnonzero(article_mask)), minlength=size)
        if self.copies is Copies.FOLD:
            members = self.table.clustered_by_day
            members = members[article_mask[members]]
            periods, clusters = self._periods(members), self.table.cluster[members]
            repeated = (periods[1:] == periods[:-1]) & (clusters[1:] == clusters[:-1])
            counts = counts - np.bincount(periods[1:][repeated], minlength=size)
        return counts

    @cached_property
    def _inside(self) -> Bools:
        """The articles of the archive that have a period."""
        begin, end = (
            self.first.since.toordinal(),
            self.first.since.toordinal() + len(self.period_of),
        )
        inside: Bools = (self.table.published >= begin) & (self.table.published_last < end)
        inside[self.table.crossing(self.first.unit)] = False
        return inside

    @cached_property
    def of_archive(self) -> Rows:
        """Count all articles of the archive, or their clusters, from the counts by day."""
        begin, size = self.first.since.toordinal(), int(self.period_of[-1]) + 1
        end = begin + len(self.period_of)
        if len(self.table.periods):  # the counts by day have their first days only
            return self.count(self._inside)
        days, counts = self.table.day_counts
        within = slice(*np.searchsorted(days, (begin, end)).tolist())
        counted = np.bincount(self.period_of[days[within] - begin], counts[within], size)
        if self.copies is Copies.FOLD:
            before, after = self.table.consecutive_days
            inside = (before >= begin) & (after < end)
            periods = self.period_of[after[inside] - begin]
            repeated = periods == self.period_of[before[inside] - begin]
            counted -= np.bincount(periods[repeated], minlength=size)
        return counted.astype(np.int64)

    def _periods(self, ordinals: Rows) -> Rows:
        """The index of each article's period, (n,)."""
        days = self.table.published[ordinals] - self.first.since.toordinal()
        periods: Rows = self.period_of[days]
        return periods


def _count(table: ArticleTable, article_mask: Bools, copies: Copies, crossing: Crossing) -> Tally:
    """Count the masked articles, or their clusters, as of one period."""
    number = np.array([article_mask.sum()], np.int64)
    if copies is not Copies.FOLD:
        return Tally(number, frozenset())
    clusters = table.cluster[article_mask]
    clusters = clusters[clusters >= 0]
    members = np.flatnonzero(article_mask & crossing.members)
    repeated = len(clusters) - len(distinct(clusters))
    return Tally(number - repeated, crossing.keyed(members, [0] * len(members)))
