"""Shards as actors of Ray: each has a shard open, and is started again wherever it ends.

Ray starts the actors again and says where they are. The rounds of a search go over a connection to
the actor itself: a call of Ray's takes several times as long.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.ray.actors import Address, actor_name, actors_there, last_line
from backfile.index.cluster.ray.placing import Placing
from backfile.index.cluster.search.greeting import REFUSED, connected

SECONDS_BETWEEN_LOOKS = 0.2  # whether a lost shard is there again
TIMES_PLACED = 3
SECONDS_TO_BE_KNOWN = 2.0  # that a node needs to be known to the others
SECONDS_TO_OPEN = 120.0
SECONDS_TO_LEAVE = 60.0  # that servers have to go over from earlier shards to later ones
MOST_SECONDS_TO_END = 900.0  # that searches of earlier shards have, as an export of all articles
SECONDS_AT_LEAST = 2.0  # in which a server may connect that has just read the map
SECONDS_BETWEEN_QUESTIONS = 1.0  # whether an actor is in use
SECONDS_TO_SAY = 5.0  # that it has to answer


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
    as another shard in this folder has, or copies of it. Each is on another node where there are
    enough, of those that have the shard. Ray is initialised. The actors stay when this process
    ends; `stop_shards` ends them.
    """
    names = [entry.name for entry in cluster.shards]
    archives = cluster.folders(folder.absolute())
    usual = max(map(len, _actors_of(folder).values()), default=max(1, cluster.copies))
    for _ in range(TIMES_PLACED):
        placing = Placing(cluster, folder.absolute())
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


def wait_until_left(
    quiet: Callable[[], Sequence[float | None]],
    waits: Callable[[int], None],
    *,
    seconds: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until no replica is in use, by the clock `seconds`.

    `quiet` returns the seconds since the last message of a coordinator to each of them, None where
    none is connected. Servers go over to later shards once these are open: whoever is connected has
    SECONDS_TO_LEAVE for that. A search whose last message is not older than that is waited for, but
    no longer than MOST_SECONDS_TO_END in all. `waits` is called once, after SECONDS_TO_LEAVE, with
    the number of replicas in use.
    """
    began, has_said = seconds(), False
    sleep(SECONDS_AT_LEAST)
    while (waited := seconds() - began) < MOST_SECONDS_TO_END:
        in_use = sum(each is not None and min(each, waited) <= SECONDS_TO_LEAVE for each in quiet())
        if not in_use:
            return
        if waited > SECONDS_TO_LEAVE and not has_said:
            waits(in_use)
            has_said = True
        sleep(SECONDS_BETWEEN_QUESTIONS)


def stop_when_left(actors: Sequence[Any], waits: Callable[[int], None]) -> int:
    """End actors once nobody searches in them, see `wait_until_left`; return how many."""
    wait_until_left(lambda: [_quiet(each) for each in actors], waits)
    return _end(actors)


def _actors_of(folder: Path) -> Mapping[str, Sequence[Any]]:
    """The actors of all shards in the folder of a cluster, by name."""
    begin = f"{actor_name(folder / SHARDS)}/"
    found = actors_there().items()
    return {name: [*actors.values()] for name, actors in found if name.startswith(begin)}


def _quiet(actor: Any) -> float | None:
    """Seconds since the last message of a coordinator to an actor; None if none is connected."""
    import ray

    try:
        found: float | None = ray.get(actor.quiet.remote(), timeout=SECONDS_TO_SAY)
    except ray.exceptions.RayError:  # it has ended, or does not answer
        return None
    return found


def _end(actors: Sequence[Any]) -> int:
    import ray

    for each in actors:
        ray.kill(each, no_restart=True)
    return len(actors)
