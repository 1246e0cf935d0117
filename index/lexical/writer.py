"""Writes and merges segments with whole posting lists, in place of Whoosh's posting at a time."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from typing import Any

import numpy as np
from whoosh.reading import IndexReader, SegmentReader
from whoosh.writing import SegmentWriter

from index.lexical.codec import ArrayCodec, PostingList, StoredList
from index.lexical.inversion import Inverter
from index.protocols import LexicalEntry

FIELDS = ("text", "title")  # ascending, as terms are stored


class ArrayWriter(SegmentWriter):
    """A Whoosh writer for one commit: adds passages, or merges segments into one."""

    def __init__(self, index: Any) -> None:
        self.segments: list[Any] = []
        super().__init__(index, codec=ArrayCodec(), compound=False)

    def add_entries(self, entries: Iterable[LexicalEntry]) -> None:
        """Write passages, in order, as the new segment of this commit."""
        inverters = {field: Inverter() for field in FIELDS}
        for row, title, text in entries:
            texts = {"title": title, "text": text}
            self._add_columns(row, {f: inverters[f].add(texts[f]) for f in FIELDS})
        for field, inverter in inverters.items():
            self.fieldwriter.start_field(field, self.schema[field])
            for term, postings, lengths in inverter.invert():
                self.fieldwriter.add_list(term, postings, lengths)
            self.fieldwriter.finish_field()

    def merge_segments(self, chosen: list[Any]) -> None:
        """Write the living passages of these segments as one new segment in their place."""
        readers = [SegmentReader(self.storage, self.schema, segment) for segment in chosen]
        lengths = self._merge_columns(readers)
        places = _places(readers)
        for field in FIELDS:
            self.fieldwriter.start_field(field, self.schema[field])
            for term, postings in _merged_lists(readers, places, field):
                of = lengths[field][postings.documents]
                self.fieldwriter.add_list(term, postings, (int(of.min()), int(of.max())))
            self.fieldwriter.finish_field()
        for reader in readers:
            reader.close()
        names = {segment.segment_id() for segment in chosen}
        self.segments = [s for s in self.segments if s.segment_id() not in names]

    def _add_columns(self, row: int, lengths: dict[str, int]) -> None:
        per_document = self.perdocwriter
        per_document.start_doc(self.docnum)
        for field, length in lengths.items():
            per_document.add_field(field, self.schema[field], None, length)
            words = f"{field}_words"
            per_document.add_column_value(words, self.schema[words].column_type, length)
        per_document.add_column_value("row", self.schema["row"].column_type, row)
        per_document.finish_doc()
        self.docnum += 1
        self._added = True

    def _merge_columns(self, readers: list[IndexReader]) -> dict[str, "np.ndarray[Any, Any]"]:
        merged: dict[str, list[int]] = {field: [] for field in FIELDS}
        for reader in readers:
            rows = reader.column_reader("row", self.schema["row"].column_type)
            words = {
                field: reader.column_reader(f"{field}_words", self.schema["row"].column_type)
                for field in FIELDS
            }
            for number in reader.all_doc_ids():
                lengths = {field: words[field][number] for field in FIELDS}
                self._add_columns(rows[number], lengths)
                for field in FIELDS:
                    merged[field].append(lengths[field])
        return {field: np.array(lengths, np.uint32) for field, lengths in merged.items()}

    def _flush_segment(self) -> None:
        self.perdocwriter.close()
        self.fieldwriter.close()


def _places(readers: list[IndexReader]) -> list["np.ndarray[Any, Any]"]:
    """For each segment, the new number of each document; -1 for one that is deleted."""
    places, first = [], 0
    for reader in readers:
        living = np.ones(reader.doc_count_all(), np.bool_)
        living[list(reader.segment().deleted_docs())] = False
        places.append(np.where(living, first + np.cumsum(living) - 1, -1))
        first += int(living.sum())
    return places


def _merged_lists(
    readers: list[IndexReader], places: list["np.ndarray[Any, Any]"], field: str
) -> Iterator[tuple[bytes, PostingList]]:
    def terms(i: int, reader: IndexReader) -> Iterator[tuple[bytes, int]]:
        return ((term, i) for name, term in reader.terms_from(field, b"") if name == field)

    streams = [terms(i, reader) for i, reader in enumerate(readers)]
    for term, found in groupby(merge(*streams), key=lambda pair: pair[0]):
        lists = [_kept(readers[i].postings(field, term), places[i]) for _, i in found]
        documents, frequencies, positions = (np.concatenate(p) for p in zip(*lists, strict=True))
        if len(documents):
            yield term, PostingList(documents, frequencies, positions)


def _kept(matcher: Any, places: "np.ndarray[Any, Any]") -> PostingList:
    """A list without deleted documents, under their new numbers."""
    stored: StoredList = getattr(matcher, "child", matcher).stored
    moved = places[stored.documents]
    kept = moved >= 0
    positions = stored.positions()[np.repeat(kept, stored.frequencies)]
    return PostingList(
        moved[kept].astype(np.uint32),
        stored.frequencies[kept].astype(np.uint32),
        positions.astype(np.uint32),
    )
