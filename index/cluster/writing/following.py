"""Brings the shards of a cluster up to the archive that they were made from.

The archive stays the one place where articles are known, corrected, withdrawn and compared with
each other; the shards are what is searched. What has changed in it since they last followed is
copied into the shard of its day, on each machine that holds it, and no other shard is written.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backfile.archive.model.cluster_errors import (
    ClusterElsewhere,
    ClusterMissing,
    ClusterUnrelated,
    HolderLost,
    ShardAway,
    ShardTouched,
    ShardUnsplit,
)
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import NOWHERE, Upto, generation_of, require_current
from backfile.archive.store.trust import require_trusted
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.map.shard_folders import is_there
from backfile.index.cluster.writing.copies import Copies, Plan, ShardCopy
from backfile.index.cluster.writing.holding import HERE, LocalHolder
from backfile.index.cluster.writing.machines import Machines, OtherHolder, raised
from backfile.index.cluster.writing.parcels import delete_parcels
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import latest
from backfile.index.seams.engines import Engines
from backfile.index.wiring import open_engines


class Followed(NamedTuple):
    """What a copy of a shard has taken over: how many articles are new or changed, or have left.

    `place` says on which machine it is, for people.
    """

    name: str
    place: str
    changed: int
    left: int


def follow(
    settings: Settings,
    folder: Path,
    progress: Progress,
    followed: Callable[[Followed], None],
    *,
    everything: bool = False,
    elsewhere: Sequence[OtherHolder] | None = None,
    n_copies: int = 0,
    divided: tuple[str, date | None] | None = None,
    lost: Callable[[HolderLost], None] = raised,
) -> ClusterMap:
    """Bring the shards in `folder` up to the archive in the settings, and their copies elsewhere.

    `followed` is called for each copy that was written. An article whose day changes is added to
    one shard before it leaves the other. Where the archive has another model, all shards are made
    anew beside those that are there, and the map names them once all are whole. With `everything`,
    all articles are compared, a lost shard is made anew, and what other commands have added to a
    shard is lost. Shards that lie `elsewhere` are written there, by all machines at once; None
    means that no other was looked for. With `n_copies`, what each shard has less is made, on
    machines that hold the fewest. With `divided`, a shard and a day, two shards take the place of
    that one; without a day, of about equal sizes. `lost` is called for each machine that fails; its
    copies are compared with the archive the next time. A killed run can be run again. Raises
    ClusterUnrelated if the shards are of another archive, ShardTouched, ShardAway where no machine
    has a shard, ShardUnsplit, and HolderLost where no copy of a shard could be written.
    """
    with _opened(settings, folder, elsewhere, everything=everything) as (earlier, engines):
        machines = Machines(LocalHolder(settings, folder, progress), elsewhere or (), lost)
        machines.begin(earlier)
        found = Copies.found(earlier, machines)
        unusable = list(_unusable(found, earlier, folder, lost, everything=everything))
        usable = found.without(unusable)
        away = [each.name for n, each in enumerate(earlier.shards) if not usable.of(n)]
        if away and not everything:
            raise ShardAway(away[0], folder)
        catalog = engines.catalog
        table = latest(catalog, catalog.generation(), engines.table.read())
        plan = _planned(ArchiveDirectory(settings.archive), earlier, usable, table, divided)
        known = n_copies if elsewhere and n_copies else earlier.copies
        plan = plan._replace(cluster=replace(plan.cluster, copies=known))
        if not everything:
            _require_untouched(plan, unusable, earlier, folder)
        copies = usable.planned(plan, n_copies, unusable, everything=everything)
        upto = Upto(catalog.generation(), catalog.touched.lineage())
        copies.compare(table, partial(_changed_since, catalog, everything=everything))
        after = [found.reached(place) for place in plan.origins]
        cluster = copies.write(after, upto, everything=everything)
        for each in copies.all:
            left = len(each.leaving) + len(each.gone)
            if left or len(each.arriving):
                name = cluster.shards[each.place].name
                followed(Followed(name, each.holder.place, len(each.arriving), left))
        machines.finish(cluster, [earlier.shards[plan.origins[n]].folder for n in plan.anew])
        for place, entry in enumerate(cluster.shards):
            n = len(copies.of(place))
            if n < cluster.copies and not machines.have_failed:
                lost(HolderLost(entry.name, few_copies(n, cluster.copies)))
    return cluster


def require_followable(
    settings: Settings, folder: Path, elsewhere: Sequence[OtherHolder] | None = None
) -> None:
    """Raise what `follow` would of the map, the archive and the shards of this machine."""
    with _opened(settings, folder, elsewhere, everything=False):
        pass


@contextmanager
def _opened(
    settings: Settings, folder: Path, elsewhere: Sequence[OtherHolder] | None, *, everything: bool
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
            if cluster.copies and elsewhere is None:
                raise ClusterElsewhere(folder)
            delete_parcels(settings.archive)
            for path in cluster.folders(folder):
                if path.exists():
                    require_trusted(path, trust=settings.trust)
                is_here = is_there(ArchiveDirectory(path)) or not (elsewhere or cluster.copies)
                if is_here and not everything:
                    _require_whole(ArchiveDirectory(path))
            yield cluster, engines


def _require_whole(shard: ArchiveDirectory) -> None:
    """Raise ShardTouched, or EngineUnavailable if it is damaged."""
    if not is_there(shard):
        raise ShardTouched(shard.root)
    Manifest.read(shard.manifest)
    generation_of(shard)


def _unusable(
    found: Copies,
    cluster: ClusterMap,
    folder: Path,
    lost: Callable[[HolderLost], None],
    *,
    everything: bool,
) -> Iterator[ShardCopy]:
    """The copies that cannot be written to; say so of those on other machines."""
    for each in found.all:
        held, path = each.held, cluster.folders(folder)[each.place]
        if held is None or (held.is_readable and (everything or not held.is_touched)):
            continue
        if each.holder.place != HERE:
            lost(HolderLost(each.holder.place, held.wrong or str(ShardTouched(path))))
        yield each


def _require_untouched(
    plan: Plan, unusable: Sequence[ShardCopy], cluster: ClusterMap, folder: Path
) -> None:
    """Raise ShardTouched if what is made anew has a copy that another command has changed."""
    origins = {plan.origins[place] for place in plan.anew}
    for each in unusable:
        if each.place in origins and each.held and each.held.is_touched:
            raise ShardTouched(cluster.folders(folder)[each.place])


def few_copies(n: int, wanted: int) -> str:
    """What is said of a shard with fewer copies than there are to be."""
    made = f"`backfile cluster update --copies {wanted}` makes what is missing"
    return f"{n} of {wanted} copies could be reached; {made}"


def _changed_since(catalog: Catalog, upto: Upto, *, everything: bool) -> Rows | None:
    """The articles that have changed since, as far as that is known; None for all."""
    if everything or upto[:2] == NOWHERE[:2] or upto.lineage != catalog.touched.lineage():
        return None
    return catalog.touched.numbers_since(upto.generation)


def _planned(
    archive: ArchiveDirectory,
    cluster: ClusterMap,
    copies: Copies,
    table: ArticleTable,
    divided: tuple[str, date | None] | None,
) -> Plan:
    """What is to be made anew: the halves, and what is lost; or all, for another model.

    Vectors of two models have nothing to do with each other, so no search may be of both.
    """
    plan = Plan.of_same(cluster)
    if divided is not None:
        name, day = divided
        plan = Plan.of_split(
            cluster, place := cluster.place_named(name), day or _middle(cluster, place, table)
        )
    made_with = Manifest.read(archive.manifest)
    there = [each.held.made_with for each in copies.all if each.held]
    has_all = all(each and each.has_model_of(made_with) for each in there)
    anew = {n for n, origin in enumerate(plan.origins) if not has_all or not copies.of(origin)}
    anew -= set(plan.anew)
    return Plan(plan.cluster.renewed(anew), plan.origins, anew | set(plan.anew))


def _middle(cluster: ClusterMap, place: int, table: ArticleTable) -> date:
    """The day that divides a shard into two of about equal sizes; raise ShardUnsplit."""
    own = cluster.place_of(table.published) == place
    sizes = np.bincount(table.article_of[table.alive], minlength=table.n_articles)
    if (day := cluster.middle(table.published[own], sizes[own])) is None:
        raise ShardUnsplit(cluster.shards[place].name, "its news are of one day, or undated")
    return day
