"""Merges segments of an index: the posting lists of many terms at a time, as arrays."""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh.reading import IndexReader, SegmentReader

from backfile.index.lexical.storage.codec import (
    BREAKS,
    ArrayTermsReader,
    PostingLists,
    document_rows,
    read_column,
)
from backfile.index.lexical.storage.forms import NO_FORMS, FormLists, ranges
from backfile.index.lexical.storage.postings import Place, ReadLists
from backfile.index.lexical.storage.segments import FIELDS, LISTED, drafted, schema
from backfile.index.lexical.storage.unpickling import NAME, IndexFolder
from backfile.index.lexical.storage.vocabulary import forms_of, joined, of_terms
from backfile.index.seams.failures import translated

Ints = npt.NDArray[np.int64]
OCCURRENCES_AT_ONCE = 2_000_000  # some 130 MB; a list of more is merged alone, in less
NOTHING = np.empty(0, np.uint32)
NO_LISTS = PostingLists([], np.zeros(1, np.int64), NOTHING, NOTHING, NOTHING, NOTHING, NO_FORMS)


def merge_segments(index: Path, chosen: Sequence[Any]) -> Any:
    """Write the passages of these segments that are not deleted as one; return that segment.

    Raises EngineUnavailable if one of them is damaged.
    """
    with translated(NAME):
        return _merged(index, chosen)


def _merged(index: Path, chosen: Sequence[Any]) -> Any:
    storage = IndexFolder(str(index))
    readers = [SegmentReader(storage, schema(), segment) for segment in chosen]
    readers.sort(key=lambda reader: int(document_rows(reader)[0]))
    places = [_places(reader) for reader in readers]
    living = np.concatenate(places) >= 0
    rows = np.concatenate([document_rows(reader) for reader in readers])[living]
    lengths = {
        field: np.concatenate([read_column(r, f"{field}_words", ">u4") for r in readers])[living]
        for field in FIELDS
    }
    places = _one_after_another(places)
    with drafted(index) as draft:
        draft.add_columns(rows, lengths)
        lengths[BREAKS] = np.zeros(len(rows), np.uint32)  # breaks have no length
        terms: set[str] = set()
        sources = [_Source(reader._terms, of) for reader, of in zip(readers, places, strict=True)]
        for field in LISTED:
            for lot in _lots(sources, field):
                joins = _joined if len(lot) > 1 else _joined_of_one
                lists = joins(lot, sources, lengths[field])
                terms.update(term.decode() for term in lists.terms)
                draft.add_lists(field, lists)
        words = [forms_of(source.terms.vocabulary().moved(source.places)) for source in sources]
        draft.add_vocabulary(of_terms(joined(words), terms))
        for reader in readers:
            reader.close()
        return draft.finish()


class _Source(NamedTuple):
    """A segment that is merged."""

    terms: ArrayTermsReader
    places: Ints
    """The new number of each document, -1 for a deleted one."""


class _Found(NamedTuple):
    """A term's list in one of the sources."""

    term: bytes
    source: int
    place: Place


def _places(reader: IndexReader) -> Ints:
    """The new number of each document, -1 for a deleted one."""
    living = np.ones(reader.doc_count_all(), np.bool_)
    living[list(reader.segment().deleted_docs())] = False
    return np.where(living, np.cumsum(living) - 1, -1)


def _one_after_another(places: list[Ints]) -> list[Ints]:
    counts = [int((of >= 0).sum()) for of in places]
    firsts = np.cumsum([0, *counts[:-1]])
    return [np.where(of >= 0, of + first, -1) for of, first in zip(places, firsts, strict=True)]


def _lots(sources: Sequence[_Source], field: str) -> Iterator[list[list[_Found]]]:
    """The lists of each term, by source; terms ascend, and a lot has so many postings."""

    def walked(i: int, source: _Source) -> Iterator[_Found]:
        return (_Found(term, i, place) for term, place in source.terms.walk(field))

    lot: list[list[_Found]] = []
    size = 0
    found = merge(*(walked(i, source) for i, source in enumerate(sources)))
    for _, every in groupby(found, key=itemgetter(0)):
        lists = list(every)
        own = sum(each.place.n_occurrences for each in lists)
        if lot and size + own > OCCURRENCES_AT_ONCE:
            yield lot
            lot, size = [], 0
        lot.append(lists)
        size += own
    if lot:
        yield lot


class _Part(NamedTuple):
    """Lists of one source without deleted documents; the others have their new numbers."""

    owners: Ints
    """The term of each list, by its number in the lot; ascending."""
    counts: Ints
    """The postings of each list; 0 is possible."""
    totals: Ints
    """The occurrences of each list."""
    documents: Ints
    frequencies: Ints
    positions: npt.NDArray[np.uint32]
    forms: FormLists


def _part(owners: Sequence[int], read: ReadLists, places: Ints) -> _Part:
    firsts = np.cumsum(read.counts) - read.counts
    moved = places[read.documents]
    kept = moved >= 0
    frequencies = read.frequencies.astype(np.int64)
    occurrences = slice(None) if kept.all() else np.repeat(kept, frequencies)
    return _Part(
        np.array(owners, np.int64),
        np.add.reduceat(kept, firsts, dtype=np.int64),
        np.add.reduceat(frequencies * kept, firsts),
        moved[kept],
        frequencies[kept],
        read.positions[occurrences],
        read.forms._replace(choices=read.forms.choices[occurrences]),
    )


def _joined(
    lot: Sequence[Sequence[_Found]], sources: Sequence[_Source], lengths: npt.NDArray[np.uint32]
) -> PostingLists:
    """Join the lists of each term, in the order of the sources."""
    terms = [lists[0].term for lists in lot]
    names = [term.decode() for term in terms]
    by_source: list[list[tuple[int, Place]]] = [[] for _ in sources]
    for number, lists in enumerate(lot):
        for each in lists:
            by_source[each.source].append((number, each.place))
    parts = []
    for source, chosen in zip(sources, by_source, strict=True):
        if chosen:
            numbers, places = zip(*chosen, strict=True)
            read = source.terms.read([names[number] for number in numbers], places)
            parts.append(_part(numbers, read, source.places))
    owners, counts, totals = (
        np.concatenate(every) for every in tuple(zip(*parts, strict=True))[:3]
    )
    order = np.argsort(owners, kind="stable")  # the lists of each term, by source
    postings = ranges((np.cumsum(counts) - counts)[order], counts[order])
    occurrences = ranges((np.cumsum(totals) - totals)[order], totals[order])
    documents = np.concatenate([part.documents for part in parts])[postings]
    of_term = np.bincount(owners, counts, len(terms)).astype(np.int64)
    left = np.flatnonzero(of_term)  # the others have been in deleted documents alone
    forms = _joined_forms([part.forms for part in parts], owners, totals, len(terms))
    return PostingLists(
        [terms[i] for i in left.tolist()],
        np.append(0, np.cumsum(of_term[left])),
        documents.astype(np.uint32),
        np.concatenate([part.frequencies for part in parts])[postings].astype(np.uint32),
        lengths[documents],
        np.concatenate([part.positions for part in parts])[occurrences],
        FormLists(
            np.append(0, np.cumsum(np.diff(forms.cuts)[left])),
            forms.names,
            forms.choices[occurrences],
        ),
    )


def _joined_of_one(
    lot: Sequence[Sequence[_Found]], sources: Sequence[_Source], lengths: npt.NDArray[np.uint32]
) -> PostingLists:
    """The same of one term: nothing is sorted, so a long list takes a third of the memory."""
    (lists,) = lot
    term = lists[0].term
    parts: list[_Part] = []
    names: dict[str, int] = {}
    for each in lists:
        source = sources[each.source]
        part = _part([0], source.terms.read([term.decode()], [each.place]), source.places)
        choices = part.forms.choices
        held = np.zeros(len(part.forms.names), np.bool_)
        for some in _slices(len(choices)):
            held[choices[some]] = True
        numbers = [
            names.setdefault(name, len(names)) if is_held else 0
            for name, is_held in zip(part.forms.names, held.tolist(), strict=True)
        ]
        moved = np.array(numbers, np.uint32)
        for some in _slices(len(choices)):
            choices[some] = moved[choices[some]]
        parts.append(part)
    documents = np.concatenate([part.documents for part in parts])
    if not len(documents):  # the term has been in deleted documents alone
        return NO_LISTS
    return PostingLists(
        [term],
        np.array([0, len(documents)]),
        documents.astype(np.uint32),
        np.concatenate([part.frequencies for part in parts]).astype(np.uint32),
        lengths[documents],
        np.concatenate([part.positions for part in parts]),
        FormLists(
            np.array([0, len(names)]),
            list(names),
            np.concatenate([part.forms.choices for part in parts]),
        ),
    )


def _slices(count: int) -> Iterator[slice]:
    """Slices over so many occurrences: numpy makes indices of eight bytes of those it is given."""
    return (slice(i, i + OCCURRENCES_AT_ONCE) for i in range(0, count, OCCURRENCES_AT_ONCE))


def _joined_forms(
    parts: Sequence[FormLists], owners: Ints, totals: Ints, n_terms: int
) -> FormLists:
    """The forms of each term that occur; the choices stay in the order of the parts."""
    counts = np.concatenate([np.diff(part.cuts) for part in parts])
    names = [name for part in parts for name in part.names]
    firsts = np.cumsum(counts) - counts
    choices = np.concatenate([part.choices for part in parts])
    choices += np.repeat(firsts.astype(np.uint32), totals)
    occurring = np.bincount(choices, minlength=len(names)) > 0
    of_name = np.repeat(owners, counts)
    order = np.argsort(of_name, kind="stable")
    order = order[occurring[order]]
    moved = np.zeros(len(names), np.uint32)
    joined: list[str] = []
    numbers: list[int] = []
    n_forms = [0] * n_terms
    last = -1
    known: dict[str, int] = {}
    for i, owner in zip(order.tolist(), of_name[order].tolist(), strict=True):
        if owner != last:
            last, known = owner, {}
        name = names[i]
        if name not in known:
            known[name] = len(known)
            joined.append(name)
            n_forms[owner] += 1
        numbers.append(known[name])
    moved[order] = numbers
    return FormLists(np.cumsum([0, *n_forms]), joined, moved[choices])
