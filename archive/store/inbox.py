"""The inbox of an archive: what was received over HTTP, on disk until the one writer has done it.

A job is one file, written beside, flushed, and renamed to the next number: then it may be answered.
Jobs are done in the order of their numbers. The catalogue counts up to which number they are done;
it does so after the commit of their articles, and a file is deleted after that. So a kill at any
point leaves a job that is done again, in the same order, and finds its articles unchanged.

Any number of processes may receive; the one with the writer's lock works.
"""

import fcntl
import gzip
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from backfile.archive.model.errors import (
    ArchiveError,
    ArchiveUnwritable,
    DamagedJob,
    InboxFull,
    shortage_of,
)
from backfile.archive.store.database import Database, set_counter
from backfile.archive.store.directory import BACKUP_LIST, ArchiveDirectory, write_whole
from backfile.archive.store.jobs import (
    DIGITS,
    RESULT_NAME,
    Job,
    JobKind,
    JobResult,
    JobState,
    JobStatus,
    results_as_json,
    results_from_json,
)
from backfile.archive.store.trust import FILE_MODE, make_private_folder, open_private

JOBS_DONE = "jobs_done"  # the counter of the catalogue: all jobs up to this number are done
EMBED_FROM = "embed_from"  # the first row that the writer of jobs is to embed; 0 for none
MOST_WAITING = 10_000  # jobs
KEPT_RESULTS = 1_000  # jobs
COMPRESSION = 1
DRAFT = "draft-"
RESULTS = "results"
STATE = "state.json"
LOCK = "lock"


class NewJob:
    """A job while it is received."""

    def __init__(self, inbox: "Inbox", kind: JobKind, draft: Path, stream: BinaryIO) -> None:
        self._inbox = inbox
        self._kind = kind
        self._draft = draft
        self._stream = stream
        self._packed = gzip.GzipFile("", "wb", COMPRESSION, stream, mtime=0)

    def write(self, some: bytes) -> None:
        """Add bytes of JSON lines; raise a Shortage, for example DiskFull."""
        with _naming_a_shortage(self._inbox.folder):
            self._packed.write(some)

    def accept(self) -> Job:
        """Put the job into the queue, on disk; from here on nothing loses it.

        Raises a Shortage, or InboxFull.
        """
        with _naming_a_shortage(self._inbox.folder):
            self._packed.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            return self._inbox.take_in(self._kind, self._draft)

    def close(self) -> None:
        """Close the file, whatever became of it."""
        for each in (self._packed, self._stream):
            with suppress(OSError):  # a full disk
                each.close()


class Inbox:
    """The jobs of one archive."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder

    @contextmanager
    def receiving(self, kind: JobKind) -> Iterator[NewJob]:
        """Receive a job; at the end of the context nothing is left of one that was not accepted.

        Raises ArchiveUnwritable, also for a backup, or a Shortage.
        """
        if self.folder.with_name(BACKUP_LIST).exists():
            raise ArchiveUnwritable(self.folder.parent, "it is a backup, which is only read")
        draft = self.folder / f"{DRAFT}{uuid4().hex}"
        with _naming_a_shortage(self.folder):
            make_private_folder(self.folder)
            with self._locked():
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # its owner lives: see `tidy`
                stream = os.fdopen(descriptor, "wb")
        new = NewJob(self, kind, draft, stream)
        try:
            yield new
        finally:
            draft.unlink(missing_ok=True)
            new.close()

    def take_in(self, kind: JobKind, draft: Path) -> Job:
        """Give a draft the next number; raise InboxFull."""
        with self._locked():
            jobs = jobs_in(self.folder)
            if len(jobs) >= MOST_WAITING:
                raise InboxFull(len(jobs))
            numbers = [*(job.number for job in jobs), *(last for _, last, _ in self._kept())]
            number = max([self.done(), *numbers]) + 1
            path = self.folder / f"{number:0{DIGITS}}.{kind.value}.gz"
            draft.rename(path)
            _sync_folder(self.folder)
        return Job(number, kind, path)

    def follow(self, other: "Inbox") -> None:
        """Read the counters of another catalogue, which has taken the place of this one."""
        self._database = other._database

    def done(self) -> int:
        """The number up to which all jobs are done."""
        return self._database.counter(JOBS_DONE)

    def waiting(self) -> list[Job]:
        """The jobs that are not done, in order."""
        found = jobs_in(self.folder)
        if not found:
            return []
        done = self.done()
        return [job for job in found if job.number > done]

    def state(self, number: int) -> JobState | None:
        """How a job stands; None if there is none of this number, or its result is not kept."""
        for _ in range(2):  # it may be finished between two looks
            if number <= self.done():
                result = self._result(number)
                if result is None:
                    return None
                return JobState(number, result.kind, result.status, "", result)
            job = next((job for job in jobs_in(self.folder) if job.number == number), None)
            if job:
                running, waits_for = self._noted()
                status = JobStatus.RUNNING if number in running else JobStatus.QUEUED
                return JobState(number, job.kind, status, waits_for)
        return None

    # What follows is for the writer, which holds the archive's lock.

    def tidy(self) -> None:
        """Delete what killed processes have left: drafts, and files of jobs that are done."""
        if not self.folder.is_dir():
            return
        done = self.done()
        for job in jobs_in(self.folder):
            if job.number <= done:
                job.path.unlink(missing_ok=True)
        with self._locked():
            for draft in self.folder.glob(f"{DRAFT}*"):
                with suppress(OSError), draft.open("rb") as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails: it is received
                    draft.unlink()

    def begin(self, jobs: Sequence[Job]) -> None:
        """Note that these jobs are at work, and from which row on passages are to be embedded."""
        note_state(self.folder, range(jobs[0].number, jobs[-1].number + 1))
        if not self.embed_from():
            first = self._database.counter("row") + 1
            with self._database.writing() as connection:
                set_counter(connection, EMBED_FROM, first)

    def embed_from(self) -> int:
        """The first row that is to be embedded in the background; 0 for none."""
        return self._database.counter(EMBED_FROM)

    def end_embedding(self) -> None:
        """Note that all is embedded."""
        if self.embed_from():
            with self._database.writing() as connection:
                set_counter(connection, EMBED_FROM, 0)

    def finish(self, results: list[JobResult]) -> None:
        """Note the results of jobs whose articles are committed, in order; delete their files."""
        first, last = results[0].number, results[-1].number
        folder = self.folder / RESULTS
        make_private_folder(folder)
        write_whole(folder / f"{first:0{DIGITS}}-{last:0{DIGITS}}.json", results_as_json(results))
        _sync_folder(folder)
        with self._database.writing() as connection:
            set_counter(connection, JOBS_DONE, last)
        for job in jobs_in(self.folder):
            if job.number <= last:
                job.path.unlink(missing_ok=True)
        self._forget_old_results()
        note_state(self.folder, range(0))

    def set_aside(self, job: Job) -> Path:
        """Copy the file of a job that cannot be done to a folder for people; return that."""
        aside = ArchiveDirectory(self.folder.parent).new_set_aside()
        shutil.copy(job.path, aside / job.path.name)
        return aside

    def damaged(self) -> list[Job]:
        """The waiting jobs whose files are damaged."""
        return [job for job in self.waiting() if _is_damaged(job)]

    def _noted(self) -> tuple[range, str]:
        try:
            noted = json.loads((self.folder / STATE).read_bytes())
            return range(*noted["running"]), str(noted["waits_for"])
        except (OSError, ValueError, KeyError, TypeError):
            return range(0), ""

    def _result(self, number: int) -> JobResult | None:
        for first, last, path in self._kept():
            if first <= number <= last:
                with suppress(OSError, ValueError, KeyError, TypeError):
                    found = results_from_json(path.read_bytes())
                    return next((each for each in found if each.number == number), None)
        return None

    def _kept(self) -> list[tuple[int, int, Path]]:
        """The files of results, the latest first: the first number, the last one, the path."""
        with suppress(FileNotFoundError):
            paths = sorted((self.folder / RESULTS).iterdir(), reverse=True)
            matches = ((RESULT_NAME.fullmatch(path.name), path) for path in paths)
            return [(int(found[1]), int(found[2]), path) for found, path in matches if found]
        return []

    def _forget_old_results(self) -> None:
        kept = 0
        for first, last, path in self._kept():
            if kept >= KEPT_RESULTS:
                path.unlink(missing_ok=True)
            kept += last - first + 1

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Be the only process that numbers jobs, or looks for what others left."""
        with open(self.folder / LOCK, "ab", opener=open_private) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


@contextmanager
def shared_inbox(source: Path, target: Path) -> Iterator[None]:
    """Have all files of an inbox in another folder, too; until the context ends, none is added.

    They are the same files, also those that are being received: so these are accepted there once
    both folders are exchanged.
    """
    shutil.rmtree(target, ignore_errors=True)
    if not source.is_dir():
        yield
        return
    with open(source / LOCK, "ab", opener=open_private) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        for path in (each for each in source.rglob("*") if each.is_file()):
            other = target / path.relative_to(source)
            make_private_folder(other.parent)
            with suppress(FileNotFoundError):  # a draft that was given up
                os.link(path, other)
        yield


def jobs_in(folder: Path) -> list[Job]:
    """The jobs whose files lie in an inbox, in order; some may be done."""
    try:
        return sorted(filter(None, map(Job.at, folder.iterdir())))
    except FileNotFoundError:
        return []


def note_state(folder: Path, running: range, waits_for: str = "") -> None:
    """Note which jobs are at work, and what the writer waits for; for people, until changed."""
    if not folder.is_dir():
        return
    noted = {"running": [running.start, running.stop], "waits_for": waits_for}
    path = folder / STATE
    draft = path.with_suffix(".tmp")
    with suppress(OSError):  # on a full disk, the note of before stays
        with open(draft, "w", opener=open_private, encoding="utf-8") as stream:
            json.dump(noted, stream)
        draft.replace(path)


def _is_damaged(job: Job) -> bool:
    try:
        job.check()
    except FileNotFoundError:  # it was done meanwhile
        return False
    except DamagedJob:
        return True
    return False


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _naming_a_shortage(folder: Path) -> Iterator[None]:
    """Raise a Shortage, or ArchiveUnwritable, in place of the system's errors."""
    try:
        yield
    except OSError as exc:
        error: ArchiveError | None = shortage_of(exc)
        raise error or ArchiveUnwritable(folder, exc.strerror or str(exc)) from exc
