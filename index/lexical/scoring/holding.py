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
    """The result of a `Words` group: its scores, and what Matches has of it."""

    scores: Floats
    eligible: Bools
    matching: Bools
    leading: Bools
    most_held: float
    holds_most: Bools
    holds_all: Bools
    required: bool

    @classmethod
    def of(cls, node: NodeMatches, *, required: bool) -> Self:
        """The result of a group without plain words: an article matches or not."""
        mask = node.matching
        return cls(node.scores, mask, mask, mask, 0.0, mask, mask, required)


class Held(NamedTuple):
    """Which articles hold some, most and all of the words; see Matches."""

    matching: Bools
    leading: Bools
    most_held: float
    holds_most: Bools
    holds_all: Bools


def held(
    masks: Bools,
    present: Bools,
    weights: Floats,
    eligible: Bools,
    whole: Whole,
    *,
    required: bool,
) -> Stage[Held]:
    """Say which eligible articles hold some, most and all of the words, and which lead.

    `masks` (n_words, n_articles) mark the articles that contain a word; `present` (n_words,) are
    the words that any article of the whole contains. A word that is nowhere weighs as much as the
    rarest of the others, so that it cannot outweigh them all.

    Some of the words are LEAST_SHARE of what is in the archive, or as much as any eligible article
    of the whole holds, which shards exchange. A few words need no exchange where nothing is
    `required`: each word that is in the archive is in an eligible article, and one of them has more
    than that share. An article holds one word or does not.
    """
    weights = np.minimum(weights, weights[present].max(initial=0.0))
    contained = np.zeros(len(eligible), np.float32)
    for weight, mask in zip(weights, masks, strict=True):  # a tenth of the time of a product
        contained += weight * mask
    contained *= eligible
    few = len(masks) <= ALL_WORDS
    least = LEAST_SHARE * float(weights[present].sum())
    best = float(contained.max(initial=0.0))
    if len(masks) > (1 if required else ALL_WORDS):
        given = whole.reduced(best, max)
        yield
        best = given.value()
        least = min(least, best)
    some = (contained >= least * ROUNDED) & (contained > 0)
    leading = some & (contained >= best) if few else some
    holds_all: Bools = masks.all(axis=0) & eligible
    most = contained >= MOST_SHARE * float(weights.sum()) * ROUNDED
    holds_most = holds_all | (most & some) if len(masks) >= MOST_FROM else holds_all
    return Held(some, leading, best if few else 0.0, holds_most, holds_all)
