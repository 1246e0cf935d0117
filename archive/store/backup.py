"""Makes a backup of an archive, also while another process writes to it.

A backup is an archive that is only read, with a list of its files. A new one is made beside the
earlier one and switched with it at the end, so a kill leaves the one or the other, whole.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from backfile.archive.model.errors import BackupRefused, BackupUnusable, EngineUnavailable
from backfile.archive.store.backup_files import BackupReport, Cache, TakenFiles
from backfile.archive.store.backup_list import BackupList, Watch, damages
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.catalog_reading import (
    connected,
    counts_in,
    generation_in,
    number_in,
)
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.draft import (
    UNFINISHED,
    Draft,
    are_apart,
    draft_of,
    drafted,
    reason_of,
)
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import require_record
from backfile.archive.store.switching import settle_switch, switch


def back_up(
    directory: ArchiveDirectory, place: Path, caches: Sequence[Cache], watch: Watch = lambda _: None
) -> BackupReport:
    """Make a backup of an archive at a path; files that did not change are taken from the last one.

    Raises BackupRefused where no backup can be made, and EngineUnavailable where the archive's own
    catalogue is lost or cannot be read.
    """
    directory.require()
    place = place.resolve()
    with closing(Catalog(directory.catalog)) as catalog:
        require_record(Manifest.read(directory.manifest), catalog)
    with _refusing(place):
        settle_switch(draft_of(place), place)
        earlier = _earlier(directory, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        with drafted(place) as folder:
            listed = earlier.files if earlier else {}
            draft = Draft(folder, watch, place, listed)
            file = directory.catalog.stat()
            with _catalogue(directory) as live:
                _require_newer(live, place, earlier)
                report = TakenFiles(directory, draft, place, earlier, caches).take(live)
            if not os.path.samestat(file, directory.catalog.stat()):
                reason = "the archive was replaced while it was copied; run this again"
                raise BackupRefused(place, reason)
            _finish(place, draft, report.made, watch)
            switch(folder, place)
        return report


def _earlier(directory: ArchiveDirectory, place: Path) -> BackupList | None:
    """Read the list of the backup that is there; None for none, and for a damaged one.

    Raises BackupRefused if something else is there.
    """
    root = directory.root.resolve()
    if not are_apart(place, root):
        raise BackupRefused(place, f"the archive is at {root}; give a folder outside of it")
    if os.path.ismount(place):
        raise BackupRefused(place, "it is a mount point; give a folder in it")
    if not place.exists():
        return None
    if not place.is_dir():
        raise BackupRefused(place, "it is a file; give a folder")
    if not ArchiveDirectory(place).backup_list.exists():
        if any(place.iterdir()):
            reason = "it holds files that are no backup; give an empty or a new folder"
            raise BackupRefused(place, reason)
        return None
    try:
        earlier = BackupList.read(place)
    except BackupUnusable:
        return None
    other = ArchiveDirectory(Path(earlier.archive))
    if other.root != root and other.exists():
        reason = f"it is a backup of the archive at {other.root}; give another folder"
        raise BackupRefused(place, reason)
    return earlier


def _require_newer(live: sqlite3.Connection, place: Path, earlier: BackupList | None) -> None:
    """Raise BackupRefused if the archive was lost and made anew since the earlier backup."""
    if not earlier:
        return
    generation, (n_articles, _) = generation_in(live), counts_in(live)
    if earlier.number and earlier.number != number_in(live):
        reason = f"it is a backup of another archive, with {earlier.articles:,} articles"
    elif generation < earlier.generation:
        reason = (
            f"it holds a later state of the archive ({earlier.articles:,} articles, generation "
            f"{earlier.generation:,}) than is there now ({n_articles:,} articles, generation "
            f"{generation:,})"
        )
    else:
        return
    raise BackupRefused(place, f"{reason}; give another folder, or remove this backup")


def _finish(place: Path, draft: Draft, made: BackupList, watch: Watch) -> None:
    """Write what is in memory to the disk, read the copies back, and add the list."""
    os.sync()  # once for all: fsync of each small file takes milliseconds
    copied = {name: draft.files[name] for name in draft.copied}
    if damage := next(damages(draft.folder, copied, watch), None):
        reason = f"{damage} once it is copied; `backfile verify` says whether the archive is sound"
        raise BackupRefused(place, reason)
    made.write(draft.folder)
    (draft.folder / UNFINISHED).unlink()


@contextmanager
def _refusing(place: Path) -> Iterator[None]:
    """Say of the system's errors that there is no new backup."""
    try:
        yield
    except OSError as exc:
        reason = f"{reason_of(exc)}; what was there before is unchanged"
        raise BackupRefused(place, reason) from exc


@contextmanager
def _catalogue(directory: ArchiveDirectory) -> Iterator[sqlite3.Connection]:
    """Open the archive's catalogue; raise EngineUnavailable while it cannot be read."""
    try:
        with closing(connected(directory.catalog)) as connection:
            yield connection
    except sqlite3.Error as exc:
        reason = f"{exc}; no backup was made, `backfile verify` says more"
        raise EngineUnavailable("the catalogue", reason) from exc
