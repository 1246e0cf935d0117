"""Counts the matching articles: totals, facets, and the timeline."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from backfile.archive.model.dates import DateSpan
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.article_table import ArticleTable, Category, surplus
from backfile.index.model.candidates import Candidates
from backfile.index.model.filters import FACETS
from backfile.index.model.groups import Group, Groups
from backfile.index.model.periods import Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, FacetCount, Timeline, Totals

MOST_VALUES = 50
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


def facets(table: ArticleTable, article_mask: Bools, copies: Copies = Copies.SHOW) -> Facets:
    """Count the values of each facet among the masked articles, most frequent first.

    If copies are folded, a value's count is the number of clusters that have an article with it:
    the total of the query with this value as a filter.
    """
    found = {name: _facet(table, name, article_mask, copies) for name in FACETS}
    return Facets(
        {name: tuple(FacetCount(*pair) for pair in counts) for name, (counts, _) in found.items()},
        {name: total for name, (_, total) in found.items()},
    )


def _facet(
    table: ArticleTable, name: str, article_mask: Bools, copies: Copies
) -> tuple[list[tuple[str, int]], int]:
    category: Category = getattr(table, name)
    repeated = _surplus(table, name, article_mask) if copies is Copies.FOLD else 0
    return category.most(article_mask, MOST_VALUES, repeated)


def _surplus(table: ArticleTable, name: str, article_mask: Bools) -> Rows:
    """Count, by value, the articles that repeat a value within their cluster, (n_names,)."""
    category = table.clustered_categories[name]
    matching = article_mask[category.owners]
    clusters = table.cluster[category.owners[matching]]
    return surplus(clusters, category.codes[matching], len(category.names))


def timeline(table: ArticleTable, article_mask: Bools, copies: Copies = Copies.SHOW) -> Timeline:
    """Count the masked articles and the articles of the archive in each period.

    `_placed` selects the length of a period. If copies are folded, a cluster counts once in each
    period in which it has an article.
    """
    dated = article_mask & ~table.undated
    undated = _count(table, article_mask & table.undated, copies)
    unit, placed, ends = _placed(table, dated)
    crossing = _count(table, dated & ~placed, copies)
    if not ends:
        return Timeline((), undated, None, crossing)
    periods = _Periods.of(table, copies, unit, ends[0].first, ends[1].last)
    counts, archive_counts = periods.count(placed), periods.count_archive()
    bins = (
        Bin(str(period), period.since, period.until, int(counts[i]), int(archive_counts[i]))
        for i in np.flatnonzero(counts).tolist()
        for period in [Period(periods.first.unit, periods.first.number + i)]
    )
    return Timeline(tuple(bins), undated, unit, crossing)


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


@dataclass(frozen=True, slots=True)
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

    def count_archive(self) -> Rows:
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
    repeated = len(clusters) - len(np.unique(clusters)) if copies is Copies.FOLD else 0
    return int(article_mask.sum()) - repeated
