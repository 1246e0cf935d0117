"""All that one archive is made of, behind the seams, and one consistent view of it."""

import threading
import time
from dataclasses import dataclass

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.vectors import VectorFile
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import ArticleTableFile
from backfile.index.model.noise import Noise, NoiseFile
from backfile.index.seams.protocols import (
    Embedder,
    LexicalIndex,
    LexicalSnapshot,
    VectorIndex,
    VectorSnapshot,
)


@dataclass(frozen=True, slots=True)
class Engines:
    """The record (catalogue and vectors), the caches over it, and the model."""

    catalog: Catalog
    vectors: VectorFile
    lexical: LexicalIndex
    neighbours: VectorIndex
    embedder: Embedder
    table: ArticleTableFile
    noise: NoiseFile


SECONDS_BETWEEN_LOOKS = 1.0  # a running `backfile index` changes the generation all the time


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a search reads; it stays as it is while newer ones are opened beside it."""

    table: ArticleTable
    lexical: LexicalSnapshot
    vectors: VectorSnapshot | None
    noise: tuple[Noise, ...]
    words_coverage: float  # the share of passages that can be found by their words, 0 to 1
    unavailable: EngineUnavailable | None = None


class Snapshots:
    """Keeps the current snapshot, for all threads."""

    def __init__(self, engines: Engines) -> None:
        self._catalog = engines.catalog
        self._columns = engines.table
        self._noise = engines.noise
        self._lexical = engines.lexical
        self._neighbours = engines.neighbours
        self._lock = threading.Lock()
        self._current: Snapshot | None = None
        self._looked = 0.0

    def current(self, *, with_vectors: bool) -> Snapshot:
        """Return the snapshot of the latest generation, at most a second old."""
        with self._lock:
            found = self._current
            stale = found is None or self._changed(found)
            if found is None or stale or (with_vectors and _lacks_vectors(found)):
                found = self._open(with_vectors or (found is not None and bool(found.vectors)))
                self._current = found
            return found

    def _changed(self, found: Snapshot) -> bool:
        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked = now
        return self._catalog.generation() != found.table.generation

    def _open(self, with_vectors: bool) -> Snapshot:
        # The engines first: rows they know and the columns do not are passed over, whereas the
        # other way round an article that was just replaced would be missed.
        # The generation before both: a change in between is then seen as one, and looked at again.
        self._catalog.require_in_place()  # else an index that is not there would be an empty one
        generation = self._catalog.generation()
        lexical = self._lexical.snapshot()
        unchanged = self._catalog.generation() == generation
        table = self._columns.read(generation) if unchanged else None
        table = table or ArticleTable.load(self._catalog, generation)
        covered = _coverage(table, lexical)
        noise = self._noise.read()
        self._looked = time.monotonic()
        if not with_vectors:
            return Snapshot(table, lexical, None, noise, covered)
        try:
            vectors = self._neighbours.snapshot(table.embedded & table.alive)
        except EngineUnavailable as exc:
            return Snapshot(table, lexical, None, noise, covered, exc)
        return Snapshot(table, lexical, vectors, noise, covered)


def _lacks_vectors(found: Snapshot) -> bool:
    return found.vectors is None and found.unavailable is None


def _coverage(table: ArticleTable, lexical: LexicalSnapshot) -> float:
    held = lexical.rows()
    held = held[held < table.n_rows]
    return float(table.alive[held].sum()) / max(1, table.n_passages)
