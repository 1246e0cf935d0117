"""The snapshot of an archive: shared by all threads, and replaced after a change."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.index.duplicates.crossing import Crossing
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import latest
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.expression import Field, Gap
from backfile.index.model.noise import Noise
from backfile.index.model.postings import NO_POSTINGS, Postings, Slot, Vocabulary, VocabularyPart
from backfile.index.model.scale import Scale
from backfile.index.model.whole import ShardFailed, Whole
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalSnapshot, VectorSnapshot

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 1.0  # a running `backfile index` changes the generation constantly
SECONDS_BETWEEN_TRIES = 10.0  # to open an engine that could not be opened
NO_ROWS: Rows = np.empty(0, np.int64)


class StatisticsChanged(Exception):
    """The coordinator of a search knows those of an earlier generation of this shard."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable view of an archive: its article table and one state of both engines.

    An engine that cannot be read is replaced by an empty index of words, or by None; `no_words` and
    `no_vectors` are the reasons. `excess` (n_rows,) is how much closer to nonsense a row is than it
    may be, NaN until a search needs it.
    """

    table: ArticleTable
    lexical: LexicalSearch
    vectors: VectorSnapshot | None
    noise: tuple[Noise, ...]
    scale: Scale
    excess: Floats
    no_words: EngineUnavailable | None = None
    no_vectors: EngineUnavailable | None = None

    def within(self, whole: Whole) -> "Snapshot":
        """The same shard, as it takes part in one search of the whole.

        Raises StatisticsChanged, and ShardFailed if its words cannot be read.
        """
        if not whole.is_divided:
            return self
        if self.no_words:
            raise ShardFailed(self.no_words)
        self.require_known(whole)
        if whole.known:
            statistics: CollectionStatistics = whole.known.of_all
        else:
            statistics = whole.reduced(self.statistics, CollectionStatistics.merged).value()
        return replace(self, lexical=self.lexical.within(whole, statistics))

    def require_known(self, whole: Whole) -> None:
        """Raise StatisticsChanged unless the coordinator knows those of this generation."""
        if whole.known and whole.known.own != self.statistics:
            raise StatisticsChanged

    @property
    def whole(self) -> Whole:
        """The whole archive, where this is a shard that takes part in a search."""
        return self.lexical.whole

    @property
    def crossing(self) -> Crossing:
        """The clusters that have articles in several shards of the whole."""
        return Crossing.of(self.whole, self.table, self.statistics.crossing)

    @property
    def statistics(self) -> CollectionStatistics:
        """The statistics of the whole."""
        return self.lexical.statistics


class Snapshots:
    """Opens and shares the current snapshot; thread-safe."""

    def __init__(
        self,
        engines: Engines,
        seconds: Callable[[], float] = time.monotonic,
        *,
        aside: bool = False,
    ) -> None:
        """Open snapshots of these engines; `seconds` is a clock that is never set back.

        `aside`: a later one is opened in a thread, and the earlier one is used until it is open.
        """
        self._aside = aside
        self._is_opening = False
        self._engines = engines
        self._seconds = seconds
        self._lock = threading.Lock()
        self._current: Snapshot | None = None
        self._looked = self._opened = self._switched = 0.0
        self._generation: int | None = None
        self._failure: ArchiveError | None = None

    @property
    def failure(self) -> ArchiveError | None:
        """Why the latest generation could not be opened; searches go on in the one before."""
        return self._failure

    @property
    def age(self) -> float:
        """Seconds since searches switched to the generation that they are in."""
        return self._seconds() - self._switched

    def current(self, *, with_vectors: bool) -> Snapshot:
        """The snapshot of the latest generation, at most SECONDS_BETWEEN_LOOKS old.

        Aside, it is as old as it takes to open the next one.
        """
        with self._lock:
            found = self._current
            if self._aside and found and not (with_vectors and _lacks_vectors(found)):
                if not self._is_opening and self._changed(found):
                    self._is_opening = True
                    threading.Thread(target=self._renew, args=(found,), daemon=True).start()
                return found
            stale = found is None or self._changed(found)
            if found is None or stale or (with_vectors and _lacks_vectors(found)):
                found = self._open(
                    with_vectors or (found is not None and not _lacks_vectors(found))
                )
                self._current = found
            return found

    def _renew(self, earlier: Snapshot) -> None:
        try:
            self._current = self._open(not _lacks_vectors(earlier))
        except ArchiveError as exc:
            self._failure = exc
            log.warning("searches go on in the archive as it was: %s", exc)
        finally:
            self._is_opening = False

    def look_again(self) -> None:
        """Check for a later generation at the next call of `current`."""
        self._looked = -SECONDS_BETWEEN_LOOKS

    def _changed(self, found: Snapshot) -> bool:
        now = self._seconds()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked = now
        failing = found.no_words or found.no_vectors
        if failing and now - self._opened > SECONDS_BETWEEN_TRIES:
            return True
        return self._engines.catalog.generation() != found.table.generation

    def _open(self, with_vectors: bool) -> Snapshot:
        # The lexical snapshot before the table: rows that the table lacks are ignored. In the other
        # order, an article replaced in between would be missed. The generation before both: a
        # change in between is then noticed at the next check.
        catalog = self._engines.catalog
        catalog.require_in_place()  # else an index that is not there would be an empty one
        generation = catalog.generation()
        lexical, no_words = self._words()
        earlier = self._current.table if self._current else self._engines.table.read()
        table = latest(catalog, generation, earlier)
        search = LexicalSearch(lexical, table, self._current.lexical if self._current else None)
        if self._aside:
            search.spellings()  # so that no search waits for it
        noise, scale = self._engines.noise.read()
        vectors, no_vectors = self._vectors(table) if with_vectors else (None, None)
        self._looked = self._opened = self._seconds()
        if generation != self._generation:
            self._generation, self._switched = generation, self._opened
        self._failure = None
        excess = np.full(table.n_rows, np.nan, np.float32)
        return Snapshot(table, search, vectors, noise, scale, excess, no_words, no_vectors)

    def _words(self) -> tuple[LexicalSnapshot, EngineUnavailable | None]:
        try:
            return self._engines.lexical.snapshot(), None
        except EngineUnavailable as exc:
            return NoWords(), exc

    def _vectors(
        self, table: ArticleTable
    ) -> tuple[VectorSnapshot | None, EngineUnavailable | None]:
        try:
            return self._engines.neighbours.snapshot(table.embedded & table.alive), None
        except EngineUnavailable as exc:
            return None, exc


def _lacks_vectors(found: Snapshot) -> bool:
    return found.vectors is None and found.no_vectors is None


class NoWords:
    """A LexicalSnapshot without passages: search by meaning and by filters goes on over it."""

    def postings(self, _: Field, __: str) -> Postings:
        return NO_POSTINGS

    def phrase(
        self,
        _: Field,
        __: Sequence[Slot],
        ___: Sequence[Gap],
        *,
        leading: bool = False,  # noqa: ARG002
    ) -> Postings:
        return NO_POSTINGS

    def terms(self, _: Field, __: str) -> Collection[str]:
        return ()

    def vocabulary_parts(self) -> Sequence[VocabularyPart]:
        return ()

    def vocabulary(self, _: Sequence[VocabularyPart] | None = None) -> Vocabulary:
        return Vocabulary([], [], NO_ROWS, NO_ROWS.reshape(0, 1))

    def lengths(self, _: Field) -> Floats:
        return np.zeros(1, np.float32)

    def word_counts(self, _: Field) -> Floats:
        return np.zeros(1, np.float32)

    def rows(self) -> Rows:
        return NO_ROWS

    def close(self) -> None:
        """Close nothing."""
