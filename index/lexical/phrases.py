"""Finds words in order: positions are compared only in the passages that hold all the words."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from index.lexical.codec import StoredList
from index.lexical.scoring import Rows

SHIFT = 32  # a place is (document << SHIFT) + position


def documents_with_phrase(lists: Sequence[StoredList], slop: int) -> Rows:
    """Return the documents in which the terms stand in this order, ascending.

    Each word follows the one before it by at least 1 and at most `slop` places.
    """
    documents = [stored.documents.astype(np.int64) for stored in lists]
    held = reduce(np.intersect1d, documents)
    if not len(held):
        return np.empty(0, np.int64)
    reached = _places(lists[0], held)
    for stored in lists[1:]:
        ahead = np.unique(np.concatenate([reached + step for step in range(1, slop + 1)]))
        reached = np.intersect1d(ahead, _places(stored, held), assume_unique=True)
    return np.unique(reached >> SHIFT)


def _places(stored: StoredList, held: Rows) -> Rows:
    """Where the term stands in the documents held, ascending."""
    kept = np.isin(stored.documents, held, assume_unique=True)
    owners = np.repeat(stored.documents[kept].astype(np.int64), stored.frequencies[kept])
    positions = stored.positions()[np.repeat(kept, stored.frequencies)]
    return (owners << SHIFT) + positions
