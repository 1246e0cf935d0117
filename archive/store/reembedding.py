"""The draft of an archive that gets another model: its record, copied, and how it takes its place.

The draft stands beside the archive and is kept when a run is killed. Its catalogue is a copy of the
archive's, made anew by each run; passages that an earlier run has cut there, and what it has
embedded, are taken over for articles that have not changed since. In the end the draft gets what
else belongs to the archive, and both are exchanged in one step. What readers of pages and receivers
of articles write without the writer's lock (collections, the inbox) is then the same file in both,
so nothing that comes in at that moment is lost.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from backfile.archive.store.backup_list import files_below
from backfile.archive.store.catalog_reading import connected, originals_in
from backfile.archive.store.collections_file import copy_collections, shared_collections
from backfile.archive.store.database import TIDY, translated
from backfile.archive.store.directory import SET_ASIDE, ArchiveDirectory
from backfile.archive.store.draft import FILE_MODE, UNFINISHED, name_for_replaced, remove_path
from backfile.archive.store.inbox import EMBED_FROM, shared_inbox
from backfile.archive.store.originals import path_of
from backfile.archive.store.replacing import (
    copy_file,
    remove_replaced,
    share_file,
    share_files,
)
from backfile.archive.store.schema import metadata
from backfile.archive.store.switching import settle_switch, switch
from backfile.archive.store.touched import NOTED
from backfile.archive.store.trust import make_private_folder

ROW = "row"  # the counter of rows; those of a draft are its own
LOGS = ("-wal", "-shm")
# Articles that are as they were when an earlier run copied them: all columns are equal.
SAME = """
CREATE TEMP TABLE same AS SELECT here.number AS article FROM main.articles AS here
JOIN earlier.articles AS there USING (number) WHERE {equal}
"""
# An article is cut by the furniture that was known; where that is another, all are cut again.
OTHER_FURNITURE = """
SELECT EXISTS (SELECT hash FROM main.furniture EXCEPT SELECT hash FROM earlier.furniture)
    OR EXISTS (SELECT hash FROM earlier.furniture EXCEPT SELECT hash FROM main.furniture)
"""
UNCUT = """
INSERT INTO main.uncut SELECT number FROM main.articles
WHERE number NOT IN (SELECT article FROM same) OR number IN (SELECT article FROM earlier.uncut)
"""


def draft_beside(directory: ArchiveDirectory) -> ArchiveDirectory:
    """Where an archive with another model is brought together, beside the one it will replace."""
    root = directory.root
    return ArchiveDirectory(root.with_name(f".{root.name}.backfile-reembedding"))


def begin_draft(draft: ArchiveDirectory) -> None:
    """Make the folder of a draft, unless an earlier run has."""
    draft.create()
    (draft.root / UNFINISHED).touch(mode=FILE_MODE)


def clear_draft(draft: ArchiveDirectory) -> None:
    """Remove what is in a draft, which was for another model."""
    for path in draft.root.iterdir():
        if path.name != UNFINISHED:
            remove_path(path)


def copy_record(source: ArchiveDirectory, draft: ArchiveDirectory) -> None:
    """Copy the catalogue of an archive into its draft, where its articles are to be cut again.

    The tables of both are of this release; the caller holds the writer's lock. A kill leaves the
    catalogue that was there, or the new one.
    """
    renewed = draft.catalog.with_name(f"{draft.catalog.name}.renewed")
    renewed.unlink(missing_ok=True)
    renewed.touch(mode=FILE_MODE)
    with (
        translated(),
        closing(connected(source.catalog)) as live,
        closing(sqlite3.connect(renewed)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # so that it is one file
        copy.execute("ATTACH ? AS earlier", (_uri_of_earlier(draft),))
        with copy:
            _forget_passages(copy)
            if _is_catalogue(copy, "earlier"):
                _take_over(copy)
            else:
                copy.execute("INSERT INTO main.uncut SELECT number FROM main.articles")
            _set_counters(copy)
    for suffix in LOGS:  # of the earlier one, which was closed
        draft.catalog.with_name(draft.catalog.name + suffix).unlink(missing_ok=True)
    renewed.replace(draft.catalog)


def take_names(source: ArchiveDirectory, draft: ArchiveDirectory) -> None:
    """Give the articles of a draft the names that were read in the archive.

    They are forgotten when an article is cut; its text is the same.
    """
    listed = _columns("names")
    with translated(), closing(sqlite3.connect(draft.catalog)) as both:
        both.execute("ATTACH ? AS source", (str(source.catalog.resolve()),))
        with both:
            taken = both.execute(
                f"INSERT OR IGNORE INTO main.names ({listed}) SELECT {listed} FROM source.names "  # noqa: S608, names of ours
                "WHERE article IN (SELECT number FROM main.articles)"
            )
            if taken.rowcount:
                generation = _counters(both, "main").get("generation", 0) + 1
                _put(both, {"generation": generation, NOTED: generation})


def exchange(directory: ArchiveDirectory, draft: ArchiveDirectory, *, keep: bool) -> Path | None:
    """Put a draft that is complete in the place of its archive; see `settle_exchange`.

    The caller holds the writer's lock of the archive, which then is that of the new one.
    """
    _complete(directory, draft)
    with (
        shared_inbox(directory.inbox, draft.inbox),
        shared_collections(directory.collections, draft.collections),
    ):
        share_file(directory.lock, draft.lock)
        os.sync()
        switch(draft.root, directory.root)
    return settle_exchange(directory, keep=keep)


def settle_exchange(directory: ArchiveDirectory, *, keep: bool) -> Path | None:
    """Remove the archive that a draft has replaced, if one has; `keep` leaves it, by another name.

    Returns where it is kept, or what was in it and is no part of an archive. A killed `exchange` is
    finished.
    """
    root, earlier = directory.root, draft_beside(directory)
    settle_switch(earlier.root, root)
    (root / UNFINISHED).unlink(missing_ok=True)
    if not earlier.root.is_dir() or (earlier.root / UNFINISHED).exists():
        return None
    if keep:
        _make_apart(directory, earlier)
        return earlier.root.rename(name_for_replaced(root))
    taken = [path.name for path in earlier.root.glob(f"{SET_ASIDE}*")]
    rest = remove_replaced(earlier.root, taken)
    return rest.rename(name_for_replaced(root)) if rest else None


def _uri_of_earlier(draft: ArchiveDirectory) -> str:
    """The catalogue of an earlier run; an empty database in memory where there is none."""
    return str(draft.catalog.resolve()) if draft.catalog.exists() else ":memory:"


def _is_catalogue(copy: sqlite3.Connection, of: str) -> bool:
    found = copy.execute(f"SELECT 1 FROM {of}.sqlite_master WHERE name = 'passages'")  # noqa: S608
    return found.fetchone() is not None


def _forget_passages(copy: sqlite3.Connection) -> None:
    for table in ("embedded_texts", "passages", "uncut", "touched"):
        copy.execute(f"DELETE FROM main.{table}")  # noqa: S608, names of ours


def _take_over(copy: sqlite3.Connection) -> None:
    """Take the passages of an earlier run over for articles that are the same."""
    equal = " AND ".join(
        f'here."{c.name}" IS there."{c.name}"' for c in metadata.tables["articles"].columns
    )
    copy.execute(SAME.format(equal=equal))
    copy.execute("CREATE UNIQUE INDEX temp.same_articles ON same (article)")
    copy.execute("DELETE FROM main.seals WHERE article IN (SELECT article FROM same)")
    for table, condition in {
        "passages": "article IN (SELECT article FROM same)",
        "embedded_texts": "row IN (SELECT row FROM main.passages)",
        "seals": "article IN (SELECT article FROM same)",
    }.items():
        listed = _columns(table)
        copy.execute(
            f"INSERT INTO main.{table} ({listed}) "  # noqa: S608, names of ours
            f"SELECT {listed} FROM earlier.{table} WHERE {condition}"
        )
    (other,) = copy.execute(OTHER_FURNITURE).fetchone()
    copy.execute("INSERT INTO main.uncut SELECT number FROM main.articles" if other else UNCUT)


def _set_counters(copy: sqlite3.Connection) -> None:
    """Number rows as the draft does; the generation is later than any that was seen of either."""
    own = _counters(copy, "earlier") if _is_catalogue(copy, "earlier") else {}
    generations = own.get("generation", 0), _counters(copy, "main").get("generation", 0)
    generation = max(generations) + 1
    values = {ROW: own.get(ROW, 0), "generation": generation, NOTED: generation}
    _put(copy, values | {TIDY: 0, EMBED_FROM: 0})


def _counters(connection: sqlite3.Connection, of: str) -> dict[str, int]:
    return dict(connection.execute(f"SELECT name, value FROM {of}.counters"))  # noqa: S608


def _put(connection: sqlite3.Connection, values: dict[str, int]) -> None:
    connection.executemany("INSERT OR REPLACE INTO main.counters VALUES (?, ?)", values.items())


def _columns(table: str) -> str:
    return ", ".join(f'"{column.name}"' for column in metadata.tables[table].columns)


def _complete(directory: ArchiveDirectory, draft: ArchiveDirectory) -> None:
    """Give a draft what else belongs to its archive, and is written under the writer's lock."""
    for path in (directory.followed, directory.ranking):
        (draft.root / path.name).unlink(missing_ok=True)
        if path.exists():
            copy_file(path, draft.root / path.name)
    with translated(), closing(connected(draft.catalog)) as catalog:
        paths = [path_of(directory.originals, digest) for digest in originals_in(catalog)]
    originals = _names(filter(Path.exists, paths), directory.originals)
    share_files(directory.originals, draft.originals, originals)
    make_private_folder(draft.originals)
    for path in directory.originals.glob("*.json*"):  # it is written to again
        copy_file(path, draft.originals / path.name)
    for folder in directory.root.glob(f"{SET_ASIDE}*"):
        share_files(folder, draft.root / folder.name, _names(files_below(folder), folder))


def _names(paths: Iterable[Path], folder: Path) -> list[str]:
    """Paths below a folder, as seen from there."""
    return [path.relative_to(folder).as_posix() for path in paths]


def _make_apart(directory: ArchiveDirectory, earlier: ArchiveDirectory) -> None:
    """Give an archive that is kept files of its own where it shares some that are written to."""
    earlier.lock.unlink(missing_ok=True)
    for suffix in LOGS:
        log = earlier.collections.with_name(earlier.collections.name + suffix)
        log.unlink(missing_ok=True)
    with suppress(sqlite3.Error):  # it is damaged
        copy_collections(directory.collections, earlier.collections)
