"""Makes a new catalogue in place of one that is lost or damaged.

What can be read of the earlier one is copied, row by row. Where nothing can be, the notes of the
originals come from their journal, and the articles are read from the originals again. The earlier
files are set aside, and never deleted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from backfile.archive.store.catalog_reading import connected
from backfile.archive.store.clusters import BANDED
from backfile.archive.store.database import ARCHIVE, DAMAGED, TIDY, UNFINISHED, create_database
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.journal import NAMES, Journal
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.originals import path_of
from backfile.archive.store.schema import metadata
from backfile.archive.store.touched import NOTED

FILES = ("catalog.db", "catalog.db-wal", "catalog.db-shm")
MOST_PROBES = 200_000  # of ranges of rows; each takes microseconds
HIGHEST = 1 << 32  # a row id beyond all, where the highest one cannot be read
# By the next run, as all articles are cut again and clustered; changes are noted from now on, and a
# text whose hash is lost is embedded twice.
REMADE = {"sentences", "furniture", "uncut", "touched", "bands", "unclustered", "embedded_texts"}
ORPHANS = (
    "passages",
    "signatures",
    "seals",
    "stories",
    "names",
)  # tables whose rows belong to articles


def renew_catalog(directory: ArchiveDirectory, *, copy: bool, last_row: int = 0) -> Path | None:
    """Put a new catalogue in the place of the earlier one; `copy` what can be read of that.

    The caller holds the writer's lock, and no engine is open. The rows of new passages begin beyond
    `last_row`, the highest one in the caches. The new catalogue is unfinished until its articles
    have been read again. A kill leaves the earlier catalogue, or the new one. Returns the folder
    where the earlier one lies, None if there was none.
    """
    manifest = Manifest.read(directory.manifest)
    draft = directory.catalog.with_name("catalog.db.renewed")
    draft.unlink(missing_ok=True)
    create_database(draft)
    with closing(sqlite3.connect(draft)) as new:
        if copy:
            _copy(directory.catalog, new)
        if not _has_notes(new):
            _take_notes(directory.originals, new)
        _set_counters(new, manifest, last_row)
        if copy and manifest.archive:
            _set(new, {ARCHIVE: manifest.archive})
        new.commit()
    earlier = set_aside(directory, [directory.root / name for name in FILES])
    draft.replace(directory.catalog)
    return earlier


def set_aside(directory: ArchiveDirectory, files: Iterable[Path]) -> Path | None:
    """Move files to a new folder of what was set aside; return it, None if none of them is there.

    The log of a database goes last: a kill in between leaves it beside no database.
    """
    there = [path for path in files if path.exists()]
    if not there:
        return None
    folder = directory.new_set_aside()
    for path in there:
        path.replace(folder / path.name)
    return folder


def _copy(path: Path, new: sqlite3.Connection) -> None:
    """Copy the rows of all tables that can be read; of what is no database at all, none."""
    try:
        opened = connected(path)
    except DAMAGED:
        return
    with closing(opened) as old:
        old.text_factory = lambda stored: stored.decode(errors="replace")
        for table in metadata.sorted_tables:
            if table.name not in REMADE:
                _copy_table(old, new, table.name)
    for name in ORPHANS:
        new.execute(f"DELETE FROM {name} WHERE article NOT IN (SELECT number FROM articles)")  # noqa: S608
    new.execute("INSERT INTO uncut SELECT number FROM articles")


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, name: str) -> None:
    known = {row[1] for row in new.execute(f"PRAGMA table_info({name})")}
    try:
        names = [row[1] for row in old.execute(f"PRAGMA table_info({name})") if row[1] in known]
    except DAMAGED:
        return
    if not names:
        return
    listed = ", ".join(f'"{each}"' for each in names)
    gaps = ", ".join("?" * len(names))
    insert = f"INSERT OR REPLACE INTO {name} ({listed}) VALUES ({gaps})"  # noqa: S608, our own names
    for rows in _readable(old, f"SELECT {listed} FROM {name}", _highest(old, name)):  # noqa: S608
        for row in rows:
            with suppress(*DAMAGED):  # a value is missing: it is no longer a row
                new.execute(insert, row)


def _highest(old: sqlite3.Connection, name: str) -> int:
    try:
        return int(old.execute(f"SELECT MAX(rowid) FROM {name}").fetchone()[0] or 0)  # noqa: S608
    except (*DAMAGED, TypeError, ValueError):
        return HIGHEST


def _readable(
    old: sqlite3.Connection, select: str, highest: int
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Read ranges of rows; a range that cannot be read is halved, down to single rows."""
    ranges, probes = [(0, highest)], 0
    while ranges and probes < MOST_PROBES:
        low, high = ranges.pop()
        probes += 1
        try:
            yield old.execute(f"{select} WHERE rowid BETWEEN ? AND ?", (low, high)).fetchall()
        except DAMAGED:
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _has_notes(new: sqlite3.Connection) -> bool:
    return bool(new.execute("SELECT EXISTS (SELECT 1 FROM originals)").fetchone()[0])


def _take_notes(folder: Path, new: sqlite3.Connection) -> None:
    """Take the notes of the originals that are there, and the list of removed articles."""
    journal = Journal(folder)
    there = (note for note in journal.notes() if path_of(folder, note["digest"]).exists())
    gaps = ", ".join(f":{name}" for name in NAMES)
    listed = ", ".join(f'"{name}"' for name in NAMES)
    new.executemany(
        f"INSERT OR REPLACE INTO originals ({listed}) VALUES ({gaps})",  # noqa: S608, our own names
        there,
    )
    new.executemany("INSERT OR REPLACE INTO removals VALUES (?, ?)", journal.removed())


def _set_counters(new: sqlite3.Connection, manifest: Manifest, last_row: int) -> None:
    """Let the counters go on from where they were, as far as that is known."""
    known = dict(new.execute("SELECT name, value FROM counters").fetchall())
    articles = new.execute("SELECT MAX(number) FROM articles").fetchone()[0] or 0
    rows = new.execute("SELECT MAX(row) FROM passages").fetchone()[0] or 0
    least = {"article": articles, "row": max(rows, last_row)}
    least |= {"generation": manifest.generation + 1, UNFINISHED: 1}
    now = {name: max(value, known.get(name, 0)) for name, value in least.items()}
    _set(new, now | {TIDY: 0, BANDED: 0, NOTED: now["generation"]})


def _set(new: sqlite3.Connection, values: Mapping[str, int]) -> None:
    new.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", values.items())


def problem_in(path: Path) -> str:
    """The first thing that SQLite finds damaged in a catalogue, empty if it is sound."""
    try:
        with closing(connected(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            return "" if found == "ok" else str(found)
    except DAMAGED as exc:
        return str(exc)
