"""The lexical index in Whoosh: a document a passage, written in order of row, read as arrays."""

import shutil
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.switching import switch
from backfile.archive.workers import Task, Workers
from backfile.index.lexical.storage.segments import (
    STAGING,
    merge_segments,
    schema,
    staging_of,
    write_segment,
)
from backfile.index.lexical.storage.whoosh_snapshot import (
    WhooshSnapshot,
    deleted_documents,
    document_rows,
)
from backfile.index.model.arrays import Rows
from backfile.index.seams.protocols import LexicalEntry

with warnings.catch_warnings():
    # Whoosh 2.7.4 is of 2016; its old escapes and `is 0` warn on import.
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="whoosh")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="whoosh")
    from whoosh import index
    from whoosh.filedb.filestore import RamStorage
    from whoosh.index import TOC, clean_files
    from whoosh.reading import SegmentReader


MOST_SEGMENTS = 16
MOST_WAITING = 4  # segments being written at once, each with its passages in memory
TRIES = 5
NAME = Message("the lexical index")


class _Writing(NamedTuple):
    """A segment that is being written, and the ids of those whose place it will take."""

    segment: Task[Any]
    replaced: frozenset[str]


class WhooshIndex:
    """The words of an archive. Share the index between threads; each snapshot is read-only."""

    def __init__(self, path: Path, workers: Workers | None = None) -> None:
        """Take the folder, and who writes segments; in place if nobody is given."""
        self._path = path
        self._workers = workers or Workers(0)
        self._index: Any = None
        self._writing: deque[_Writing] = deque()  # in order of row; committed in this order

    def add(self, entries: Iterable[LexicalEntry]) -> None:
        """Have a segment written of passages with rows beyond all others, ascending."""
        self._opened_for_writing()
        written = self._workers.submit(write_segment, self._path, list(entries))
        self._writing.append(_Writing(written, frozenset()))
        self._commit_written(MOST_WAITING)

    def flush(self) -> None:
        """Wait until all that was added can be found."""
        self._commit_written(0)

    def settle(self) -> None:
        """Merge segments until each is large beside all smaller ones, and wait for it."""
        self.flush()
        self._merge(_to_settle(self._opened_for_writing()._segments()))
        self.flush()

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
        changing = Message("its files keep changing; `backfile rebuild lexical` makes it anew")
        raise EngineUnavailable(NAME, changing)

    def remove(self, rows: Rows) -> None:
        """Delete passages; rows that are not indexed are passed over."""
        self.flush()
        made = self._opened_for_writing()
        if not np.isin(self.rows(), rows).any():
            return
        with self._changing() as segments:
            for segment in segments:
                with SegmentReader(made.storage, made.schema, segment) as reader:
                    documents = np.flatnonzero(np.isin(document_rows(reader), rows))
                for document in documents.tolist():
                    segment.delete_document(document)

    def _commit_written(self, most_left: int) -> None:
        """Commit what is written, in order, and wait until no more than so many are left."""
        try:
            while len(self._writing) > most_left or (
                self._writing and self._writing[0].segment.done()
            ):
                segment, replaced = self._writing[0]
                self._commit(segment.result(), replaced)
                self._writing.popleft()
                self._merge_if_many()
        except BaseException:
            self._writing.clear()  # else later rows would be committed without these
            raise

    def _commit(self, segment: Any, replaced: frozenset[str]) -> None:
        with self._changing() as segments:
            taken = [i for i, each in enumerate(segments) if each.segment_id() in replaced]
            place = taken[0] if taken else len(segments)  # so that they stay in order of row
            segments[:] = [each for each in segments if each.segment_id() not in replaced]
            if segment.doc_count_all():
                staged = staging_of(self._path, segment)
                for file in staged.glob(f"{segment.segment_id()}.*"):
                    file.rename(self._path / file.name)
                segments.insert(place, segment)
        shutil.rmtree(staging_of(self._path, segment))

    def _merge_if_many(self) -> None:
        if not any(each.replaced for each in self._writing):
            self._merge(_to_merge(self._opened_for_writing()._segments()))

    def _merge(self, chosen: list[Any]) -> None:
        if chosen:
            merged = self._workers.submit(merge_segments, self._path, chosen)
            self._writing.append(_Writing(merged, frozenset(s.segment_id() for s in chosen)))

    @contextmanager
    def _changing(self) -> Iterator[list[Any]]:
        """Change the list of segments; it is committed at the end, or else left as it was."""
        made = self._opened_for_writing()
        contents = made._read_toc()
        yield contents.segments
        contents.generation += 1
        contents.write(made.storage, made.indexname)
        clean_files(made.storage, made.indexname, contents.generation, contents.segments)

    def clear(self) -> None:
        """Throw the index away; it can be rebuilt from the record."""
        self._writing.clear()
        self._index = None
        shutil.rmtree(self._path, ignore_errors=True)

    @contextmanager
    def replaced(self) -> Iterator["WhooshIndex"]:
        """Fill a folder beside this one, and switch both at the end; a kill leaves one of them."""
        fresh = type(self)(_beside(self._path), self._workers)
        fresh.clear()  # what a killed run left
        try:
            yield fresh
            fresh._opened_for_writing()  # so that there is an index, even if nothing was added
            switch(fresh._path, self._path)
            self._index = None
        finally:
            fresh.clear()

    def files(self) -> list[Path]:
        """List the files of the latest commit; none of them is ever written to again."""
        if next(self._path.glob("*"), None) is None:
            return []
        opened = self._opened()
        found = [self._path / TOC._filename(opened.indexname, opened.latest_generation())]
        for segment in opened._segments():
            found += self._path.glob(f"{segment.segment_id()}.*")
        return sorted(found)

    def _opened(self) -> Any:
        if not self._path.exists():  # nothing has been indexed yet
            return RamStorage().create_index(schema())
        try:
            return index.open_dir(self._path)
        except (index.IndexError, OSError, EOFError, ValueError) as exc:
            error = str(exc) or type(exc).__name__
            reason = Message("%(error)s; `backfile rebuild lexical` makes it anew", error=error)
            raise EngineUnavailable(NAME, reason) from exc

    def _opened_for_writing(self) -> Any:
        if self._index is None:
            for left in (self._path / STAGING, _beside(self._path)):  # by a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            if index.exists_in(self._path):
                self._index = self._opened()
            else:
                self._path.mkdir(mode=0o700, exist_ok=True)
                self._index = index.create_in(self._path, schema())
        return self._index


def _beside(path: Path) -> Path:
    """Where an index is made that will take the place of the one at this path."""
    return path.with_suffix(".new")


def _to_merge(segments: list[Any]) -> list[Any]:
    """Choose the smallest half of those that follow each other, once there are many.

    Only what follows each other is ever merged: then rows ascend in every segment and from one to
    the next, and so in every posting list, which need not be sorted when it is read.
    """
    if len(segments) <= MOST_SEGMENTS:
        return []
    chosen = MOST_SEGMENTS // 2 + 1
    sizes = np.convolve([each.doc_count() for each in segments], np.ones(chosen), "valid")
    first = int(sizes.argmin())
    return segments[first : first + chosen]


def _to_settle(segments: list[Any]) -> list[Any]:
    """Choose all from the first that is no more than twice as large as all that follow it.

    So few are left that a word is looked up in, and a passage is seldom written again: their number
    grows with the logarithm of the archive, as does the number of times that it is.
    """
    sizes = [segment.doc_count() for segment in segments]
    crowded = [i for i, size in enumerate(sizes[:-1]) if size <= 2 * sum(sizes[i + 1 :])]
    return segments[crowded[0] :] if crowded else []
