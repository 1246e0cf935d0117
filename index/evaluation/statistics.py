"""Confidence intervals of means over queries, and tests of differences between systems."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 9_999
AT_ONCE = 500  # resamples in memory
SEED = 1963

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries, with the bounds of its 95% interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A mean difference, and the probability `p` of one as large if the systems were equal."""

    difference: Estimate
    p: float


def estimate(values: Values) -> Estimate:
    """Estimate the mean of two or more values by the percentile bootstrap over queries.

    The seed is fixed: the same values give the same interval. Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, chapter 13.
    """
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=RESAMPLES, batch=AT_ONCE, rng=SEED
    )
    interval = found.confidence_interval
    return Estimate(float(values.mean()), float(interval.low), float(interval.high))


def compare(values: Values, others: Values) -> Comparison:
    """Compare two systems on the same queries by a two-sided paired randomisation test.

    Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for Information
    Retrieval Evaluation", CIKM 2007. Swapping the systems on a query changes the sign of its
    difference.
    """
    from scipy.stats import permutation_test

    differences = values - others
    tested = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=AT_ONCE,
        rng=SEED,
    )
    return Comparison(estimate(differences), float(tested.pvalue))
