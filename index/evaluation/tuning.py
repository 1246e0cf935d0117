"""Tunes the ranking weights on judged queries, and estimates the gain by cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from backfile.archive.store.manifest import Tuning
from backfile.index.evaluation.statistics import (
    SEED,
    Comparison,
    Estimate,
    Values,
    compare,
    estimate,
)

VECTOR_WEIGHTS = tuple(step / 20 for step in range(21))
PASSAGE_SHARES = (0.0, 0.1, 0.2)
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of tuning; means are of nDCG@10 over all queries.

    `best` are the best weights for all queries. `before` is the mean with the `current` weights.
    `after` is cross-validated: each fold is measured with the best weights of the other folds,
    `by_fold`. `gain` is `after` minus `before`.
    """

    current: Tuning
    best: Tuning
    by_fold: tuple[Tuning, ...]
    before: Estimate
    after: Estimate
    gain: Comparison

    @property
    def beyond_noise(self) -> bool:
        """Whether the 95% interval of the gain lies above zero."""
        return self.gain.difference.low > 0


def weights_to_try(current: Tuning) -> list[Tuning]:
    """List the weights of the grid, with the current ones."""
    weights = sorted({*VECTOR_WEIGHTS, current.vector_weight})
    shares = sorted({*PASSAGE_SHARES, current.passage_share})
    return [Tuning(*each) for each in product(weights, shares)]


def cross_validate(reached: Mapping[Tuning, Values], current: Tuning) -> Tuned:
    """Tune by cross-validation; `reached` are the values (n_queries,) of each candidate.

    `reached` includes `current`. The seed is fixed, so folds depend only on the number of queries.
    All queries have the same weight.
    """
    count = len(reached[current])
    order = np.random.default_rng(SEED).permutation(count)
    held_out = np.zeros(count)
    by_fold = []
    for fold in np.array_split(order, min(FOLDS, count)):
        others = np.setdiff1d(order, fold)
        by_fold.append(best_of({w: values[others] for w, values in reached.items()}, current))
        held_out[fold] = reached[by_fold[-1]][fold]
    return Tuned(
        current=current,
        best=best_of(reached, current),
        by_fold=tuple(by_fold),
        before=estimate(reached[current]),
        after=estimate(held_out),
        gain=compare(held_out, reached[current]),
    )


def best_of(reached: Mapping[Tuning, Values], current: Tuning) -> Tuning:
    """Find the weights with the greatest mean; ties: the nearest to the current ones.

    >>> best_of({Tuning(0.0): np.ones(2), Tuning(0.5): np.ones(2)}, Tuning(0.6))
    Tuning(vector_weight=0.5, passage_share=0.0)
    """

    def rated(tried: Tuning) -> tuple[float, float]:
        far = abs(tried.vector_weight - current.vector_weight)
        far += abs(tried.passage_share - current.passage_share)
        return round(float(reached[tried].mean()), 9), -far

    return max(reached, key=rated)
