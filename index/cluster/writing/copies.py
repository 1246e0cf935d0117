"""The copies of shards on the machines that hold them: what is new for each, and writing it."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from backfile.archive.model.cluster_errors import HolderLost
from backfile.archive.store.sharding import NOWHERE, Upto
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.writing.holding import Held, Holder, Order
from backfile.index.cluster.writing.machines import Machines
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable

# Readers look for a new generation once a second; one that serves opens it aside.
SECONDS_UNTIL_READ = 2.0
NOTHING: Rows = np.empty(0, np.int64)


@dataclass(slots=True, eq=False)
class ShardCopy:
    """A copy of the shard at a `place` of the map, and what it has to take over.

    `arriving` are numbers of articles that are new or changed there, `leaving` of those that belong
    to another shard by now, and `gone` to none. `held` is None if the copy is to be made. Its
    `generation` is that in which it was left, when it had followed `upto` there.
    """

    place: int
    holder: Holder
    held: Held | None
    arriving: Rows = field(default_factory=lambda: NOTHING)
    leaving: Rows = field(default_factory=lambda: NOTHING)
    gone: Rows = field(default_factory=lambda: NOTHING)
    generation: int = 0
    upto: Upto = NOWHERE

    is_as_left: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is there, and no run that wrote it was interrupted."""
        return self.held is not None and self.held.generation > 0

    def written(self, generation: int) -> None:
        """Note that it was written, and is in this generation now."""
        self.generation, self.is_as_left = generation, False

    def compare(self, cluster: ClusterMap, articles: "Articles") -> None:
        """Find what is new for it: what has changed since it was left, if it is as it was left.

        What was restored, or was away, may also lack others, or have some that it should not. One
        that was interrupted, or made for other days, may have anything.
        """
        entry, held = cluster.shards[self.place], self.held
        here = articles.table.number[articles.places == self.place]
        if held is None:
            self.arriving = here
            return
        self.generation = held.generation
        self.is_as_left = _is_as_left(cluster, self.place, held)
        if self.is_as_left:
            self.upto = Upto(cluster.generation, cluster.lineage)
        elif held.generation and held.upto.days == cluster.days_of(self.place):
            self.upto = held.upto
        own = articles.changed_since(self.upto)
        there = self.holder.numbers_in(entry.folder, own if self.is_as_left else None)
        self.arriving = here
        if own is not None:
            is_new = np.isin(here, own)
            self.arriving = here[is_new if self.is_as_left else is_new | ~np.isin(here, there)]
        others = np.setdiff1d(there, here)
        self.gone = np.setdiff1d(others, articles.table.number)
        self.leaving = np.setdiff1d(others, self.gone)


def _is_as_left(cluster: ClusterMap, place: int, held: Held) -> bool:
    """Whether a copy is as all copies of its shard were left.

    Shards of earlier releases are known by their generations alone.
    """
    entry, upto = cluster.shards[place], held.upto
    if not held.generation or (held.generation, upto.generation) != (entry.generation, entry.upto):
        return False
    return upto == NOWHERE or (upto.lineage, upto.days) == (
        cluster.lineage,
        cluster.days_of(place),
    )


class Articles:
    """The articles of the archive, and the place of the shard of each, (n_articles,)."""

    def __init__(
        self, table: ArticleTable, cluster: ClusterMap, changed_since: Callable[[Upto], Rows | None]
    ) -> None:
        """`changed_since` returns the numbers of what has changed, None for all of them."""
        self.table = table
        self.places = cluster.place_of(table.published)
        self.changed_since = changed_since


class Plan(NamedTuple):
    """A later map, and where each of its shards comes from: a place in the earlier one.

    Those at the places in `anew` are made anew as a whole.
    """

    cluster: ClusterMap
    origins: Sequence[int]
    anew: Collection[int]

    @classmethod
    def of_same(cls, cluster: ClusterMap, anew: Collection[int] = ()) -> "Plan":
        """The same shards, of which some have another edition."""
        return cls(cluster.renewed(anew), range(len(cluster.shards)), anew)

    @classmethod
    def of_split(cls, cluster: ClusterMap, place: int, day: date) -> "Plan":
        """Two shards in the place of one: up to this day, and from it on."""
        later = [*range(place + 1), *range(place, len(cluster.shards))]
        return cls(cluster.split(place, day), later, {place, place + 1})


class Copies:
    """Copies of the shards of a map, on the machines that hold them."""

    def __init__(
        self, cluster: ClusterMap, machines: Machines, copies: Sequence[ShardCopy] = ()
    ) -> None:
        self._cluster = cluster
        self._machines = machines
        self._all = list(copies)

    @classmethod
    def found(cls, cluster: ClusterMap, machines: Machines) -> "Copies":
        """Those that machines hold, however they are."""
        folders = [each.folder for each in cluster.shards]
        held: dict[Holder, Sequence[Held | None]] = {}
        machines.each(lambda holder: held.update({holder: holder.held(folders)}))
        found = [
            ShardCopy(place, holder, each)
            for holder in machines.all
            for place, each in enumerate(held[holder])
            if each
        ]
        return cls(cluster, machines, found)

    @property
    def all(self) -> Sequence[ShardCopy]:
        """Those whose machines have not failed, in the order of shards."""
        there = self._machines.all
        return sorted((x for x in self._all if x.holder in there), key=lambda x: x.place)

    def of(self, place: int) -> Sequence[ShardCopy]:
        """Those of one shard."""
        return [each for each in self.all if each.place == place]

    def without(self, copies: Collection[ShardCopy]) -> "Copies":
        """All but these."""
        others = [each for each in self._all if each not in copies]
        return Copies(self._cluster, self._machines, others)

    def reached(self, place: int) -> int:
        """The last known generation of a shard: what is written goes on from there."""
        reached = [each.held.reached for each in self.of(place) if each.held]
        return max(self._cluster.shards[place].generation, *reached, 0)

    def planned(
        self, plan: Plan, n_copies: int, unusable: Sequence[ShardCopy], *, everything: bool
    ) -> "Copies":
        """The copies of a later map: these, and those that are to be made.

        What is made anew is made where it was. What each shard has less than `n_copies` is made on
        the machines that hold the fewest. One that has none gets as many as the map says. No other
        copy is made where there is an `unusable` one, but `everything` has that made again.
        """
        load = Counter(each.holder for each in self.all)
        planned: list[ShardCopy] = []
        for place, origin in enumerate(plan.origins):
            former = self.of(origin)
            damaged = [each.holder for each in unusable if each.place == origin and everything]
            taken = [*(each.holder for each in former), *damaged]
            others = [each.holder for each in unusable if each.place == origin]
            free = [each for each in self._machines.free if each not in (*taken, *others)]
            n_wanted = n_copies or (0 if taken else max(1, plan.cluster.copies))
            more = sorted(free, key=load.__getitem__)[: max(n_wanted - len(taken), 0)]
            load.update(more)
            if place in plan.anew:
                former, more = [], [*taken, *more]
            else:
                more = [*damaged, *more]
            planned += [replace(each, place=place) for each in former]
            planned += [ShardCopy(place, each, None) for each in more]
        return Copies(plan.cluster, self._machines, planned)

    def compare(self, table: ArticleTable, changed_since: Callable[[Upto], Rows | None]) -> None:
        """Find what is new for each, see `Articles`; the archive has this table."""
        articles = Articles(table, self._cluster, changed_since)

        def compare(holder: Holder) -> None:
            for copy in self._of(holder):
                copy.compare(self._cluster, articles)

        self._machines.each(compare)

    def write(self, after: Sequence[int], upto: Upto, *, everything: bool = False) -> ClusterMap:
        """Write what is new into all copies, up to the state of the archive that `upto` names.

        Returns the map of what there is then. An article whose day changes is added to one shard
        before it leaves the other. All copies of a shard are in one generation then, beyond that in
        `after`. The first shard has what belongs to no article, such as what became of each run.
        With `everything`, all are written. Raises HolderLost where a shard is left without a copy.
        """
        entries = self._cluster.shards

        def arrive(holder: Holder) -> None:
            made = [each for each in self._of(holder) if each.held is None]
            if made:
                holder.prepare([entries[each.place].folder for each in made])
            for copy in self._of(holder):
                changed = np.union1d(copy.arriving, copy.gone)
                has_rest = copy.place == 0
                is_due = everything or not copy.is_whole or (has_rest and copy.upto[:2] != upto[:2])
                if len(changed) or is_due:
                    order = Order(
                        entries[copy.place].folder, copy.arriving, rest=has_rest,
                        changed=changed if copy.held else None, after=after[copy.place],
                    )  # fmt: skip
                    copy.written(holder.write(order))

        def leave(holder: Holder) -> None:
            for copy in self._of(holder):
                folder = entries[copy.place].folder
                if len(copy.leaving):
                    order = Order(folder, NOTHING, rest=not copy.place, changed=copy.leaving)
                    copy.written(holder.write(order))
                elif generation := holder.calibrate(folder):
                    copy.written(generation)

        def settle(holder: Holder) -> None:
            for copy in self._of(holder):
                if copy.place in latest:
                    reached = upto._replace(days=self._cluster.days_of(copy.place))
                    holder.settle(
                        entries[copy.place].folder, copy.generation, latest[copy.place], reached
                    )

        self._machines.each(arrive)
        if any(len(each.leaving) for each in self.all):
            time.sleep(SECONDS_UNTIL_READ)
        self._machines.each(leave)
        latest = {
            place: max(each.generation for each in self.of(place))
            for place in {each.place for each in self.all if not each.is_as_left}
        }
        self._machines.each(settle)
        self._require()
        shards = tuple(
            replace(each, generation=latest[place], upto=upto.generation)
            if place in latest
            else each
            for place, each in enumerate(entries)
        )
        return replace(
            self._cluster, shards=shards, generation=upto.generation, lineage=upto.lineage
        )

    def _require(self) -> None:
        """Raise HolderLost if a shard has no copy on a machine that has not failed."""
        for place, entry in enumerate(self._cluster.shards):
            if not self.of(place):
                raise HolderLost(f"the shard {entry.name}", "no machine that has it could write it")

    def _of(self, holder: Holder) -> Sequence[ShardCopy]:
        return [each for each in self.all if each.holder is holder]
