"""Counts the matching articles: totals, facets, and the timeline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from backfile.archive.model.dates import DateSpan
from backfile.index.duplicates.crossing import Crossing
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Ints, Rows, distinct
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.category import Category, MergedValues
from backfile.index.model.filters import EXCLUSIONS, FACETS, Filters
from backfile.index.model.groups import Group, Groups
from backfile.index.model.periods import Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, FacetCount, Timeline, Totals
from backfile.index.model.whole import UNDIVIDED, Stage, Whole, both, in_rounds, sum_of_each

MOST_VALUES = 50
NO_MASKS: Mapping[str, Bools] = MappingProxyType({})
NO_FILTERS = Filters()
Ends = tuple[DateSpan, DateSpan]
Counted = tuple[list[tuple[str, int]], int]
"""Values with their counts, and the number of all values."""


class Facets(NamedTuple):
    """The most frequent values of each facet, and the number of all its values."""

    counts: dict[str, tuple[FacetCount, ...]]
    totals: dict[str, int]


def totals_of(
    table: ArticleTable, counted: Candidates, groups: Groups, copies: Copies, crossing: Crossing
) -> Stage[Totals]:
    """Count the `counted` articles, their clusters, and the hits of each group."""
    folding = Folding.of(table, counted.articles)
    own = [
        int(counted.articles.sum()),
        int(folding.leads.sum()),
        int(counted.by_words.sum()),
        folding.count_clusters(counted.by_words),
    ]
    given = crossing.whole.reduced(np.array(own), sum_of_each)
    stages = [crossing.surplus(counted.articles), crossing.surplus(counted.by_words)]
    counting = _count_groups(table, groups, copies, crossing)
    (twice, twice_by_words), found = yield from both(in_rounds(stages), counting)
    articles, clusters, by_words, clusters_by_words = given.value().tolist()
    hits = articles
    if copies is Copies.FOLD:
        hits, by_words = clusters - twice, clusters_by_words - twice_by_words
    return Totals(articles, clusters - twice, by_words, hits - by_words, found)


def _count_groups(
    table: ArticleTable, groups: Groups, copies: Copies, crossing: Crossing
) -> Stage[dict[Group, int]]:
    """Count the hits of each group, in the order of the groups; a cluster is in its best one."""
    of, leads = groups.of[groups.articles], groups.articles
    if copies is Copies.FOLD:
        folding = Folding.of(table, groups.articles)
        groups, leads = folding.grouped(groups), folding.leads
        of = groups.of[leads]
    own = np.bincount(of, minlength=len(groups.order))
    given = crossing.whole.reduced(own, sum_of_each)
    less: Rows | int = 0
    if copies is Copies.FOLD:
        less = yield from crossing.surplus_by_group(leads, groups)
    else:
        yield
    counts = given.value() - less
    return dict(zip(groups.order, counts.tolist(), strict=True))


def facets(
    table: ArticleTable,
    article_mask: Bools,
    copies: Copies,
    crossing: Crossing,
    *,
    beside: Mapping[str, Bools] = NO_MASKS,
    chosen: Filters = NO_FILTERS,
) -> Stage[Facets]:
    """Count the values of each facet among the masked articles, most frequent first.

    A facet that is filtered is counted without its own filters, by its mask in `beside`: a value's
    count is the total of the query with this value alone as the filter of its facet. If copies are
    folded, it is the number of clusters that have an article with it. The values of the `chosen`
    filters are listed however rare they are.
    """
    wanted = {name: getattr(chosen, name) + getattr(chosen, EXCLUSIONS[name]) for name in FACETS}
    found = yield from in_rounds(
        _facet(table, name, beside.get(name, article_mask), copies, wanted[name], crossing)
        for name in FACETS
    )
    by_name = dict(zip(FACETS, found, strict=True))
    return Facets(
        {
            name: tuple(FacetCount(*pair) for pair in counts)
            for name, (counts, _) in by_name.items()
        },
        {name: total for name, (_, total) in by_name.items()},
    )


def _facet(
    table: ArticleTable,
    name: str,
    article_mask: Bools,
    copies: Copies,
    wanted: Sequence[str],
    crossing: Crossing,
) -> Stage[Counted]:
    category: Category = getattr(table, name)
    repeated = _surplus(table, name, article_mask) if copies is Copies.FOLD else 0
    if not crossing.whole.is_divided:
        yield
        return category.most(article_mask, MOST_VALUES, repeated, wanted)
    given = crossing.whole.collected(category.values(article_mask, repeated))
    members = article_mask if copies is Copies.FOLD else np.zeros_like(article_mask)
    less = yield from crossing.surplus_of_values(category, members)
    if crossing.whole.place:  # the first shard answers
        return [], 0
    return MergedValues(given.values(), less).most(MOST_VALUES, wanted)


def _surplus(table: ArticleTable, name: str, article_mask: Bools) -> Rows:
    """Count, by value, the articles that repeat a value within their cluster, (n_names,)."""
    category = table.clustered_categories[name]
    matching = category.entries(article_mask)
    clusters = table.cluster[category.owners[matching]]
    return surplus(clusters, category.codes[matching], len(category.names))


def surplus(clusters: Ints, codes: Ints, n_codes: int) -> Rows:
    """Count the repeated (cluster, code) pairs by code, (n_codes,); both arrays are aligned.

    A facet that counts articles minus this surplus counts each cluster once.
    """
    n_clusters = int(clusters.max(initial=0)) + 1
    pairs = np.sort(codes.astype(np.int64) * n_clusters + clusters)
    repeated = pairs[1:][pairs[1:] == pairs[:-1]] // n_clusters  # a third of np.unique's time
    return np.bincount(repeated, minlength=n_codes)


def timelines(
    table: ArticleTable,
    article_masks: Sequence[Bools],
    copies: Copies,
    crossing: Crossing,
) -> Stage[list[Timeline]]:
    """Count the articles of each mask, and those of the archive, in the same periods.

    `_placed` selects the length of a period that suits all masks together. If copies are folded, a
    cluster counts once in each period in which it has an article.
    """
    dated = np.logical_or.reduce(article_masks) & ~table.undated
    unit, placed, ends = yield from _placed(table, dated, crossing.whole)
    periods = _Periods.of(table, copies, unit, ends, crossing) if ends else None
    drawn = [_timeline(table, mask, placed, periods, copies, crossing) for mask in article_masks]
    found: list[Timeline] = yield from in_rounds(drawn)
    return found


def _timeline(
    table: ArticleTable,
    article_mask: Bools,
    placed: Bools,
    periods: "_Periods | None",
    copies: Copies,
    crossing: Crossing,
) -> Stage[Timeline]:
    dated = article_mask & ~table.undated
    without = [article_mask & table.undated, dated & ~placed]
    counting = in_rounds(_count(table, mask, copies, crossing) for mask in without)
    if periods is None:
        undated, beyond = yield from counting
        return Timeline((), undated, None, beyond)
    (undated, beyond), bins = yield from both(counting, periods.bins(dated & placed))
    return Timeline(bins, undated, periods.first.unit, beyond)


def _placed(
    table: ArticleTable, dated: Bools, whole: Whole
) -> Stage[tuple[Unit, Bools, Ends | None]]:
    """Select the unit of the periods, the articles whose date is within one, and their ends.

    It is the shortest unit in which at least half of the articles have a period, and that is not
    too short for the time between these.
    """
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
    return unit, _in_one_period(table, dated, unit), ends


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

    def bins(self, article_mask: Bools) -> Stage[tuple[Bin, ...]]:
        """The periods that have any of these articles, each of which has a period."""
        found = [self._counted(self.count(article_mask), article_mask)]
        found.append(self._counted(self.of_archive, self._inside))
        counts, archive_counts = yield from in_rounds(found)
        bins = []
        for i in np.flatnonzero(counts).tolist():
            period = Period(self.first.unit, self.first.number + i)
            numbers = (int(counts[i]), int(archive_counts[i]))
            bins.append(Bin(str(period), period.since, period.until, *numbers))
        return tuple(bins)

    def _counted(self, own: Rows, article_mask: Bools) -> Stage[Rows]:
        """The counts of the whole by period, in the first shard."""
        given = self.crossing.whole.collected(own)
        folds = self.copies is Copies.FOLD and self.crossing.whole.is_divided
        mask = article_mask & self.crossing.members if folds else np.zeros_like(article_mask)
        members = np.flatnonzero(mask)
        keys = self._periods(members).tolist()
        repeated = yield from self.crossing.surplus_by_key(members, keys)
        counts: Rows = np.sum(given.values(), axis=0)
        for period, count in repeated.items():
            counts[period] -= count
        return counts

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


def _count(
    table: ArticleTable, article_mask: Bools, copies: Copies, crossing: Crossing
) -> Stage[int]:
    """Count the masked articles, or their clusters; those of the whole, in the first shard."""
    clusters = table.cluster[article_mask]
    clusters = clusters[clusters >= 0]
    repeated = len(clusters) - len(distinct(clusters)) if copies is Copies.FOLD else 0
    given = crossing.whole.collected(int(article_mask.sum()) - repeated)
    folded = article_mask if copies is Copies.FOLD else np.zeros_like(article_mask)
    twice = yield from crossing.surplus(folded)
    return sum(given.values()) - twice
