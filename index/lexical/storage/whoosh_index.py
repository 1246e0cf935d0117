"""The lexical index in Whoosh: one document per passage, in order of row, read as arrays."""

import pickle
import shutil
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.switching import present, settle_switch, switch
from backfile.archive.workers import Task, Workers
from backfile.index.lexical.storage.codec import deleted_documents, document_rows
from backfile.index.lexical.storage.segments import (
    INDEX_NAME,
    STAGING,
    merge_segments,
    schema,
    staging_of,
    write_segment,
)
from backfile.index.lexical.storage.unpickling import NAME, IndexFolder
from backfile.index.lexical.storage.whoosh_snapshot import WhooshSnapshot
from backfile.index.model.arrays import Rows
from backfile.index.seams.protocols import LexicalEntry

with warnings.catch_warnings():
    # Whoosh 2.7.4 is of 2016; its old escapes and `is 0` warn on import.
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="whoosh")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="whoosh")
    from whoosh import index
    from whoosh.filedb.filestore import RamStorage
    from whoosh.index import TOC, FileIndex, clean_files
    from whoosh.reading import SegmentReader


T = TypeVar("T")
MOST_SEGMENTS = 16
MOST_WAITING = 4  # segments being written at once, each with its passages in memory
TRIES = 5


class _Writing(NamedTuple):
    """A segment that is being written, and the ids of the segments that it replaces."""

    segment: Task[Any]
    replaced: frozenset[str]


class WhooshIndex:
    """The words of an archive. Threads may share the index; each snapshot is read-only."""

    def __init__(self, path: Path, workers: Workers | None = None) -> None:
        """Take the folder of the index, and the workers that write segments, or none."""
        self._path = path
        self._workers = workers or Workers(0)
        self._index: Any = None
        self._writing: deque[_Writing] = deque()  # in order of row; committed in this order

    def add(self, entries: Iterable[LexicalEntry]) -> None:
        """Write a segment of passages; their rows ascend, above all earlier ones."""
        self._opened_for_writing()
        written = self._workers.submit(write_segment, self._path, list(entries))
        self._writing.append(_Writing(written, frozenset()))
        self._commit_written(MOST_WAITING)

    def flush(self) -> None:
        """Wait until all added passages can be found."""
        self._commit_written(0)

    def settle(self) -> None:
        """Merge segments until each is more than twice as large as all later ones, and wait."""
        self.flush()
        self._merge(_to_settle(self._opened_for_writing()._segments()))
        self.flush()

    def last_row(self) -> int:
        """The highest row that is indexed; 0 for an empty index."""
        with self._opened_for_writing().reader() as reader:
            rows = document_rows(reader)
        return int(rows.max()) if len(rows) else 0

    def rows(self) -> Rows:
        """The rows that are indexed and not deleted."""
        return self._read(_living_rows)

    def snapshot(self) -> "WhooshSnapshot":
        """Open the committed state; raise EngineUnavailable if it cannot be read."""
        return self._read(lambda made: WhooshSnapshot(made.reader()))

    def remove(self, rows: Rows) -> None:
        """Delete passages; rows that are not indexed are ignored."""
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
        """Commit the written segments in order; wait until at most so many are left."""
        try:
            while len(self._writing) > most_left or (
                self._writing and self._writing[0].segment.done()
            ):
                segment, replaced = self._writing[0]
                self._commit(segment.result(), replaced)
                self._writing.popleft()
                self._merge_if_many()
        except BaseException:
            self._writing.clear()  # later rows must not be committed without these
            raise

    def _commit(self, segment: Any, replaced: frozenset[str]) -> None:
        with self._changing() as segments:
            taken = [i for i, each in enumerate(segments) if each.segment_id() in replaced]
            place = taken[0] if taken else len(segments)  # keeps segments in order of row
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
        """Change the list of segments; it is committed unless the block raises."""
        made = self._opened_for_writing()
        contents = made._read_toc()
        yield contents.segments
        contents.generation += 1
        contents.write(made.storage, made.indexname)
        clean_files(made.storage, made.indexname, contents.generation, contents.segments)

    def clear(self) -> None:
        """Delete the index; it can be rebuilt from the record."""
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

    def _read(self, read: Callable[[Any], T]) -> T:
        """Read the committed state; raise EngineUnavailable if it cannot be read."""
        for _ in range(TRIES - 1):
            with suppress(FileNotFoundError):  # a merge took a file away meanwhile
                return read(self._opened())
        try:
            return read(self._opened())
        except FileNotFoundError as exc:
            raise _unreadable(exc) from exc

    def _opened(self) -> Any:
        if not present(self._path).exists():  # nothing has been indexed yet
            return RamStorage().create_index(schema())
        try:
            return FileIndex(self._folder(), schema(), INDEX_NAME)
        except FileNotFoundError:
            raise
        except (index.IndexError, OSError, EOFError, ValueError, pickle.PickleError) as exc:
            raise _unreadable(exc) from exc

    def _opened_for_writing(self) -> Any:
        if self._index is None:
            settle_switch(_beside(self._path), self._path)
            for left in (self._path / STAGING, _beside(self._path)):  # files of a killed run
                shutil.rmtree(left, ignore_errors=True)
            if TOC._latest_generation(self._folder(), INDEX_NAME) >= 0:
                self._index = self._read(lambda made: made)
            else:
                self._path.mkdir(mode=0o700, exist_ok=True)
                self._index = FileIndex.create(self._folder(), schema(), INDEX_NAME)
        return self._index

    def _folder(self) -> IndexFolder:
        return IndexFolder(str(present(self._path)))


def _unreadable(exc: Exception) -> EngineUnavailable:
    error = str(exc) or type(exc).__name__
    reason = Message("%(error)s; `backfile rebuild lexical` makes it anew", error=error)
    return EngineUnavailable(NAME, reason)


def _living_rows(made: Any) -> Rows:
    with made.reader() as reader:
        return np.delete(document_rows(reader), deleted_documents(reader))


def _beside(path: Path) -> Path:
    """Where an index is made that will take the place of the one at this path."""
    return path.with_suffix(".new")


def _to_merge(segments: list[Any]) -> list[Any]:
    """Choose the smallest run of segments, half of them, once there are too many.

    Only neighbours are merged, so rows ascend within and across segments, and a posting list need
    not be sorted when it is read.
    """
    if len(segments) <= MOST_SEGMENTS:
        return []
    chosen = MOST_SEGMENTS // 2 + 1
    sizes = np.convolve([each.doc_count() for each in segments], np.ones(chosen), "valid")
    first = int(sizes.argmin())
    return segments[first : first + chosen]


def _to_settle(segments: list[Any]) -> list[Any]:
    """Choose all segments from the first that is at most twice as large as all later ones together.

    The number of segments, and how often a passage is written again, then grow with the logarithm
    of the archive's size.
    """
    sizes = [segment.doc_count() for segment in segments]
    crowded = [i for i, size in enumerate(sizes[:-1]) if size <= 2 * sum(sizes[i + 1 :])]
    return segments[crowded[0] :] if crowded else []
