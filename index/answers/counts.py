"""Counts the matching articles: totals, facets, and the timeline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from backfile.archive.model.dates import DateSpan
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows, distinct
from backfile.index.model.article_table import ArticleTable, surplus
from backfile.index.model.candidates import Candidates
from backfile.index.model.category import Category
from backfile.index.model.filters import EXCLUSIONS, FACETS, Filters
from backfile.index.model.groups import Group, Groups
from backfile.index.model.periods import Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, FacetCount, Timeline, Totals

MOST_VALUES = 50
NO_MASKS: Mapping[str, Bools] = MappingProxyType({})
NO_FILTERS = Filters()
Ends = tuple[DateSpan, DateSpan]


class Facets(NamedTuple):
    """The most frequent values of each facet, and the number of all its values."""

    counts: dict[str, tuple[FacetCount, ...]]
    totals: dict[str, int]


def totals_of(table: ArticleTable, counted: Candidates, groups: Groups, copies: Copies) -> Totals:
    """Count the `counted` articles, their clusters, and the hits of each group."""
    folding = Folding.of(table, counted.articles)
    articles, clusters = int(counted.articles.sum()), int(folding.leads.sum())
    hits, by_words = articles, int(counted.by_words.sum())
    if copies is Copies.FOLD:
        hits, by_words = clusters, folding.count_clusters(counted.by_words)
    found = _count_groups(table, groups, copies)
    return Totals(articles, clusters, by_words, hits - by_words, found)


def _count_groups(table: ArticleTable, groups: Groups, copies: Copies) -> dict[Group, int]:
    """Count the hits of each group, in the order of the groups; a cluster is in its best one."""
    if copies is Copies.FOLD:
        folding = Folding.of(table, groups.articles)
        of = folding.grouped(groups).of[folding.leads]
    else:
        of = groups.of[groups.articles]
    counts = np.bincount(of, minlength=len(groups.order)).tolist()
    return dict(zip(groups.order, counts, strict=True))


def facets(
    table: ArticleTable,
    article_mask: Bools,
    copies: Copies = Copies.SHOW,
    *,
    beside: Mapping[str, Bools] = NO_MASKS,
    chosen: Filters = NO_FILTERS,
) -> Facets:
    """Count the values of each facet among the masked articles, most frequent first.

    A facet that is filtered is counted without its own filters, by its mask in `beside`: a value's
    count is the total of the query with this value alone as the filter of its facet. If copies are
    folded, it is the number of clusters that have an article with it. The values of the `chosen`
    filters are listed however rare they are.
    """
    found = {
        name: _facet(table, name, beside.get(name, article_mask), copies, chosen) for name in FACETS
    }
    return Facets(
        {name: tuple(FacetCount(*pair) for pair in counts) for name, (counts, _) in found.items()},
        {name: total for name, (_, total) in found.items()},
    )


def _facet(
    table: ArticleTable, name: str, article_mask: Bools, copies: Copies, chosen: Filters
) -> tuple[list[tuple[str, int]], int]:
    category: Category = getattr(table, name)
    repeated = _surplus(table, name, article_mask) if copies is Copies.FOLD else 0
    wanted = getattr(chosen, name) + getattr(chosen, EXCLUSIONS[name])
    return category.most(article_mask, MOST_VALUES, repeated, wanted)


def _surplus(table: ArticleTable, name: str, article_mask: Bools) -> Rows:
    """Count, by value, the articles that repeat a value within their cluster, (n_names,)."""
    category = table.clustered_categories[name]
    matching = category.entries(article_mask)
    clusters = table.cluster[category.owners[matching]]
    return surplus(clusters, category.codes[matching], len(category.names))


def timeline(table: ArticleTable, article_mask: Bools, copies: Copies = Copies.SHOW) -> Timeline:
    """Count the masked articles and the articles of the archive in each period."""
    return timelines(table, [article_mask], copies)[0]


def timelines(
    table: ArticleTable, article_masks: Sequence[Bools], copies: Copies = Copies.SHOW
) -> list[Timeline]:
    """Count the articles of each mask, and those of the archive, in the same periods.

    `_placed` selects the length of a period that suits all masks together. If copies are folded, a
    cluster counts once in each period in which it has an article.
    """
    unit, placed, ends = _placed(table, np.logical_or.reduce(article_masks) & ~table.undated)
    periods = _Periods.of(table, copies, unit, ends[0].first, ends[1].last) if ends else None
    found = []
    for mask in article_masks:
        undated = _count(table, mask & table.undated, copies)
        crossing = _count(table, mask & ~table.undated & ~placed, copies)
        bins = tuple(periods.bins(mask & placed)) if periods else ()
        found.append(Timeline(bins, undated, unit if periods else None, crossing))
    return found


def _placed(table: ArticleTable, dated: Bools) -> tuple[Unit, Bools, Ends | None]:
    """Select the unit of the periods, the articles whose date is within one, and their ends.

    It is the shortest unit in which at least half of the articles have a period, and that is not
    too short for the time between these.
    """
    all_ends = span(table, dated)
    for unit in Unit:
        placed, ends = dated, all_ends
        if len(crossing := table.crossing(unit)):
            placed = dated.copy()
            placed[crossing] = False
            ends = span(table, placed)
        if ends and 2 * placed.sum() >= dated.sum() and unit.fits(ends[0].first, ends[1].last):
            break
    return unit, placed, ends


def span(table: ArticleTable, article_mask: Bools) -> Ends | None:
    """The earliest date, by its first day, and the latest, by its last day; None if none is dated.

    Of several, the shortest.
    """
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

    @classmethod
    def of(
        cls, table: ArticleTable, copies: Copies, unit: Unit, since: date, until: date
    ) -> "_Periods":
        first, last = Period.around(since, unit), Period.around(until, unit)
        days = np.arange(first.since.toordinal(), last.until.toordinal() + 1)
        return cls(table, copies, first, numbers(days, unit) - first.number)

    def bins(self, article_mask: Bools) -> Iterator[Bin]:
        """The periods that have any of these articles, each of which has a period."""
        counts, archive_counts = self.count(article_mask), self.of_archive
        for i in np.flatnonzero(counts).tolist():
            period = Period(self.first.unit, self.first.number + i)
            numbers = (int(counts[i]), int(archive_counts[i]))
            yield Bin(str(period), period.since, period.until, *numbers)

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
    def of_archive(self) -> Rows:
        """Count all articles of the archive, or their clusters, from the counts by day."""
        begin, size = self.first.since.toordinal(), int(self.period_of[-1]) + 1
        end = begin + len(self.period_of)
        if len(self.table.periods):  # the counts by day have their first days only
            inside = (self.table.published >= begin) & (self.table.published_last < end)
            inside[self.table.crossing(self.first.unit)] = False
            return self.count(inside)
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


def _count(table: ArticleTable, article_mask: Bools, copies: Copies) -> int:
    """Count the masked articles, or their clusters."""
    clusters = table.cluster[article_mask]
    clusters = clusters[clusters >= 0]
    repeated = len(clusters) - len(distinct(clusters)) if copies is Copies.FOLD else 0
    return int(article_mask.sum()) - repeated
