"""Copies a divided archive: a backup of each shard, what people have collected, and the map."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from backfile.archive.model.cluster_errors import ClusterMissing
from backfile.archive.model.errors import BackupRefused
from backfile.archive.model.settings import Settings
from backfile.archive.store.backup import back_up
from backfile.archive.store.backup_files import BackupReport
from backfile.archive.store.backup_list import Watch
from backfile.archive.store.collections_file import copy_collections
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.draft import are_apart
from backfile.archive.store.trust import require_trusted
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.map.shard_folders import delete_left, note_left
from backfile.index.wiring import caches_of

ELSEWHERE = "shards lie on other machines; `backfile backup` copies the archive that they follow"
Watching = Callable[[str], AbstractContextManager[Watch]]
Copied = Callable[[str, BackupReport], None]


def back_up_cluster(
    settings: Settings, folder: Path, place: Path, watching: Watching, copied: Copied
) -> None:
    """Make a backup of the cluster in a folder; what has not changed is taken from the last one.

    No shard is written meanwhile, so all are of one state. `copied` is called for each. Raises
    ClusterMissing, ArchiveBusy, BackupRefused where something else is at the place, and
    EngineUnavailable if the map there is damaged.
    """
    if not ClusterMap.is_in(folder):
        raise ClusterMissing(folder)
    if not are_apart(folder.resolve(), place.resolve()):
        raise BackupRefused(place, "name a folder outside of what is to be copied")
    if place.exists() and any(place.iterdir()) and not (place / SHARDS).is_dir():
        raise BackupRefused(place, "other files are there; name a new folder")
    with ArchiveDirectory(folder).locked():
        cluster = ClusterMap.read(folder)
        if cluster.n_away(folder):
            raise BackupRefused(place, ELSEWHERE)
        ArchiveDirectory(place).create()
        earlier = ClusterMap.read(place) if ClusterMap.is_in(place) else cluster
        delete_left(earlier, place)
        pairs = zip(cluster.folders(folder), cluster.folders(place), strict=True)
        for entry, (shard, copy) in zip(cluster.shards, pairs, strict=True):
            require_trusted(shard, trust=settings.trust)
            directory = ArchiveDirectory(shard)
            with watching(entry.name) as watch:
                report = back_up(directory, copy, caches_of(directory), watch)
            copied(entry.name, report)
        source, target = ArchiveDirectory(folder), ArchiveDirectory(place)
        copy_collections(source.collections, target.collections)
        cluster.write(place)
        note_left(set(earlier.folders(place)) - set(cluster.folders(place)))
