"""Candidates: the passages that both rankings score, with their scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from backfile.index.model.arrays import Bools, Floats, Rows

BELOW = 0.99  # of the lowest score of a candidate: the best score in the tail


class Nearness(NamedTuple):
    """The embedding of a query, (dimension,), and the rows that reach the floor, in order, (n,).

    The cosine and the closeness of each of them to the query are aligned with them.
    """

    vector: Floats
    rows: Rows
    cosines: Floats
    closeness: Floats

    def above(self, floor: float) -> Self:
        """Those with a closeness of at least `floor`."""
        near = self.closeness >= floor
        return self._replace(
            rows=self.rows[near], cosines=self.cosines[near], closeness=self.closeness[near]
        )

    def places_of(self, rows: Rows) -> tuple[Rows, Bools]:
        """Where rows stand among the near ones, (n,), and which of them do."""
        places = np.searchsorted(self.rows, rows)
        there = places < len(self.rows)
        there[there] = self.rows[places[there]] == rows[there]
        return places, there


@dataclass(frozen=True, slots=True)
class Candidates:
    """Aligned arrays over the candidates of a query, (n,), and two article masks.

    In a shard, they are its own candidates, selected among those of the whole.

    `fused` is the score of a candidate, and `word_share` the part of it that words add. `lexical`
    is the BM25F score; `cosines`, and the `closeness` that they are converted to, are NaN for a
    passage without a vector, which is `assumed` to be as close as the median of the others; that is
    NaN if none has a vector. `near` marks the rows found by meaning. `by_words` and `by_meaning`
    (n_articles,) mark the matching articles.
    """

    rows: Rows
    fused: Floats
    lexical: Floats
    cosines: Floats
    closeness: Floats
    near: Bools
    by_words: Bools
    by_meaning: Bools
    word_share: Floats
    assumed: float

    @property
    def articles(self) -> Bools:
        """Article mask of all matching articles: the set of totals, facets, timeline and pages."""
        return self.by_words | self.by_meaning

    def among(self, article_mask: Bools) -> Self:
        """The same candidates, with the matching articles of a mask only."""
        by_words, by_meaning = self.by_words & article_mask, self.by_meaning & article_mask
        return replace(self, by_words=by_words, by_meaning=by_meaning)


class Tail(NamedTuple):
    """The matching articles without candidates, which are ranked below all others by their words.

    `lowest` is the least fused score of a candidate in the whole, inf without any, and `greatest`
    the greatest place of an article of the tail, -inf without any.
    """

    lowest: float = np.inf
    greatest: float = -np.inf

    @staticmethod
    def places(words: Floats) -> Floats:
        """What sorts articles of the tail with these scores by words: less than any fused score.

        >>> Tail.places(np.array([0.0, 1.0, 4.0])).tolist()
        [-1.0, -0.5, -0.2]
        """
        return np.negative(1 / (1 + words), dtype=words.dtype)

    @classmethod
    def of(cls, candidates: Candidates, scores: Floats) -> Self:
        """That of the articles with these scores and places, (n_articles,)."""
        tail = scores[candidates.by_words & (scores < 0)]
        return cls(float(candidates.fused.min(initial=np.inf)), float(tail.max(initial=-np.inf)))

    @classmethod
    def of_all(cls, shards: Sequence["Tail"]) -> "Tail":
        """That of the whole."""
        lowest, greatest = zip(*shards, strict=True)
        return cls(min(lowest), max(greatest))

    def scores(self, places: Floats) -> Floats:
        """The scores of articles that are sorted by these, (n,): those of the tail are in scale.

        >>> Tail(lowest=0.5, greatest=-0.2).scores(np.array([0.8, -0.2, -0.5, -1.0])).tolist()
        [0.8, 0.495, 0.12375, 0.0]
        """
        below = places < 0
        if np.isinf(self.greatest) or not below.any():  # scores by meaning may be below 0
            return places
        lowest = self.lowest if np.isfinite(self.lowest) else 0.0
        words, most = -1 / places[below] - 1, -1 / self.greatest - 1
        scores = places.copy()
        scores[below] = BELOW * lowest * words / max(most, 1e-9)
        return scores
