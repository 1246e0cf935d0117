"""Finds phrases: positions are compared only in the documents that hold all the terms."""

from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType

import numpy as np

from backfile.index.lexical.storage.postings import StoredList
from backfile.index.model.arrays import Bools, Numbers, Rows
from backfile.index.model.expression import Gap, Stretch

NO_BREAKS: Mapping[Stretch, StoredList] = MappingProxyType({})
SHIFT = 32  # a place is (document << SHIFT) + position


def documents_with_phrase(
    lists: Sequence[StoredList],
    gaps: Sequence[Gap],
    breaks: Mapping[Stretch, StoredList] = NO_BREAKS,
) -> Rows:
    """Return the documents that hold the terms in this order, ascending.

    A gap limits the distance from a term to the next: 1 to so many positions, or, for a stretch,
    the same sentence or paragraph: no break lies between them. `breaks` lists the positions where
    sentences and paragraphs begin.
    """
    held = reduce(_common, sorted((stored.documents for stored in lists), key=len))
    if not len(held):
        return np.empty(0, np.int64)
    reached = _places(lists[0], held)
    for stored, gap in zip(lists[1:], gaps, strict=True):
        places = _places(stored, held)
        if isinstance(gap, Stretch):
            reached = places[_joins(places, reached, _breaks(breaks.get(gap), held))]
        else:
            reached = places[_follows(places, reached, gap)]
    return np.unique(reached >> SHIFT)


def _common(few: Numbers, many: Numbers) -> Numbers:
    """The numbers of a short ascending list that are in a longer one too."""
    at = np.searchsorted(many, few)
    at[at == len(many)] = 0
    common: Numbers = few[many[at] == few]
    return common


def _places(stored: StoredList, held: Numbers) -> Rows:
    """The places of the term in the given documents, ascending."""
    at = np.searchsorted(stored.documents, held)
    counts = stored.frequencies[at].astype(np.int64)
    ends = np.cumsum(stored.frequencies, dtype=np.int64)
    # The index of a document's first position, less the number of positions taken before it.
    shifts = ends[at] - np.cumsum(counts)
    chosen = np.repeat(shifts, counts) + np.arange(int(counts.sum()))
    owners = np.repeat(held.astype(np.int64) << SHIFT, counts)
    places: Rows = owners + stored.positions()[chosen]
    return places


def _follows(places: Rows, before: Rows, gap: int) -> Bools:
    """Mark the places that are 1 to `gap` positions after one of the places before."""
    if not len(before):
        return np.zeros(len(places), np.bool_)
    nearest = np.searchsorted(before, places) - 1
    marked: Bools = (nearest >= 0) & (places - before[nearest] <= gap)
    return marked


def _joins(places: Rows, before: Rows, breaks: Rows) -> Bools:
    """Mark the places after one of the places before, in its document, without a break between."""
    if not len(before):
        return np.zeros(len(places), np.bool_)
    nearest = before[np.maximum(np.searchsorted(before, places) - 1, 0)]
    together = np.searchsorted(breaks, places, "right") == np.searchsorted(breaks, nearest, "right")
    marked: Bools = (nearest < places) & (nearest >> SHIFT == places >> SHIFT) & together
    return marked


def _breaks(stored: StoredList | None, held: Numbers) -> Rows:
    """The places where sentences or paragraphs begin, but for the first of each document."""
    if stored is None:
        return np.empty(0, np.int64)
    return _places(stored, _common(held, stored.documents))
