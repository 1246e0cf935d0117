"""The ranks of passages in the rankings of the whole archive: by words, and by meaning."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.results import PassageHit, Ranks
from backfile.index.model.whole import Stage, Whole


class RankedPassages(NamedTuple):
    """Passages of some hits in one ranking, (n,) each: their rows, scores, and whose they are.

    `hits` are the indices of their hits among those of the shard.
    """

    rows: Rows
    scores: Floats
    hits: Rows

    def of_hits(self, first: int, end: int) -> "RankedPassages":
        """Those of the hits from `first` to before `end`."""
        mask: Bools = (self.hits >= first) & (self.hits < end)
        return RankedPassages(self.rows[mask], self.scores[mask], self.hits[mask])


def above(
    rankings: Sequence[Floats], wanted: Sequence[Sequence[Floats]], whole: Whole
) -> Stage[list[Rows]]:
    """How many scores of a ranking of the whole are above each wanted one; (n,) for each ranking.

    `wanted` are those of all shards, in their order.

    >>> from backfile.index.model.whole import UNDIVIDED, result_of
    >>> result_of(above([np.array([0.9, 0.5, 0.5])], [[np.array([0.5, 0.1])]], UNDIVIDED))
    [array([1, 3])]
    """
    own = [
        np.array([np.count_nonzero(scores > each) for each in np.concatenate(asked)], np.int64)
        for scores, asked in zip(rankings, zip(*wanted, strict=True), strict=True)
    ]
    given = whole.later(own)
    yield
    counts = [np.sum(each, axis=0) for each in zip(*given.values(), strict=True)]
    before = [sum(map(len, asked[: whole.place])) for asked in zip(*wanted, strict=True)]
    return [
        found[start : start + len(asked)]
        for found, start, asked in zip(counts, before, wanted[whole.place], strict=True)
    ]


def best_ranks(passages: Sequence[PassageHit]) -> Ranks:
    """The best rank of an article's passages in each ranking."""
    lexical = [p.ranks.lexical for p in passages if p.ranks.lexical is not None]
    vector = [p.ranks.vector for p in passages if p.ranks.vector is not None]
    return Ranks(min(lexical, default=None), min(vector, default=None))
