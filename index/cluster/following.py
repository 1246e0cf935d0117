"""Brings the shards of a cluster up to the archive that they were made from.

The archive stays the one place where articles are known, corrected, withdrawn and compared with
each other; the shards are what is searched. What has changed in it since they last followed is
copied into the shard of its day, and no other shard is written.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backfile.archive.model.cluster_errors import ClusterUnrelated
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import (
    note_written,
    numbers_in,
    require_current,
    require_untouched,
)
from backfile.index.cluster.cluster_map import ClusterMap
from backfile.index.cluster.shard_writing import copy_calibration, write_shard
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table_file import latest
from backfile.index.seams.engines import Engines
from backfile.index.wiring import open_engines

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

    `followed` is called for each shard that was written. An article whose day changes is in two
    shards for a moment, and never in none. With `everything`, all articles are compared, and what
    other commands have added to a shard is lost. A killed run can be run again. Raises
    ClusterUnrelated if the shards are of another archive, and ShardTouched.
    """
    cluster = ClusterMap.read(folder)
    shards = [ArchiveDirectory(path) for path in cluster.folders(folder)]
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    engines = open_engines(settings)
    with directory.writing(), closing(engines.catalog) as catalog:
        require_current(directory)
        if not cluster.archive or catalog.archive() != cluster.archive:
            raise ClusterUnrelated(folder, settings.archive)
        for shard in shards:
            shard.require()
            if not everything:
                require_untouched(shard)
        generation = catalog.generation()
        has_runs = everything or generation != cluster.generation
        changed = None if everything else catalog.touched.numbers_since(cluster.generation)
        arriving = _arriving(engines, cluster, changed)
        for place, numbers in enumerate(arriving):
            # The first has what belongs to no article: what became of each run.
            if len(numbers) or (has_runs and not place):
                write_shard(
                    settings, shards[place], numbers, progress, rest=not place, changed=numbers
                )
        for place, shard in enumerate(shards):
            leaving = np.setdiff1d(numbers_in(shard, changed), arriving[place])
            if len(leaving):
                write_shard(settings, shard, NOTHING, progress, rest=not place, changed=leaving)
            elif copy_calibration(directory, shard):
                _announce(shard)
            if len(leaving) or len(arriving[place]):
                followed(Followed(shard.root.name, len(arriving[place]), len(leaving)))
    cluster = replace(cluster, generation=generation)
    cluster.write(folder)
    return cluster


def _arriving(engines: Engines, cluster: ClusterMap, changed: Rows | None) -> Sequence[Rows]:
    """The numbers of the changed articles that belong into each shard."""
    catalog = engines.catalog
    table = latest(catalog, catalog.generation(), engines.table.read())
    places = cluster.place_of(table.published)
    if changed is not None:
        places = np.where(np.isin(table.number, changed), places, -1)
    return [table.number[places == place] for place in range(len(cluster.shards))]


def _announce(shard: ArchiveDirectory) -> None:
    """Make the readers of a shard look again, as its calibration has changed."""
    with shard.writing(), closing(Catalog(shard.catalog)) as catalog:
        catalog.announce()
    note_written(shard)
