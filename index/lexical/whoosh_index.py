"""The lexical index in Whoosh: a document a passage, written in order of row, read as arrays."""

import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

with warnings.catch_warnings():
    # Whoosh 2.7.4 is of 2016; its old escapes and `is 0` warn on import.
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="whoosh")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="whoosh")
    from whoosh import columns, fields, index
    from whoosh.filedb.filestore import RamStorage

from archive.errors import EngineUnavailable
from index.lexical.analysis import NewsAnalyzer
from index.lexical.scoring import Rows
from index.lexical.whoosh_snapshot import WhooshSnapshot, deleted_documents, document_rows
from index.lexical.writer import ArrayWriter
from index.protocols import LexicalEntry

MOST_SEGMENTS = 8
TRIES = 5
REMEDY = "`backfile rebuild lexical` makes it anew"


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
            rows = document_rows(reader)
        return int(rows.max()) if len(rows) else 0

    def rows(self) -> Rows:
        """List the rows that are indexed, without those that are deleted."""
        with self._opened().reader() as reader:
            return np.delete(document_rows(reader), deleted_documents(reader))

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
            documents = np.flatnonzero(np.isin(document_rows(reader), rows))
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


def _to_merge(segments: list[Any]) -> list[Any]:
    """Choose the smaller half once there are many, so that a large one is seldom written again."""
    if len(segments) <= MOST_SEGMENTS:
        return []
    by_size = sorted(segments, key=lambda segment: segment.doc_count_all())
    return by_size[: MOST_SEGMENTS // 2 + 1]
