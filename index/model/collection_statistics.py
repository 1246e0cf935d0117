"""Numbers of a whole archive that scores and notes depend on, whichever articles are searched."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from backfile.index.model.arrays import distinct
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import commonest_first
from backfile.index.model.expression import Field


@dataclass(frozen=True)
class CollectionStatistics:
    """Numbers of one generation of an archive; those of a divided archive are of all its shards.

    `embedded` and `indexed` passages can be found by meaning and by words. `words` are the numbers
    of words by field, in living passages. `language_counts` are articles by language. The days, as
    in `date.toordinal()`, are the first and the last on which a date begins, and the last on which
    one ends; 0 if none is dated.
    `crossing` are the clusters with articles in several shards: those whose lead is in another one.
    """

    generation: int
    articles: int
    passages: int
    embedded: int
    indexed: int
    words: Mapping[Field, float]
    language_counts: Mapping[str, int]
    first_day: int
    last_day: int
    last_end: int
    crossing: frozenset[int]

    @classmethod
    def of(cls, table: ArticleTable, words: Mapping[Field, float], indexed: int) -> Self:
        """The numbers of an archive that is not divided, or of one shard."""
        days, _ = table.day_counts
        return cls(
            generation=table.generation,
            articles=table.n_articles,
            passages=table.n_passages,
            embedded=table.n_embedded,
            indexed=indexed,
            words=words,
            language_counts=table.language_counts,
            first_day=int(days[0]) if len(days) else 0,
            last_day=int(days[-1]) if len(days) else 0,
            last_end=int(table.published_last.max(initial=0)),
            crossing=without_lead(table),
        )

    @classmethod
    def merged(cls, shards: Sequence[Self]) -> Self:
        """The numbers of a whole; its generation grows whenever that of a shard does."""
        dated = [each for each in shards if each.last_day]
        return cls(
            generation=sum(each.generation for each in shards),
            articles=sum(each.articles for each in shards),
            passages=sum(each.passages for each in shards),
            embedded=sum(each.embedded for each in shards),
            indexed=sum(each.indexed for each in shards),
            words={name: sum(each.words[name] for each in shards) for name in shards[0].words},
            language_counts=sum((Counter(each.language_counts) for each in shards), Counter()),
            first_day=min((each.first_day for each in dated), default=0),
            last_day=max((each.last_day for each in dated), default=0),
            last_end=max((each.last_end for each in dated), default=0),
            crossing=frozenset[int]().union(*(each.crossing for each in shards)),
        )

    @property
    def coverage(self) -> float:
        """The share of passages that can be found by meaning, 0 to 1."""
        return self.embedded / max(1, self.passages)

    @property
    def words_coverage(self) -> float:
        """The share of passages that can be found by words, 0 to 1; 1 of an empty archive."""
        return self.indexed / self.passages if self.passages else 1.0

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages of articles, commonest first; the empty string is an unknown language."""
        return commonest_first(self.language_counts)


def without_lead(table: ArticleTable) -> frozenset[int]:
    """The clusters whose lead is not in the table; a cluster has the number of its lead.

    Of a million articles, `np.setdiff1d` takes a second, whenever a changed archive is opened.
    """
    others = table.cluster[(table.cluster >= 0) & (table.cluster != table.number)]
    clusters = distinct(others.astype(np.int64))
    places = np.searchsorted(table.number, clusters)
    there = places < len(table.number)
    there[there] = table.number[places[there]] == clusters[there]
    return frozenset(clusters[~there].tolist())
