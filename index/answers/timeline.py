"""Counts articles by the time that they are of, beside what the archive holds of that time."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.article_table import UNDATED, ArticleTable
from backfile.index.model.periods import Period, Unit, numbers
from backfile.index.model.query import Copies
from backfile.index.model.results import Bin, Timeline


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
