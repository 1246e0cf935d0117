"""What filters, counts and facets are made of: small arrays over passage rows and articles.

An article is known here by its place, 0 to n_articles - 1, in ascending order of its number in
the catalogue. One mask over articles serves both engines, the total, the facets and the timeline.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from archive.store.catalog import Catalog
from index.query import Filters

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]
UNDATED = 0


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

    def counts(self, articles: Bools) -> Counter[str]:
        """Count, for each name, the marked articles that have it."""
        counted = np.bincount(self.codes[articles[self.owners]], minlength=len(self.names))
        pairs = zip(self.names, counted.tolist(), strict=True)
        return Counter({name: n for name, n in pairs if n})

    def _marked(self, chosen: list[bool]) -> Bools:
        marked = np.zeros(self.n_articles, np.bool_)
        marked[self.owners[np.array(chosen, np.bool_)[self.codes]]] = True
        return marked


@dataclass(frozen=True)
class Columns:
    """A snapshot of the catalogue, in one generation.

    `article_of[row]` is the article's place, or -1 for a row that is gone; `embedded[row]` says
    whether the vectors hold it; `published[place]` is a day's ordinal, 0 where undated.
    """

    generation: int
    article_of: npt.NDArray[np.int64]  # as numpy takes an index
    embedded: Bools
    published: Ints
    source: Category
    section: Category
    language: Category
    author: Category

    @classmethod
    def load(cls, catalog: Catalog, generation: int) -> Self:
        """Read the columns from the catalogue, which was in this generation a moment ago."""
        stored = catalog.passage_table()
        articles = catalog.article_table()
        numbers = np.fromiter((a.number for a in articles), np.int64, len(articles))
        n_rows = int(stored[-1, 0]) + 1 if len(stored) else 1
        places = np.searchsorted(numbers, stored[:, 1])
        # Articles are read a moment after passages: one removed between the two has no number.
        kept = places < len(numbers)
        kept[kept] = numbers[places[kept]] == stored[kept, 1]
        rows = stored[kept, 0]
        article_of = np.full(n_rows, -1, np.int64)
        article_of[rows] = places[kept]
        embedded = np.zeros(n_rows, np.bool_)
        embedded[rows] = stored[kept, 2] != 0
        return cls(
            generation=generation,
            article_of=article_of,
            embedded=embedded,
            published=np.array([a.published or UNDATED for a in articles], np.int32),
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
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return float((self.embedded & self.alive).sum() / max(1, self.n_passages))

    def select(self, filters: Filters) -> Bools:
        """Mark the articles that pass the filters; an undated one passes no date filter."""
        chosen = np.ones(self.n_articles, np.bool_)
        if filters.since or filters.until:
            chosen &= self.published != UNDATED
        if filters.since:
            chosen &= self.published >= filters.since.toordinal()
        if filters.until:
            chosen &= self.published <= filters.until.toordinal()
        for category, names in (
            (self.source, filters.source),
            (self.section, filters.section),
            (self.language, filters.language),
            (self.author, filters.author),
        ):
            if names:
                chosen &= category.holding(names)
        return chosen

    def rows_of(self, articles: Bools) -> Bools:
        """Mark the passage rows of the marked articles."""
        marked: Bools = np.append(articles, False)[self.article_of]  # -1, for none, is the last
        return marked

    def articles_with(self, rows: npt.NDArray[np.int64]) -> Bools:
        """Mark the articles that own any of these living rows."""
        marked = np.zeros(self.n_articles, np.bool_)
        marked[self.article_of[rows]] = True
        return marked

    @cached_property
    def first_rows(self) -> npt.NDArray[np.int64]:
        """The first passage of each article, -1 where it has none."""
        first = np.full(self.n_articles, -1, np.int64)
        rows = np.flatnonzero(self.alive)[::-1]
        first[self.article_of[rows]] = rows
        return first
