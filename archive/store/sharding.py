"""Copies some articles of a record into a new record: a shard, which is an archive by itself.

Articles keep their numbers, so that equal scores are ordered alike in all shards; rows of passages
are numbered anew, from 1, in the same order. What belongs to no article (runs, withdrawals, the
history of articles that are gone) is copied into one shard, the `rest`.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from backfile.archive.model.errors import ArchiveMismatch, EngineUnavailable
from backfile.archive.store.database import ARCHIVE, create_database, translated
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.journal import NAMES, Journal
from backfile.archive.store.migrations import STEPS, require_known, version_of
from backfile.archive.store.originals import path_of
from backfile.archive.store.schema import metadata
from backfile.archive.store.touched import NOTED
from backfile.archive.store.trust import make_private_folder, open_private
from backfile.archive.store.vectors import Rows, VectorFile, some_at_once

OF_ARTICLE = "article IN (SELECT number FROM chosen)"
# Which rows of a table a shard gets; `{rest}` is 1 for the shard of the rest. The order is that of
# the copying, as later ones ask for the articles and rows of earlier ones.
CONDITIONS = {
    "articles": "number IN (SELECT number FROM chosen)",
    "passages": OF_ARTICLE,
    "embedded_texts": "row IN (SELECT old FROM moved)",
    "signatures": OF_ARTICLE,
    "seals": OF_ARTICLE,
    "sentences": OF_ARTICLE,
    "furniture": "1",
    "uncut": OF_ARTICLE,
    "names": OF_ARTICLE,
    "touched": OF_ARTICLE,
    "bands": OF_ARTICLE,
    "unclustered": OF_ARTICLE,
    "stories": OF_ARTICLE,
    "versions": (
        "id IN (SELECT id FROM main.articles) "
        "OR ({rest} AND id NOT IN (SELECT id FROM old.articles))"
    ),
    "withdrawals": "{rest}",
    "removals": "{rest}",
    "runs": "{rest}",
    "originals": (
        "digest IN (SELECT origin_digest FROM main.articles) "
        "OR digest IN (SELECT origin_digest FROM main.versions) "
        "OR ({rest} AND digest NOT IN (SELECT origin_digest FROM old.articles) "
        "AND digest NOT IN (SELECT origin_digest FROM old.versions))"
    ),
}
NOT_COPIED = {"counters", "releases"}
ROWS = {"passages", "embedded_texts"}  # tables with a row, which is numbered anew


def require_current(source: ArchiveDirectory) -> None:
    """Raise ArchiveMismatch if another release made the tables: shards have those of this one."""
    with translated(), closing(sqlite3.connect(source.catalog)) as catalog:
        require_known(catalog)
        if (version := version_of(catalog)) < len(STEPS):
            remedy = "`backfile verify --repair` brings it up to date"
            raise ArchiveMismatch(
                f"tables of version {version}", f"a program for version {len(STEPS)}", remedy
            )


def copy_shard(
    source: ArchiveDirectory,
    target: ArchiveDirectory,
    numbers: Rows,
    dimension: int,
    *,
    rest: bool,
) -> int:
    """Copy the articles of these numbers; return the number that names the new archive.

    The caller holds the writer's lock of both. The new catalogue is the last file that is written,
    so a directory without it is no shard. Raises EngineUnavailable if the source is damaged.
    """
    draft = target.catalog.with_name(f"{target.catalog.name}.shard")
    draft.unlink(missing_ok=True)
    create_database(draft)
    with translated(), closing(sqlite3.connect(draft)) as new:
        new.execute("ATTACH ? AS old", (f"{source.catalog.resolve()}",))
        rows = _copy_tables(new, numbers, rest=rest)
        archive = int(_counters(new, "main")[ARCHIVE])
        notes = [dict(zip(NAMES, row, strict=True)) for row in _notes(new)]
        removed = dict(new.execute("SELECT id, removed_at FROM main.removals"))
        new.commit()
    _copy_vectors(source, target, rows, dimension)
    for note in notes:
        _link(source, target, note["digest"])
    if notes or removed:
        journal = Journal(target.originals)
        journal.replace(notes)
        journal.note_removed(removed)
    draft.replace(target.catalog)
    return archive


def _copy_tables(new: sqlite3.Connection, numbers: Rows, *, rest: bool) -> Rows:
    """Copy the rows of all tables; return the former rows of the passages, in their new order."""
    new.execute("CREATE TEMP TABLE chosen (number INTEGER PRIMARY KEY)")
    new.executemany("INSERT INTO chosen VALUES (?)", ((int(each),) for each in numbers))
    new.execute("CREATE TEMP TABLE moved (new INTEGER PRIMARY KEY AUTOINCREMENT, old INTEGER)")
    new.execute(
        "INSERT INTO moved (old) "  # noqa: S608, a condition of ours
        f"SELECT row FROM old.passages WHERE {OF_ARTICLE} ORDER BY row"
    )
    new.execute("CREATE INDEX temp.by_old ON moved (old)")
    for table, condition in CONDITIONS.items():
        _copy_table(new, table, condition.format(rest=int(rest)))
    moved = [row[0] for row in new.execute("SELECT old FROM moved ORDER BY new")]
    _set_counters(new, len(moved))
    return np.array(moved, np.int64)


def _copy_table(new: sqlite3.Connection, table: str, condition: str) -> None:
    columns = [f'"{row[1]}"' for row in new.execute(f"PRAGMA main.table_info({table})")]
    there = {f'"{row[1]}"' for row in new.execute(f"PRAGMA old.table_info({table})")}
    listed = [each for each in columns if each in there]
    taken = ", ".join(listed)
    found = [
        "(SELECT new FROM moved WHERE old = row)" if table in ROWS and each == '"row"' else each
        for each in listed
    ]
    new.execute(
        f"INSERT INTO main.{table} ({taken}) "  # noqa: S608, names of ours
        f"SELECT {', '.join(found)} FROM old.{table} WHERE {condition}"
    )


def _set_counters(new: sqlite3.Connection, n_rows: int) -> None:
    """Let all counters go on from those of the source, but for the rows and the name."""
    known = _counters(new, "old")
    generation = known.get("generation", 0) + 1
    own = {ARCHIVE: _counters(new, "main")[ARCHIVE], "row": n_rows}
    values = known | own | {"generation": generation, NOTED: generation}
    new.executemany("INSERT OR REPLACE INTO main.counters VALUES (?, ?)", values.items())


def _counters(new: sqlite3.Connection, of: str) -> dict[str, int]:
    return dict(new.execute(f"SELECT name, value FROM {of}.counters"))  # noqa: S608


def _notes(new: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    listed = ", ".join(f'"{name}"' for name in NAMES)
    yield from new.execute(f"SELECT {listed} FROM main.originals").fetchall()  # noqa: S608


def _copy_vectors(
    source: ArchiveDirectory, target: ArchiveDirectory, rows: Rows, dimension: int
) -> None:
    """Copy the vectors of these rows to the rows from 1 on, as far as the file has them.

    A damaged one would get a new checksum, and nobody would find it: it is an error.
    """
    file = VectorFile(source.vectors, dimension)
    stored = file.read(int(rows.max(initial=0)) + 1)
    if len(damaged := file.damaged(rows[rows < len(stored)])):
        reason = f"{len(damaged)} rows are damaged; `backfile verify --repair` embeds them again"
        raise EngineUnavailable("the file of vectors", reason)
    new = np.arange(1, len(rows) + 1)[rows < len(stored)]
    copied = VectorFile(target.vectors, dimension)
    for some in some_at_once(new):
        copied.write(some, stored[rows[some - 1]].astype(np.float32))


def _link(source: ArchiveDirectory, target: ArchiveDirectory, digest: str) -> None:
    """Have the bytes of an original in the shard too: by a link, or else as a copy."""
    path, copy = path_of(source.originals, digest), path_of(target.originals, digest)
    if not path.exists() or copy.exists():
        return
    make_private_folder(copy.parent)
    try:
        os.link(path, copy)
    except OSError:
        with path.open("rb") as stored, open(copy, "wb", opener=open_private) as stream:
            shutil.copyfileobj(stored, stream)


def tables_without_a_rule() -> set[str]:
    """The tables of the catalogue that no shard would get; there must be none."""
    return set(metadata.tables) - set(CONDITIONS) - NOT_COPIED
