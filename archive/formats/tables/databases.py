"""Opens SQLite databases without ever writing to one, or trusting what it says."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.formats.files import LONGEST_TEXT, SourceFile, on_disk_or_held
from backfile.archive.formats.text.encodings import encoding_of

OPENING = b"SQLite format 3\x00"
WRITTEN_AHEAD = slice(18, 20)  # 2 where changes go to a log first; https://sqlite.org/fileformat2
LONGEST_STEP = 5.0  # seconds that one row may take
STEPS = 10_000  # of SQLite's machine, about a millisecond, between looks at the clock
MOST_TABLES = 1_000
ROW_NAMES = ("rowid", "_rowid_", "oid")
STORED = (0, 3)  # of a column's kinds: plain, and computed when written; not computed when read
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_TEXT,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
ASKED = ("table_list", "table_xinfo")  # of what a database says of itself
# A name or a message that is not UTF-8 is one, too.
TROUBLE = (sqlite3.Error, UnicodeError)


class Table(NamedTuple):
    """A table, and how its rows are numbered."""

    name: str
    columns: list[str]
    row_name: str  # nothing where its rows have no numbers

    def query(self) -> str:
        """Ask for so many rows from a number on, each behind its number; or for all."""
        cells = ", ".join(map(_quoted, self.columns))
        if not self.row_name:
            return f"SELECT {cells} FROM {_quoted(self.name)}"  # noqa: S608
        return (
            f"SELECT {self.row_name}, {cells} FROM {_quoted(self.name)} "  # noqa: S608
            f"WHERE {self.row_name} >= ? ORDER BY {self.row_name} LIMIT ?"
        )

    def row_query(self) -> str:
        """Ask for the number of the next row."""
        return (
            f"SELECT {self.row_name} FROM {_quoted(self.name)} "  # noqa: S608
            f"WHERE {self.row_name} >= ? ORDER BY {self.row_name} LIMIT 1"
        )


class Patience:
    """Ends what takes too long: the clock begins anew with each row."""

    def __init__(self, *, seconds: float = LONGEST_STEP, steps: int = STEPS) -> None:
        """A row may take `seconds`; the clock is looked at after so many steps of SQLite."""
        self._seconds = seconds
        self.steps = steps
        self.begin()

    def begin(self) -> None:
        """Set the clock."""
        self._until = time.monotonic() + self._seconds

    def __call__(self) -> int:
        return time.monotonic() > self._until


def open_database(file: SourceFile, patience: Patience) -> sqlite3.Connection:
    """Open one to be read and no more, on disk or in memory; nothing lasts longer than `patience`.

    Raises one of TROUBLE for what is no database.
    """
    database = _opened(file)
    _restrict(database, patience)
    return database


def _opened(file: SourceFile) -> sqlite3.Connection:
    found = on_disk_or_held(file, OPENING)
    if isinstance(found, Path):
        return sqlite3.connect(f"{found.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    content = bytearray(found)
    content[WRITTEN_AHEAD] = b"\x01\x01"  # there is no log to look into, and no place for one
    database = sqlite3.connect(":memory:")
    database.deserialize(bytes(content))
    return database


def _restrict(database: sqlite3.Connection, patience: Patience) -> None:
    """Before the first look at the schema, which is parsed like any other SQL."""
    for limit, value in LIMITS.items():
        database.setlimit(limit, value)
    database.set_progress_handler(patience, patience.steps)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
        database.execute(f"PRAGMA {pragma}")
    database.set_authorizer(_authorized)
    database.text_factory = lambda content: content.decode(encoding_of(content), "replace")


def _authorized(action: int, first: str | None, *_: Any) -> int:
    allowed = action in ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in ASKED)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def tables_in(database: sqlite3.Connection) -> Iterator[Table]:
    """List real tables, and the columns that need not be computed."""
    listed = database.execute("PRAGMA main.table_list").fetchmany(MOST_TABLES)
    for _, name, kind, _, without_row_numbers, *_ in sorted(listed):
        if kind != "table" or name.startswith("sqlite_"):
            continue
        described = database.execute(f"PRAGMA main.table_xinfo({_quoted(name)})").fetchall()
        taken = {column[1].casefold() for column in described}
        free = (each for each in ROW_NAMES if each not in taken)
        columns = [column[1] for column in described if column[6] in STORED]
        yield Table(name, columns, "" if without_row_numbers else next(free, ""))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
