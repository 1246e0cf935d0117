"""The two stages after the record: words into the lexical index, then embeddings, newest first.

Words have the right of way: meanwhile a process of the least priority embeds, which takes what
cores the words leave. It ends with them, as its priority cannot be raised again.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

import numpy as np

from backfile.archive.batching import batches
from backfile.archive.model.errors import WorkerLost
from backfile.archive.passages import embedded_text
from backfile.archive.workers import Workers
from backfile.index.model.arrays import Rows
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalEntry


class Stage(StrEnum):
    """What is being done, as a progress bar names it."""

    READING = "reading"
    WORDS = "words"
    MEANING = "meaning"
    SEALING = "neighbours"


class Progress(Protocol):
    """Is told how far a stage of a run has come: in bytes when reading, else in passages.

    Stages overlap, so it is called from more than one thread.
    """

    def __call__(self, stage: Stage, done: int, total: int) -> None: ...


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

    def rebuild(self) -> None:
        """Index all words anew; the index that is there answers until that is done."""
        earlier = self._lexical
        try:
            with earlier.replaced() as self._lexical:
                self.bring_up()
        finally:
            self._lexical = earlier
        self.announce()

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
