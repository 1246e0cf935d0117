"""Chooses the vector weight that suits judged queries, and tells what it is worth on others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from index.evaluation.statistics import SEED, Comparison, Estimate, Values, compare, estimate

GRID = tuple(step / 20 for step in range(21))
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning comes to: means of nDCG@10 over all queries.

    `weight` is the best for all queries, `current` what was in force. `after` is cross-validated:
    each fold of the queries at the weight that is best for the others, one of `by_fold`. `gain` is
    that less `before`.
    """

    current: float
    weight: float
    by_fold: tuple[float, ...]
    before: Estimate
    after: Estimate
    gain: Comparison

    @property
    def beyond_noise(self) -> bool:
        """Whether the 95% interval of the gain lies above zero."""
        return self.gain.difference.low > 0


def weights_to_try(current: float) -> list[float]:
    """The grid, and the weight that is in force."""
    return sorted({*GRID, current})


def cross_validate(reached: Mapping[float, Values], current: float) -> Tuned:
    """Tune on the values that each weight reaches, aligned by query; `current` is one of them.

    The folds are the same each time. Folders that differ in size count by their queries.
    """
    count = len(reached[current])
    order = np.random.default_rng(SEED).permutation(count)
    held_out = np.zeros(count)
    by_fold = []
    for fold in np.array_split(order, min(FOLDS, count)):
        others = np.setdiff1d(order, fold)
        by_fold.append(best_weight({w: values[others] for w, values in reached.items()}, current))
        held_out[fold] = reached[by_fold[-1]][fold]
    return Tuned(
        current=current,
        weight=best_weight(reached, current),
        by_fold=tuple(by_fold),
        before=estimate(reached[current]),
        after=estimate(held_out),
        gain=compare(held_out, reached[current]),
    )


def best_weight(reached: Mapping[float, Values], current: float) -> float:
    """The weight of the greatest mean; of equal ones the nearest to the current.

    >>> best_weight({0.0: np.ones(2), 0.5: np.ones(2), 0.6: np.zeros(2)}, 0.6)
    0.5
    """
    return max(reached, key=lambda w: (round(float(reached[w].mean()), 9), -abs(w - current)))
