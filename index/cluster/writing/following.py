"""Brings the shards of a cluster up to the archive that they were made from.

The archive stays the one place where articles are known, corrected, withdrawn and compared with
each other; the shards are what is searched. What has changed in it since they last followed is
copied into the shard of its day, and no other shard is written.
"""

import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backfile.archive.model.cluster_errors import ClusterMissing, ClusterUnrelated, ShardTouched
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import (
    generation_of,
    generation_reached,
    numbers_in,
    require_current,
)
from backfile.archive.store.trust import require_trusted
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.map.shard_folders import (
    delete_left,
    is_readable,
    is_there,
    note_left,
)
from backfile.index.cluster.writing.shard_writing import bring_up_calibration, write_shard
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table_file import latest
from backfile.index.seams.engines import Engines
from backfile.index.wiring import open_engines

# Readers look for a new generation once a second; one that serves opens it aside.
SECONDS_UNTIL_READ = 2.0
NOTHING: Rows = np.empty(0, np.int64)


class Followed(NamedTuple):
    """What a shard has taken over: how many articles are new or changed, and how many have left."""

    name: str
    changed: int
    left: int


def follow(
    settings: Settings,
    folder: Path,
    progress: Progress,
    followed: Callable[[Followed], None],
    *,
    everything: bool = False,
) -> ClusterMap:
    """Bring the shards in `folder` up to the archive in the settings.

    `followed` is called for each shard that was written. An article whose day changes is added to
    one shard before it leaves the other. Where the archive has another model, all shards are made
    anew beside those that are there, and the map names them once all are whole. With `everything`,
    all articles are compared, a lost shard is made anew, and what other commands have added to a
    shard is lost. A killed run can be run again. Raises ClusterUnrelated if the shards are of
    another archive, and ShardTouched.
    """
    directory = ArchiveDirectory(settings.archive)
    with _opened(settings, folder, everything=everything) as (earlier, engines):
        delete_left(earlier, folder)
        catalog = engines.catalog
        now = catalog.generation(), catalog.touched.lineage()
        moved = (earlier.generation, earlier.lineage) != now
        anew = _places_anew(directory, earlier.folders(folder))
        cluster = _begun_anew(earlier, folder, anew)
        news = _News.of(engines, cluster, folder, everything=everything)
        places = range(len(cluster.shards))
        shards = [ArchiveDirectory(path) for path in cluster.folders(folder)]
        generations = [each.generation for each in cluster.shards]
        for place in places:
            changed = np.union1d(news.arriving[place], news.gone[place])
            # The first has what belongs to no article: what became of each run.
            if len(changed) or everything or place in anew or (moved and not place):
                generations[place] = write_shard(
                    settings, shards[place], news.arriving[place], progress,
                    rest=not place, changed=changed, after=_reached(earlier, folder, place),
                )  # fmt: skip
        if any(map(len, news.leaving)):
            time.sleep(SECONDS_UNTIL_READ)
        for place in places:
            if len(leaving := news.leaving[place]):
                generations[place] = write_shard(
                    settings, shards[place], NOTHING, progress, rest=not place, changed=leaving
                )
            elif generation := bring_up_calibration(directory, shards[place]):
                generations[place] = generation
            left = len(leaving) + len(news.gone[place])
            if left or len(news.arriving[place]):
                followed(Followed(cluster.shards[place].name, len(news.arriving[place]), left))
        entries = [
            replace(each, generation=generation)
            for each, generation in zip(cluster.shards, generations, strict=True)
        ]
        cluster = replace(cluster, shards=tuple(entries), generation=now[0], lineage=now[1])
        cluster.write(folder)
        note_left(earlier.folders(folder)[place] for place in anew)
    return cluster


def require_followable(settings: Settings, folder: Path) -> None:
    """Raise the errors that `follow` would, before anything is done."""
    with _opened(settings, folder, everything=False):
        pass


@contextmanager
def _opened(
    settings: Settings, folder: Path, *, everything: bool
) -> Iterator[tuple[ClusterMap, Engines]]:
    """The map and the archive, both locked for writing."""
    if not ClusterMap.is_in(folder):
        raise ClusterMissing(folder)
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    require_trusted(folder, trust=settings.trust)
    with ArchiveDirectory(folder).locked(), directory.writing():
        cluster = ClusterMap.read(folder)
        engines = open_engines(settings)
        with closing(engines.catalog) as catalog:
            require_current(directory)
            if not cluster.archive or catalog.archive() != cluster.archive:
                raise ClusterUnrelated(folder, settings.archive)
            for path in cluster.folders(folder):
                if path.exists():
                    require_trusted(path, trust=settings.trust)
                if not everything:
                    _require_whole(ArchiveDirectory(path))
            yield cluster, engines


def _require_whole(shard: ArchiveDirectory) -> None:
    """Raise ShardTouched, or EngineUnavailable if it is damaged."""
    if not is_there(shard):
        raise ShardTouched(shard.root)
    Manifest.read(shard.manifest)
    generation_of(shard)


def _begun_anew(earlier: ClusterMap, folder: Path, places: Collection[int]) -> ClusterMap:
    """The map with other editions of these shards, of which nothing is there."""
    cluster = earlier.renewed(places)
    for place in places:
        shutil.rmtree(cluster.folders(folder)[place], ignore_errors=True)  # of a killed run
    return cluster


def _places_anew(archive: ArchiveDirectory, folders: Sequence[Path]) -> Collection[int]:
    """The places of the shards that are to be made anew: the lost ones, or all for another model.

    Vectors of two models have nothing to do with each other, so no search may be of both.
    """
    made_with = Manifest.read(archive.manifest)
    shards = [ArchiveDirectory(each) for each in folders]
    lost = {place for place, shard in enumerate(shards) if not is_readable(shard)}
    there = [shard for place, shard in enumerate(shards) if place not in lost]
    if all(Manifest.read(shard.manifest).has_model_of(made_with) for shard in there):
        return lost
    return range(len(shards))


def _reached(cluster: ClusterMap, folder: Path, place: int) -> int:
    """The last known generation of a shard: one that takes its place goes on from there."""
    shard = ArchiveDirectory(cluster.folders(folder)[place])
    return max(cluster.shards[place].generation, generation_reached(shard))


class _News(NamedTuple):
    """What each shard has to take over, as numbers of articles.

    `arriving` are new or changed there, `leaving` belong to another shard by now, and `gone` to
    none.
    """

    arriving: list[Rows]
    leaving: list[Rows]
    gone: list[Rows]

    @classmethod
    def of(
        cls, engines: Engines, cluster: ClusterMap, folder: Path, *, everything: bool
    ) -> "_News":
        """All articles of a shard are compared that is not as it was left, or not known to be."""
        catalog = engines.catalog
        table = latest(catalog, catalog.generation(), engines.table.read())
        places = cluster.place_of(table.published)
        is_of_course = catalog.touched.lineage() == cluster.lineage and not everything
        changed = catalog.touched.numbers_since(cluster.generation) if is_of_course else None
        news = cls([], [], [])
        for place, path in enumerate(cluster.folders(folder)):
            shard, as_left = ArchiveDirectory(path), cluster.shards[place].generation
            is_as_left = changed is not None and as_left and generation_of(shard) == as_left
            own = changed if is_as_left else None
            here = table.number[places == place]
            arriving = here if own is None else here[np.isin(here, own)]
            held = numbers_in(shard, own) if shard.exists() else NOTHING
            others = np.setdiff1d(held, arriving)
            gone = np.setdiff1d(others, table.number)
            news.arriving.append(arriving)
            news.leaving.append(np.setdiff1d(others, gone))
            news.gone.append(gone)
        return news
