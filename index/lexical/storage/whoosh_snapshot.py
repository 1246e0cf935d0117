"""One commit of a Whoosh index, read as arrays: posting lists and columns over rows of passages."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh.reading import IndexReader

from backfile.index.lexical.storage.codec import (
    BREAKS,
    LENGTHS,
    ArrayTermsReader,
    deleted_documents,
    document_rows,
    leaves_of,
    read_column,
)
from backfile.index.lexical.storage.phrases import NO_BREAKS, SlotLists, phrase_postings
from backfile.index.lexical.storage.postings import StoredList
from backfile.index.lexical.storage.unpickling import NAME
from backfile.index.lexical.storage.vocabulary import forms_of, joined
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.expression import INDEXED, Field, Gap, Stretch
from backfile.index.model.postings import NO_POSTINGS, Postings, Slot, Vocabulary, VocabularyPart
from backfile.index.seams.failures import translated


class _Segment:
    """The posting lists of a segment, and the rows of its documents."""

    def __init__(self, key: str, terms: ArrayTermsReader, rows: Rows) -> None:
        self.part = VocabularyPart(key, len(rows))
        self.terms = terms
        self._rows = rows
        self._in_steps = bool((np.diff(rows) == 1).all())

    def breaks(self) -> dict[Stretch, StoredList]:
        """The starts of sentences and paragraphs, but for the first of each text."""
        found = {each: self.terms.stored(BREAKS, each.value.encode()) for each in Stretch}
        return {each: stored for each, stored in found.items() if stored is not None}

    def lists(self, field: Field, slot: Slot) -> SlotLists:
        """The posting lists of a slot's terms, of those that it knows."""
        if slot.terms is None:
            return SlotLists(None)
        found = (self.terms.stored(field.value, term.encode()) for term in slot.terms)
        return SlotLists([stored for stored in found if stored is not None], slot.accepts)

    def rows_of(self, documents: npt.NDArray[np.integer[Any]]) -> Rows:
        rows: Rows = documents + self._rows[0] if self._in_steps else self._rows[documents]
        return rows

    def vocabulary(self) -> Vocabulary:
        """Its vocabulary; witnesses are rows."""
        return self.terms.vocabulary().moved(self._rows)


class WhooshSnapshot:
    """One commit of the index; see LexicalSnapshot. Its files close with it."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()  # Whoosh's readers are not thread-safe
        self._rows = document_rows(reader)
        self._ascending = bool((np.diff(self._rows) > 0).all())  # then in every posting list too
        self._lengths: dict[Field, Floats] = {
            f: self._by_row(LENGTHS[self._column(f"_{f.value}_len", "u1")]) for f in INDEXED
        }
        self._word_counts: dict[Field, Floats] = {
            f: self._by_row(self._column(f"{f.value}_words", ">u4")) for f in INDEXED
        }
        self._segments = [
            _Segment(leaf.segment().segment_id(), leaf._terms, self._rows[place])
            for leaf, place in leaves_of(reader)
        ]
        self.close = weakref.finalize(self, reader.close)

    @translated(NAME)
    def rows(self) -> Rows:
        return np.delete(self._rows, deleted_documents(self._reader))

    def lengths(self, field: Field) -> Floats:
        return self._lengths[field]

    def word_counts(self, field: Field) -> Floats:
        return self._word_counts[field]

    @translated(NAME)
    def postings(self, field: Field, term: str) -> Postings:
        found = [
            Postings(segment.rows_of(stored.documents), stored.frequencies.astype(np.float32))
            for segment in self._segments
            if (stored := segment.terms.stored(field.value, term.encode()))
        ]
        joined = found[0] if len(found) == 1 else NO_POSTINGS
        if len(found) > 1:
            joined = Postings(*map(np.concatenate, zip(*found, strict=True)))
        return joined if self._ascending else joined.sorted()

    @translated(NAME)
    def phrase(
        self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap], *, leading: bool = False
    ) -> Postings:
        found = [NO_POSTINGS]
        stretches = leading or any(isinstance(gap, Stretch) for gap in gaps)
        for segment in self._segments:
            read = {slot: segment.lists(field, slot) for slot in set(slots)}
            if all(each.lists is None or each.lists for each in read.values()):
                lists = [read[slot] for slot in slots]
                breaks = segment.breaks() if stretches and field is Field.TEXT else NO_BREAKS
                documents, counts = phrase_postings(lists, gaps, breaks, leading=leading)
                found.append(Postings(segment.rows_of(documents), counts.astype(np.float32)))
        return Postings(*map(np.concatenate, zip(*found, strict=True)))

    @translated(NAME)
    def terms(self, field: Field, prefix: str) -> Sequence[str]:
        with self._lock:
            found = list(self._reader.expand_prefix(field.value, prefix))
        return [term.decode() if isinstance(term, bytes) else term for term in found]

    def vocabulary_parts(self) -> Sequence[VocabularyPart]:
        return [segment.part for segment in self._segments]

    @translated(NAME)
    def vocabulary(self, parts: Sequence[VocabularyPart] | None = None) -> Vocabulary:
        chosen = [each for each in self._segments if parts is None or each.part in parts]
        found = [segment.vocabulary() for segment in chosen]
        return found[0] if len(found) == 1 else joined(list(map(forms_of, found)))

    def _column(self, name: str, dtype: str) -> "np.ndarray[Any, Any]":
        """A column of the documents."""
        found = [read_column(leaf, name, dtype) for leaf, _ in leaves_of(self._reader)]
        return np.concatenate(found) if found else np.empty(0, dtype)

    def _by_row(self, numbers: "np.ndarray[Any, Any]") -> Floats:
        """Numbers of the documents, by row; 0 for rows that are not indexed, which take no memory.

        So a row that is damaged, and far too high, exhausts nothing.
        """
        laid_out = np.zeros(int(self._rows.max(initial=0)) + 1, np.float32)
        laid_out[self._rows] = numbers
        return laid_out
