"""Finds phrases: positions are compared only in the documents that hold all the terms."""

from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from backfile.index.lexical.storage.forms import Accepts
from backfile.index.lexical.storage.postings import StoredList
from backfile.index.model.arrays import Bools, Numbers, Rows
from backfile.index.model.expression import Gap, Stretch

NO_BREAKS: Mapping[Stretch, StoredList] = MappingProxyType({})
NOTHING: Rows = np.empty(0, np.int64)
SHIFT = 32  # a place is (document << SHIFT) + position


class SlotLists(NamedTuple):
    """The lists of a Slot in one segment; None for any word at all."""

    lists: Sequence[StoredList] | None
    accepts: Accepts | None = None


class Places(NamedTuple):
    """Occurrences: the place where each begins and the one where it ends, which is the same but
    for joined forms; (n,) each, ascending by their beginnings."""

    starts: Rows
    ends: Rows


def phrase_postings(
    slots: Sequence[SlotLists],
    gaps: Sequence[Gap],
    breaks: Mapping[Stretch, StoredList] = NO_BREAKS,
    *,
    leading: bool = False,
) -> tuple[Rows, Rows]:
    """Find what stands in this order: the documents, ascending, and how often each holds it.

    A gap limits the distance from a slot to the next: 1 to so many positions, or, for a stretch,
    the same sentence or paragraph: no break lies between them. `breaks` lists the positions where
    sentences and paragraphs begin. Only the first paragraph is searched if `leading`.
    """
    searched = [_documents(slot.lists) for slot in slots if slot.lists is not None]
    held = reduce(_common, sorted(searched, key=len))
    if not len(held):
        return NOTHING, NOTHING
    reached = _occurrences(slots[0], held)
    if leading:
        reached = _leading(reached, _breaks(breaks.get(Stretch.PARAGRAPH), held))
    ends = np.unique(reached.ends)
    for slot, gap in zip(slots[1:], gaps, strict=True):
        if slot.lists is None:  # any word
            ends = ends + 1
            continue
        places = _occurrences(slot, held)
        if isinstance(gap, Stretch):
            follows = _joins(places.starts, ends, _breaks(breaks.get(gap), held))
        else:
            follows = _follows(places.starts, ends, gap)
        ends = places.ends[follows]
        if any(stored.longest > 1 for stored in slot.lists):
            ends = np.unique(ends)
    return np.unique(ends >> SHIFT, return_counts=True)


def _documents(lists: Sequence[StoredList]) -> Numbers:
    """The documents of any of these lists, ascending."""
    if len(lists) == 1:
        return lists[0].documents
    return np.unique(np.concatenate([stored.documents for stored in lists]))


def _occurrences(slot: SlotLists, held: Numbers) -> Places:
    """The occurrences of a slot's terms in the given documents."""
    found = [_of_list(stored, slot.accepts, held) for stored in slot.lists or ()]
    if len(found) == 1:
        return found[0]
    starts, ends = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(starts, kind="stable")
    return Places(starts[order], ends[order])


def _of_list(stored: StoredList, accepts: Accepts | None, held: Numbers) -> Places:
    common = _common(stored.documents, held) if len(stored.documents) else stored.documents
    starts, chosen = _places(stored, common)
    if accepts is None and stored.longest == 1:
        return Places(starts, starts)
    forms = stored.forms()
    ends = starts + forms.covered()[chosen].astype(np.int64) - 1
    if accepts is None:
        return Places(starts, ends)
    taken = forms.accepted(accepts)[chosen]
    return Places(starts[taken], ends[taken])


def _leading(places: Places, breaks: Rows) -> Places:
    """Those in front of the first break of their document."""
    documents = places.starts >> SHIFT
    first = np.searchsorted(breaks, documents << SHIFT)
    after = np.searchsorted(breaks, places.starts, "right")
    return Places(places.starts[first == after], places.ends[first == after])


def _common(few: Numbers, many: Numbers) -> Numbers:
    """The numbers of a short ascending list that are in a longer one too."""
    at = np.searchsorted(many, few)
    at[at == len(many)] = 0
    common: Numbers = few[many[at] == few]
    return common


def _places(stored: StoredList, held: Numbers) -> tuple[Rows, Rows]:
    """The places of a term in documents that hold it, ascending, and their indices in its list."""
    at = np.searchsorted(stored.documents, held)
    counts = stored.frequencies[at].astype(np.int64)
    ends = np.cumsum(stored.frequencies, dtype=np.int64)
    # The index of a document's first position, less the number of positions taken before it.
    shifts = ends[at] - np.cumsum(counts)
    chosen = np.repeat(shifts, counts) + np.arange(int(counts.sum()))
    owners = np.repeat(held.astype(np.int64) << SHIFT, counts)
    places: Rows = owners + stored.positions()[chosen]
    return places, chosen


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
    return _places(stored, _common(held, stored.documents))[0]
