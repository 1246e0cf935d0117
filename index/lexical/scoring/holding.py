"""Says how many words of a query an article holds: all, most or some, by their weights."""

from typing import NamedTuple, Self

import numpy as np

from backfile.index.model.arrays import Bools, Floats
from backfile.index.model.whole import Stage, Whole

ALL_WORDS = 3  # up to so many words, an article must contain all of them
MOST_SHARE = 0.7  # of the sum of idf: most of the words
MOST_FROM = 3  # words, of which an article can hold most without holding all
LEAST_SHARE = 0.15  # of the sum of idf: some of the words
ROUNDED = 0.999  # sums of the same weights differ in the last digits


class NodeMatches(NamedTuple):
    """The result of one node: scores of rows, and the mask of matching articles."""

    scores: Floats
    matching: Bools


class WordMatches(NamedTuple):
    """The result of a `Words` group: its scores, and the masks of Matches."""

    scores: Floats
    eligible: Bools
    matching: Bools
    leading: Bools
    holds_most: Bools
    holds_all: Bools
    required: bool

    @classmethod
    def of(cls, node: NodeMatches, *, required: bool) -> Self:
        """The result of a group without plain words: an article matches or not."""
        mask = node.matching
        return cls(node.scores, mask, mask, mask, mask, mask, required)


class Held(NamedTuple):
    matching: Bools
    leading: Bools
    holds_most: Bools
    holds_all: Bools


def held(
    masks: Bools, present: Bools, weights: Floats, eligible: Bools, whole: Whole
) -> Stage[Held]:
    """Say which eligible articles hold some, most and all of the words, and which lead.

    `masks` (n_words, n_articles) mark the articles that contain a word; `present` (n_words,) are
    the words that any article of the whole contains. A word that is nowhere weighs as much as the
    rarest of the others, so that it cannot outweigh them all.
    """
    weights = np.minimum(weights, weights[present].max(initial=0.0))
    contained = np.zeros(len(eligible), np.float32)
    for weight, mask in zip(weights, masks, strict=True):  # a tenth of the time of a product
        contained += weight * mask
    contained *= eligible
    few = len(masks) <= ALL_WORDS
    in_archive = float(weights[present].sum())
    given = whole.reduced(float(contained.max(initial=0.0)), max)
    yield
    best = given.value()
    some = (contained >= min(LEAST_SHARE * in_archive, best) * ROUNDED) & (contained > 0)
    leading = some & (contained >= best * ROUNDED) if few else some
    holds_all: Bools = masks.all(axis=0) & eligible
    most = contained >= MOST_SHARE * float(weights.sum()) * ROUNDED
    holds_most = holds_all | (most & some) if len(masks) >= MOST_FROM else holds_all
    return Held(some, leading, holds_most, holds_all)
