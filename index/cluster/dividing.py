"""Divides an archive into shards by day: nothing is embedded again, and the archive stays as it is.

Each shard is an archive by itself, with the calibration of the whole.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from backfile.archive.model.cluster_errors import ClusterRefused, ShardUnsplit
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import require_current, require_untouched
from backfile.index.cluster.cluster_map import DRAFT, SHARDS, ClusterMap
from backfile.index.cluster.shard_writing import write_shard
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.wiring import open_engines

BEGUN = "import.begun"  # in the folder of a cluster until its map is written
Made = Callable[[str, int], None]
"""Is called with the name of each shard that was made, and the number of its articles."""


def divide(
    settings: Settings,
    folder: Path,
    n_shards: int,
    progress: Progress,
    made: Made,
    *,
    since: Sequence[date] | None = None,
) -> ClusterMap:
    """Divide the archive in the settings into shards below `folder`, which is new or empty.

    They are of about equal sizes, or begin with the days in `since`. The map is written last:
    without it, what a killed run has left is made anew. Raises ClusterRefused if something else is
    in the folder, or the archive itself, and ArchiveMismatch if another release made the archive.
    """
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    with directory.writing(), closing(open_engines(settings).catalog) as catalog:
        require_current(directory)
        _prepare(folder, settings.archive)
        table, sizes = _articles(catalog)
        if since is None:
            cluster = ClusterMap.of_days(table.published, sizes, n_shards)
        else:
            cluster = ClusterMap.of_begins(since)
        cluster = replace(cluster, archive=catalog.archive(), generation=table.generation)
        places = cluster.place_of(table.published)
        for place, target in enumerate(cluster.folders(folder)):
            numbers = table.number[places == place]
            write_shard(settings, ArchiveDirectory(target), numbers, progress, rest=not place)
            made(target.name, len(numbers))
    cluster.write(folder)
    (folder / BEGUN).unlink()
    return cluster


def split(
    settings: Settings,
    folder: Path,
    name: str,
    progress: Progress,
    made: Made,
    *,
    day: date | None = None,
) -> ClusterMap:
    """Divide one shard of a cluster in two, in its place: up to a day, and from it on.

    Without a day, they are of about equal sizes. The map is replaced once both are whole, and the
    folder of the earlier shard is deleted after. Raises ShardUnknown, and ShardUnsplit if its news
    are all of one day, or undated.
    """
    cluster = ClusterMap.read(folder)
    place = cluster.place_named(name)
    archive = cluster.folders(folder)[place]
    settings = replace(settings, archive=archive)
    with ArchiveDirectory(archive).writing(), closing(open_engines(settings).catalog) as catalog:
        require_untouched(ArchiveDirectory(archive))
        table, sizes = _articles(catalog)
        if (begin := day or cluster.middle(table.published, sizes)) is None:
            raise ShardUnsplit(name, "its news are of one day, or undated")
        halves = cluster.split(place, begin)
        places = halves.place_of(table.published)
        for half in (place, place + 1):
            target = ArchiveDirectory(halves.folders(folder)[half])
            shutil.rmtree(target.root, ignore_errors=True)  # of a killed run
            numbers = table.number[places == half]
            write_shard(settings, target, numbers, progress, rest=half == place)
            made(target.root.name, len(numbers))
        halves.write(folder)
    shutil.rmtree(archive)
    return halves


def begin_shard(
    settings: Settings, folder: Path, day: date, progress: Progress, made: Made
) -> ClusterMap:
    """Have the news from a day on in a new shard; what there is of them moves there.

    Raises ShardUnsplit if a shard begins with that day already.
    """
    cluster = ClusterMap.read(folder)
    place = int(cluster.place_of(np.array([day.toordinal()], np.int32))[0])
    return split(settings, folder, cluster.shards[place].name, progress, made, day=day)


def _articles(catalog: Catalog) -> tuple[ArticleTable, Rows]:
    """The article table, and the number of passages of each article, (n_articles,)."""
    table = ArticleTable.load(catalog, catalog.generation())
    return table, np.bincount(table.article_of[table.alive], minlength=table.n_articles)


def _prepare(folder: Path, archive: Path) -> None:
    """Make the folder of a cluster; what a killed run has left there is deleted.

    A file says that a run has begun there: shards without it and without a map may be all that is
    left of an archive.
    """
    others = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    left = {SHARDS, BEGUN, DRAFT} if BEGUN in others else set[str]()
    if (folder.exists() and not folder.is_dir()) or others - left:
        raise ClusterRefused(folder, "it is not empty")
    if archive.resolve().is_relative_to(folder.resolve()):
        raise ClusterRefused(folder, "the archive that is to be divided lies there")
    ArchiveDirectory(folder).create()
    try:
        (folder / BEGUN).touch(mode=0o600)
        if SHARDS in others:
            shutil.rmtree(folder / SHARDS)
    except OSError as exc:
        raise ClusterRefused(folder, exc.strerror or str(exc)) from exc
