"""The nouns of the inbox: a job that was received over HTTP, what became of it, how it stands."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from backfile.archive.formats.files import SourceFile
from backfile.archive.model.article import RECEIVED
from backfile.archive.model.errors import DamagedJob

DIGITS = 12  # of a number in a file's name, so that names sort as numbers do
NAME = re.compile(rf"([0-9]{{{DIGITS}}})\.(put|post|delete)\.gz")
RESULT_NAME = re.compile(rf"([0-9]{{{DIGITS}}})-([0-9]{{{DIGITS}}})\.json")
MOST_REFUSALS = 100  # that are listed of a job; all are counted
CHECKED_AT_ONCE = 1 << 20  # bytes


class JobKind(StrEnum):
    """What a job does: put one article, add many (JSON lines), or delete one."""

    PUT = "put"
    POST = "post"
    DELETE = "delete"


class JobStatus(StrEnum):
    """How far a job is; a failed one was set aside."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(NamedTuple):
    """A job in the inbox. Its file is packed with gzip, whose checksum tells damage.

    It holds JSON lines: the articles, or for DELETE one object with the id.
    """

    number: int
    kind: JobKind
    path: Path

    @classmethod
    def at(cls, path: Path) -> Self | None:
        """The job of a file; None for other files."""
        found = NAME.fullmatch(path.name)
        return cls(int(found[1]), JobKind(found[2]), path) if found else None

    @property
    def place(self) -> str:
        """The place that articles of this job have as their origin."""
        return f"{RECEIVED}{self.number}"

    @property
    def size(self) -> int:
        """Bytes of the file; 0 if it is gone."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def file(self) -> SourceFile:
        """The lines as a file of the input."""
        return SourceFile(self.place, f"api/{self.number}.jsonl", partial(_opened, self.path))

    def check(self) -> None:
        """Read the whole file; raise DamagedJob if it is damaged."""
        try:
            with _opened(self.path) as stream:
                while stream.read(CHECKED_AT_ONCE):
                    pass
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise DamagedJob(self.number) from exc

    def article_id(self) -> str:
        """The id that the one line of a PUT or DELETE names; empty if it is not found."""
        try:
            with _opened(self.path) as stream:
                return str(json.loads(stream.read())["id"])
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
            return ""


class Refusal(NamedTuple):
    """A line of a job that did not become an article, from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job; `refusals` lists the first of those that `refused` counts.

    `reason` says why a job failed; nothing of a failed job counts.
    """

    number: int
    kind: JobKind
    finished_at: str
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    reason: str = ""

    @property
    def status(self) -> JobStatus:
        return JobStatus.FAILED if self.reason else JobStatus.DONE


class JobState(NamedTuple):
    """How a job stands; `waits_for` says what keeps the writer from it, if anything does."""

    number: int
    kind: JobKind | None
    status: JobStatus
    waits_for: str = ""
    result: JobResult | None = None


def results_as_json(results: list[JobResult]) -> bytes:
    """Results as the bytes of a file."""
    return json.dumps([asdict(each) for each in results]).encode()


def results_from_json(content: bytes) -> Iterator[JobResult]:
    """Read such bytes; raise ValueError, KeyError or TypeError if they are damaged."""
    for each in json.loads(content):
        values: dict[str, Any] = dict(each)
        values["kind"] = JobKind(values["kind"])
        values["refusals"] = tuple(Refusal(*refusal) for refusal in values["refusals"])
        yield JobResult(**values)


def _opened(path: Path) -> io.BufferedReader:
    return io.BufferedReader(gzip.open(path))
