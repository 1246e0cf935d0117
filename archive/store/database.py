"""The catalogue's database: opened for writing or reading, its transactions and its counters."""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Engine,
    NullPool,
    QueuePool,
    Row,
    Select,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError

from backfile.archive.model.errors import EngineUnavailable, RecordLost, means_full, shortage_of
from backfile.archive.model.message import Message
from backfile.archive.store.directory import BACKUP_LIST
from backfile.archive.store.migrations import migrate, require_readable, supply_columns
from backfile.archive.store.schema import counters
from backfile.archive.workers import batches

ARCHIVE = "archive"  # the counter that never counts: it names the archive
UNFINISHED = "unfinished"  # the counter that is 1 while lost articles are read again
TIDY = "tidy"  # the counter that is 1 while no cache holds a row that is gone
LINEAGE = (
    "lineage"  # the counter that names a course of generations; a restored archive has its own
)
NUMBER_BITS = 62  # SQLite's integers have 63 and a sign
VALUES_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement
# What Python raises for a damaged database; the latter where SQLite quotes damaged bytes.
DAMAGED = (sqlite3.DatabaseError, UnicodeDecodeError)


class Database:
    """The catalogue's database, and the transactions to read and write it in."""

    def __init__(self, path: Path) -> None:
        with translated():
            self.engine = open_database(path)
        self._path = path.resolve()
        self._file = _file_at(self._path)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one state of the archive, however many statements that takes."""
        with translated(), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")  # else each SELECT is a transaction of its own
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write all or nothing."""
        with translated(), self.engine.begin() as connection:
            yield connection

    def is_in_place(self) -> bool:
        """Whether the file that was opened is still at its path."""
        return self._file is not None and _file_at(self._path) == self._file

    def require_in_place(self) -> None:
        """Raise EngineUnavailable if the file that was opened is no longer at its path."""
        if not self.is_in_place():
            raise _replaced(self._path)

    def counter(self, name: str) -> int:
        """The value of a counter, 0 before it was first taken from."""
        chosen = select(counters.c.value).where(counters.c.name == name)
        with self.reading() as connection:
            return connection.execute(chosen).scalar() or 0

    def find(
        self, chosen: Select[Any], column: ColumnElement[Any], values: Iterable[Any]
    ) -> Sequence[Row[Any]]:
        """Read the rows of a query whose column has one of the values, however many these are."""
        with self.reading() as connection:
            return find_rows(connection, chosen, column, values)


def find_rows(
    connection: Connection,
    chosen: Select[Any],
    column: ColumnElement[Any],
    values: Iterable[Any],
) -> Sequence[Row[Any]]:
    """Do the same within a transaction."""
    found: list[Row[Any]] = []
    for some in batches(values, VALUES_AT_ONCE):
        found += connection.execute(chosen.where(column.in_(some)))
    return found


def delete_rows(
    connection: Connection, chosen: Delete, column: ColumnElement[Any], values: Iterable[Any]
) -> None:
    """Delete the rows whose column has one of the values."""
    for some in batches(values, VALUES_AT_ONCE):
        connection.execute(chosen.where(column.in_(some)))


@contextmanager
def translated() -> Iterator[None]:
    """Raise EngineUnavailable or a Shortage, with what can be done, in place of SQLite's errors."""
    try:
        yield
    except (DatabaseError, *DAMAGED) as exc:
        error = exc.orig if isinstance(exc, DatabaseError) else exc
        if error and (shortage := shortage_of(error)):
            raise shortage from exc
        reason = Message(
            "%(error)s; `backfile verify --repair` restores what it can, "
            "and `backfile restore` brings a backup back",
            error=str(error),
        )
        raise EngineUnavailable(Message("the catalogue"), reason) from exc


def take(connection: Connection, counter: str, count: int) -> int:
    """Take the next `count` numbers of a counter, from 1 up; return the first."""
    chosen = counters.c.name == counter
    value: int | None = connection.execute(select(counters.c.value).where(chosen)).scalar()
    if value is None:
        connection.execute(insert(counters).values(name=counter, value=count))
        return 1
    connection.execute(update(counters).where(chosen).values(value=value + count))
    return value + 1


def is_unfinished(connection: Connection) -> bool:
    """Whether lost articles are still to be read again."""
    chosen = select(counters.c.value).where(counters.c.name == UNFINISHED)
    return bool(connection.execute(chosen).scalar())


def open_database(path: Path) -> Engine:
    """Open the database of an archive; `bring_up` and `create_database` are for the writer.

    Raises RecordLost if there is none, and ArchiveMismatch if it cannot be read by this release.
    """
    if not path.is_file():
        raise RecordLost(Message("%(path)s is missing", path=str(path)))
    if not path.stat().st_size:
        raise RecordLost(Message("%(path)s is empty", path=str(path)))
    if not is_writable(path):
        # A new connection each time, because whether there is a log may change in between.
        engine = create_engine(
            "sqlite://", creator=lambda: _connect(read_only_uri(path)), poolclass=NullPool
        )
        event.listen(engine, "connect", _set_timeout)
        event.listen(engine, "connect", supply_columns)
        _require_catalogue(path, read_only_uri(path))
        return engine
    # SQLite must not create a file: if the archive is moved, none may appear at its old place.
    uri = _read_write_uri(path)
    connect = partial(_connect_again, uri, path.resolve(), _file_at(path))
    try:
        _require_catalogue(path, uri)
    except sqlite3.OperationalError as exc:
        if not means_full(exc):
            raise
        # The index of the log has no room, so each connection keeps its own in memory, and the
        # others wait meanwhile: https://sqlite.org/wal.html#use_of_wal_without_shared_memory
        _require_catalogue(path, uri, alone=True)
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        event.listen(engine, "connect", exclude_others)
    else:
        # No limit to connections beyond the pool: each thread needs one, none should wait for it.
        engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "connect", supply_columns)
    return engine


def _require_catalogue(path: Path, uri: str, *, alone: bool = False) -> None:
    """Raise RecordLost if the database is no catalogue, ArchiveMismatch if it cannot be read."""
    with _without_sqlalchemy(uri) as connection:
        if alone:
            exclude_others(connection)
        if not _is_catalogue(connection):
            raise RecordLost(Message("%(path)s holds no articles of Backfile's", path=str(path)))
        require_readable(connection)


def bring_up(path: Path) -> None:
    """Do the migrations that a catalogue lacks, if there is one; the caller holds the lock.

    Raises ArchiveMismatch if a later release made it.
    """
    if not path.is_file() or not path.stat().st_size:
        return
    with translated(), _without_sqlalchemy(_read_write_uri(path)) as connection:
        if _is_catalogue(connection):
            migrate(connection)


def set_counter(connection: Connection, name: str, value: int) -> None:
    """Give a counter a value."""
    connection.execute(delete(counters).where(counters.c.name == name))
    connection.execute(insert(counters).values(name=name, value=value))


def create_database(path: Path) -> None:
    """Make an empty database at a path where there is none, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with translated():
        with _without_sqlalchemy(_read_write_uri(draft)) as made:
            migrate(made)
        engine = create_engine(f"sqlite:///{draft.resolve()}")
        with engine.begin() as connection:
            name_archive(connection)
        engine.dispose()
    draft.replace(path)


def name_archive(connection: Connection) -> int:
    """Give an archive a number that no other one has; return it."""
    number = secrets.randbits(NUMBER_BITS) | 1
    connection.execute(insert(counters).values(name=ARCHIVE, value=number))
    return number


def begin_lineage(path: Path) -> None:
    """Note that the generations of a catalogue go on from an earlier one; nobody has it open."""
    with translated(), closing(sqlite3.connect(path)) as catalog, catalog:
        values = (LINEAGE, secrets.randbits(NUMBER_BITS) | 1)
        catalog.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", values)


def is_writable(path: Path) -> bool:
    """Whether SQLite may put its log beside the database, which even a reader of WAL needs.

    A backup is left as it is, even by its owner.
    """
    return os.access(path.parent, os.W_OK) and not path.with_name(BACKUP_LIST).exists()


def read_only_uri(path: Path) -> str:
    """The URI by which SQLite reads a database in a directory that cannot be written to.

    Without a log beside it the file is complete and is read without locks. A log means that a
    process elsewhere is writing, and SQLite reads the log too: https://sqlite.org/wal.html#readonly
    """
    logged = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    return f"{path.resolve().as_uri()}?mode=ro{'' if logged else '&immutable=1'}"


def _read_write_uri(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=rw"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, check_same_thread=False)


def _connect_again(uri: str, path: Path, file: tuple[int, int] | None) -> sqlite3.Connection:
    """Connect to the file that was opened first; another one has other rows of passages.

    Raises EngineUnavailable if it is no longer at its path.
    """
    connection = _connect(uri)
    if _file_at(path) != file:
        connection.close()
        raise _replaced(path)
    return connection


def _replaced(path: Path) -> EngineUnavailable:
    reason = Message(
        "%(path)s was moved, replaced or deleted; start this again where the archive is now",
        path=str(path),
    )
    return EngineUnavailable(Message("the catalogue"), reason)


@contextmanager
def _without_sqlalchemy(uri: str) -> Iterator[sqlite3.Connection]:
    """A connection that begins and ends no transactions by itself; it is closed at the end."""
    with closing(_connect(uri)) as connection:
        connection.isolation_level = None
        _set_timeout(connection, None)
        yield connection


def _is_catalogue(connection: sqlite3.Connection) -> bool:
    """Whether a database is one of ours: each release has had this table."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (counters.name,))
    return found.fetchone() is not None


def _file_at(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at a path, None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _configure(connection: Any, record: object) -> None:
    _set_timeout(connection, record)
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # the engines must never be ahead of the record
    connection.execute("PRAGMA foreign_keys=ON")


def exclude_others(connection: Any, _record: object = None) -> None:
    """Lock the database with the first statement, and keep no index of the log on the disk."""
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")


def _set_timeout(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=30000")
