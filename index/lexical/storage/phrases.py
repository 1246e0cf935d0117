"""Finds phrases: positions are compared only in the documents that hold all the terms."""

from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from backfile.index.lexical.storage.forms import Accepts, ranges
from backfile.index.lexical.storage.postings import StoredList
from backfile.index.model.arrays import Bools, Numbers, Rows, common, distinct, is_first
from backfile.index.model.expression import Gap, Stretch

NO_BREAKS: Mapping[Stretch, StoredList] = MappingProxyType({})
NOTHING: Rows = np.empty(0, np.int64)
SPARSE = 32  # of so many documents one is in the shorter list, or fewer: then they are looked up
MOST_OF = 8  # of a list: from one document in so many, its occurrences are chosen by a mask
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
    alone = slots[0].lists or () if len(slots) == 1 and not leading else ()
    if len(alone) == 1 and alone[0].longest == 1:  # no two occurrences end at one place
        return _of_one(alone[0], slots[0].accepts)
    reached = _occurrences(slots[0], held)
    if leading:
        reached = _leading(reached, _breaks(breaks.get(Stretch.PARAGRAPH), held))
    ends = distinct(reached.ends)
    for slot, gap in zip(slots[1:], gaps, strict=True):
        if not len(ends):
            return NOTHING, NOTHING
        if slot.lists is None:  # any word
            ends = ends + 1
            continue
        places = _occurrences(slot, held)
        if gap == 1 and len(slot.lists) == 1 and slot.lists[0].longest == 1:
            ends = common(ends + 1, places.starts)
            continue
        if isinstance(gap, Stretch):
            follows = _joins(places.starts, ends, _breaks(breaks.get(gap), held))
        else:
            follows = _follows(places.starts, ends, gap)
        ends = places.ends[follows]
        if any(stored.longest > 1 for stored in slot.lists):
            ends = distinct(ends)
    documents = ends >> SHIFT
    firsts = np.flatnonzero(is_first(documents))
    return documents[firsts], np.diff(np.append(firsts, len(documents)))


def _of_one(stored: StoredList, accepts: Accepts | None) -> tuple[Rows, Rows]:
    """The documents of a list, and how often each holds a form of it that is accepted."""
    counts = stored.frequencies.astype(np.int64)
    if accepts is None:
        return stored.documents.astype(np.int64), counts
    taken = np.cumsum(stored.forms().accepted(accepts))  # a third of the time of reduceat
    counts = np.diff(taken[np.cumsum(counts) - 1], prepend=0)
    held = np.flatnonzero(counts)
    return stored.documents[held].astype(np.int64), counts[held]


def _documents(lists: Sequence[StoredList]) -> Numbers:
    """The documents of any of these lists, ascending."""
    if len(lists) == 1:
        return lists[0].documents
    return distinct(np.concatenate([stored.documents for stored in lists]))


def _occurrences(slot: SlotLists, held: Numbers) -> Places:
    """The occurrences of a slot's terms in the given documents."""
    found = [_of_list(stored, slot.accepts, held) for stored in slot.lists or ()]
    if len(found) == 1:
        return found[0]
    starts, ends = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(starts, kind="stable")
    return Places(starts[order], ends[order])


def _of_list(stored: StoredList, accepts: Accepts | None, held: Numbers) -> Places:
    starts, chosen = _places(stored, held)
    if accepts is None and stored.longest == 1:
        return Places(starts, starts)
    forms = stored.forms().at(chosen)
    ends = starts + forms.covered().astype(np.int64) - 1
    if accepts is None:
        return Places(starts, ends)
    taken = forms.accepted(accepts)
    return Places(starts[taken], ends[taken])


def _leading(places: Places, breaks: Rows) -> Places:
    """Those in front of the first break of their document."""
    documents = places.starts >> SHIFT
    first = np.searchsorted(breaks, documents << SHIFT)
    after = np.searchsorted(breaks, places.starts, "right")
    return Places(places.starts[first == after], places.ends[first == after])


def _common(one: Numbers, other: Numbers) -> Numbers:
    """The numbers that are in both ascending lists."""
    common: Numbers = one[_shared(one, other)]
    return common


def _shared(numbers: Numbers, others: Numbers) -> Rows:
    """The indices of the numbers that are in the other list too; both lists ascend."""
    if not len(numbers) or not len(others):
        return NOTHING
    few, many = sorted((numbers, others), key=len)
    if len(few) * SPARSE > many[-1]:
        mask = np.zeros(max(few[-1], many[-1]) + 1, np.bool_)
        mask[others] = True
        return np.flatnonzero(mask[numbers])
    at = np.searchsorted(many, few)
    at[at == len(many)] = 0
    alike = many[at] == few
    return np.flatnonzero(alike) if few is numbers else at[alike]


def _places(stored: StoredList, held: Numbers) -> tuple[Rows, Rows | slice]:
    """The places of a term in documents of `held`, ascending, and their indices in its list."""
    at = _shared(stored.documents, held)
    documents, counts = stored.documents[at].astype(np.int64), stored.frequencies[at]
    chosen: Rows | slice = slice(None)
    if len(at) * MOST_OF < len(stored.documents):
        taken = counts.astype(np.int64)
        chosen = ranges(np.cumsum(stored.frequencies, dtype=np.int64)[at] - taken, taken)
    elif len(at) < len(stored.documents):  # a third of the time
        mask = np.zeros(len(stored.documents), np.bool_)
        mask[at] = True
        chosen = np.flatnonzero(np.repeat(mask, stored.frequencies))
    places: Rows = np.repeat(documents << SHIFT, counts)
    places += stored.positions(chosen)
    return places, chosen


def _follows(places: Rows, before: Rows, gap: int) -> Bools:
    """Mark the places that are 1 to `gap` positions after one of the places before."""
    marked: Bools = np.zeros(len(places), np.bool_)
    if not len(before) or not len(places):
        return marked
    if gap == 1 and len(before) < len(places):  # the fewer are looked up among the more
        # Forms of one and of several positions may begin at one place.
        left, right = (np.searchsorted(places, before + 1, side) for side in ("left", "right"))
        marked[ranges(left, right - left)] = True
    else:
        nearest = np.searchsorted(before, places) - 1
        np.logical_and(nearest >= 0, places - before[nearest] <= gap, out=marked)
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
    return _places(stored, held)[0]
