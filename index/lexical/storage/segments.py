"""Writes a whole segment, from passages or from other segments.

Its files are written to a folder of their own, and the index moves them when it commits the
segment. So several processes can write segments of one index at once, and the files of a killed
process are recognised.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from whoosh import columns, fields
from whoosh.reading import IndexReader, SegmentReader

from backfile.archive.store.trust import make_private_folder
from backfile.archive.workers import batches
from backfile.index.lexical.analysis.analyser import NewsAnalyzer, cut_text
from backfile.index.lexical.analysis.stemming import reading
from backfile.index.lexical.storage.codec import (
    BREAKS,
    ArrayCodec,
    ArrayTermsReader,
    PostingLists,
    document_rows,
    length_codes,
    read_column,
)
from backfile.index.lexical.storage.forms import NO_FORMS, StoredForms, forms_joined, lists_of
from backfile.index.lexical.storage.inversion import BreakLists, Inverter
from backfile.index.lexical.storage.postings import StoredList
from backfile.index.lexical.storage.unpickling import NAME, IndexFolder, seal_segment
from backfile.index.lexical.storage.vocabulary import forms_of, joined, of_terms
from backfile.index.model.arrays import Numbers
from backfile.index.model.postings import Vocabulary
from backfile.index.seams.failures import translated
from backfile.index.seams.protocols import LexicalEntry

INDEX_NAME = "MAIN"  # Whoosh's own default
STAGING = "staging"
FIELDS = ("text", "title")
LISTED = (BREAKS, *FIELDS)  # ascending, as terms are stored
TERMS_AT_ONCE = 5_000  # merged in memory


def schema() -> fields.Schema:
    """The fields and columns of a passage, as Whoosh needs them."""
    analyzer = NewsAnalyzer()
    return fields.Schema(
        row=fields.COLUMN(columns.NumericColumn("I", default=0)),
        title=fields.TEXT(analyzer=analyzer, phrase=True),
        text=fields.TEXT(analyzer=analyzer, phrase=True),
        breaks=fields.TEXT(phrase=True),
        # Whoosh rounds the length of a field to one byte; the mean length needs exact numbers.
        title_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
        text_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
    )


def write_segment(index: Path, entries: Sequence[LexicalEntry]) -> Any:
    """Write passages in ascending order; return the segment; its files are in `staging_of` it."""
    inverters = {field: Inverter() for field in FIELDS}
    breaks = BreakLists()
    for _, title, text, language in entries:
        inverters["title"].add([title], reading(language))
        cut = cut_text(text, language)
        breaks.add(cut, inverters["text"].add(cut.sentences, reading(language)))
    draft = _Draft(index)
    lengths = {field: np.frombuffer(i.lengths, np.uint32) for field, i in inverters.items()}
    draft.add_columns(np.array([entry.row for entry in entries], np.uint32), lengths)
    draft.add_lists(BREAKS, breaks.invert())
    for field in FIELDS:
        draft.add_lists(field, inverters[field].invert())
    titles = inverters["title"].forms()  # repeated for each passage, mostly in capitals
    once = titles._replace(counts=np.minimum(titles.counts, 1))
    draft.add_vocabulary(joined([inverters["text"].forms(), once]))
    return draft.finish()


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
    with _drafted(index) as draft:
        draft.add_columns(rows, lengths)
        lengths[BREAKS] = np.zeros(len(rows), np.uint32)  # breaks have no length
        terms: set[str] = set()
        for field in LISTED:
            lists = _merged_lists(readers, places, field)
            for some in batches(lists, TERMS_AT_ONCE):
                terms.update(each.term.decode() for each in some)
                draft.add_lists(field, _joined(field, some, lengths[field]))
        words = [
            forms_of(_vocabulary(each).moved(to)) for each, to in zip(readers, places, strict=True)
        ]
        draft.add_vocabulary(of_terms(joined(words), terms))
        for reader in readers:
            reader.close()
        return draft.finish()


def staging_of(index: Path, segment: Any) -> Path:
    """The folder of a segment's files before the index commits it."""
    return index / STAGING / str(segment.segment_id())


class _Draft:
    """The files of a segment that is being written."""

    def __init__(self, index: Path) -> None:
        codec = ArrayCodec()
        self._segment = codec.new_segment(None, INDEX_NAME)
        folder = staging_of(index, self._segment)
        make_private_folder(folder)
        self._storage = IndexFolder(str(folder))
        self._columns = codec.per_document_writer(self._storage, self._segment)
        self._lists = codec.field_writer(self._storage, self._segment)

    def add_columns(
        self, rows: npt.NDArray[Any], lengths: Mapping[str, npt.NDArray[np.uint32]]
    ) -> None:
        """Write the row of each document, and the number of words of its fields."""
        self._segment.rows = (int(rows.min(initial=0)), int(rows.max(initial=0)))
        self._columns.count(len(rows), {field: int(of.sum()) for field, of in lengths.items()})
        self._write_column("row", rows.astype(">u4"))
        for field, of in lengths.items():
            self._write_column(f"{field}_words", of.astype(">u4"))
            self._write_column(f"_{field}_len", length_codes(of))
        self._segment.set_doc_count(len(rows))

    def add_lists(self, field: str, lists: PostingLists) -> None:
        if lists.terms:
            self._lists.add_lists(field, lists)

    def add_vocabulary(self, words: Vocabulary) -> None:
        self._lists.add_vocabulary(words)

    def finish(self) -> Any:
        self._columns.close()
        self._lists.close()
        seal_segment(self._segment, Path(self._storage.folder))
        return self._segment

    def close(self) -> None:
        """Close the files of a draft that will not be finished."""
        for writer in (self._columns, self._lists):
            with suppress(Exception):
                writer.close()

    def _write_column(self, name: str, values: npt.NDArray[Any]) -> None:
        with self._storage.create_file(ArrayCodec.column_filename(self._segment, name)) as stream:
            stream.write(values.tobytes())


@contextmanager
def _drafted(index: Path) -> Iterator[_Draft]:
    """Begin a segment; its files are closed if it cannot be finished."""
    draft = _Draft(index)
    try:
        yield draft
    except BaseException:
        draft.close()
        raise


class _Kept(NamedTuple):
    """One term's list without deleted documents; the others have their new numbers."""

    term: bytes
    documents: Numbers
    frequencies: Numbers
    positions: Numbers
    forms: StoredForms


def _places(reader: IndexReader) -> npt.NDArray[np.int64]:
    """The new number of each document, -1 for a deleted one."""
    living = np.ones(reader.doc_count_all(), np.bool_)
    living[list(reader.segment().deleted_docs())] = False
    return np.where(living, np.cumsum(living) - 1, -1)


def _one_after_another(places: list[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
    counts = [int((of >= 0).sum()) for of in places]
    firsts = np.cumsum([0, *counts[:-1]])
    return [np.where(of >= 0, of + first, -1) for of, first in zip(places, firsts, strict=True)]


def _vocabulary(reader: IndexReader) -> Vocabulary:
    terms: ArrayTermsReader = reader._terms
    return terms.vocabulary()


def _merged_lists(
    readers: list[IndexReader], places: list[npt.NDArray[np.int64]], field: str
) -> Iterator[_Kept]:
    def terms(i: int, reader: IndexReader) -> Iterator[tuple[bytes, int]]:
        return ((term, i) for name, term in reader.terms_from(field, b"") if name == field)

    streams = [terms(i, reader) for i, reader in enumerate(readers)]
    for term, found in groupby(merge(*streams), key=lambda pair: pair[0]):
        lists = [_kept(term, readers[i].postings(field, term), places[i]) for _, i in found]
        if any(len(each.documents) for each in lists):
            forms = [each.forms for each in lists]
            yield _Kept(
                term,
                np.concatenate([each.documents for each in lists]),
                np.concatenate([each.frequencies for each in lists]),
                np.concatenate([each.positions for each in lists]),
                forms_joined(forms) if field != BREAKS else forms[0],
            )


def _kept(term: bytes, matcher: Any, places: npt.NDArray[np.int64]) -> _Kept:
    stored: StoredList = getattr(matcher, "child", matcher).stored  # under the filter for deleted
    moved = places[stored.documents]
    kept = moved >= 0
    occurrences = np.repeat(kept, stored.frequencies)
    forms = stored.forms()
    return _Kept(
        term,
        moved[kept].astype(np.uint32),
        stored.frequencies[kept].astype(np.uint32),
        stored.positions()[occurrences].astype(np.uint32),
        forms._replace(choices=forms.choices[occurrences]),
    )


def _joined(field: str, lists: Sequence[_Kept], lengths: npt.NDArray[np.uint32]) -> PostingLists:
    documents = np.concatenate([each.documents for each in lists])
    return PostingLists(
        [each.term for each in lists],
        np.cumsum([0, *(len(each.documents) for each in lists)]),
        documents,
        np.concatenate([each.frequencies for each in lists]),
        lengths[documents],
        np.concatenate([each.positions for each in lists]),
        lists_of([each.forms for each in lists]) if field != BREAKS else NO_FORMS,
    )
