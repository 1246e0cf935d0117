"""Counts the matching articles: totals and facets."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from backfile.index.duplicates.crossing import Crossing
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Ints, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.category import Category, MergedValues
from backfile.index.model.filters import EXCLUSIONS, FACETS, Filters
from backfile.index.model.groups import Group, Groups
from backfile.index.model.query import Copies
from backfile.index.model.results import FacetCount, Totals
from backfile.index.model.whole import Stage, both, in_rounds, sum_of_each

MOST_VALUES = 50
NO_FILTERS = Filters()
CountedValues = tuple[list[tuple[str, int]], int]
"""Values with their counts, and the number of all values."""


class Counted(NamedTuple):
    """The articles that are counted of an answer: a mask, and the clusters that cross shards.

    Of these shards, only those count whose articles are of the best group.
    """

    articles: Bools
    crossing: Crossing


NO_OTHERS: Mapping[str, Counted] = MappingProxyType({})


class Facets(NamedTuple):
    """The most frequent values of each facet, and the number of all its values."""

    counts: dict[str, tuple[FacetCount, ...]]
    totals: dict[str, int]


def totals_of(
    table: ArticleTable,
    counted: Counted,
    candidates: Candidates,
    groups: Groups,
    copies: Copies,
    crossing: Crossing,
) -> Stage[Totals]:
    """Count the `counted` articles, their clusters, and the hits of each group."""
    found, whole = candidates.among(counted.articles), counted.crossing.whole
    folding = Folding.of(table, found.articles)
    own = [
        int(found.articles.sum()),
        int(folding.leads.sum()),
        int(found.by_words.sum()),
        folding.count_clusters(found.by_words),
    ]
    given = whole.reduced(np.array(own), sum_of_each)
    stages = [counted.crossing.surplus(each) for each in (found.articles, found.by_words)]
    counting = _count_groups(table, groups, copies, crossing)
    (twice, twice_by_words), of_groups = yield from both(in_rounds(stages), counting)
    articles, clusters, by_words, clusters_by_words = given.value().tolist()
    hits = articles
    if copies is Copies.FOLD:
        hits, by_words = clusters - twice, clusters_by_words - twice_by_words
    return Totals(articles, clusters - twice, by_words, hits - by_words, of_groups)


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
    counted: Counted,
    copies: Copies,
    *,
    beside: Mapping[str, Counted] = NO_OTHERS,
    chosen: Filters = NO_FILTERS,
) -> Stage[Facets]:
    """Count the values of each facet among the `counted` articles, most frequent first.

    A facet that is filtered is counted without its own filters, by what is `beside`: a value's
    count is the total of the query with this value alone as the filter of its facet. If copies are
    folded, it is the number of clusters that have an article with it. The values of the `chosen`
    filters are listed however rare they are.
    """
    wanted = {name: getattr(chosen, name) + getattr(chosen, EXCLUSIONS[name]) for name in FACETS}
    found = yield from in_rounds(
        _facet(table, name, beside.get(name, counted), copies, wanted[name]) for name in FACETS
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
    counted: Counted,
    copies: Copies,
    wanted: Sequence[str],
) -> Stage[CountedValues]:
    article_mask, crossing = counted
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
