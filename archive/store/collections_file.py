"""The file of the collections: opened for each use, made at the first write, brought up to date.

It is a database of its own beside the catalogue, so that a page can write to it while `index` holds
the writer's lock, and so that its damage leaves searches alone. Where there is no file, there are
no collections: an archive that is only read has none.
"""

import os
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiveMismatch,
    ArchiveUnwritable,
    BadQuery,
    EngineUnavailable,
    shortage_of,
)
from backfile.archive.model.message import Message
from backfile.archive.store.database import DAMAGED, is_writable, read_only_uri
from backfile.archive.store.directory import BACKUP_LIST
from backfile.archive.store.trust import FILE_MODE

BUSY_MS = 10_000  # until a writer has to wait no longer for another one
LONGEST_NAME = 100  # characters
NO_ROOM = "/\\"  # a name is one part of an address
UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of letters, ends of lines
TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they turn the text around them
NAME = Message("the file of collections")
FILES = ("", "-wal", "-shm")  # of a database in WAL mode

# A step that was released never changes; `PRAGMA user_version` counts those that were done.
FIRST = """
    CREATE TABLE state (revision INTEGER NOT NULL);
    INSERT INTO state VALUES (0);
    CREATE TABLE collections (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
        made_at TEXT NOT NULL, version INTEGER NOT NULL);
    CREATE TABLE entries (
        collection INTEGER NOT NULL REFERENCES collections (number) ON DELETE CASCADE,
        article TEXT NOT NULL, title TEXT NOT NULL, note TEXT NOT NULL, starred_at TEXT NOT NULL,
        PRIMARY KEY (collection, article));
    CREATE INDEX entries_by_article ON entries (article);
    CREATE INDEX entries_by_time ON entries (collection, starred_at);
    CREATE TABLE tags (
        collection INTEGER NOT NULL, article TEXT NOT NULL, tag TEXT NOT NULL,
        PRIMARY KEY (collection, article, tag),
        FOREIGN KEY (collection, article) REFERENCES entries (collection, article)
            ON DELETE CASCADE) WITHOUT ROWID;
    CREATE TABLE searches (
        number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, parameters TEXT NOT NULL,
        saved_at TEXT NOT NULL, looked_at TEXT NOT NULL, seen INTEGER NOT NULL);
"""
STEPS = (FIRST,)


class CollectionsFile:
    """The database file of one archive's collections, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one state; without a file it is that of a file without collections.

        Raises EngineUnavailable if it is damaged, ArchiveMismatch if a later release wrote it.
        """
        with self._translated(), closing(self._for_reading()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; each write is a new revision.

        Raises ArchiveUnwritable, ArchiveBusy, a Shortage, and what `reading` raises.
        """
        with self._translated():
            self._require_writable()
            if not self.path.exists():
                self._make()
            with closing(_connected(_uri(self.path))) as connection:
                connection.execute("PRAGMA foreign_keys=ON")
                connection.execute("PRAGMA synchronous=FULL")
                with _transaction(connection):
                    _bring_up(connection)
                    connection.execute("UPDATE state SET revision = revision + 1")
                    yield connection

    def problems(self) -> list[str]:
        """What is damaged in the file; empty if it is sound, or not there."""
        try:
            with self.reading() as connection:
                found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        except EngineUnavailable as exc:
            return [exc.reason]
        except ArchiveMismatch:
            return []
        return [] if found == ["ok"] else found

    def _for_reading(self) -> sqlite3.Connection:
        if not self.path.exists():
            return _empty()
        is_read = _uri(self.path) if is_writable(self.path) else read_only_uri(self.path)
        connection = _connected(is_read)
        try:
            if _version(connection):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return _empty()  # a process that was killed has left it

    def _make(self) -> None:
        """Put a file without collections at the path, whole, unless another process has."""
        draft = self.path.with_name(f"{self.path.name}.{uuid4().hex}.new")
        try:
            draft.touch(FILE_MODE)
            with closing(_connected(_uri(draft))) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                with _transaction(connection):
                    _bring_up(connection)
            with suppress(FileExistsError):
                os.link(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)

    def _require_writable(self) -> None:
        folder = self.path.parent
        if (folder / BACKUP_LIST).exists():
            raise ArchiveUnwritable(folder, "it is a backup, which is only read")
        if not os.access(folder, os.W_OK):
            raise ArchiveUnwritable(folder, "it is only read, so it has no collections")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise EngineUnavailable, a Shortage or ArchiveUnwritable in place of vendors' errors."""
        try:
            yield
        except DAMAGED as exc:
            raise self._reason_of(exc) from exc
        except OSError as exc:
            reason = exc.strerror or str(exc)
            raise shortage_of(exc) or ArchiveUnwritable(self.path.parent, reason) from exc

    def _reason_of(self, error: Exception) -> ArchiveError:
        if shortage := shortage_of(error):
            return shortage
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            return ArchiveBusy(self.path)
        reason = Message(
            "%(error)s; searches go on without it, `backfile verify --repair` sets the file "
            "aside, and `backfile restore` brings a backup back",
            error=str(error),
        )
        return EngineUnavailable(NAME, reason)


def revision_of(connection: sqlite3.Connection) -> int:
    """The number of writes so far; equal revisions hold the same."""
    return int(connection.execute("SELECT revision FROM state").fetchone()[0])


def clean_name(field: str, name: str, longest: int = LONGEST_NAME) -> str:
    """A name in NFC with single spaces; raise BadQuery, with the parameter, for what is none.

    >>> clean_name("collection", "  Ferry \\n  fares ")
    'Ferry fares'
    """
    cleaned = unicodedata.normalize("NFC", " ".join(name.split()))
    if not cleaned:
        raise BadQuery(field, Message("a name is needed"))
    if len(cleaned) > longest:
        raise BadQuery(field, Message("a name has at most %(most)s characters", most=longest))
    if any(unicodedata.category(c) in UNSHOWN or ord(c) in TURNING for c in cleaned):
        raise BadQuery(field, Message("a name has no characters that cannot be shown"))
    if set(cleaned) & set(NO_ROOM) or not cleaned.strip("."):
        raise BadQuery(field, Message("a name has no slashes, and more than dots"))
    return cleaned


def _uri(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=rw"


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return connection


def _empty() -> sqlite3.Connection:
    connection = _connected("file::memory:")
    connection.deserialize(_without_collections())
    return connection


@cache
def _without_collections() -> bytes:
    """A file without collections: to make one anew takes 0.6 ms, and each request reads some."""
    with closing(_connected("file::memory:")) as connection:
        _bring_up(connection)
        return connection.serialize()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    """The number of steps that were done; raise ArchiveMismatch if a later release did more."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(STEPS):
        made = f"version {version} of the collections, by a later release"
        raise ArchiveMismatch(made, f"version {len(STEPS)}", "use that release, or a later one")
    return version


def _bring_up(connection: sqlite3.Connection) -> None:
    """Do the steps that were not done yet, within a transaction of the caller."""
    done = _version(connection)
    for step in STEPS[done:]:
        for statement in filter(str.strip, step.split(";")):
            connection.execute(statement)
    if done < len(STEPS):
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")


def copy_collections(source: Path, target: Path) -> None:
    """Copy the collections of a person, if there are any, as a whole; both may be in use."""
    if not source.exists():
        return
    draft = target.with_name(f"{target.name}.copying")
    draft.unlink(missing_ok=True)
    draft.touch(mode=FILE_MODE)
    uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as live, closing(sqlite3.connect(draft)) as copy:
        live.backup(copy)
    draft.replace(target)


@contextmanager
def shared_collections(source: Path, target: Path) -> Iterator[None]:
    """Have the file of the collections at another path, too, if there is one; nobody writes to it.

    It is the same file, so that whoever has it open meanwhile goes on in it once both folders are
    exchanged; a copy where links are impossible.
    """
    paths = [(source.with_name(source.name + s), target.with_name(target.name + s)) for s in FILES]
    for _, path in paths:
        path.unlink(missing_ok=True)
    if not source.exists():
        yield
        return
    with closing(_connected(_uri(source))) as connection:
        with suppress(*DAMAGED):  # a damaged file is taken along as it is
            connection.execute("BEGIN IMMEDIATE")
        try:
            for path, other in paths:
                with suppress(FileNotFoundError):
                    os.link(path, other)
        except OSError:
            copy_collections(source, target)
        yield
