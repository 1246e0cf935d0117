"""The two stages after the catalogue: the lexical index, then embeddings, newest first.

The lexical stage goes first. While it runs, a process of the lowest priority embeds on the cores
that are idle; it ends with that stage, as its priority cannot be raised again.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import WorkerLost
from backfile.archive.passages import embedded_text, hash_of_text
from backfile.archive.store.catalog import Written
from backfile.archive.workers import Workers, batches
from backfile.index.model.arrays import Floats, Rows
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalEntry


class Stage(StrEnum):
    """A stage of a run, as a progress bar names it."""

    READING = "reading"
    CUTTING = "cutting"
    WORDS = "words"
    MEANING = "meaning"
    SEALING = "neighbours"
    NAMES = "names"


class Progress(Protocol):
    """Called with the progress of a stage: READING in bytes, CUTTING and NAMES in articles.

    All others are in passages.

    Stages overlap, so it is called from more than one thread.
    """

    def __call__(self, stage: Stage, done: int, total: int) -> None: ...


def silent(stage: Stage, done: int, total: int) -> None:
    """Progress that nobody sees."""


class Sizes(NamedTuple):
    """How much is done at once."""

    batches: tuple[int, int] = (250, 2_000)  # articles: the first, soon to be found; the largest
    split: int = 50  # articles that a worker is given
    words: int = 20_000  # passages of a segment of the lexical index
    embedded: int = 1_024  # passages between two notes in the catalogue: about 20 s of work
    named: int = 64  # articles between two notes of their names: about 10 s of work


SIZES = Sizes()


def entry_of(row: int, article: Article, passage: Passage) -> LexicalEntry:
    """A passage as the lexical index receives it."""
    return LexicalEntry(row, article.given_title, passage.text, article.language)


class LexicalStage:
    """Fills the lexical index of one archive; `writing` is held while the catalogue is changed."""

    def __init__(
        self,
        engines: Engines,
        progress: Progress,
        writing: threading.Lock,
        workers: Workers,
        at_once: int,
    ) -> None:
        self._at_once = at_once
        self._catalog = engines.catalog
        self._lexical = engines.lexical
        self._progress = progress
        self._writing = writing
        self._workers = workers
        self._done = 0  # passages, by this object
        self._unseen = False  # whether readers may not have seen the latest change

    def tidy(self) -> None:
        """Delete the passages that are in the lexical index only, after a run that was killed."""
        indexed, known = self._lexical.rows(), self._catalog.rows_after(0)
        self._lexical.remove(np.setdiff1d(indexed, known, assume_unique=True))

    def bring_up(self) -> None:
        """Add the passages that are in the catalogue only."""
        waiting = self._catalog.rows_after(self._lexical.last_row())
        if len(waiting) > self._at_once:
            self._workers.start()
        for rows in batches(waiting.tolist(), self._at_once):
            stored = self._catalog.stored(rows)
            self.add([entry_of(each.row, each.article, each.passage) for each in stored])
            self.announce()
        if len(waiting):
            self.settle()
            self.finish()

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
        """Have passages indexed, in segments of one size, so that all workers end together."""
        total = self._done + len(entries)
        segments = -(-len(entries) // self._at_once)
        for some in batches(entries, -(-len(entries) // max(1, segments)) or 1):
            self._lexical.add(some)
            self._unseen = True
            self._done += len(some)
            self._progress(Stage.WORDS, self._done, total)

    def forget(self, rows: Rows) -> None:
        """Delete passages that are no longer in the catalogue."""
        if len(rows):
            self._lexical.remove(rows)
            self._unseen = True

    def finish(self) -> None:
        """Wait until all that was added can be found, and make readers look again."""
        if self._unseen:
            self._lexical.flush()
            self.announce()
            self._unseen = False

    def settle(self) -> None:
        """Merge segments until few are left, and wait for it."""
        self._lexical.settle()

    def announce(self) -> None:
        """Make readers look again, if something was added or deleted since `finish`."""
        if self._unseen:
            with self._writing:
                self._catalog.announce()


EMBEDDED_ASIDE = 128  # passages whose work may be lost when the lexical stage ends
PAUSE = 0.5  # seconds between two looks for something to embed


class EmbedStage:
    """Fills the vectors of one archive; `writing` is held while the catalogue is changed."""

    def __init__(
        self,
        engines: Engines,
        progress: Progress,
        writing: threading.Lock,
        aside: Workers,
        at_once: int,
    ) -> None:
        self._at_once = at_once
        self._catalog = engines.catalog
        self._vectors = engines.vectors
        self._embedder = engines.embedder
        self._progress = progress
        self._writing = writing
        self._aside = aside
        self._done = 0  # passages, by this object
        self._gone: set[int] = set()  # rows that were removed, perhaps while being embedded
        self._aside_work: Future[None] | None = None

    def embed_all(self) -> None:
        """Embed all passages that are not embedded, newest first."""
        waiting = self._catalog.embedded.missing()
        total = self._done + len(waiting)
        for start in range(0, len(waiting), self._at_once):
            self._embed(waiting[start : start + self._at_once])
            self._progress(Stage.MEANING, self._done, total)
        self._embedder.prepare_queries()

    def embed_some(self, first: int, most: int) -> int:
        """Embed at most so many passages from row `first` on, newest first; return how many."""
        waiting = self._catalog.embedded.missing()
        waiting = waiting[waiting >= first][:most]
        if len(waiting):
            self._embed(waiting)
        else:
            self._aside.submit(self._embedder.prepare_queries).result()
        return len(waiting)

    @contextmanager
    def embedding_aside(self) -> Iterator[None]:
        """Embed in a thread until the context ends, once the process aside is ready."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            self._aside_work = thread.submit(self._embed_until, over)
            try:
                yield
            finally:
                over.set()
                self._aside.close()  # its last passages are embedded again, at normal priority
            self._aside_work.result()

    def check(self) -> None:
        """Raise the error that has ended the embedding aside, if there is one."""
        if self._aside_work and self._aside_work.done():
            self._aside_work.result()

    def inherit(self, written: Written, passages: Iterable[tuple[Article, Passage]]) -> None:
        """Give new passages the vectors of replaced ones with the same text.

        `writing` is held, and the replaced rows are not forgotten yet.
        """
        if not written.replaced:
            return
        texts = (embedded_text(each, article.given_title) for article, each in passages)
        hashes = dict(enumerate(map(hash_of_text, texts), written.first_row))
        known = self._vectors_of(written.replaced)
        self._keep({row: known[each] for row, each in hashes.items() if each in known}, hashes)

    def forget(self, rows: Rows) -> None:
        """Blank the vectors of rows that are no longer in the catalogue; `writing` is held."""
        if len(rows):
            self._gone.update(rows.tolist())
            self._vectors.blank(rows)

    def tidy(self) -> None:
        """Blank the vectors of passages that are gone, after a run that was killed."""
        with self._writing:
            self.forget(self._vectors.filled_beside(self._catalog.rows_after(0)))

    def _embed_until(self, over: threading.Event) -> None:
        while not over.is_set():
            if self._aside.ready() and len(waiting := self._catalog.embedded.missing()):
                self._progress(Stage.MEANING, self._done, self._done + len(waiting))
                try:
                    self._embed(waiting[:EMBEDDED_ASIDE])
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
        texts = [embedded_text(each.passage, each.article.given_title) for each in stored]
        hashes = [hash_of_text(text) for text in texts]
        with self._writing:  # no vector is blanked meanwhile
            known = self._vectors_of(self._catalog.embedded.rows_with(hashes))
        new = {each: text for each, text in zip(hashes, texts, strict=True) if each not in known}
        if new:
            embed = self._embedder.embed_passages
            vectors = self._aside.submit(embed, list(new.values())).result()
            known |= dict(zip(new, vectors, strict=True))
        hash_of_row = {each.row: found for each, found in zip(stored, hashes, strict=True)}
        with self._writing:
            alive = hash_of_row.keys() - self._gone
            self._keep({row: known[hash_of_row[row]] for row in sorted(alive)}, hash_of_row)

    def _vectors_of(self, rows: Mapping[int, int]) -> dict[int, Floats]:
        """The vectors of rows, (dimension,), by the hash of their text; no damaged ones."""
        asked = np.array([*rows.values()], np.int64)
        if not len(asked):
            return {}
        damaged = set(self._vectors.damaged(asked).tolist())
        vectors = self._vectors.read(int(asked.max()) + 1)
        sound = {each: row for each, row in rows.items() if row not in damaged}
        return {each: vectors[row].astype(np.float32) for each, row in sound.items()}

    def _keep(self, vectors: Mapping[int, Floats], hash_of_row: Mapping[int, int]) -> None:
        """Write vectors to their rows, and mark these as embedded; `writing` is held."""
        if vectors:
            rows = np.array([*vectors], np.int64)
            self._vectors.write(rows, np.stack([*vectors.values()]))
            self._catalog.embedded.mark(rows, [hash_of_row[row] for row in vectors])
