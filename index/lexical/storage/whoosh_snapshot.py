"""One commit of a Whoosh index, read as arrays: posting lists and columns over passage rows."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh.codec.whoosh3 import W3Codec
from whoosh.reading import IndexReader

from backfile.archive.model.article import Article
from backfile.index.lexical.scoring.bm25 import NO_POSTINGS, Idf, Postings
from backfile.index.lexical.scoring.collection import INDEXED, Collection
from backfile.index.lexical.scoring.matching import Matcher
from backfile.index.lexical.scoring.more_like_this import MoreLikeThis, more_like_this
from backfile.index.lexical.scoring.phrases import NO_BREAKS, Gap, documents_with_phrase
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.lexical.storage.codec import BREAKS, LENGTHS, ArrayTermsReader
from backfile.index.lexical.storage.postings import StoredList
from backfile.index.lexical.storage.vocabulary import Vocabulary, joined
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import Expression, Field, Stretch
from backfile.index.model.matches import Matches

ROW = "row"


class _Segment:
    """A segment's lists, and the rows of its documents."""

    def __init__(self, terms: ArrayTermsReader, rows: Rows) -> None:
        self.terms = terms
        self._rows = rows
        self._in_steps = bool((np.diff(rows) == 1).all())

    def breaks(self) -> dict[Stretch, StoredList]:
        """Where the sentences and paragraphs of texts begin, but for the first of each text."""
        found = {each: self.terms.stored(BREAKS, each.value.encode()) for each in Stretch}
        return {each: stored for each, stored in found.items() if stored is not None}

    def rows_of(self, documents: npt.NDArray[np.integer[Any]]) -> Rows:
        rows: Rows = documents + self._rows[0] if self._in_steps else self._rows[documents]
        return rows

    def words(self) -> Vocabulary:
        """Its words as they are spelt, with rows for documents."""
        return self.terms.vocabulary().moved(self._rows)


class WhooshSnapshot:
    """One commit of the index, as posting lists over rows; its files close with it."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()  # Whoosh's own readers are not made for threads
        self._rows = document_rows(reader)
        self._ascending = bool((np.diff(self._rows) > 0).all())  # in every posting list, then
        self._lengths: dict[Field, Floats] = {
            f: LENGTHS[self._column(f"_{f.value}_len", "u1")].astype(np.float32) for f in INDEXED
        }
        self._word_counts = {f: self._column(f"{f.value}_words", ">u4") for f in INDEXED}
        self._segments = [
            _Segment(leaf.codec().terms_reader(leaf.storage(), leaf.segment()), self._rows[place])
            for leaf, place in _leaves(reader)
        ]
        self._collection: Collection | None = None
        self.close = weakref.finalize(self, reader.close)

    def match(
        self, expression: Expression, articles: ArticleTable, *, idf: Idf = Idf.WHOOSH
    ) -> Matches:
        """Match an expression against the articles of a snapshot of the catalogue."""
        return Matcher(self._collected(articles), idf).match(expression)

    def more_like_this(self, article: Article, own: Rows, articles: ArticleTable) -> MoreLikeThis:
        """Weigh an article's words against all passages."""
        return more_like_this(self._collected(articles), article, own)

    def _collected(self, articles: ArticleTable) -> Collection:
        known = self._collection  # once, since another thread may set it meanwhile
        if known is None or known.table is not articles:
            known = self._collection = Collection(self, articles)
        return known

    def rows(self) -> Rows:
        return np.delete(self._rows, deleted_documents(self._reader))

    def lengths(self, field: Field) -> Floats:
        return self._lengths[field]

    def word_counts(self, field: Field) -> Floats:
        return np.asarray(self._word_counts[field], np.float32)

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

    def phrase(self, field: Field, words: Sequence[str], gaps: Sequence[Gap]) -> Rows:
        found = [np.empty(0, np.int64)]
        for segment in self._segments:
            lists = [segment.terms.stored(field.value, word.encode()) for word in words]
            if all(lists):
                breaks = segment.breaks() if field is Field.TEXT else NO_BREAKS
                documents = documents_with_phrase([s for s in lists if s is not None], gaps, breaks)
                found.append(segment.rows_of(documents))
        return np.concatenate(found)

    def terms(self, field: Field, prefix: str) -> Sequence[str]:
        with self._lock:
            found = list(self._reader.expand_prefix(field.value, prefix))
        return [term.decode() if isinstance(term, bytes) else term for term in found]

    def words(self) -> Vocabulary:
        found = [segment.words() for segment in self._segments]
        return found[0] if len(found) == 1 else joined([each.forms() for each in found])

    def spellings(self, articles: ArticleTable) -> Spellings:
        """The words of these articles as they are spelt."""
        return self._collected(articles).spellings()

    def _column(self, name: str, dtype: str) -> "np.ndarray[Any, Any]":
        """A column of the documents, laid out by row; 0 for rows that are not here."""
        laid_out = np.zeros(int(self._rows.max()) + 1 if len(self._rows) else 1, dtype)
        found = [read_column(leaf, name, dtype) for leaf, _ in _leaves(self._reader)]
        if found:
            laid_out[self._rows] = np.concatenate(found)
        return laid_out


def document_rows(reader: IndexReader) -> Rows:
    """The row of each document, by document number."""
    found = [read_column(leaf, ROW, ">u4") for leaf, _ in _leaves(reader)]
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)


def deleted_documents(reader: IndexReader) -> list[int]:
    """The numbers of the documents that are deleted."""
    return [
        place.start + number
        for leaf, place in _leaves(reader)
        for number in leaf.segment().deleted_docs()
    ]


def _leaves(reader: IndexReader) -> list[tuple[IndexReader, slice]]:
    """The reader of each segment with the place of its documents; an empty index has none."""
    return [
        (leaf, slice(base, base + leaf.doc_count_all()))
        for leaf, base in reader.leaf_readers()
        if leaf.segment() is not None
    ]


def read_column(leaf: IndexReader, name: str, dtype: str) -> "np.ndarray[Any, Any]":
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
