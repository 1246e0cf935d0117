"""Reads the tables of SQLite databases with articles, row by row."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    LONGEST_TEXT,
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.records import read_record
from backfile.archive.formats.tables.columns import (
    fields_of,
    has_text_column,
    plain,
    wanted_columns,
)
from backfile.archive.formats.tables.databases import (
    TROUBLE,
    Patience,
    Table,
    open_database,
    tables_in,
)
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import with_part_id

FIRST_ROW, LAST_ROW = -(1 << 63), (1 << 63) - 1
ALL = -1  # for LIMIT


def read_sqlite(
    file: SourceFile, names: FieldMap, *, patience: Patience | None = None
) -> ReadResults:
    """Read a database, as `sqlite_records` does."""
    return made(sqlite_records(file, names, patience=patience))


def sqlite_records(
    file: SourceFile, names: FieldMap, *, patience: Patience | None = None
) -> Records:
    """Walk each table with a title and a text, else each with a text; rows by their number.

    `--map text=TABLE.COLUMN` names another. Views, virtual tables and columns that are computed
    when read are left alone. What takes longer than `patience` is given up.
    """
    yield from _unread_journals(file)
    patience = patience or Patience()
    try:
        with closing(open_database(file, patience)) as database:
            found = list(tables_in(database))
            chosen = _chosen(found, names)
            if not chosen:
                raise UnreadableArticle(file.place, _no_text(found))
            for table, its_names in chosen:
                yield from _articles(database, table, its_names, file, patience)
    except TROUBLE as exc:
        reason = f"not a SQLite database that can be read ({_brief(exc)})"
        raise UnreadableArticle(file.place, reason) from exc


def _unread_journals(file: SourceFile) -> Iterator[UnreadableArticle]:
    for suffix in ("-wal", "-journal"):
        journal = Path(file.place + suffix)
        if journal.is_file() and journal.stat().st_size:
            reason = "holds changes that were not read; close the program that uses the database"
            yield UnreadableArticle(str(journal), reason)


def _chosen(tables: list[Table], names: FieldMap) -> list[tuple[Table, FieldMap]]:
    text = names.chosen.get("text", "")
    if named := [table for table in tables if text.startswith(f"{table.name}.")]:
        tables = named
    found = []
    for table in tables:
        own = {ours: n.removeprefix(f"{table.name}.") for ours, n in names.chosen.items()}
        its_names = replace(names, chosen=own)
        if table.columns and has_text_column(table.columns, its_names):
            columns = wanted_columns(table.columns, its_names)
            found.append((table._replace(columns=columns), its_names))
    return [each for each in found if _is_whole(*each)] or found


def _is_whole(table: Table, names: FieldMap) -> bool:
    return {"title", "text"} <= fields_of(table.columns, names)


def _articles(
    database: sqlite3.Connection,
    table: Table,
    names: FieldMap,
    file: SourceFile,
    patience: Patience,
) -> Records:
    make = partial(_article, names=names)
    for number, row in _rows(database, table, patience):
        origin = file.origin(number)
        if isinstance(row, str):
            yield UnreadableArticle(str(origin), f"{row} (table {table.name})")
            continue
        record = dict(zip(table.columns, map(plain, row), strict=True))
        yield Record(record, origin, make)


def _article(record: Any, origin: Origin, names: FieldMap) -> ReadResult:
    """A row of another table may have the same number, so they share their place."""
    found = read_record(record, origin, names)
    return found if isinstance(found, UnreadableArticle) else with_part_id(found)


def _rows(
    database: sqlite3.Connection, table: Table, patience: Patience
) -> Iterator[tuple[int, tuple[Any, ...] | str]]:
    """Read rows with their numbers; a text instead of a row is an error message.

    Python's cursor is one row ahead, so an error also hides the row before; after an error, rows
    are selected one at a time.
    """
    start, at_once = FIRST_ROW, ALL
    while start <= LAST_ROW:
        before = start
        try:
            for number, row in _numbered(database, table, (start, at_once), patience):
                start = number + 1
                yield number, row
            if at_once == ALL or start == before:
                return
            at_once = ALL
        except TROUBLE as exc:
            if table.row_name and at_once == ALL:
                at_once = 1
                continue
            found = _next_row(database, table, start, patience)
            if found is None or not isinstance(exc, sqlite3.DataError):
                reason = f"nothing from here on was read ({_brief(exc)})"
                yield max(start, 1) if found is None else found, reason
                return
            yield found, f"a value of more than {LONGEST_TEXT >> 20} MiB"
            start = found + 1


def _numbered(
    database: sqlite3.Connection, table: Table, part: tuple[int, int], patience: Patience
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    patience.begin()
    cursor = database.execute(table.query(), part if table.row_name else ())
    for n, row in enumerate(cursor, 1):
        patience.begin()
        yield (row[0], row[1:]) if table.row_name else (n, row)


def _next_row(
    database: sqlite3.Connection, table: Table, start: int, patience: Patience
) -> int | None:
    """The number of the next row, even if its values cannot be read; None if there is none."""
    patience.begin()
    try:
        found = table.row_name and database.execute(table.row_query(), (start,)).fetchone()
    except TROUBLE:
        return None
    return int(found[0]) if found else None


def _no_text(tables: list[Table]) -> str:
    listed = "; ".join(f"{table.name}: {', '.join(table.columns)}" for table in tables)[:300]
    if not listed:
        return "a database without tables"
    return f"no column for the text in the tables ({listed}); name one with --map text=TABLE.COLUMN"


def _brief(exc: Exception) -> str:
    return "it took too long" if str(exc) == "interrupted" else str(exc)[:120]
