"""The folders of shards: with which settings each is opened, and when one is deleted."""

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import generation_reached
from backfile.index.cluster.map.cluster_map import SHARDS, UNDATED, ClusterMap

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


def is_readable(shard: ArchiveDirectory) -> bool:
    """Whether a shard is there, and says by which model it was made and in which generation."""
    try:
        Manifest.read(shard.manifest)
    except EngineUnavailable:
        return False
    return is_there(shard) and generation_reached(shard) > 0


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
