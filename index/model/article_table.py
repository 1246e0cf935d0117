"""Columns over articles and passages (Lucene: doc values) for filters, counts and facets.

An article's key is its ordinal, 0 to n_articles - 1, in ascending order of its number in the
catalogue. One article mask filters both engines, the total, the facets and the timeline.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from backfile.archive.model.article import ArticleNames
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.names import names_of
from backfile.archive.store.touched import ArticleChanges
from backfile.index.model.arrays import Bools, Ints, Rows
from backfile.index.model.category import Category, commonest_first
from backfile.index.model.filters import (
    FACETS,
    instant_of,
    milliseconds_of,
)
from backfile.index.model.periods import Unit, numbers

UNDATED = 0
UNKNOWN = 0
CATEGORIES = ("source", "section", "language", "author", "person", "organisation", "place")
KINDS = range(len(ArticleNames._fields))


@dataclass(frozen=True)
class ArticleTable:
    """Columns over the rows and articles of the catalogue, in one generation.

    `article_of` (n_rows,) is the ordinal of a row's article, -1 for a removed row; `embedded`
    (n_rows,) is true if the row has a vector. `published` (n_articles,) is the day as in
    `date.toordinal()`, or the first day of a month, year or interval, UNDATED if there is none;
    `published_last` is the last day of these, and equal to `published` for a day. `cluster`
    (n_articles,) is the cluster of an article, which is the number of its lead, and `cluster_rank`
    its rank there: the lead has the lowest. Both are -1 for an article without copies. `number`
    (n_articles,) is the number of an article, ascending, and `added` the instant at which it came
    into the archive, in milliseconds since 1970, UNKNOWN for an article of an early release.
    """

    generation: int
    article_of: npt.NDArray[np.int64]  # int64 is numpy's index type, so indexing copies nothing
    embedded: Bools
    published: Ints
    published_last: Ints
    cluster: Ints
    cluster_rank: Ints
    source: Category
    section: Category
    language: Category
    author: Category
    person: Category
    organisation: Category
    place: Category
    number: npt.NDArray[np.int64]
    added: npt.NDArray[np.int64]

    @classmethod
    def load(cls, catalog: Catalog, generation: int) -> Self:
        """Read the columns from the catalogue; `generation` is its generation just before."""
        stored = catalog.passage_table()
        articles = catalog.article_table()
        members = catalog.clusters.table()
        numbers = np.fromiter((a.number for a in articles), np.int64, len(articles))
        n_rows = int(stored[-1, 0]) + 1 if len(stored) else 1
        # Articles are read after passages: an article removed in between is missing from `numbers`.
        ordinals, present = _ordinals_of(numbers, stored[:, 1])
        rows = stored[present, 0]
        article_of = np.full(n_rows, -1, np.int64)
        article_of[rows] = ordinals[present]
        embedded = np.zeros(n_rows, np.bool_)
        embedded[rows] = stored[present, 2] != 0
        cluster, cluster_rank = _clusters(numbers, members)
        named = _names(numbers, catalog.names.table())
        categories = zip(CATEGORIES, [*_stated(articles), *named], strict=True)
        return cls(
            generation=generation,
            article_of=article_of,
            embedded=embedded,
            **_days(articles),
            cluster=cluster,
            cluster_rank=cluster_rank,
            number=numbers,
            **dict[str, Any]({name: Category.of(values) for name, values in categories}),
        )

    def changed(self, changes: ArticleChanges, generation: int) -> Self:
        """The table with other articles in the place of those that have changed.

        `generation` is one before they were read, so that what changed meanwhile is read again.
        """
        kept = ~np.isin(self.number, np.array(changes.numbers, np.int64))
        coming = np.array([each.number for each in changes.articles], np.int64)
        numbers = np.sort(np.concatenate([self.number[kept], coming]))
        ordinals = np.searchsorted(numbers, coming)
        moved = np.where(kept, np.searchsorted(numbers, self.number), -1)
        columns = {
            **_days(changes.articles),
            "cluster": np.array([_or(each.cluster, -1) for each in changes.articles], np.int32),
            "cluster_rank": np.array([_or(each.rank, -1) for each in changes.articles], np.int32),
        }
        there: dict[str, Any] = {}
        for name, values in columns.items():
            there[name] = np.empty(len(numbers), values.dtype)
            there[name][moved[kept]] = getattr(self, name)[kept]
            there[name][ordinals] = values
        named = [names_of(dict(each._mapping)) for each in changes.articles]
        stated = [*_stated(changes.articles), *([n[kind] for n in named] for kind in KINDS)]
        to, owners = moved.astype(np.int32), ordinals.astype(np.int32)
        return type(self)(
            generation=generation,
            **self._changed_rows(changes, moved, numbers),
            **there,
            number=numbers,
            **{
                name: getattr(self, name).changed(to, values, owners, len(numbers))
                for name, values in zip(CATEGORIES, stated, strict=True)
            },
        )

    def _changed_rows(self, changes: ArticleChanges, moved: Rows, numbers: Rows) -> dict[str, Any]:
        """The columns of rows, where article i becomes `moved[i]`, or is gone."""
        stored = np.array(changes.passages, np.int64).reshape(-1, 3)
        n_rows = max(self.n_rows, int(stored[:, 0].max(initial=0)) + 1)
        article_of, embedded = np.full(n_rows, -1, np.int64), np.zeros(n_rows, np.bool_)
        article_of[: self.n_rows] = np.append(moved, -1)[self.article_of]  # -1 is the last
        embedded[: self.n_rows] = self.embedded & (article_of[: self.n_rows] >= 0)
        article_of[stored[:, 0]] = np.searchsorted(numbers, stored[:, 1])
        embedded[stored[:, 0]] = stored[:, 2] != 0
        last = int(np.flatnonzero(article_of >= 0).max(initial=0))
        return {"article_of": article_of[: last + 1], "embedded": embedded[: last + 1]}

    @property
    def n_rows(self) -> int:
        return len(self.article_of)

    @property
    def n_articles(self) -> int:
        return len(self.published)

    @cached_property
    def alive(self) -> Bools:
        """Row mask of the rows that belong to an article."""
        return self.article_of >= 0

    @cached_property
    def n_passages(self) -> int:
        return int(self.alive.sum())

    @cached_property
    def language_counts(self) -> dict[str, int]:
        """The number of articles by language; the empty string is an unknown language."""
        named = self.language.counts(np.ones(self.n_articles, np.bool_))
        named[""] = self.n_articles - named.total()
        return {name: count for name, count in named.items() if count > 0}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of articles, commonest first; the empty string is an unknown language."""
        return commonest_first(self.language_counts)

    @cached_property
    def n_embedded(self) -> int:
        """The number of passages that can be found by meaning."""
        return int((self.embedded & self.alive).sum())

    @property
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return self.n_embedded / max(1, self.n_passages)

    @cached_property
    def last_added(self) -> int:
        """The instant at which the last article came in, in milliseconds; UNKNOWN if there is none.

        What a later snapshot has besides came in later.
        """
        return int(self.added.max(initial=UNKNOWN))

    def added_at(self, ordinal: int) -> datetime | None:
        """The instant at which an article came into the archive, if it is known."""
        added = int(self.added[ordinal])
        return None if added == UNKNOWN else instant_of(added)

    @cached_property
    def undated(self) -> Bools:
        """Article mask of the articles without a date."""
        without: Bools = self.published == UNDATED
        return without

    @cached_property
    def periods(self) -> npt.NDArray[np.int64]:
        """Ordinals of the articles that are dated by a month, a year or an interval."""
        return np.flatnonzero(self.published != self.published_last)

    def crossing(self, unit: Unit) -> npt.NDArray[np.int64]:
        """Ordinals of the articles with a date that no single period of this unit contains."""
        first, last = self.published[self.periods], self.published_last[self.periods]
        crossing: npt.NDArray[np.int64] = self.periods[numbers(first, unit) != numbers(last, unit)]
        return crossing

    def rows_of(self, article_mask: Bools) -> Bools:
        """Row mask of the passages of the masked articles."""
        row_mask: Bools = np.append(article_mask, False)[self.article_of]  # -1 is the last: False
        return row_mask

    def articles_with(self, rows: npt.NDArray[np.int64]) -> Bools:
        """Article mask of the articles that own any of these living rows."""
        article_mask = np.zeros(self.n_articles, np.bool_)
        article_mask[self.article_of.take(rows)] = True  # takes a third less time than []
        return article_mask

    @cached_property
    def clustered(self) -> npt.NDArray[np.int64]:
        """Ordinals of the articles in clusters, sorted by cluster, then by rank in it."""
        ordinals = np.flatnonzero(self.cluster >= 0)
        ordered: npt.NDArray[np.int64] = ordinals[
            np.lexsort((self.cluster_rank[ordinals], self.cluster[ordinals]))
        ]
        return ordered

    @cached_property
    def clustered_by_day(self) -> npt.NDArray[np.int64]:
        """Ordinals of the dated articles in clusters, sorted by cluster, then by first day."""
        ordinals = np.flatnonzero((self.cluster >= 0) & ~self.undated)
        ordered: npt.NDArray[np.int64] = ordinals[
            np.lexsort((self.published[ordinals], self.cluster[ordinals]))
        ]
        return ordered

    @cached_property
    def day_counts(self) -> tuple[Ints, npt.NDArray[np.int64]]:
        """The first days of all dates, ascending, and the number of articles of each."""
        days, counts = np.unique(self.published[~self.undated], return_counts=True)
        return days, counts

    @cached_property
    def consecutive_days(self) -> tuple[Ints, Ints]:
        """Pairs of consecutive days in one cluster: the earlier and the later day, aligned."""
        members = self.clustered_by_day
        days, clusters = self.published[members], self.cluster[members]
        same = clusters[1:] == clusters[:-1]
        return days[:-1][same], days[1:][same]

    @cached_property
    def clustered_categories(self) -> dict[str, Category]:
        """Each category by name, narrowed to the articles in clusters."""
        return {name: getattr(self, name).narrowed(self.cluster >= 0) for name in FACETS}

    @cached_property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """The first row of each article, (n_articles,); -1 for an article without passages."""
        return self._ends[0]

    def rows_of_article(self, ordinal: int) -> Rows:
        """The rows of one article, ascending: between its first and its last, mostly all."""
        first, last = (max(0, int(ends[ordinal])) for ends in self._ends)  # row 0 is no one's
        return first + np.flatnonzero(self.article_of[first : last + 1] == ordinal)

    @cached_property
    def _ends(self) -> tuple[Rows, Rows]:
        """The first row of each article, and the last one, (n_articles,); -1 without passages."""
        rows = np.flatnonzero(self.alive)
        owners = self.article_of[rows]
        first, last = np.full((2, self.n_articles), -1, np.int64)
        first[owners[::-1]] = rows[::-1]  # of several numbers for one place, the last is kept
        last[owners] = rows
        return first, last


def _instants(written: Sequence[str]) -> npt.NDArray[np.int64]:
    """Instants (ISO 8601) in milliseconds; UNKNOWN for an empty one, and for one that is damaged.

    A batch of articles came in at one instant, so there are few.
    """
    known = {each: _milliseconds(each) for each in set(written)}
    return np.fromiter((known[each] for each in written), np.int64, len(written))


def _milliseconds(written: str) -> int:
    try:
        return max(milliseconds_of(datetime.fromisoformat(written)), UNKNOWN)
    except ValueError:
        return UNKNOWN


def _ordinals_of(
    numbers: npt.NDArray[np.int64], sought: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Bools]:
    """Look up numbers in ascending `numbers`: the ordinal of each, and a mask of those present."""
    ordinals = np.searchsorted(numbers, sought)
    present = ordinals < len(numbers)
    present[present] = numbers[ordinals[present]] == sought[present]
    return ordinals, present


def _clusters(numbers: npt.NDArray[np.int64], members: npt.NDArray[np.int64]) -> tuple[Ints, Ints]:
    """Columns of clusters and ranks, by ordinal, from (article, cluster, rank)."""
    cluster, cluster_rank = np.full((2, len(numbers)), -1, np.int32)
    ordinals, present = _ordinals_of(numbers, members[:, 0])
    cluster[ordinals[present]] = members[present, 1]
    cluster_rank[ordinals[present]] = members[present, 2]
    return cluster, cluster_rank


Values = Sequence[Sequence[str]]


def _days(articles: Sequence[Any]) -> dict[str, Any]:
    """The columns of days and instants, from rows of the catalogue."""
    last = [a.published_last or a.published or UNDATED for a in articles]
    return {
        "published": np.array([a.published or UNDATED for a in articles], np.int32),
        "published_last": np.array(last, np.int32),
        "added": _instants([a.added for a in articles]),
    }


def _stated(articles: Sequence[Any]) -> Iterator[Values]:
    """What articles state themselves, in the order of CATEGORIES, from rows of the catalogue."""
    yield [(a.source,) for a in articles]
    yield [(a.section,) for a in articles]
    yield [(a.language,) for a in articles]
    yield json.loads(f"[{','.join(a.authors for a in articles)}]")


def _names(
    numbers: npt.NDArray[np.int64], stored: Sequence[tuple[int, ArticleNames]]
) -> Iterator[Values]:
    """People, organisations and places of each article, from (article, its names)."""
    sought = np.fromiter((number for number, _ in stored), np.int64, len(stored))
    ordinals, present = _ordinals_of(numbers, sought)
    there = [(ordinals[i], stored[i][1]) for i in np.flatnonzero(present).tolist()]
    for kind in KINDS:
        values: list[tuple[str, ...]] = [()] * len(numbers)
        for ordinal, names in there:
            values[ordinal] = names[kind]
        yield values


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
