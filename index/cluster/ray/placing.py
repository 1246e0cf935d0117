"""Places the actors that have shards open on the nodes of a Ray cluster."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.sharding import generation_reached
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.map.shard_folders import is_there
from backfile.index.cluster.ray.actors import NAMESPACE, NUMBER, actors_there, on_node
from backfile.index.cluster.ray.shard_server import ShardServer

AT_ONCE = 8  # calls of one actor
SECONDS_TO_ASK = 20.0  # where actors are, which may have to start


class Placing:
    """Starts actors so that no two replicas of a shard share a node, if there is another one.

    Ray starts an actor whose node ends, or is hardly known yet, on any other node; the next
    `Placing` mends that. `has_started` says whether there is something to look at again. None is
    ended while no other one of its shard is open.
    """

    def __init__(self, cluster: ClusterMap, folder: Path) -> None:
        """Look where actors are, and which nodes have shards of this map. Ray is initialised."""
        import ray

        self.has_started = False
        self._there = actors_there()
        actors = [each for some in self._there.values() for each in some.values()]
        asked = {each: each.address.remote() for each in actors}
        self._nodes = _nodes_of(actors)
        self._open = {each for each, call in asked.items() if _is_answered(call)}
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        alive = [str(each["NodeID"]) for each in nodes if each["Alive"]]
        self._load = Counter(dict.fromkeys(alive, 0))
        self._load.update(node for node in self._nodes.values() if node in self._load)
        self._with, self._current = _nodes_with(cluster, folder, alive)

    def actors(
        self, name: str, settings: Settings, n_replicas: int, usual: int = 1
    ) -> Sequence[Any]:
        """So many actors that have the archive in the settings open, or if 0 those that are there.

        There are as many as is `usual` where none is there. They are on nodes that have the
        archive, and are not behind, while there are enough. What is too many, is elsewhere or
        shares its node without need, is ended; and one of several, if its node has two actors more
        than another.
        """
        import ray

        there = dict(self._there.get(name, {}))
        wanted = n_replicas or len(there) or usual
        fit: Set[str] = self._current[settings.archive]
        if len(fit) < wanted:
            fit = self._with[settings.archive] or self._load.keys()
        taken: set[str] = set()
        kept: list[Any] = []
        for actor in sorted(there.values(), key=lambda each: each not in self._open):
            node = self._nodes.get(actor, "")
            is_last = len(kept) == wanted - 1 > 0
            stays = (
                len(kept) < wanted
                and (node in fit or node not in self._load)
                and (node not in taken or fit <= taken)
                and not (is_last and self._is_crowded(node, fit - taken))
            )
            if stays or self._open.isdisjoint(kept):
                kept.append(actor)
                taken |= {node} - {""}
                self.has_started |= not stays
            else:
                self._load.subtract([node] if node in self._load else [])
                ray.kill(actor, no_restart=True)
        numbers = count(max(there, default=-1) + 1)  # a name is free some time after its actor ends
        while len(kept) < wanted:
            free = fit - taken or fit
            node = min(sorted(free), key=self._load.__getitem__)
            kept.append(_started(f"{name}{NUMBER}{next(numbers)}", settings, node))
            taken.add(node)
            self._load[node] += 1
            self.has_started = True
        return kept

    def _is_crowded(self, node: str, others: Set[str]) -> bool:
        """Whether a node has two actors more than one of the others."""
        loads = [self._load[other] for other in others]
        return node in self._load and self._load[node] > min(loads, default=math.inf) + 1


def _nodes_with(
    cluster: ClusterMap, folder: Path, nodes: Sequence[str]
) -> tuple[Mapping[Path, Set[str]], Mapping[Path, Set[str]]]:
    """The nodes that have the archive of each shard, and those where it is not behind.

    As far as they say so in time.
    """
    import ray

    look: Any = ray.remote(_reached)
    asked = {}
    for node in nodes:
        there = look.options(num_cpus=0, scheduling_strategy=on_node(node, soft=False))
        asked[there.remote(cluster, folder)] = node
    generations = [each.generation for each in cluster.shards]
    due = dict(zip(cluster.folders(folder), generations, strict=True))
    having: dict[Path, set[str]] = defaultdict(set)
    current: dict[Path, set[str]] = defaultdict(set)
    for call in ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS_TO_ASK)[0]:
        with suppress(ray.exceptions.RayError):  # the node has ended
            for archive, generation in ray.get(call).items():
                having[archive].add(asked[call])
                if generation >= due[archive]:
                    current[archive].add(asked[call])
    return having, current


def _reached(cluster: ClusterMap, folder: Path) -> Mapping[Path, int]:
    """The generation of each shard of a map that this machine has.

    What another division, or a killed run, has left there is none.
    """
    try:
        own = ClusterMap.read(folder)
    except ArchiveError:
        return {}
    if own.division != cluster.division:
        return {}
    known = set(own.folders(folder))
    there = [ArchiveDirectory(each) for each in cluster.folders(folder) if each in known]
    return {each.root: generation_reached(each) for each in there if is_there(each)}


def _nodes_of(actors: Sequence[Any]) -> Mapping[Any, str]:
    """The id of the node of each actor that says so in time."""
    import ray

    asked = {actor.node.remote(): actor for actor in actors}
    if not asked:
        return {}
    found = {}
    for call in ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS_TO_ASK)[0]:
        with suppress(ray.exceptions.RayError):  # it has ended, or is starting again
            found[asked[call]] = str(ray.get(call))
    return found


def _is_answered(call: Any) -> bool:
    """Whether a replica has said that it is open."""
    import ray

    ready, _ = ray.wait([call], timeout=0)
    try:
        return bool(ready and ray.get(ready[0]))
    except ray.exceptions.RayError:
        return False


def _started(name: str, settings: Settings, node: str) -> Any:
    import ray

    server: Any = ray.remote(ShardServer)
    return server.options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_concurrency=AT_ONCE,
        num_cpus=0,
        memory=1,  # of no use, but Ray heeds no node for an actor that needs nothing
        scheduling_strategy=on_node(node, soft=True),
    ).remote(settings)
