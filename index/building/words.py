"""Keeps the words of an archive up to its record: indexes what is new, takes out what is gone."""

import threading
from collections.abc import Sequence

import numpy as np

from archive.batching import batches
from index.building.stages import Progress, Stage
from index.building.workers import Workers
from index.engines import Engines
from index.protocols import LexicalEntry, Rows

WORDS_AT_ONCE = 20_000  # passages a Whoosh segment


class WordIndexing:
    """Fills the lexical index of one archive; readers are told whenever it has changed."""

    def __init__(
        self, engines: Engines, progress: Progress, record: threading.Lock, workers: Workers
    ) -> None:
        self._catalog = engines.catalog
        self._lexical = engines.lexical
        self._progress = progress
        self._record = record
        self._workers = workers
        self._done = 0  # passages, by this object

    def tidy(self) -> None:
        """Take out of the lexical index what the record lost while a run was killed."""
        self._lexical.remove(np.setdiff1d(self._lexical.rows(), self._catalog.rows_after(0)))

    def bring_up(self) -> None:
        """Bring the lexical index up to the record."""
        waiting = self._catalog.rows_after(self._lexical.last_row())
        if len(waiting) > WORDS_AT_ONCE:
            self._workers.start()
        for rows in batches(waiting.tolist(), WORDS_AT_ONCE):
            stored = self._catalog.stored(rows)
            self.add([LexicalEntry.of(each.row, each.article, each.passage) for each in stored])
        if len(waiting):
            self.finish()
            self.settle()

    def add(self, entries: Sequence[LexicalEntry]) -> None:
        """Have words indexed in segments of one size, so that the workers end together."""
        total = self._done + len(entries)
        segments = -(-len(entries) // WORDS_AT_ONCE)
        for some in batches(entries, -(-len(entries) // max(1, segments)) or 1):
            self._lexical.add(some)
            self._done += len(some)
            self._progress(Stage.WORDS, self._done, total)
        self.announce()

    def finish(self) -> None:
        """Wait until all that was added can be found."""
        self._lexical.flush()
        self.announce()

    def settle(self) -> None:
        """Leave few segments, and wait for it."""
        self._lexical.settle()
        self.announce()

    def forget(self, rows: Rows) -> None:
        """Take out the words of rows that the record has lost."""
        if len(rows):
            self._lexical.remove(rows)
            self.announce()

    def announce(self) -> None:
        """Tell readers to look again."""
        with self._record:
            self._catalog.announce()
