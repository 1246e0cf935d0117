"""Breaks a set of matching articles down: totals and facets, each a true count."""

from typing import NamedTuple

from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.article_table import ArticleTable, Category, surplus
from backfile.index.model.candidates import Candidates
from backfile.index.model.filters import FACETS
from backfile.index.model.query import Copies
from backfile.index.model.results import FacetCount, Totals

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
