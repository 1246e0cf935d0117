"""Fuses the scores by words with the scores by meaning. Pure functions over aligned arrays."""

import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.whole import UNDIVIDED, Whole

RRF_K = 60  # Cormack, Clarke and Buettcher, SIGIR 2009
REACHED = 0.5  # of the bound; the median best passage reaches .58 on RealTimeQA, .30 on TIME


def convex(lexical: Floats, most: float, closeness: Floats, vector_weight: float) -> Floats:
    """Fuse by a convex combination; both arrays (n,) are aligned.

    Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023
    (arXiv:2210.11934), section 3, but normalised by theoretical bounds, so that a score does not
    depend on the other candidates: BM25F scores by the bound `most`, closeness by 0 and 1. If the
    greatest score were the bound, one weak word in common would count in full.

    >>> convex(np.array([4.0, 0.0]), 16.0, np.array([0.5, 0.8]), 0.5).tolist()
    [0.5, 0.4000000059604645]
    """
    words = convex_words(lexical, most, vector_weight)
    return (words + vector_weight * np.maximum(closeness, 0.0)).astype(np.float32)


def convex_words(lexical: Floats, most: float, vector_weight: float) -> Floats:
    """The share of words in `convex`; the rest is the share of meaning."""
    scale = (1 - vector_weight) / (REACHED * most) if most > 0 else 0.0
    return (scale * lexical).astype(np.float32)


def reciprocal_rank(lexical: Floats, closeness: Floats, whole: Whole = UNDIVIDED) -> Floats:
    """Fuse by the sum of 1 / (k + rank) over both rankings; a BM25F score of 0 has no rank.

    The ranks are those in the whole.

    >>> fused = reciprocal_rank(np.array([4.0, 0.0]), np.array([0.5, 1.0]))
    >>> [round(1000 * float(score), 2) for score in fused]
    [32.52, 16.39]
    """
    words = reciprocal_rank_words(lexical, whole)
    near = ranks(closeness, among=whole.reduced(closeness, np.concatenate).value())
    return (words + 1.0 / (RRF_K + near)).astype(np.float32)


def reciprocal_rank_words(lexical: Floats, whole: Whole = UNDIVIDED) -> Floats:
    """The share of words in `reciprocal_rank`; the rest is the share of meaning."""
    ranked = ranks(lexical, among=whole.reduced(lexical, np.concatenate).value())
    return np.where(lexical > 0, 1.0 / (RRF_K + ranked), 0.0).astype(np.float32)


def ranks(scores: Floats, among: Floats) -> Rows:
    """Rank from 1 among other scores, the highest first; equal scores share the better rank.

    >>> scores = np.array([0.2, 0.9, 0.2])
    >>> ranks(scores, among=scores).tolist()
    [2, 1, 2]
    """
    ascending = np.sort(among)
    return len(among) - np.searchsorted(ascending, scores, side="right") + 1
