"""Embeds what the record holds, newest first: alone, or while more is read and indexed by words.

Words have the right of way: meanwhile a process of the least priority embeds, which takes what
cores the words leave. It ends with them, as its priority cannot be raised again.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from archive.errors import WorkerLost
from archive.splitting import embedded_text
from index.building.stages import Progress, Stage
from index.building.workers import Workers
from index.engines import Engines
from index.protocols import Rows

EMBEDDED_AT_ONCE = 1_024  # passages between two marks on the record: about 20 s of work
EMBEDDED_MEANWHILE = 128  # what may be lost when the words are done
PAUSE = 0.5  # seconds between two looks for something to embed


class Meaning:
    """Fills the vectors of one archive. Whoever changes the record holds `record` meanwhile."""

    def __init__(
        self,
        engines: Engines,
        progress: Progress,
        record: threading.Lock,
        aside: Workers,
        *,
        titled: bool = True,
    ) -> None:
        self._catalog = engines.catalog
        self._vectors = engines.vectors
        self._embedder = engines.embedder
        self._progress = progress
        self._record = record
        self._aside = aside
        self._titled = titled
        self._done = 0  # passages, by this object
        self._gone: set[int] = set()  # rows that were removed, maybe while they were embedded
        self._meanwhile: Future[None] | None = None

    def embed_all(self) -> None:
        """Embed what is not embedded, newest first."""
        waiting = self._catalog.embedded.missing()
        total = self._done + len(waiting)
        for start in range(0, len(waiting), EMBEDDED_AT_ONCE):
            self._embed(waiting[start : start + EMBEDDED_AT_ONCE])
            self._progress(Stage.MEANING, self._done, total)
        self._embedder.prepare_queries()

    @contextmanager
    def embedding_meanwhile(self) -> Iterator[None]:
        """Embed in a thread while the context lasts, from when the processes aside are started."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            self._meanwhile = thread.submit(self._embed_until, over)
            try:
                yield
            finally:
                over.set()
                self._aside.close()  # what it has begun is done again, at a better pace
            self._meanwhile.result()

    def check(self) -> None:
        """Raise what has ended the embedding meanwhile, if something has."""
        if self._meanwhile and self._meanwhile.done():
            self._meanwhile.result()

    def forget(self, rows: Rows) -> None:
        """Blank the vectors of rows that the record has lost; the caller holds `record`."""
        self._gone.update(rows.tolist())
        self._vectors.blank(rows)

    def _embed_until(self, over: threading.Event) -> None:
        while not over.is_set():
            if self._aside.ready() and len(waiting := self._catalog.embedded.missing()):
                self._progress(Stage.MEANING, self._done, self._done + len(waiting))
                try:
                    self._embed(waiting[:EMBEDDED_MEANWHILE])
                except WorkerLost:
                    if not over.is_set():
                        raise
            else:
                over.wait(PAUSE)

    def _embed(self, rows: Rows) -> None:
        stored = list(self._catalog.stored(rows.tolist()))
        self._done += len(rows)
        if not stored:  # they were removed meanwhile
            return
        titles = [each.article.given_title if self._titled else "" for each in stored]
        texts = [embedded_text(s.passage, t) for s, t in zip(stored, titles, strict=True)]
        vectors = self._aside.submit(self._embedder.embed_passages, texts).result()
        with self._record:
            alive = [i for i, each in enumerate(stored) if each.row not in self._gone]
            kept = np.array([stored[i].row for i in alive], np.int64)
            if len(kept):
                self._vectors.write(kept, vectors[alive])
                self._catalog.embedded.mark(kept)
