"""Columns over articles and passages (Lucene: doc values) for filters, counts and facets.

An article's key is its ordinal, 0 to n_articles - 1, in ascending order of its number in the
catalogue. One article mask filters both engines, the total, the facets and the timeline.
"""

import json
from calendar import isleap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from backfile.archive.model.article import ArticleNames
from backfile.archive.store.catalog import Catalog
from backfile.index.model.arrays import Bools, Ints
from backfile.index.model.filters import EXCLUSIONS, FACETS, DateFilter, DayOfYear, Filters
from backfile.index.model.periods import Unit, numbers


def bare_name(name: str) -> str:
    """A name in lower case without `www.`

    >>> bare_name("www.CNN.com")
    'cnn.com'
    """
    return name.casefold().removeprefix("www.")


@dataclass(frozen=True)
class Category:
    """One many-valued attribute of articles: article `owners[i]` has value `names[codes[i]]`."""

    names: tuple[str, ...]
    codes: Ints
    owners: Ints
    n_articles: int

    @classmethod
    def of(cls, values: Sequence[Sequence[str]]) -> Self:
        """Encode the values of each article, ignoring empty strings.

        Spellings that differ only in case are one value; its name is the most frequent spelling.
        """
        numbers: dict[str, int] = {}  # by spelling
        named = [[name for name in names if name] for names in values]
        spelt = [numbers.setdefault(name, len(numbers)) for names in named for name in names]
        owners = np.repeat(np.arange(len(named)), np.fromiter(map(len, named), np.int64))
        alike: dict[str, list[int]] = {}
        for name, number in numbers.items():
            alike.setdefault(name.casefold(), []).append(number)
        counts = np.bincount(spelt, minlength=len(numbers))
        spellings = tuple(numbers)
        code_of = np.empty(len(numbers), np.int32)
        for code, same in enumerate(alike.values()):
            code_of[same] = code
        # Two spellings of one value in one article are one entry.
        pairs = np.sort(owners * len(alike) + code_of[np.array(spelt, np.int32)])
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]  # a third of np.unique's time
        owned, codes = np.divmod(pairs, max(1, len(alike)))
        return cls(
            names=tuple(spellings[max(same, key=lambda n: counts[n])] for same in alike.values()),
            codes=codes.astype(np.int32),
            owners=owned.astype(np.int32),
            n_articles=len(values),
        )

    def holding(self, names: Sequence[str]) -> Bools:
        """Article mask of the articles with any of these names, compared without case.

        A name that is not there stands for those that differ in `www.` alone.
        """
        folded = {name.casefold() for name in names}
        known = folded & self._code_of.keys()
        name_mask = np.zeros(len(self.names), np.bool_)
        name_mask[[self._code_of[name] for name in known]] = True
        if bare := {bare_name(name) for name in folded - known}:
            name_mask |= np.array([bare_name(name) in bare for name in self.names], np.bool_)
        return self._articles_of(name_mask)

    def mentioning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Article mask of the articles with a name that contains these words as a phrase."""
        phrase, n = list(words), len(words)
        names = [words_of(name) for name in self.names]
        found = [any(name[i : i + n] == phrase for i in range(len(name) - n + 1)) for name in names]
        return self._articles_of(np.array(found, np.bool_))

    def beginning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Article mask of the articles with a name that begins so, `www.` left out."""
        typed = " ".join(words)
        names = (" ".join(words_of(bare_name(name))) for name in self.names)
        found = [bool(typed) and name.startswith(typed) for name in names]
        return self._articles_of(np.array(found, np.bool_))

    def counts(self, article_mask: Bools) -> Counter[str]:
        """Count the articles of the mask by name."""
        counted = self._counted(article_mask)
        return Counter(dict(self._pairs(counted, np.flatnonzero(counted))))

    def most(
        self, article_mask: Bools, limit: int, less: npt.NDArray[np.int64] | int = 0
    ) -> tuple[list[tuple[str, int]], int]:
        """The most frequent names among the articles of the mask, with their numbers.

        `less`, (n_names,), is subtracted from these. Of equals, the first by the alphabet. Also
        returns how many names there are in all.
        """
        counted = self._counted(article_mask) - less
        found = np.flatnonzero(counted)
        total = len(found)
        if total > limit:  # an archive has more people than can be sorted in each search
            least = np.partition(counted[found], total - limit)[total - limit]
            found = found[counted[found] >= least]
        ordered = sorted(self._pairs(counted, found), key=lambda pair: (-pair[1], pair[0]))
        return ordered[:limit], total

    def narrowed(self, article_mask: Bools) -> Self:
        """The same names, with the entries of the masked articles only."""
        entries = article_mask[self.owners]
        return replace(self, codes=self.codes[entries], owners=self.owners[entries])

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {name.casefold(): code for code, name in enumerate(self.names)}

    def _counted(self, article_mask: Bools) -> npt.NDArray[np.int64]:
        """The number of articles of the mask by code, (n_names,)."""
        return np.bincount(self.codes[article_mask[self.owners]], minlength=len(self.names))

    def _pairs(
        self, counted: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
    ) -> Iterator[tuple[str, int]]:
        names = (self.names[code] for code in codes.tolist())
        return zip(names, counted[codes].tolist(), strict=True)

    def _articles_of(self, name_mask: Bools) -> Bools:
        article_mask = np.zeros(self.n_articles, np.bool_)
        article_mask[self.owners[name_mask[self.codes]]] = True
        return article_mask


UNDATED = 0


@dataclass(frozen=True)
class ArticleTable:
    """Columns over the rows and articles of the catalogue, in one generation.

    `article_of` (n_rows,) is the ordinal of a row's article, -1 for a removed row; `embedded`
    (n_rows,) is true if the row has a vector. `published` (n_articles,) is the day as in
    `date.toordinal()`, or the first day of a month, year or interval, UNDATED if there is none;
    `published_last` is the last day of these, and equal to `published` for a day. `cluster`
    (n_articles,) is the cluster of an article, from 0 up, and `cluster_rank` its rank there: the
    lead has the lowest. Both are -1 for an article without copies.
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
        people, organisations, places = _names(numbers, catalog.names.table())
        return cls(
            generation=generation,
            article_of=article_of,
            embedded=embedded,
            published=np.array([a.published or UNDATED for a in articles], np.int32),
            published_last=np.array(
                [a.published_last or a.published or UNDATED for a in articles], np.int32
            ),
            cluster=cluster,
            cluster_rank=cluster_rank,
            source=Category.of([(a.source,) for a in articles]),
            section=Category.of([(a.section,) for a in articles]),
            language=Category.of([(a.language,) for a in articles]),
            author=Category.of(json.loads(f"[{','.join(a.authors for a in articles)}]")),
            person=people,
            organisation=organisations,
            place=places,
        )

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
    def languages(self) -> tuple[str, ...]:
        """The languages of articles, commonest first; the empty string is an unknown language."""
        named = self.language.counts(np.ones(self.n_articles, np.bool_))
        named[""] = self.n_articles - named.total()
        return tuple(name for name, count in named.most_common() if count > 0)

    @cached_property
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return float((self.embedded & self.alive).sum() / max(1, self.n_passages))

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

    def select(self, filters: Filters) -> Bools:
        """Article mask of a query's filters; undated articles pass no `since`, `until` or `day`."""
        article_mask = np.ones(self.n_articles, np.bool_)
        if filters.date is DateFilter.NONE:
            article_mask &= self.undated
        if filters.day:
            article_mask &= np.isin(self.published, self._in_every_year(filters.day))
            article_mask[self.periods] = False
        if filters.since or filters.until:
            article_mask &= ~self.undated
        within = filters.date is DateFilter.WITHIN
        if filters.since:
            latest = self.published if within else self.published_last
            article_mask &= latest >= filters.since.toordinal()
        if filters.until:
            earliest = self.published_last if within else self.published
            article_mask &= earliest <= filters.until.toordinal()
        for name, excluded in EXCLUSIONS.items():
            category: Category = getattr(self, name)
            if names := getattr(filters, name):
                article_mask &= category.holding(names)
            if names := getattr(filters, excluded):
                article_mask &= ~category.holding(names)
        return article_mask

    def _in_every_year(self, day: DayOfYear) -> Ints:
        """The ordinals of a day in all years from the first article's to the last one's."""
        days, _ = self.day_counts
        ends = [date.fromordinal(int(each)).year for each in (*days[:1], *days[-1:])]
        years = range(ends[0], ends[-1] + 1) if ends else ()
        leap = (day.month, day.day) == (2, 29)
        with_it = (year for year in years if not leap or isleap(year))
        return np.fromiter((date(year, *day).toordinal() for year in with_it), np.int32)

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
        first = np.full(self.n_articles, -1, np.int64)
        rows = np.flatnonzero(self.alive)[::-1]
        first[self.article_of[rows]] = rows
        return first


def surplus(
    clusters: Ints, codes: npt.NDArray[np.signedinteger], n_codes: int
) -> npt.NDArray[np.int64]:
    """Count the repeated (cluster, code) pairs by code, (n_codes,); both arrays are aligned.

    A facet that counts articles minus this surplus counts each cluster once.
    """
    n_clusters = int(clusters.max(initial=0)) + 1
    pairs = np.sort(codes.astype(np.int64) * n_clusters + clusters)
    repeated = pairs[1:][pairs[1:] == pairs[:-1]] // n_clusters  # a third of np.unique's time
    return np.bincount(repeated, minlength=n_codes)


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
    _, cluster[ordinals[present]] = np.unique(members[present, 1], return_inverse=True)
    cluster_rank[ordinals[present]] = members[present, 2]
    return cluster, cluster_rank


def _names(
    numbers: npt.NDArray[np.int64], stored: Sequence[tuple[int, ArticleNames]]
) -> Iterator[Category]:
    """Columns of people, organisations and places, from (article, its names)."""
    sought = np.fromiter((number for number, _ in stored), np.int64, len(stored))
    ordinals, present = _ordinals_of(numbers, sought)
    there = [(ordinals[i], stored[i][1]) for i in np.flatnonzero(present).tolist()]
    for kind in range(len(ArticleNames._fields)):
        values: list[tuple[str, ...]] = [()] * len(numbers)
        for ordinal, names in there:
            values[ordinal] = names[kind]
        yield Category.of(values)
