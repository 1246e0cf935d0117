"""Merges the ranking by words with the ranking by meaning. Pure functions over aligned scores."""

import numpy as np

from index.protocols import Floats

RRF_K = 60  # Cormack, Clarke and Buettcher, SIGIR 2009
LEAST_COSINE = -1.0  # the theoretical minimum


def convex(lexical: Floats, cosines: Floats, vector_weight: float) -> Floats:
    """Add both scores, each scaled from its theoretical least to the greatest seen.

    TM2C2 of Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023
    (arXiv:2210.11934), section 3. Both arrays (n,) are for the same candidates.

    >>> convex(np.array([4.0, 0.0]), np.array([0.5, 1.0]), 0.5).tolist()
    [0.875, 0.5]
    """
    return (1 - vector_weight) * _scaled(lexical, 0.0) + vector_weight * _scaled(
        cosines, LEAST_COSINE
    )


def reciprocal_rank(lexical: Floats, cosines: Floats) -> Floats:
    """Add 1 / (k + rank) over both rankings; a candidate without a word has no lexical rank.

    >>> np.round(reciprocal_rank(np.array([4.0, 0.0]), np.array([0.5, 1.0])) * 1000, 2).tolist()
    [32.52, 16.39]
    """
    by_words = np.where(lexical > 0, 1.0 / (RRF_K + ranks(lexical)), 0.0)
    return (by_words + 1.0 / (RRF_K + ranks(cosines))).astype(np.float32)


def ranks(scores: Floats) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Rank from 1, the highest score first; equal scores share the better rank.

    >>> ranks(np.array([0.2, 0.9, 0.2])).tolist()
    [2, 1, 2]
    """
    ascending = np.sort(scores)
    return len(scores) - np.searchsorted(ascending, scores, side="right") + 1


def _scaled(scores: Floats, least: float) -> Floats:
    span = float(scores.max(initial=least)) - least
    return ((scores - least) / span if span > 0 else np.zeros_like(scores)).astype(np.float32)
