"""Prepares the record of an archive that is lost or damaged, before its engines are opened."""

from contextlib import closing
from pathlib import Path

from backfile.archive.model.errors import RecordLost
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import mark_record, require_record
from backfile.archive.store.salvage import problem_in, renew_catalog
from backfile.index.wiring import clear_caches, last_cached_row


def salvage_record(directory: ArchiveDirectory) -> Path | None:
    """Copy what can be read of a catalogue that SQLite finds damaged.

    Returns the folder of the damaged one, None where it is sound and was left alone.
    """
    if not directory.catalog.exists() or not problem_in(directory.catalog):
        return None
    return renew_catalog(directory, copy=True, last_row=last_cached_row(directory))


def refill_record(directory: ArchiveDirectory) -> Path | None:
    """Make a new catalogue, without caches, where the record is lost.

    Returns the folder of the lost one; None if there was none, or if it is the archive's record and
    was left alone.
    """
    try:
        with closing(Catalog(directory.catalog)) as catalog:
            require_record(Manifest.read(directory.manifest), catalog, counted=True)
            return None
    except RecordLost:
        earlier = renew_catalog(directory, copy=False)
        clear_caches(directory)
        with closing(Catalog(directory.catalog)) as catalog:
            mark_record(directory, catalog)
        return earlier
