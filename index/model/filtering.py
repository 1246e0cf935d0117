"""Selects the articles that pass the filters of a query."""

from calendar import isleap
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from types import MappingProxyType

import numpy as np

from backfile.index.model.arrays import Bools, Ints
from backfile.index.model.article_table import UNKNOWN, ArticleTable
from backfile.index.model.category import NO_NAMES, Category
from backfile.index.model.filters import (
    EXCLUSIONS,
    FACETS,
    DateFilter,
    DayOfYear,
    Filters,
    milliseconds_of,
)
from backfile.index.model.whole import union

KnownNames = Mapping[str, AbstractSet[str]]
"""Names that an article has, without case, by facet."""
NO_KNOWN: KnownNames = MappingProxyType({})


def known_names(table: ArticleTable, filters: Filters) -> KnownNames:
    """Those of the names in the filters that an article of the table has."""
    asked = {name: getattr(filters, name) + getattr(filters, EXCLUSIONS[name]) for name in FACETS}
    return {name: getattr(table, name).known(some) for name, some in asked.items() if some}


def known_in_whole(shards: Sequence[KnownNames]) -> KnownNames:
    """The names that an article of any shard has; the shards were asked for the same facets."""
    return {name: union([each[name] for each in shards]) for name in shards[0]}


def passing_articles(table: ArticleTable, filters: Filters, known: KnownNames = NO_KNOWN) -> Bools:
    """Mask of the articles that pass, (n_articles,); undated ones pass no day, `since` or `until`.

    In a shard, names that are `known` to the whole are taken as they are.
    """
    article_mask = np.ones(table.n_articles, np.bool_)
    if filters.date is DateFilter.NONE:
        article_mask &= table.undated
    if filters.day:
        article_mask &= np.isin(table.published, _in_every_year(table, filters.day))
        article_mask[table.periods] = False
    if filters.since or filters.until:
        article_mask &= ~table.undated
    within = filters.date is DateFilter.WITHIN
    if filters.since:
        latest = table.published if within else table.published_last
        article_mask &= latest >= filters.since.toordinal()
    if filters.until:
        earliest = table.published_last if within else table.published
        article_mask &= earliest <= filters.until.toordinal()
    if filters.added_since:
        article_mask &= table.added >= max(milliseconds_of(filters.added_since), UNKNOWN + 1)
    if filters.collection:
        if filters.members is None:
            raise ValueError(f"the collection {filters.collection!r} was not looked up")
        article_mask &= np.isin(table.number, filters.members.numbers)
    for name, excluded in EXCLUSIONS.items():
        category: Category = getattr(table, name)
        of_whole = known.get(name, NO_NAMES)
        if names := getattr(filters, name):
            article_mask &= category.holding(names, of_whole)
        if names := getattr(filters, excluded):
            article_mask &= ~category.holding(names, of_whole)
    return article_mask


def _in_every_year(table: ArticleTable, day: DayOfYear) -> Ints:
    """The ordinals of a day in all years from the first article's to the last one's."""
    days, _ = table.day_counts
    ends = [date.fromordinal(int(each)).year for each in (*days[:1], *days[-1:])]
    years = range(ends[0], ends[-1] + 1) if ends else ()
    leap = (day.month, day.day) == (2, 29)
    with_it = (year for year in years if not leap or isleap(year))
    return np.fromiter((date(year, *day).toordinal() for year in with_it), np.int32)
