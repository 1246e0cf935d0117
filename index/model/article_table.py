"""Columns over articles and passages (Lucene: doc values) for filters, counts and facets.

An article is known here by its place, 0 to n_articles - 1, in ascending order of its number in
the catalogue. One mask over articles serves both engines, the total, the facets and the timeline.
"""

import json
from calendar import isleap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from backfile.archive.store.catalog import Catalog
from backfile.index.model.arrays import Bools, Ints
from backfile.index.model.filters import EXCLUSIONS, FACETS, DateFilter, DayOfYear, Filters


@dataclass(frozen=True)
class Category:
    """One many-valued attribute of articles: `codes[i]` of article `owners[i]`, into `names`."""

    names: tuple[str, ...]
    codes: Ints
    owners: Ints
    n_articles: int

    @classmethod
    def of(cls, values: Sequence[Sequence[str]]) -> Self:
        """Code the values of each article; the empty string is no value.

        Spellings that differ in case alone are one value, shown as it is spelt most often.
        """
        numbers: dict[str, int] = {}  # of spellings
        spelt, owners = [], []
        for place, names in enumerate(values):
            for name in names:
                if name:
                    spelt.append(numbers.setdefault(name, len(numbers)))
                    owners.append(place)
        alike: dict[str, list[int]] = {}
        for name, number in numbers.items():
            alike.setdefault(name.casefold(), []).append(number)
        counts = np.bincount(spelt, minlength=len(numbers))
        spellings = tuple(numbers)
        code_of = np.empty(len(numbers), np.int32)
        for code, same in enumerate(alike.values()):
            code_of[same] = code
        # An article that has a name twice, in two spellings, has it once.
        pairs = np.stack([np.array(owners, np.int32), code_of[np.array(spelt, np.int32)]])
        owned, codes = np.unique(pairs, axis=1)
        return cls(
            names=tuple(spellings[max(same, key=lambda n: counts[n])] for same in alike.values()),
            codes=codes,
            owners=owned,
            n_articles=len(values),
        )

    def holding(self, wanted: Sequence[str]) -> Bools:
        """Mark the articles with any of these names, compared without case."""
        folded = {name.casefold() for name in wanted}
        return self._marked([name.casefold() in folded for name in self.names])

    def mentioning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Mark the articles with a name in which these words follow each other."""
        wanted, n = list(words), len(words)
        names = [words_of(name) for name in self.names]
        return self._marked(
            [any(name[i : i + n] == wanted for i in range(len(name) - n + 1)) for name in names]
        )

    def counts(self, articles: Bools, less: npt.NDArray[np.int64] | int = 0) -> Counter[str]:
        """Count, for each name, the marked articles that have it, less what is given of each."""
        counted = np.bincount(self.codes[articles[self.owners]], minlength=len(self.names)) - less
        pairs = zip(self.names, counted.tolist(), strict=True)
        return Counter({name: n for name, n in pairs if n})

    def narrowed(self, articles: Bools) -> Self:
        """The same names, of the marked articles alone."""
        kept = articles[self.owners]
        return replace(self, codes=self.codes[kept], owners=self.owners[kept])

    def _marked(self, chosen: list[bool]) -> Bools:
        marked = np.zeros(self.n_articles, np.bool_)
        marked[self.owners[np.array(chosen, np.bool_)[self.codes]]] = True
        return marked


UNDATED = 0


@dataclass(frozen=True)
class ArticleTable:
    """A snapshot of the catalogue, in one generation.

    `article_of[row]` is the article's place, or -1 for a row that is gone; `embedded[row]` says
    whether the vectors hold it; `published[place]` is a day's ordinal, 0 where undated. Articles
    that are copies of each other have one `story`, from 0 up, and a `standing` in it, the lowest of
    which leads; an article without a copy has -1 for both.
    """

    generation: int
    article_of: npt.NDArray[np.int64]  # as numpy takes an index
    embedded: Bools
    published: Ints
    story: Ints
    standing: Ints
    source: Category
    section: Category
    language: Category
    author: Category

    @classmethod
    def load(cls, catalog: Catalog, generation: int) -> Self:
        """Read the columns from the catalogue, which was in this generation a moment ago."""
        stored = catalog.passage_table()
        articles = catalog.article_table()
        told = catalog.clusters.table()
        numbers = np.fromiter((a.number for a in articles), np.int64, len(articles))
        n_rows = int(stored[-1, 0]) + 1 if len(stored) else 1
        # Articles are read a moment after passages: one removed between the two has no number.
        places, kept = _found(numbers, stored[:, 1])
        rows = stored[kept, 0]
        article_of = np.full(n_rows, -1, np.int64)
        article_of[rows] = places[kept]
        embedded = np.zeros(n_rows, np.bool_)
        embedded[rows] = stored[kept, 2] != 0
        story, standing = _stories(numbers, told)
        return cls(
            generation=generation,
            article_of=article_of,
            embedded=embedded,
            published=np.array([a.published or UNDATED for a in articles], np.int32),
            story=story,
            standing=standing,
            source=Category.of([(a.source,) for a in articles]),
            section=Category.of([(a.section,) for a in articles]),
            language=Category.of([(a.language,) for a in articles]),
            author=Category.of(json.loads(f"[{','.join(a.authors for a in articles)}]")),
        )

    @property
    def n_rows(self) -> int:
        return len(self.article_of)

    @property
    def n_articles(self) -> int:
        return len(self.published)

    @cached_property
    def alive(self) -> Bools:
        """The rows that belong to an article."""
        return self.article_of >= 0

    @cached_property
    def n_passages(self) -> int:
        return int(self.alive.sum())

    @cached_property
    def spoken(self) -> tuple[str, ...]:
        """The languages of articles, the commonest first; the empty string where none is known."""
        named = self.language.counts(np.ones(self.n_articles, np.bool_))
        named[""] = self.n_articles - named.total()
        return tuple(name for name, count in named.most_common() if count > 0)

    @cached_property
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return float((self.embedded & self.alive).sum() / max(1, self.n_passages))

    @cached_property
    def undated(self) -> Bools:
        """The articles without a day."""
        without: Bools = self.published == UNDATED
        return without

    def select(self, filters: Filters) -> Bools:
        """Mark the articles that pass the filters; an undated one passes no date filter."""
        chosen = np.ones(self.n_articles, np.bool_)
        if filters.date is DateFilter.NONE:
            chosen &= self.undated
        if filters.day:
            chosen &= np.isin(self.published, self._in_every_year(filters.day))
        if filters.since or filters.until:
            chosen &= ~self.undated
        if filters.since:
            chosen &= self.published >= filters.since.toordinal()
        if filters.until:
            chosen &= self.published <= filters.until.toordinal()
        for name, excluded in EXCLUSIONS.items():
            category: Category = getattr(self, name)
            if names := getattr(filters, name):
                chosen &= category.holding(names)
            if names := getattr(filters, excluded):
                chosen &= ~category.holding(names)
        return chosen

    def _in_every_year(self, day: DayOfYear) -> Ints:
        """The ordinals of a day in all years from the first article's to the last one's."""
        days, _ = self.held_by_day
        ends = [date.fromordinal(int(each)).year for each in (*days[:1], *days[-1:])]
        years = range(ends[0], ends[-1] + 1) if ends else ()
        leap = (day.month, day.day) == (2, 29)
        with_it = (year for year in years if not leap or isleap(year))
        return np.fromiter((date(year, *day).toordinal() for year in with_it), np.int32)

    def rows_of(self, articles: Bools) -> Bools:
        """Mark the passage rows of the marked articles."""
        marked: Bools = np.append(articles, False)[self.article_of]  # -1, for none, is the last
        return marked

    def articles_with(self, rows: npt.NDArray[np.int64]) -> Bools:
        """Mark the articles that own any of these living rows."""
        marked = np.zeros(self.n_articles, np.bool_)
        marked[self.article_of.take(rows)] = True  # a third quicker than by []
        return marked

    @cached_property
    def copied(self) -> npt.NDArray[np.int64]:
        """The articles that are copies of another, story by story, leads first."""
        places = np.flatnonzero(self.story >= 0)
        ordered: npt.NDArray[np.int64] = places[
            np.lexsort((self.standing[places], self.story[places]))
        ]
        return ordered

    @cached_property
    def copied_by_day(self) -> npt.NDArray[np.int64]:
        """The articles that are copies of another and have a day, story by story, by day."""
        places = np.flatnonzero((self.story >= 0) & ~self.undated)
        ordered: npt.NDArray[np.int64] = places[
            np.lexsort((self.published[places], self.story[places]))
        ]
        return ordered

    @cached_property
    def held_by_day(self) -> tuple[Ints, npt.NDArray[np.int64]]:
        """The days that articles are of, ascending, and how many are of each."""
        days, counts = np.unique(self.published[~self.undated], return_counts=True)
        return days, counts

    @cached_property
    def days_followed(self) -> tuple[Ints, Ints]:
        """The days of each dated copy but its story's last, and of the one that follows it."""
        members = self.copied_by_day
        days, stories = self.published[members], self.story[members]
        same = stories[1:] == stories[:-1]
        return days[:-1][same], days[1:][same]

    @cached_property
    def of_copied(self) -> dict[str, Category]:
        """Each category, of the articles alone that are copies of another."""
        return {name: getattr(self, name).narrowed(self.story >= 0) for name in FACETS}

    @cached_property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """The first passage of each article, -1 where it has none."""
        first = np.full(self.n_articles, -1, np.int64)
        rows = np.flatnonzero(self.alive)[::-1]
        first[self.article_of[rows]] = rows
        return first


def surplus(
    stories: Ints, codes: npt.NDArray[np.signedinteger], n_codes: int
) -> npt.NDArray[np.int64]:
    """How often, for each code, a story has it beyond once; both arrays are aligned."""
    n_stories = int(stories.max(initial=0)) + 1
    pairs = np.sort(codes.astype(np.int64) * n_stories + stories)
    again = pairs[1:][pairs[1:] == pairs[:-1]] // n_stories  # a third of the time of np.unique
    return np.bincount(again, minlength=n_codes)


def _found(
    numbers: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Bools]:
    """Where the wanted are among ascending numbers, and which of them are."""
    places = np.searchsorted(numbers, wanted)
    there = places < len(numbers)
    there[there] = numbers[places[there]] == wanted[there]
    return places, there


def _stories(numbers: npt.NDArray[np.int64], told: npt.NDArray[np.int64]) -> tuple[Ints, Ints]:
    """Lay out (article, story, place) by the articles' places."""
    story, standing = np.full((2, len(numbers)), -1, np.int32)
    places, there = _found(numbers, told[:, 0])
    _, story[places[there]] = np.unique(told[there, 1], return_inverse=True)
    standing[places[there]] = told[there, 2]
    return story, standing
