"""The lexical index in Whoosh: a document a passage, written in order of row, read as arrays."""

import shutil
import threading
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

with warnings.catch_warnings():
    # Whoosh 2.7.4 is of 2016; its old escapes and `is 0` warn on import.
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="whoosh")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="whoosh")
    from whoosh import columns, fields, index
    from whoosh.codec.whoosh3 import W3Codec
    from whoosh.filedb.filestore import RamStorage
    from whoosh.reading import IndexReader, TermNotFound
    from whoosh.util.numeric import byte_to_length

from archive.errors import EngineUnavailable
from index.columns import Columns
from index.expression import Expression, Field
from index.lexical.analysis import NewsAnalyzer
from index.lexical.codec import StoredList
from index.lexical.matching import INDEXED, Matcher, Matches, Statistics
from index.lexical.phrases import documents_with_phrase
from index.lexical.postings_cache import PostingsCache
from index.lexical.scoring import NO_POSTINGS, Floats, Postings, Rows
from index.lexical.writer import ArrayWriter
from index.protocols import LexicalEntry

MOST_SEGMENTS = 8
TRIES = 5
ROW = "row"
REMEDY = "`backfile rebuild lexical` makes it anew"
LENGTHS = np.array([byte_to_length(code) for code in range(256)], np.float32)


def _schema() -> fields.Schema:
    analyzer = NewsAnalyzer()
    return fields.Schema(
        row=fields.COLUMN(columns.NumericColumn("I", default=0)),
        title=fields.TEXT(analyzer=analyzer, phrase=True),
        text=fields.TEXT(analyzer=analyzer, phrase=True),
        # Whoosh keeps the length of a field in one byte; the mean is taken of the exact ones.
        title_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
        text_words=fields.COLUMN(columns.NumericColumn("I", default=0)),
    )


class WhooshIndex:
    """The words of an archive. Share the index between threads; each snapshot is read-only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index: Any = None

    def add(self, entries: Iterable[LexicalEntry]) -> None:
        """Add passages with rows beyond `last_row`, ascending, in one commit."""
        with self._writer() as writer:
            writer.add_entries(entries)
        if chosen := _to_merge(self._opened_for_writing()._segments()):
            with self._writer() as writer:
                writer.merge_segments(chosen)

    def last_row(self) -> int:
        """The highest row that is indexed; 0 for an empty index. Rows come in ascending order."""
        with self._opened_for_writing().reader() as reader:
            rows = _rows(reader)
        return int(rows.max()) if len(rows) else 0

    def rows(self) -> Rows:
        """List the rows that are indexed, without those that are deleted."""
        with self._opened().reader() as reader:
            return np.delete(_rows(reader), _deleted(reader))

    def snapshot(self) -> "WhooshSnapshot":
        """Open what is committed now; raise EngineUnavailable where nothing can be opened."""
        for _ in range(TRIES):
            try:
                return WhooshSnapshot(self._opened().reader())
            except FileNotFoundError:  # a merge took a segment away meanwhile
                continue
        raise EngineUnavailable("the lexical index", f"its files keep changing; {REMEDY}")

    def remove(self, rows: Rows) -> None:
        """Delete passages; rows that are not indexed are passed over."""
        with self._opened_for_writing().reader() as reader:
            documents = np.flatnonzero(np.isin(_rows(reader), rows))
        if len(documents):
            with self._writer() as writer:
                for document in documents.tolist():
                    writer.delete_document(document)

    @contextmanager
    def _writer(self) -> Iterator[ArrayWriter]:
        """Open a writer; commit at the end, or leave everything as it was."""
        writer = ArrayWriter(self._opened_for_writing())
        try:
            yield writer
        except BaseException:
            writer.cancel()
            raise
        writer.commit(merge=False)

    def clear(self) -> None:
        """Throw the index away; it can be rebuilt from the record."""
        self._index = None
        shutil.rmtree(self._path, ignore_errors=True)

    def _opened(self) -> Any:
        if not self._path.exists():  # nothing has been indexed yet
            return RamStorage().create_index(_schema())
        try:
            return index.open_dir(self._path)
        except (index.IndexError, OSError, EOFError, ValueError) as exc:
            reason = f"{exc or type(exc).__name__}; {REMEDY}"
            raise EngineUnavailable("the lexical index", reason) from exc

    def _opened_for_writing(self) -> Any:
        if self._index is None:
            if index.exists_in(self._path):
                self._index = self._opened()
            else:
                self._path.mkdir(mode=0o700, exist_ok=True)
                self._index = index.create_in(self._path, _schema())
        return self._index


class WhooshSnapshot:
    """One commit of the index, as posting lists over rows; its files close with it."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()  # Whoosh's readers seek in files they share
        self._rows = _rows(reader)
        self._lengths: dict[Field, Floats] = {
            f: LENGTHS[self._column(f"_{f.value}_len", "u1")] for f in INDEXED
        }
        self._word_counts = {f: self._column(f"{f.value}_words", ">u4") for f in INDEXED}
        self._cache = PostingsCache()
        self._statistics: tuple[Columns, Statistics] | None = None
        self.close = weakref.finalize(self, reader.close)

    def match(self, expression: Expression, articles: Columns) -> Matches:
        """Match an expression against the articles of a snapshot of the catalogue."""
        known = self._statistics  # once, since another thread may set it meanwhile
        if known is None or known[0] is not articles:
            known = self._statistics = (articles, Statistics.of(self, articles))
        return Matcher(self, articles, known[1]).match(expression)

    def rows(self) -> Rows:
        return np.delete(self._rows, _deleted(self._reader))

    def lengths(self, field: Field) -> Floats:
        return self._lengths[field]

    def word_counts(self, field: Field) -> Floats:
        return np.asarray(self._word_counts[field], np.float32)

    def postings(self, field: Field, term: str) -> Postings:
        with self._lock:
            if (found := self._cache.get((field, term))) is None:
                found = self._read(field, term)
                self._cache.put((field, term), found)
        return found

    def phrase(self, field: Field, words: Sequence[str], slop: int) -> Rows:
        found = [np.empty(0, np.int64)]
        with self._lock:
            for leaf, base in _segments(self._reader):
                lists = [_stored(leaf, field, word) for word in words]
                if all(lists):
                    documents = documents_with_phrase([s for s in lists if s is not None], slop)
                    found.append(self._rows[documents + base])
        return np.concatenate(found)

    def vocabulary(self, field: Field, prefix: str) -> Sequence[str]:
        with self._lock:
            found = list(self._reader.expand_prefix(field.value, prefix))
        return [term.decode() if isinstance(term, bytes) else term for term in found]

    def _read(self, field: Field, term: str) -> Postings:
        rows, frequencies = [NO_POSTINGS.rows], [NO_POSTINGS.frequencies]
        for leaf, base in _segments(self._reader):
            if stored := _stored(leaf, field, term):
                rows.append(self._rows[stored.documents.astype(np.int64) + base])
                frequencies.append(stored.frequencies.astype(np.float32))
        return Postings(np.concatenate(rows), np.concatenate(frequencies))

    def _column(self, name: str, dtype: str) -> "np.ndarray[Any, Any]":
        """A column of the documents, laid out by row; 0 for rows that are not here."""
        laid_out = np.zeros(int(self._rows.max()) + 1 if len(self._rows) else 1, dtype)
        found = [_column(leaf, name, dtype) for leaf, _ in _segments(self._reader)]
        if found:
            laid_out[self._rows] = np.concatenate(found)
        return laid_out


def _rows(reader: IndexReader) -> Rows:
    """The row of each document, by document number."""
    found = [_column(leaf, ROW, ">u4") for leaf, _ in _segments(reader)]
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)


def _deleted(reader: IndexReader) -> list[int]:
    """The numbers of the documents that are deleted."""
    return [
        base + number
        for leaf, base in _segments(reader)
        for number in leaf.segment().deleted_docs()
    ]


def _segments(reader: IndexReader) -> list[tuple[IndexReader, int]]:
    """The reader of each segment with its first document number; an empty index has none."""
    return [(leaf, base) for leaf, base in reader.leaf_readers() if leaf.segment() is not None]


def _column(leaf: IndexReader, name: str, dtype: str) -> "np.ndarray[Any, Any]":
    """Read a fixed-width column of a segment whole; documents past its end hold zero.

    Each segment has a row for every document; of lengths it has none where all are zero.
    """
    segment, storage = leaf.segment(), leaf.storage()
    values = np.zeros(leaf.doc_count_all(), dtype)
    filename = W3Codec.column_filename(segment, name)
    if name == ROW or storage.file_exists(filename):
        length = storage.file_length(filename)
        with storage.open_file(filename) as stream:
            stored = np.frombuffer(bytes(stream.get(0, length)), dtype)
        values[: len(stored)] = stored
    return values


def _stored(leaf: IndexReader, field: Field, term: str) -> StoredList | None:
    """The posting list of a term in one segment, deleted documents included."""
    try:
        matcher = leaf.postings(field.value, term)
    except TermNotFound:
        return None
    stored: StoredList = getattr(matcher, "child", matcher).stored  # under the filter for deleted
    return stored


def _to_merge(segments: list[Any]) -> list[Any]:
    """Choose the smaller half once there are many, so that a large one is seldom written again."""
    if len(segments) <= MOST_SEGMENTS:
        return []
    by_size = sorted(segments, key=lambda segment: segment.doc_count_all())
    return by_size[: MOST_SEGMENTS // 2 + 1]
