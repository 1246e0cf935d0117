"""The resident writer: does the jobs of the inbox as they come; embeds and reads names aside.

It holds the writer's lock only while there is something to do. Words are indexed first and at once;
a process of low priority embeds meanwhile, in lots, whatever jobs have added, and seals it. In a
thread of this process that would hold the interpreter's lock: one of 20 jobs waited for 8 s.
"""

import logging
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.model.article import RECEIVED, Origin
from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiveUnwritable,
    EngineUnavailable,
    shortage_of,
)
from backfile.archive.model.settings import Settings
from backfile.archive.passages import split
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.inbox import Inbox, jobs_in, note_state
from backfile.archive.store.jobs import Job
from backfile.archive.store.manifest import Manifest
from backfile.archive.workers import Workers
from backfile.index.duplicates.signatures import sign
from backfile.index.indexing.jobs import Interrupted, do_jobs, failed_job, next_lot
from backfile.index.indexing.stages import silent
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import settings_now, tokenizer_of
from backfile.index.writing import Writing, open_for_writing

LOOK = 0.05  # seconds between two looks for jobs
BUSY = 0.25  # seconds between two tries to get the writer's lock
IDLE = 600.0  # seconds without a job
LONGEST_PAUSE = 30.0  # seconds between two tries after an error of the archive
EMBEDDED = 32  # passages at once; a server that is to stop waits for them, about a second
NAMED = 8  # articles at once, for the same reason
NICENESS = 10  # of the process that embeds
WARMING = "The ferry runs again. It is full."
log = logging.getLogger(__name__)


class _Failed(Exception):
    """A job failed for a reason that nobody foresaw; the archive is to be opened anew."""


class ResidentWriter:
    """Does the jobs of one archive until it is stopped; one of several processes does at a time."""

    def __init__(self, settings: Settings, stopped: threading.Event) -> None:
        self._settings = settings
        self._stopped = stopped
        self._directory = ArchiveDirectory(settings.archive)
        self._embedder: tuple[Manifest, Embedder] | None = None
        self._aside = Workers(1, niceness=NICENESS)
        self._alone = 0  # jobs up to this number are done one by one, as one of them failed
        self._embed_at = math.inf  # when to embed what is left, by time.monotonic()

    def run(self) -> None:
        """Work until `stopped` is set; what is left then is done by the next writer."""
        warm(self._settings)
        try:
            self._run()
        finally:
            self._aside.close()

    def _run(self) -> None:
        pause, worked = BUSY, time.monotonic()
        if self._is_left_to_embed():
            self._embed_at = time.monotonic()
        while not self._stopped.is_set():
            if not (jobs_in(self._directory.inbox) or self._embed_at <= time.monotonic()):
                if self._aside.ready() and time.monotonic() - worked > IDLE:
                    self._renew_aside()  # which gives the memory of the model back
                self._stopped.wait(LOOK)
                continue
            try:
                self._work()
                pause, worked = BUSY, time.monotonic()
            except (_Failed, Interrupted):
                continue
            except ArchiveBusy:
                self._wait(BUSY, self._directory.writer())
            except ArchiveError as exc:
                log.error("jobs wait: %s", exc)
                self._wait(pause, str(exc))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _work(self) -> None:
        embedder = self._known_embedder()
        with (
            open_for_writing(
                settings_now(self._settings), silent, embedder=embedder, aside=self._aside
            ) as opened,
            ThreadPoolExecutor(1) as thread,
        ):
            opened.engines.catalog.inbox.tidy()
            self._keep_embedder(opened)
            self._do_all(opened, thread)

    def _do_all(self, opened: Writing, thread: ThreadPoolExecutor) -> None:
        """Do jobs and embed what they added, until there is neither."""
        inbox = opened.engines.catalog.inbox
        embedding: Future[int] | None = None
        is_behind = False  # whether a job has added something since that has begun
        while not self._stopped.is_set():
            if waiting := inbox.waiting():
                self._do(opened, waiting)
                self._embed_at = min(self._embed_at, time.monotonic())
                is_behind = True
            elif embedding and not embedding.done():
                self._stopped.wait(LOOK)
            elif embedding and self._is_last(embedding, inbox, is_behind=is_behind):
                return
            elif (first := inbox.embed_from()) and self._embed_at <= time.monotonic():
                embedding, is_behind = thread.submit(self._embed, opened, first), False
            else:
                return

    def _embed(self, opened: Writing, first: int) -> int:
        """Embed a lot in the process aside, once that is started; if nothing is left, read names.

        Returns how many passages, or articles, that were.
        """
        self._aside.start()
        while not self._aside.ready():
            if self._stopped.wait(LOOK):
                return 0
        if embedded := opened.indexer.embed_some(first, EMBEDDED):
            return embedded
        try:
            return opened.indexer.read_some_names(first, NAMED)
        except EngineUnavailable as exc:  # another try would fail, too
            log.error("the names of what was received are not read: %s", exc)
            return 0

    def _renew_aside(self) -> None:
        self._aside.close()
        self._aside = Workers(1, niceness=NICENESS)

    def _is_last(self, embedding: Future[int], inbox: Inbox, *, is_behind: bool) -> bool:
        """Whether nothing more is to be embedded now: all is, or it failed and is tried later."""
        try:
            if embedding.result() or is_behind:
                return False
        except Exception as exc:  # jobs are done all the same
            log.error("what was received cannot be embedded yet: %s", exc)
            self._embed_at = time.monotonic() + LONGEST_PAUSE
            self._renew_aside()  # it may have been killed
        else:
            inbox.end_embedding()
            self._embed_at = math.inf
        return True

    def _do(self, opened: Writing, waiting: list[Job]) -> None:
        catalog = opened.engines.catalog
        lot = waiting[:1] if waiting[0].number <= self._alone else next_lot(waiting)
        try:
            do_jobs(lot, catalog, opened.indexer, interrupted=self._stopped.is_set)
        except (ArchiveError, Interrupted):
            raise
        except OSError as exc:  # no fault of a job's
            reason = exc.strerror or str(exc)
            raise shortage_of(exc) or ArchiveUnwritable(self._directory.root, reason) from exc
        except Exception as exc:
            log.exception("while doing the jobs %s to %s", lot[0].number, lot[-1].number)
            if len(lot) > 1:
                self._alone = lot[-1].number
            else:
                reason = f"an error of the program ({type(exc).__name__}), which the log has"
                catalog.inbox.finish([failed_job(catalog, lot[0], reason)])
            raise _Failed from exc

    def _wait(self, seconds: float, reason: str) -> None:
        note_state(self._directory.inbox, range(0), reason)
        self._stopped.wait(seconds)

    def _is_left_to_embed(self) -> bool:
        """Whether an earlier process was ended before it had embedded all."""
        with suppress(ArchiveError), closing(Catalog(self._directory.catalog)) as catalog:
            return bool(catalog.inbox.embed_from())
        return False

    def _known_embedder(self) -> Embedder | None:
        """The embedder of before, with its model loaded, unless the archive has another model."""
        if self._embedder:
            manifest, embedder = self._embedder
            now = Manifest.read(self._directory.manifest)
            if manifest.has_model_of(now):
                return embedder
            self._renew_aside()
        return None

    def _keep_embedder(self, opened: Writing) -> None:
        manifest = Manifest.read(self._directory.manifest)
        self._embedder = manifest, opened.engines.embedder


def warm(settings: Settings) -> None:
    """Load what reads, splits and signs articles, so that the first job does not wait for it."""
    article = article_from({"text": WARMING}, Origin(RECEIVED, 1), FieldMap())
    with suppress(ArchiveError):  # the archive itself will say what is wrong
        list(split(article, tokenizer_of(settings)))
    sign([article])
