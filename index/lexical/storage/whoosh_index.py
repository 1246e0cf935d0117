"""The lexical index in Whoosh: one document per passage, in order of row, read as arrays."""

import shutil
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from backfile.archive.model.message import Message
from backfile.archive.store.sealing import damage_of
from backfile.archive.store.switching import present, settle_switch, switch
from backfile.archive.workers import Task, Workers
from backfile.index.lexical.storage.codec import deleted_documents, document_rows
from backfile.index.lexical.storage.merging import merge_segments
from backfile.index.lexical.storage.segments import (
    INDEX_NAME,
    STAGING,
    schema,
    staging_of,
    write_segment,
)
from backfile.index.lexical.storage.unpickling import (
    NAME,
    IndexFolder,
    damaged,
    different_files,
    seal_segment,
    seals_of,
)
from backfile.index.lexical.storage.whoosh_snapshot import WhooshSnapshot
from backfile.index.model.arrays import Rows
from backfile.index.seams.failures import translated, unavailable
from backfile.index.seams.protocols import LexicalEntry

with warnings.catch_warnings():
    # Whoosh 2.7.4 is of 2016; its old escapes and `is 0` warn on import.
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="whoosh")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="whoosh")
    from whoosh.filedb.filestore import RamStorage
    from whoosh.index import TOC, FileIndex, clean_files
    from whoosh.reading import IndexReader, SegmentReader


T = TypeVar("T")
MOST_SEGMENTS = 16  # of those that are less than half as large as they can be
MOST_DOCUMENTS = 2_000_000  # of a segment: the memory of a merge grows with its longest list
MOST_WAITING = 4  # segments being written at once, each with its passages in memory
SECONDS_OF_TRIES = 10.0  # to read a commit before a merge takes its files away
SECONDS_BETWEEN_TRIES = 0.01


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
        made = self._opened_for_writing()
        with translated(NAME):
            return max((_rows_of(made, each)[1] for each in made._segments()), default=0)

    def rows(self) -> Rows:
        """The rows that are indexed and not deleted."""
        with translated(NAME):
            return self._read(_living_rows)

    def snapshot(self) -> "WhooshSnapshot":
        """Open the committed state; raise EngineUnavailable if it cannot be read."""
        with translated(NAME):
            return self._read(WhooshSnapshot)

    def check(self) -> None:
        """Raise EngineUnavailable, with names, unless all files are as they were sealed."""
        with translated(NAME):
            self._committed(self._damages)

    def remove(self, rows: Rows) -> None:
        """Delete passages; rows that are not indexed are ignored."""
        self.flush()
        made = self._opened_for_writing()
        with translated(NAME):
            found = {each.segment_id(): _holding(made, each, rows) for each in made._segments()}
        if not any(map(len, found.values())):
            return
        with self._changing() as segments:
            for segment in segments:
                for document in found[segment.segment_id()].tolist():
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
        for segment in contents.segments:
            if not seals_of(segment):  # of an index that was made before there were seals
                seal_segment(segment, self._path)
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
        with translated(NAME):
            return sorted(self._committed(self._files))

    def _files(self, contents: TOC, _: IndexFolder) -> list[Path]:
        found = [self._path / TOC._filename(INDEX_NAME, contents.generation)]
        for segment in contents.segments:
            found += self._path.glob(f"{segment.segment_id()}.*")
        return found

    def _opened(self) -> Any:
        if not present(self._path).exists():  # nothing has been indexed yet
            return RamStorage().create_index(schema())
        return _index_in(self._folder())

    def _read(self, use: Callable[[IndexReader], T]) -> T:
        """Use a reader of the latest commit; `use` reads all that is not read at its opening."""

        def read(contents: TOC, folder: Any) -> T:
            reader = FileIndex._reader(folder, schema(), contents.segments, contents.generation)
            try:
                return use(reader)
            except BaseException:
                reader.close()
                raise

        return self._committed(read)

    def _committed(self, use: Callable[[TOC, Any], T]) -> T:
        """Use the latest commit, or a later one if merges take files away meanwhile.

        Raises EngineUnavailable if a file is missing, or has another size than was sealed.
        """
        generation, ends = -1, time.monotonic() + SECONDS_OF_TRIES
        while True:
            found = -1
            try:
                opened = self._opened()
                contents = opened._read_toc()
                found = contents.generation
                different = [
                    name
                    for segment in contents.segments
                    for name in different_files(segment, present(self._path))
                ]
                if not different:
                    return use(contents, opened.storage)
                if found == generation:
                    raise damaged(different[0])
            except FileNotFoundError:
                if found == generation >= 0:  # no merge took it away
                    raise
            if time.monotonic() > ends:
                raise unavailable(NAME, Message("its files keep changing"))
            generation = found
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _damages(self, contents: TOC, folder: IndexFolder) -> None:
        """Read all sealed files of a commit; raise EngineUnavailable for those that differ."""
        sealed = [segment for segment in contents.segments if seals_of(segment)]
        name = TOC._filename(INDEX_NAME, contents.generation)
        if sealed and not folder.has_digest(name):
            raise damaged(name)
        found = [
            f"{name} {damage}"
            for segment in sealed
            for name, seal in seals_of(segment).items()
            if (damage := damage_of(Path(folder.folder) / name, seal.size, seal.digest))
        ]
        if found and TOC._latest_generation(folder, INDEX_NAME) != contents.generation:
            raise FileNotFoundError  # a merge took them away
        if found:
            raise unavailable(NAME, ", ".join(found))

    def _opened_for_writing(self) -> Any:
        if self._index is None:
            settle_switch(_beside(self._path), self._path)
            for left in (self._path / STAGING, _beside(self._path)):  # files of a killed run
                shutil.rmtree(left, ignore_errors=True)
            if TOC._latest_generation(self._folder(), INDEX_NAME) >= 0:
                with translated(NAME):
                    self._index = self._committed(lambda _, folder: _index_in(folder))
            else:
                self._index = self._created()
        return self._index

    def _created(self) -> FileIndex:
        """Make an empty index: the folder appears with its table of contents, or not at all."""
        draft = self._path if self._path.exists() else _beside(self._path)
        draft.mkdir(mode=0o700, exist_ok=True)
        made = FileIndex.create(IndexFolder(str(draft)), schema(), INDEX_NAME)
        if draft == self._path:
            return made
        made.close()
        draft.rename(self._path)
        return _index_in(self._folder())

    def _folder(self) -> IndexFolder:
        return IndexFolder(str(present(self._path)))


def _living_rows(reader: IndexReader) -> Rows:
    found = np.delete(document_rows(reader), deleted_documents(reader))
    reader.close()
    return found


def _index_in(folder: IndexFolder) -> FileIndex:
    return FileIndex(folder, schema(), INDEX_NAME)


def _rows_of(index: FileIndex, segment: Any) -> tuple[int, int]:
    """The lowest and the highest row of a segment; those of an earlier release do not say."""
    if not hasattr(segment, "rows"):
        with SegmentReader(index.storage, index.schema, segment) as reader:
            found = document_rows(reader)
        segment.rows = (int(found.min(initial=0)), int(found.max(initial=0)))
    low, high = segment.rows
    return low, high


def _holding(index: FileIndex, segment: Any, rows: Rows) -> Rows:
    """The documents of a segment that have one of these rows, and are not deleted."""
    low, high = _rows_of(index, segment)
    sought = rows[(rows >= low) & (rows <= high)]
    if not len(sought):
        return sought
    with SegmentReader(index.storage, index.schema, segment) as reader:
        documents = np.flatnonzero(np.isin(document_rows(reader), sought))
        return np.setdiff1d(documents, list(segment.deleted_docs()))


def _beside(path: Path) -> Path:
    """Where an index is made that will take the place of the one at this path."""
    return path.with_suffix(".new")


def _to_merge(segments: list[Any]) -> list[Any]:
    """Choose the smallest run of segments, half of them, once there are too many.

    Only neighbours are merged, so rows ascend within and across segments, and a posting list need
    not be sorted when it is read. A run is shorter where it would be more than MOST_DOCUMENTS.
    """
    sizes = [segment.doc_count() for segment in segments]
    if sum(2 * size < MOST_DOCUMENTS for size in sizes) <= MOST_SEGMENTS:
        return []
    for chosen in range(MOST_SEGMENTS // 2 + 1, 1, -1):
        totals = np.convolve(sizes, np.ones(chosen), "valid")
        if totals.min() <= MOST_DOCUMENTS:
            first = int(totals.argmin())
            return segments[first : first + chosen]
    return []


def _to_settle(segments: list[Any]) -> list[Any]:
    """Choose all segments from the first that is at most twice as large as all later ones together.

    The number of segments, and how often a passage is written again, then grow with the logarithm
    of the archive's size, until a segment would have more than MOST_DOCUMENTS.
    """
    sizes = [segment.doc_count() for segment in segments]
    later = [sum(sizes[i + 1 :]) for i in range(len(sizes))]
    crowded = [
        i for i, size in enumerate(sizes[:-1])
        if size <= 2 * later[i] and size + later[i] <= MOST_DOCUMENTS
    ]  # fmt: skip
    return segments[crowded[0] :] if crowded else []
