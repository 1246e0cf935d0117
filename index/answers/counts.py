"""Counts the articles that were found: totals, facets, and a timeline beside the archive's own."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.article_table import UNDATED, ArticleTable, Category, surplus
from backfile.index.model.candidates import Candidates
from backfile.index.model.filters import FACETS
from backfile.index.model.periods import Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, FacetCount, Timeline, Totals

MOST_VALUES = 50


class Facets(NamedTuple):
    """The most frequent values of each facet, and how many values it has in all."""

    counts: dict[str, tuple[FacetCount, ...]]
    totals: dict[str, int]


def totals_of(candidates: Candidates, folding: Folding, copies: Copies) -> Totals:
    """Count the hits by what found them, and the articles and stories they are."""
    articles, stories = int(candidates.articles.sum()), int(folding.leads.sum())
    if copies is Copies.FOLD:
        by_words = folding.stories_of(candidates.by_words)
        return Totals(articles, stories, by_words, stories - by_words)
    by_words = int(candidates.by_words.sum())
    return Totals(articles, stories, by_words, articles - by_words)


def facets(table: ArticleTable, articles: Bools, copies: Copies = Copies.SHOW) -> Facets:
    """Count the values of each facet among the articles, the most frequent first.

    Folded, a value counts the stories that have an article with it: what a click on it gives.
    """
    found = {name: _facet(table, name, articles, copies) for name in FACETS}
    return Facets(
        {name: counts[:MOST_VALUES] for name, counts in found.items()},
        {name: len(counts) for name, counts in found.items()},
    )


def _facet(
    table: ArticleTable, name: str, articles: Bools, copies: Copies
) -> tuple[FacetCount, ...]:
    category: Category = getattr(table, name)
    again = _again(table, name, articles) if copies is Copies.FOLD else 0
    counts = category.counts(articles, again)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(FacetCount(*pair) for pair in ordered)


def _again(table: ArticleTable, name: str, articles: Bools) -> Rows:
    """How often, for each value, a story has it beyond once: only copies are looked at."""
    category = table.of_copied[name]
    chosen = articles[category.owners]
    stories = table.story[category.owners[chosen]]
    return surplus(stories, category.codes[chosen], len(category.names))


def timeline(table: ArticleTable, articles: Bools, copies: Copies = Copies.SHOW) -> Timeline:
    """Count the articles of each day, month, year or decade, whichever suits the span.

    Folded, a story counts once in each period in which it has an article. What the archive holds
    of a period is counted alike.
    """
    dated = articles & ~table.undated
    undated = _undated(table, articles, copies)
    ends = span(table, articles)
    if not ends:
        return Timeline((), undated, None)
    counting = _Counting.of(table, copies, *ends)
    counts, held = counting.count(dated), counting.held()
    bins = (
        Bin(str(period), period.since, period.until, int(counts[i]), int(held[i]))
        for i in np.flatnonzero(counts).tolist()
        for period in [Period(counting.first.unit, counting.first.number + i)]
    )
    return Timeline(tuple(bins), undated, counting.first.unit)


def span(table: ArticleTable, articles: Bools) -> tuple[date, date] | None:
    """The first and the last day of the articles that have one."""
    published = table.published[articles]
    dated = published[published != UNDATED]
    if not len(dated):
        return None
    return date.fromordinal(int(dated.min())), date.fromordinal(int(dated.max()))


@dataclass(frozen=True, slots=True)
class _Counting:
    """Periods in a row, from `first` on; `place_of[i]` is that of the i-th day of them."""

    table: ArticleTable
    copies: Copies
    first: Period
    place_of: Rows

    @classmethod
    def of(cls, table: ArticleTable, copies: Copies, since: date, until: date) -> "_Counting":
        unit = Unit.fitting(since, until)
        first, last = Period.around(since, unit), Period.around(until, unit)
        days = np.arange(first.since.toordinal(), last.until.toordinal() + 1)
        return cls(table, copies, first, numbers(days, unit) - first.number)

    def count(self, articles: Bools) -> Rows:
        """Count dated articles, or the stories that have them."""
        size = int(self.place_of[-1]) + 1
        counts: Rows = np.bincount(self._places(np.flatnonzero(articles)), minlength=size)
        if self.copies is Copies.FOLD:
            members = self.table.copied_by_day
            members = members[articles[members]]
            places, stories = self._places(members), self.table.story[members]
            again = (places[1:] == places[:-1]) & (stories[1:] == stories[:-1])
            counts = counts - np.bincount(places[1:][again], minlength=size)
        return counts

    def held(self) -> Rows:
        """Count all dated articles of the archive, or their stories: from what is known by day."""
        begin, size = self.first.since.toordinal(), int(self.place_of[-1]) + 1
        end = begin + len(self.place_of)
        days, counts = self.table.held_by_day
        within = slice(*np.searchsorted(days, (begin, end)).tolist())
        counted = np.bincount(self.place_of[days[within] - begin], counts[within], size)
        if self.copies is Copies.FOLD:
            before, after = self.table.days_followed
            inside = (before >= begin) & (after < end)
            places = self.place_of[after[inside] - begin]
            again = places == self.place_of[before[inside] - begin]
            counted -= np.bincount(places[again], minlength=size)
        return counted.astype(np.int64)

    def _places(self, articles: Rows) -> Rows:
        days = self.table.published[articles] - self.first.since.toordinal()
        places: Rows = self.place_of[days]
        return places


def _undated(table: ArticleTable, articles: Bools, copies: Copies) -> int:
    """Count those without a day, or the stories that have them."""
    undated = articles & table.undated
    stories = table.story[undated]
    copied = stories[stories >= 0]
    again = len(copied) - len(np.unique(copied)) if copies is Copies.FOLD else 0
    return int(undated.sum()) - again
