"""Shards as actors of Ray: each has a shard open, and is started again wherever it ends.

Ray starts the actors again and says where they are. The rounds of a search go over a connection to
the actor itself: a call of Ray's takes several times as long.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.cluster.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.greeting import REFUSED, connected
from backfile.index.cluster.ray_actors import Address, actor_name, actors_there, last_line
from backfile.index.cluster.ray_placing import Placing

SECONDS_BETWEEN_LOOKS = 0.2  # whether a lost shard is there again
TIMES_PLACED = 3
SECONDS_TO_BE_KNOWN = 2.0  # that a node needs to be known to the others
SECONDS_TO_OPEN = 120.0
SECONDS_TO_LEAVE = 60.0  # that searches of earlier shards have to end
SECONDS_TO_SAY = 5.0  # whether an actor is asked by anybody


class RayReplica:
    """A replica that is open in an actor of Ray's."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._lock = threading.Lock()
        self._looking: Any = actor.address.remote()
        self._looked = 0.0
        self._address: Address | None = None

    @property
    def articles(self) -> int:
        return self._address.articles if self._address else 0

    def wait(self, seconds: float = SECONDS_TO_OPEN) -> None:
        """Wait until it is open; raise EngineUnavailable if it is not."""
        import ray

        try:
            self._address = ray.get(self._looking, timeout=seconds)
        except ray.exceptions.RayError as exc:
            raise EngineUnavailable("the replica", last_line(exc)) from exc

    @property
    def place(self) -> str:
        """Where it is, for people; empty if that is not known now."""
        found = self._address
        return f"process {found.process} on {found.host}" if found else ""

    def failures(self, seconds: float = SECONDS_TO_OPEN) -> Sequence[str]:
        """What is wrong with it; nothing if it can be searched."""
        import ray

        try:
            found: Sequence[str] = ray.get(self._actor.failures.remote(), timeout=seconds)
        except ray.exceptions.RayError as exc:
            return [last_line(exc)]
        return found

    def connect(self) -> Connection | None:
        with self._lock:
            if self._address is None:
                self._look()
            if self._address is None:
                return None
            found = self._address
            try:
                return connected(found.host, found.port, found.key)
            except REFUSED:
                self._address, self._looking = None, self._actor.address.remote()
                return None

    def _look(self) -> None:
        """Take the address once it is known; a replica that has ended is asked again."""
        import ray

        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        ready, _ = ray.wait([self._looking], timeout=0)
        if ready:
            try:
                self._address = ray.get(ready[0])
            except ray.exceptions.RayError:
                self._looking = self._actor.address.remote()


class RayShard:
    """A shard that is open in actors of Ray's."""

    def __init__(self, name: str, replicas: Sequence[RayReplica]) -> None:
        self.name = name
        self.replicas = replicas

    @property
    def articles(self) -> int:
        return max((each.articles for each in self.replicas), default=0)

    def wait(self) -> None:
        """Wait until each replica is open, or cannot be opened."""
        for replica in self.replicas:
            with suppress(EngineUnavailable):
                replica.wait()


def start_shards(
    cluster: ClusterMap, folder: Path, settings: Settings, n_replicas: int = 0
) -> Sequence[RayShard]:
    """Start actors for each shard, or find those that are there; do not wait until they are open.

    There are `n_replicas` of each then, or if 0 as many as there are; where there are none, as many
    as another shard in this folder has, at least one. Each is on another node where there are
    enough. Ray is initialised. The actors stay when this process ends;
    `stop_shards` ends them.
    """
    names = [entry.name for entry in cluster.shards]
    archives = [archive.absolute() for archive in cluster.folders(folder)]
    usual = max(map(len, _actors_of(folder).values()), default=1)
    for _ in range(TIMES_PLACED):
        placing = Placing()
        actors = [
            placing.actors(actor_name(each), replace(settings, archive=each), n_replicas, usual)
            for each in archives
        ]
        if not placing.has_started:
            break
        time.sleep(SECONDS_TO_BE_KNOWN)
    found = zip(names, actors, strict=True)
    return [RayShard(name, [*map(RayReplica, own)]) for name, own in found]


def shards_there(cluster: ClusterMap, folder: Path) -> Sequence[RayShard]:
    """The shards with the actors that are there; they may be still opening."""
    there = actors_there()
    return [
        RayShard(entry.name, [*map(RayReplica, there.get(actor_name(archive), {}).values())])
        for entry, archive in zip(cluster.shards, cluster.folders(folder), strict=True)
    ]


def stop_shards(folder: Path) -> int:
    """End the actors of all shards in the folder, also of earlier ones; return how many."""
    return _end([each for actors in _actors_of(folder).values() for each in actors])


def earlier_actors(cluster: ClusterMap, folder: Path) -> Sequence[Any]:
    """The actors of shards in the folder that its map no longer names."""
    named = {actor_name(archive) for archive in cluster.folders(folder)}
    others = (actors for name, actors in _actors_of(folder).items() if name not in named)
    return [each for actors in others for each in actors]


def stop_when_left(actors: Sequence[Any], seconds: float = SECONDS_TO_LEAVE) -> int:
    """End actors once nobody searches in them, at the latest after so many seconds.

    Servers go over to later shards once these are open. Returns how many were ended.
    """
    until = time.monotonic() + seconds
    time.sleep(SECONDS_TO_BE_KNOWN)
    while time.monotonic() < until and any(map(_is_asked, actors)):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return _end(actors)


def _actors_of(folder: Path) -> Mapping[str, Sequence[Any]]:
    """The actors of all shards in the folder of a cluster, by name."""
    begin = f"{actor_name(folder / SHARDS)}/"
    found = actors_there().items()
    return {name: [*actors.values()] for name, actors in found if name.startswith(begin)}


def _is_asked(actor: Any) -> bool:
    """Whether a coordinator is connected with an actor."""
    import ray

    try:
        return bool(ray.get(actor.coordinators.remote(), timeout=SECONDS_TO_SAY))
    except ray.exceptions.RayError:  # it has ended, or does not answer
        return False


def _end(actors: Sequence[Any]) -> int:
    import ray

    for each in actors:
        ray.kill(each, no_restart=True)
    return len(actors)
