"""Tests the parts of an archive that a server needs, cheaply enough to be asked every second."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backfile.archive.model.errors import ArchiveError
from backfile.archive.store.database import is_writable, open_database, translated
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.model.expression import Word
from backfile.index.seams.engines import Engines
from backfile.index.search.snapshot import Snapshot, Snapshots

SECONDS_BETWEEN_PROBES = 10.0
PATIENCE = 0.1  # seconds for a probe; while the model is loaded it takes longer
PROBED = "news"


class Status(StrEnum):
    """The status of a part. ABSENT: nothing was embedded, so it is not needed."""

    OK = "ok"
    FAILED = "failed"
    LOADING = "loading"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Part:
    """A part, its status, and what is wrong and what to do if it has failed."""

    name: str
    status: Status
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the archive, as a fact: an archive may be read-only."""

    free_bytes: int
    writable: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """What can be searched now.

    `generation` is the one that searches are in, `age` the seconds since they switched to it, and
    `behind` the number of changes since; all are 0 if none could be opened. Of a divided archive,
    `answering` of all `replicas` of its shards can be searched.
    """

    parts: tuple[Part, ...]
    generation: int = 0
    coverage: float = 0.0
    age: float = 0.0
    behind: int = 0
    disk: Disk | None = None
    replicas: int = 0
    answering: int = 0

    @property
    def failure(self) -> Part | None:
        """The part without which nothing can be searched by words, if it has failed."""
        needed = [part for part in self.parts if part.name in ("record", "words")]
        return next((part for part in needed if part.status is Status.FAILED), None)

    @property
    def is_whole(self) -> bool:
        """Whether all parts that are needed answer."""
        return all(part.status in (Status.OK, Status.ABSENT) for part in self.parts)


class ReadinessCheck:
    """Tests the parts of one archive.

    The record is opened anew each time, as a server does when it starts. Words, vectors and the
    model are searched in a thread, at most every SECONDS_BETWEEN_PROBES.
    """

    def __init__(
        self,
        engines: Engines,
        snapshots: Snapshots,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engines = engines
        self._snapshots = snapshots
        self._seconds = seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._probed: float | None = None
        self._failures: dict[str, Exception] | None = None

    def readiness(self, directory: ArchiveDirectory | None = None) -> Readiness:
        """Test all parts; `directory` is where the archive should lie."""
        try:
            self._require_record(directory)
            snapshot = self._snapshots.current(with_vectors=False)
            if failure := self._snapshots.failure:
                raise failure
            behind = self._engines.catalog.generation() - snapshot.table.generation
        except (ArchiveError, OSError) as exc:
            return Readiness((_failed("record", exc),))
        self._probe_again()
        return Readiness(
            (Part("record", Status.OK), *self._parts(snapshot)),
            snapshot.table.generation,
            snapshot.table.coverage,
            self._snapshots.age,
            max(0, behind),
            _disk(directory) if directory else None,
        )

    def _require_record(self, directory: ArchiveDirectory | None) -> None:
        """Raise ArchiveError if a server could not be started with this record."""
        self._engines.catalog.require_in_place()
        if directory:
            directory.require()
            with translated():
                open_database(directory.catalog).dispose()

    def _parts(self, snapshot: Snapshot) -> Iterator[Part]:
        failures = self._failures or {}
        if failure := snapshot.no_words or failures.get("words"):
            yield _failed("words", failure)
        else:
            yield Part("words", Status.OK)
        for name in ("vectors", "model"):
            unopened = snapshot.no_vectors if name == "vectors" else None
            if not snapshot.table.coverage:
                yield Part(name, Status.ABSENT)
            elif failed := unopened or failures.get(name):
                yield _failed(name, failed)
            else:
                yield Part(name, Status.LOADING if self._failures is None else Status.OK)

    def _probe_again(self) -> None:
        """Search in a thread if the last time was long ago; wait for it a moment."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                now = self._seconds()
                if self._probed is not None and now - self._probed < SECONDS_BETWEEN_PROBES:
                    return
                self._probed = now
                self._thread = threading.Thread(target=self._probe, daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(PATIENCE)

    def _probe(self) -> None:
        failures: dict[str, Exception] = {}
        for name, search in (
            ("words", self._search_words),
            ("model", self._embed),
            ("vectors", self._search_vectors),
        ):
            try:
                search()
            except Exception as exc:  # it ends here: nobody waits for this thread
                failures[name] = exc
        self._failures = failures

    def _search_words(self) -> None:
        snapshot = self._snapshots.current(with_vectors=False)
        if not snapshot.no_words:
            snapshot.lexical.match(Word(PROBED), idf=Idf.LUCENE)

    def _embed(self) -> None:
        if self._snapshots.current(with_vectors=False).table.coverage:
            self._engines.embedder.embed_query(PROBED)

    def _search_vectors(self) -> None:
        """Search for an embedded passage by its own vector, as the model may have failed."""
        if not self._snapshots.current(with_vectors=False).table.coverage:
            return
        snapshot = self._snapshots.current(with_vectors=True)
        if snapshot.no_vectors:
            raise snapshot.no_vectors
        if snapshot.vectors:
            row = int((snapshot.table.embedded & snapshot.table.alive).argmax())
            vector = self._engines.vectors.read(row + 1)[row].astype(np.float32)
            snapshot.vectors.nearest(vector, np.arange(snapshot.table.n_rows) == row, 1)


def _failed(name: str, error: Exception) -> Part:
    if isinstance(error, ArchiveError):
        return Part(name, Status.FAILED, error.message)
    return Part(name, Status.FAILED, f"{type(error).__name__}: {error}")


def _disk(directory: ArchiveDirectory) -> Disk | None:
    try:
        found = os.statvfs(directory.root)
    except OSError:  # it vanished at this moment: the next look at the record says so
        return None
    read_only = bool(found.f_flag & os.ST_RDONLY)
    return Disk(found.f_bavail * found.f_frsize, is_writable(directory.catalog) and not read_only)
