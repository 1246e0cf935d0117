"""The folders of shards: with which settings each is opened, and when one is deleted."""

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backfile.archive.model.cluster_errors import ClusterRefused
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import PARCELS, ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.cluster.map.cluster_map import DRAFT, SHARDS, UNDATED, ClusterMap

MARK = ".seen-from-"  # begins the name of a file that machines leave in a folder for a moment
BEGUN = "import.begun"  # in the folder of a cluster until it has its map
SECONDS_KEPT = 3_600.0  # servers have an earlier shard open until all of the later ones are
DAY = r"\d{4}-\d{2}-\d{2}"
OF_SHARD = re.compile(rf"({UNDATED}|from-(beginning|{DAY})(-to-{DAY})?)(\.\d+)?")
OF_MODEL = {"model", "embedding_precision"}  # the names of settings


def shard_settings(settings: Settings, archive: Path) -> Settings:
    """The settings with which the shard in the folder `archive` is opened.

    Shards follow their archive also to another model, while servers go on with the settings that
    they were started with: the model is that of the shard, whatever is set. Raises ArchiveMissing,
    and EngineUnavailable if its manifest is damaged.
    """
    directory = ArchiveDirectory(archive)
    directory.require()
    model = Manifest.read(directory.manifest).model
    return replace(settings, archive=archive, model=model, given=settings.given - OF_MODEL)


def is_there(shard: ArchiveDirectory) -> bool:
    """Whether a shard has its record."""
    return shard.exists() and shard.catalog.is_file()


def note_left(folders: Iterable[Path]) -> None:
    """Note the time at which the map has ceased to name these folders of shards."""
    for each in folders:
        with suppress(OSError):  # it was lost
            os.utime(each)


def delete_left(cluster: ClusterMap, folder: Path) -> None:
    """Delete what earlier commands have left among the shards in `folder`.

    That is what a killed one has begun, and what the map has not named for SECONDS_KEPT. What no
    command of ours has named stays. The caller holds the lock of the cluster.
    """
    named = {each.folder for each in cluster.shards}
    for path in sorted((folder / SHARDS).glob("*")):
        if path.name in named or not OF_SHARD.fullmatch(path.name) or path.is_symlink():
            continue
        with suppress(OSError):  # the next command tries again
            if abs(time.time() - path.stat().st_mtime) > SECONDS_KEPT:
                shutil.rmtree(path)


def require_free(folder: Path, archive: Path) -> set[str]:
    """The names of what a killed run has left in a folder; raise ClusterRefused if others are."""
    found = {each.name for each in folder.iterdir()} if folder.is_dir() else set[str]()
    others = {each for each in found if not each.startswith(MARK)}
    lock = ArchiveDirectory(folder).lock.name
    left = {SHARDS, BEGUN, DRAFT, PARCELS, lock} if BEGUN in others else {lock}
    if (folder.exists() and not folder.is_dir()) or others - left:
        raise ClusterRefused(folder, "it is not empty")
    one, other = archive.resolve(), folder.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise ClusterRefused(folder, "the archive that is to be divided lies there")
    return others
