"""Makes an archive of a backup: checked first, built beside the archive it replaces, switched."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveUnwritable,
    BackupUnusable,
)
from backfile.archive.store.backup_list import (
    CACHES,
    BackupList,
    Damage,
    Watch,
    damages,
    is_record,
)
from backfile.archive.store.catalog_reading import connected
from backfile.archive.store.database import begin_lineage
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.draft import (
    UNFINISHED,
    Draft,
    are_apart,
    draft_of,
    drafted,
    name_for_replaced,
)
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.replacing import remove_replaced, require_replaceable, said_of
from backfile.archive.store.switching import settle_switch, switch

ESSENTIAL = ("manifest.json", "catalog.db")


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored; `replaced` is where the archive lies that was there before, if anywhere.

    `notes` says what is not restored, and what makes it again.
    """

    restored: BackupList
    replaced: Path | None
    notes: tuple[str, ...]


def restore(
    source: Path, directory: ArchiveDirectory, *, keep: bool = False, watch: Watch = lambda _: None
) -> RestoreReport:
    """Put the archive of a backup in the place of what is there, which goes at the end.

    `keep` leaves it, under another name. A damaged cache is left out.
    Raises BackupUnusable for a backup whose record is damaged, ArchiveBusy while another process
    writes to the archive or serves it, ArchiveMismatch for a backup that another release made.
    """
    source, directory = source.resolve(), ArchiveDirectory(directory.root.resolve())
    listed, damaged = _checked(source, watch)
    if not are_apart(source, directory.root):
        raise ArchiveUnwritable(directory.root, f"the backup is at {source}")
    with said_of(directory.root, "; nothing was restored"):
        settle_switch(draft_of(directory.root), directory.root)
        require_replaceable(directory)
        directory.root.parent.mkdir(parents=True, exist_ok=True)
        with _alone(directory):
            pass  # better now than when all is copied
        with drafted(directory.root) as folder:
            _fill(Draft(folder, watch), source, listed, damaged)
            begin_lineage(ArchiveDirectory(folder).catalog)
            with _alone(directory):
                _keep_collections(directory, folder, listed)
                replaced = _switched(folder, directory.root)
    notes = [f"{part} is not restored: {why}; {CACHES[part]}" for part, why in damaged.items()]
    if replaced and not keep:
        replaced = remove_replaced(replaced)
        notes += [f"what was no part of the archive is kept in {replaced}"] if replaced else []
    return RestoreReport(listed, replaced, tuple(notes))


def _checked(source: Path, watch: Watch) -> tuple[BackupList, dict[str, str]]:
    """Check a backup; return its list, and the caches that are not in it or damaged, with why."""
    listed = BackupList.read(source)
    if missing := [name for name in ESSENTIAL if name not in listed.files]:
        raise BackupUnusable(source, f"{missing[0]} is not in its list")
    found = list(damages(source, listed.files, watch))
    if record := [damage for damage in found if is_record(damage.part)]:
        raise BackupUnusable(source, _in_words(record))
    Manifest.read(ArchiveDirectory(source).manifest).require_tables()
    caches = dict.fromkeys(listed.left_out, "it is not in the backup")
    return listed, caches | {damage.part: str(damage) for damage in reversed(found)}


def _in_words(found: Sequence[Damage]) -> str:
    more = f", and {len(found) - 1:,} more files are damaged" if found[1:] else ""
    return f"{found[0]}{more}"


def _fill(draft: Draft, source: Path, listed: BackupList, damaged: dict[str, str]) -> None:
    """Take all files of a backup but those of damaged caches; compare each with the list again."""
    for name, known in listed.files.items():
        if name.partition("/")[0] in damaged:
            continue
        with (source / name).open("rb") as stream:
            draft.take(stream, source / name, name)
        if draft.files[name].digest != known.digest:
            raise BackupUnusable(source, f"{name} changed while it was read")
    os.sync()


def _keep_collections(directory: ArchiveDirectory, folder: Path, listed: BackupList) -> None:
    """Copy what a person has collected since a backup that has no collections, if there is any."""
    if directory.collections.name in listed.files or not directory.collections.exists():
        return
    draft = Draft(folder, lambda _: None)
    with suppress(sqlite3.Error), closing(connected(directory.collections)) as live:
        draft.take_database(live, directory.collections.name, 0)
        return
    draft.drop(directory.collections.name)  # it is damaged


def _switched(folder: Path, root: Path) -> Path | None:
    """Switch a draft with the archive; return where that lies now."""
    existed = root.exists()
    switch(folder, root)
    (root / UNFINISHED).unlink()
    return folder.rename(name_for_replaced(root)) if existed else None


@contextmanager
def _alone(directory: ArchiveDirectory) -> Iterator[None]:
    """Hold the lock of an archive that nobody reads; raise ArchiveBusy."""
    if not directory.root.exists():
        yield
        return
    with directory.locked():
        if _is_open_elsewhere(directory.catalog):
            raise ArchiveBusy(directory.root, "reading or serving")
        yield


def _is_open_elsewhere(catalog: Path) -> bool:
    """Whether another process, such as a server, has the catalogue open; False if that is unknown.

    Each connection to a database in WAL mode holds a shared lock for as long as it is open.
    """
    try:
        uri = f"{catalog.resolve().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        with closing(connection):
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as exc:
        return getattr(exc, "sqlite_errorname", "") == "SQLITE_BUSY"
    return False
