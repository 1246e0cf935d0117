"""Divides an archive into shards by day: nothing is embedded again, and the archive stays as it is.

Each shard is an archive by itself, with the calibration of the whole.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from backfile.archive.model.cluster_errors import (
    ClusterElsewhere,
    ClusterMissing,
    ClusterRefused,
    HolderLost,
    ShardUnsplit,
)
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import Upto, generation_of, require_current
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.map.shard_folders import (
    BEGUN,
    delete_left,
    note_left,
    require_free,
    shard_settings,
)
from backfile.index.cluster.writing.copies import Copies, Plan
from backfile.index.cluster.writing.holding import LocalHolder
from backfile.index.cluster.writing.machines import Machines, OtherHolder, raised
from backfile.index.cluster.writing.parcels import delete_parcels
from backfile.index.cluster.writing.shard_writing import write_shard
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.wiring import open_engines

DIVISION_BITS = 62
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
    elsewhere: Sequence[OtherHolder] = (),
    n_copies: int = 0,
    lost: Callable[[HolderLost], None] = raised,
) -> ClusterMap:
    """Divide the archive in the settings into shards below `folder`, which is new or empty.

    They are of about equal sizes, or begin with the days in `since`. Each is written on `n_copies`
    machines, into the same folder of each. The map is written last: without it, what a killed run
    has left is made anew. Raises ClusterRefused if something else is in the folder, or the archive
    itself, and ArchiveMismatch if another release made the archive. See `follow` for `lost`.
    """
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    with directory.writing(), closing(open_engines(settings).catalog) as catalog:
        require_current(directory)
        with _prepared(folder, settings.archive):
            delete_parcels(settings.archive)
            planned = _plan(catalog, n_shards, since)
            planned = replace(planned, copies=n_copies * bool(elsewhere))
            table, _ = _articles(catalog)
            machines = Machines(LocalHolder(settings, folder, progress), elsewhere, lost)
            machines.begin(planned)
            copies = Copies(planned, machines).planned(
                Plan.of_same(planned), 0, (), everything=False
            )
            copies.compare(table, lambda _: None)
            upto = Upto(planned.generation, planned.lineage)
            cluster = copies.write([0] * len(planned.shards), upto)
            machines.finish(cluster, ())
            sizes = np.bincount(cluster.place_of(table.published), minlength=len(cluster.shards))
            for place, entry in enumerate(cluster.shards):
                made(entry.name, int(sizes[place]))
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

    Without a day, they are of about equal sizes. The map is replaced once both are whole; the
    folder of the earlier shard stays for those who have it open (see `delete_left`). Raises
    ShardUnknown, ShardUnsplit if its news are all of one day, or
    undated, and ClusterElsewhere if shards lie on several machines: `follow` divides these.
    """
    if not ClusterMap.is_in(folder):
        raise ClusterMissing(folder)
    with ArchiveDirectory(folder).locked():
        cluster = ClusterMap.read(folder)
        if cluster.copies:
            raise ClusterElsewhere(folder)
        place = cluster.place_named(name)
        archive = cluster.folders(folder)[place]
        delete_left(cluster, folder)
        settings = shard_settings(settings, archive)
        with ArchiveDirectory(archive).writing():
            generation_of(ArchiveDirectory(archive))
            halves = _split(settings, folder, cluster, place, day, progress, made)
            halves.write(folder)
        note_left([archive])
    return halves


def _split(
    settings: Settings,
    folder: Path,
    cluster: ClusterMap,
    place: int,
    day: date | None,
    progress: Progress,
    made: Made,
) -> ClusterMap:
    """Make both halves of the shard in the settings; return the map that has them."""
    with closing(open_engines(settings).catalog) as catalog:
        table, sizes = _articles(catalog)
        if (begin := day or cluster.middle(table.published, sizes)) is None:
            raise ShardUnsplit(cluster.shards[place].name, "its news are of one day, or undated")
        halves = cluster.split(place, begin)
        places = halves.place_of(table.published)
        entries = list(halves.shards)
        # Only what a shard as it was left has can be said to have followed the archive.
        left = cluster.shards[place].generation
        is_as_left = left > 0 and left == generation_of(ArchiveDirectory(settings.archive))
        for half in (place, place + 1):
            target = ArchiveDirectory(halves.folders(folder)[half])
            shutil.rmtree(target.root, ignore_errors=True)  # of a killed run
            numbers = table.number[places == half]
            generation = write_shard(
                settings, target, numbers, progress, rest=half == place, after=catalog.generation()
            )
            entries[half] = replace(entries[half], generation=generation * is_as_left)
            made(entries[half].name, len(numbers))
        return replace(halves, shards=tuple(entries))


def begin_shard(
    settings: Settings, folder: Path, day: date, progress: Progress, made: Made
) -> ClusterMap:
    """Have the news from a day on in a new shard; what there is of them moves there.

    Raises ShardUnsplit if a shard begins with that day already.
    """
    name = ClusterMap.read(folder).name_of(day)
    return split(settings, folder, name, progress, made, day=day)


def _plan(catalog: Catalog, n_shards: int, since: Sequence[date] | None) -> ClusterMap:
    """The map of the shards that are to be made of an archive."""
    if since is None:
        table, sizes = _articles(catalog)
        cluster = ClusterMap.of_days(table.published, sizes, n_shards)
    else:
        cluster = ClusterMap.of_begins(since)
    return replace(
        cluster,
        archive=catalog.archive(),
        generation=catalog.generation(),
        lineage=catalog.touched.lineage(),
        division=secrets.randbits(DIVISION_BITS),
    )


def _articles(catalog: Catalog) -> tuple[ArticleTable, Rows]:
    """The article table, and the number of passages of each article, (n_articles,)."""
    table = ArticleTable.load(catalog, catalog.generation())
    return table, np.bincount(table.article_of[table.alive], minlength=table.n_articles)


@contextmanager
def _prepared(folder: Path, archive: Path) -> Iterator[None]:
    """Make the folder of a cluster, and lock it; what a killed run has left there is deleted.

    A file says that a run has begun there: shards without it and without a map may be all that is
    left of an archive.
    """
    require_free(folder, archive)
    directory = ArchiveDirectory(folder)
    directory.create()
    with directory.locked():
        others = require_free(folder, archive)
        try:
            (folder / BEGUN).touch(mode=0o600)
            if SHARDS in others:
                shutil.rmtree(folder / SHARDS)
        except OSError as exc:
            raise ClusterRefused(folder, exc.strerror or str(exc)) from exc
        yield
