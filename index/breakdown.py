"""Breaks a set of matching articles down: totals, facets, timeline and span, each a true count."""

from datetime import date
from typing import Literal, NamedTuple

import numpy as np

from index.columns import UNDATED, Bools, Category, Columns, Ints, surplus
from index.folding import Folding
from index.protocols import Rows
from index.query import FACETS, Copies
from index.ranking import Candidates
from index.results import FacetCount, Timeline, Totals

Unit = Literal["M", "Y"]
MOST_VALUES = 50
MONTHS_AT_MOST = 36  # a longer span is shown by year


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


def facets(columns: Columns, articles: Bools, copies: Copies = Copies.SHOW) -> Facets:
    """Count the values of each facet among the articles, the most frequent first.

    Folded, a value counts the stories that have an article with it: what a click on it gives.
    """
    found = {name: _facet(columns, name, articles, copies) for name in FACETS}
    return Facets(
        {name: counts[:MOST_VALUES] for name, counts in found.items()},
        {name: len(counts) for name, counts in found.items()},
    )


def timeline(columns: Columns, articles: Bools, copies: Copies = Copies.SHOW) -> Timeline:
    """Count the articles of each month, or of each year where they span more than three.

    Folded, a story counts once in each month or year in which it has an article.
    """
    published = columns.published[articles]
    dated = published[published != UNDATED]
    folded = articles & (columns.story >= 0) if copies is Copies.FOLD else np.zeros_like(articles)
    with_date = np.flatnonzero(folded & (columns.published != UNDATED))
    without = columns.story[folded & (columns.published == UNDATED)]
    undated = len(published) - len(dated) - (len(without) - len(np.unique(without)))
    if not len(dated):
        return Timeline((), undated)
    first, last = _bins(np.array([dated.min(), dated.max()]), "M").tolist()
    unit: Unit = "M" if last - first < MONTHS_AT_MOST else "Y"
    bins = _bins(dated, unit)
    first = int(bins.min())
    counts = np.bincount(bins - first)
    again = _bins(columns.published[with_date], unit) - first
    counts -= surplus(columns.story[with_date], again, len(counts))
    filled = np.flatnonzero(counts)
    values = (filled + first).astype(f"datetime64[{unit}]").astype(str).tolist()
    pairs = zip(values, counts[filled].tolist(), strict=True)
    return Timeline(tuple(FacetCount(*pair) for pair in pairs), undated)


def span(columns: Columns, articles: Bools) -> tuple[date, date] | None:
    """The first and the last day of the articles that have one."""
    published = columns.published[articles]
    dated = published[published != UNDATED]
    if not len(dated):
        return None
    return date.fromordinal(int(dated.min())), date.fromordinal(int(dated.max()))


def _facet(columns: Columns, name: str, articles: Bools, copies: Copies) -> tuple[FacetCount, ...]:
    category: Category = getattr(columns, name)
    again = _again(columns, name, articles) if copies is Copies.FOLD else 0
    counts = category.counts(articles, again)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(FacetCount(*pair) for pair in ordered)


def _again(columns: Columns, name: str, articles: Bools) -> Rows:
    """How often, for each value, a story has it beyond once: only copies are looked at."""
    category = columns.of_copied[name]
    chosen = articles[category.owners]
    stories = columns.story[category.owners[chosen]]
    return surplus(stories, category.codes[chosen], len(category.names))


def _bins(published: Ints, unit: Unit) -> Rows:
    """The months or years of days, as numpy counts them."""
    days = published.astype("datetime64[D]") + (np.datetime64("0001-01-01") - np.datetime64(1, "D"))
    return days.astype(f"datetime64[{unit}]").astype(np.int64)
