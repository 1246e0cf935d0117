"""All errors of the archive, and their messages: what is wrong, with which one, and what to do.

ArchiveError
├── UnreadableArticle   one article or file of the input; yielded and counted, seldom raised
│   └── WithdrawnArticle    an article withdrawn by its source
├── BadQuery            a parameter of a search
├── BadSetting          a setting, from the environment or an option
├── ArticleNotFound     no article has this id
├── ArchiveMissing      no archive at this path
├── ArchiveMismatch     made with another model, schema, splitter or analyser
├── ArchiveBusy         another process is writing
├── ArchiveUntrusted    another user can write to the archive
├── ArchiveUnwritable   no archive can be made or changed at this path
├── DamagedJob          the file of a job that was received over HTTP
├── InboxFull           more jobs wait than may
├── BackupRefused       no backup can be made at this path
├── BackupUnusable      a folder is no backup, or a damaged one
├── (more of shards: see cluster_errors.py)
├── ShardsOut           no shard of a divided archive answers
├── ArchiveClosed       used after it was closed
├── Shortage            the machine lacks something, and nothing is damaged
│   ├── DiskFull            room to write
│   ├── TooManyFiles        files that this process may open
│   └── OutOfMemory         memory
├── EngineUnavailable   Whoosh, Chroma, the model or the catalogue cannot answer
└── WorkerLost          a worker process was ended from outside
"""

import errno
import mmap
import os
from pathlib import Path
from typing import Any

from backfile.archive.model.dates import DateSpan
from backfile.archive.model.message import Message


class ArchiveError(Exception):
    """The root of all errors below; its text is one line that a person can act on."""

    @property
    def message(self) -> str:
        """The same line; a Message if it can be translated."""
        return self.args[0] if self.args and isinstance(self.args[0], str) else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without calling `__init__`, whose arguments are not those of the exception."""
        return _restored, (type(self), self.args), self.__dict__


class UnreadableArticle(ArchiveError):
    """A file or record of the input that cannot become an article, and the reason.

    `record` is the refused record as JSON values, if the file holds several.
    """

    def __init__(self, origin: str, reason: str, *, record: object = None) -> None:
        self.origin = origin
        self.reason = reason
        self.record = record
        super().__init__(f"{origin}: {reason}")


class WithdrawnArticle(UnreadableArticle):
    """An article that its source has withdrawn: it is not added, and removed if already present.

    `version` is the source's version number of the withdrawal, 0 if it has none; a later version of
    the article overrules it. `source`, `url` and `date_span` are those of the article, if known.
    """

    def __init__(
        self,
        origin: str,
        article_id: str,
        version: int,
        reason: str,
        *,
        source: str = "",
        url: str = "",
        date_span: DateSpan | None = None,
    ) -> None:
        self.article_id = article_id
        self.version = version
        self.source = source
        self.url = url
        self.date_span = date_span
        super().__init__(origin, reason)

    def under(self, article_id: str) -> "WithdrawnArticle":
        """The same withdrawal, of the article with another id."""
        return WithdrawnArticle(self.origin, article_id, self.version, self.reason)


class BadQuery(ArchiveError):
    """A search parameter has an invalid value."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(Message("%(field)s: %(reason)s", field=field, reason=reason))


class BadSetting(ArchiveError):
    """A setting has an invalid value."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class ArticleNotFound(ArchiveError):
    """No article in the archive has this id."""

    def __init__(self, article_id: str) -> None:
        self.article_id = article_id
        super().__init__(
            Message(
                "no article has the id %(id)s; search for its headline instead",
                id=repr(article_id),
            )
        )


class ArchiveMissing(ArchiveError):
    """The path holds no archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"no archive at {path.absolute()}; `backfile index PATH...` makes one there; "
            "--archive DIR names another one, BACKFILE_ARCHIVE=DIR names it once for all"
        )


class ArchiveMismatch(ArchiveError):
    """The archive's model, schema, splitter or analyser differs from the current one."""

    def __init__(self, expected: str, found: str, remedy: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"the archive was made with {expected}, but this is {found}; {remedy}")


class ArchiveBusy(ArchiveError):
    """Another process holds the writer's lock, or reads what is to be replaced."""

    def __init__(self, path: Path, doing: str = "writing to") -> None:
        self.path = path
        super().__init__(
            f"another process is {doing} {path}; wait for it to end, then run this again"
        )


class ArchiveUntrusted(ArchiveError):
    """Another user owns the archive or can write to it; `reason` names a path and who it is."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"the archive at {path} is not opened, because {reason}; make it yours alone with "
            f"`{remedy}`, or give --trust (BACKFILE_TRUST=yes) if you trust all who can write to it"
        )


class ArchiveUnwritable(ArchiveError):
    """The operating system does not allow writing at the path."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"cannot write to the archive at {path}: {reason}; "
            "give another directory with --archive, or make this one writable"
        )


class ShardsOut(ArchiveError):
    """No shard of a divided archive answers."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(
            Message(
                "none of the %(count)s parts of the archive answers; try again in a minute",
                count=count,
            )
        )


class DamagedJob(ArchiveError):
    """The file of a job that was received over HTTP is not what was written."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"the file of job {number} is damaged; send what was in it again")


class InboxFull(ArchiveError):
    """So many jobs wait for the writer that no further one is received."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(
            Message("%(waiting)s jobs wait for the writer; try again later", waiting=waiting)
        )


class BackupRefused(ArchiveError):
    """No backup is made here; what lies here is left as it is. `reason` says what to do, too."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"no backup was made at {path}: {reason}")


class BackupUnusable(ArchiveError):
    """Nothing can be restored from this folder."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} cannot be restored: {reason}; nothing was changed, restore another backup"
        )


class ArchiveClosed(ArchiveError):
    """An archive that a program has closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"the archive at {path} was closed; open it again")


class Shortage(ArchiveError):
    """The machine lacks something; the archive is not damaged by that."""


class DiskFull(Shortage):
    """Nothing more can be written; what is there can be read."""

    def __init__(self) -> None:
        super().__init__(
            Message(
                "the disk is full; free some space, then run this again: "
                "what is in the archive stays there and can be searched"
            )
        )


class TooManyFiles(Shortage):
    """This process, or the system, has as many files open as it may."""

    def __init__(self) -> None:
        super().__init__(
            Message(
                "too many files are open; raise the limit (`ulimit -n 1024`), then run this again: "
                "nothing is damaged"
            )
        )


class OutOfMemory(Shortage):
    """The system gave no more memory to this process."""

    def __init__(self) -> None:
        super().__init__(
            Message(
                "there is not enough memory; close other programs or raise the limit "
                "(`ulimit -v`), then run this again: nothing is damaged"
            )
        )


FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_IN_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # the latter: not even for a log's index
NO_MEMORY = (  # vendors' words
    *("failed to map segment", "cannot allocate memory", "out of memory"),
    "resource temporarily unavailable (os error 11)",  # for the stack of a thread
    "error return without exception set",  # in code in C, where none is left even for the error
)
SPARE = 32  # files that Chroma, SQLite and Whoosh open at once
SPARE_MEMORY = 128 << 20  # bytes; a process that cannot have them is short of memory


def means_full(error: BaseException | None) -> bool:
    """Whether nothing was written because the disk, or the share of its user, is full."""
    if isinstance(error, OSError):
        return error.errno in FULL
    in_sqlite = getattr(error, "sqlite_errorname", "") in FULL_IN_SQLITE
    return in_sqlite or "disk is full" in str(error)  # Chroma passes on the words of SQLite


def shortage_of(error: BaseException) -> Shortage | None:
    """The shortage that made the system or a vendor fail; None if it was something else.

    Few vendors name the cause where no file could be opened or no memory was left, so both are
    tried here to see.
    """
    if means_full(error):
        return DiskFull()
    named = isinstance(error, MemoryError) or any(each in str(error).lower() for each in NO_MEMORY)
    if named or not has_memory():
        return OutOfMemory()
    named = isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
    return TooManyFiles() if named or not _can_open(SPARE) else None


def has_memory() -> bool:
    """Whether this process may have SPARE_MEMORY more; then a MemoryError is taken for damage."""
    try:
        mmap.mmap(-1, SPARE_MEMORY, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, MemoryError):
        return False
    return True


def _can_open(count: int) -> bool:
    """Whether this process can open so many more files."""
    opened: list[int] = []
    try:
        opened.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(count))
    except OSError:
        return False
    finally:
        for each in opened:
            os.close(each)
    return True


class EngineUnavailable(ArchiveError):
    """A required engine cannot answer."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(Message("%(name)s is unavailable: %(reason)s", name=name, reason=reason))


class RecordLost(EngineUnavailable):
    """The catalogue is not, or no longer, the record of the archive that it lies in."""

    def __init__(self, reason: Message) -> None:
        remedy = Message(
            "%(reason)s. Nothing was changed. Bring a backup back with `backfile restore`, "
            "or make the record again from originals/ with `backfile reread --all`",
            reason=reason,
        )
        super().__init__(Message("the catalogue"), remedy)


class WorkerLost(ArchiveError):
    """A worker process was ended from outside, for instance for want of memory."""

    def __init__(self) -> None:
        super().__init__(
            "a worker process was ended from outside, most often for want of memory; "
            "run the same command again to go on, with a smaller --threads if it happens again"
        )


def _restored(kind: type[ArchiveError], args: tuple[Any, ...]) -> ArchiveError:
    return kind.__new__(kind, *args)
