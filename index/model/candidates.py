"""The passages that compete for a place in an answer, and their scores."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from backfile.index.model.arrays import Bools, Floats, Rows


class Nearness(NamedTuple):
    """The embedding of a query, (dimension,), and the rows within the floor of it, (n,)."""

    vector: Floats
    rows: Rows


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages that compete, aligned arrays; `fused` decides, of which `worded` is due to words.

    `cosines` is NaN where unknown; `near` marks those found by meaning, above the floor.
    `by_words` and `by_meaning` mark matching articles.
    """

    rows: Rows
    fused: Floats
    lexical: Floats
    cosines: Floats
    near: Bools
    by_words: Bools
    by_meaning: Bools
    worded: Floats

    @property
    def articles(self) -> Bools:
        """All articles that match: the set that is counted, broken down and paged."""
        return self.by_words | self.by_meaning

    def without_articles(self) -> Self:
        """The same passages, where none of their articles is an answer."""
        nobody = np.zeros_like(self.by_words)
        return replace(self, by_words=nobody, by_meaning=nobody)
