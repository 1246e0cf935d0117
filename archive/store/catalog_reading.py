"""Reads a catalogue by SQLite alone, without bringing its tables up to date: for backups."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import means_full
from backfile.archive.store.database import (
    ARCHIVE,
    exclude_others,
    is_writable,
    read_only_uri,
)
from backfile.archive.store.vectors import Rows
from backfile.archive.workers import batches

SECONDS_TO_WAIT = 30  # for a lock of SQLite's, as the catalogue does
ROWS_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


def connected(path: Path) -> sqlite3.Connection:
    """Open a database that is there, read-only where nothing can be written beside it."""
    uri = f"{path.resolve().as_uri()}?mode=rw" if is_writable(path) else read_only_uri(path)
    connection = sqlite3.connect(uri, uri=True, timeout=SECONDS_TO_WAIT)
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as exc:
        connection.close()
        if not means_full(exc):
            raise
        connection = sqlite3.connect(uri, uri=True, timeout=SECONDS_TO_WAIT)
        exclude_others(connection)
    return connection


def generation_in(connection: sqlite3.Connection) -> int:
    """The generation of the catalogue, 0 for a new one."""
    found = connection.execute("SELECT value FROM counters WHERE name = 'generation'").fetchone()
    return int(found[0]) if found else 0


def number_in(connection: sqlite3.Connection) -> int:
    """The number that names the archive, 0 if an older release made it."""
    chosen = "SELECT value FROM counters WHERE name = ?"
    found = connection.execute(chosen, [ARCHIVE]).fetchone()
    return int(found[0]) if found else 0


def counts_in(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many articles and passages there are."""
    counts = "SELECT (SELECT COUNT(*) FROM articles), (SELECT COUNT(*) FROM passages)"
    n_articles, n_passages = connection.execute(counts).fetchone()
    return n_articles, n_passages


def embedded_in(connection: sqlite3.Connection) -> Rows:
    """The rows of all embedded passages, ascending."""
    found = connection.execute("SELECT row FROM passages WHERE embedded ORDER BY row")
    return np.fromiter((row for (row,) in found), np.int64)


def forget_embedded(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Mark rows as not embedded, without a new generation."""
    with connection:
        for some in batches(rows, ROWS_AT_ONCE):
            gaps = ",".join("?" * len(some))
            connection.execute(
                f"UPDATE passages SET embedded = 0 WHERE row IN ({gaps})",  # noqa: S608, gaps alone
                list(some),
            )


def originals_in(connection: sqlite3.Connection) -> set[str]:
    """The digests of all originals that the catalogue names; an old catalogue names none."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "originals" not in tables:
        return set()
    return {digest for (digest,) in connection.execute("SELECT digest FROM originals")}
