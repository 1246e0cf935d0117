"""Shards as actors of Ray: each has one shard open, and is started again wherever it ends.

Ray places the actors, starts them again and says where they are. The rounds of a search go over a
connection to the actor itself: a call of Ray's takes several times as long.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.cluster.cluster_map import ClusterMap
from backfile.index.cluster.exchange import take_part
from backfile.index.cluster.greeting import REFUSED, ShardListener, connected
from backfile.index.model.query import Query

NAMESPACE = "backfile"
AT_ONCE = 8  # calls of one actor
KEY_BYTES = 32
SECONDS_BETWEEN_LOOKS = 0.2  # whether a lost shard is there again
SECONDS_TO_OPEN = 120.0


class Address(NamedTuple):
    """Where a shard takes part in searches, the key for it, and the number of its articles.

    `process` is the number of its process on the machine `host`.
    """

    host: str
    port: int
    key: bytes
    articles: int
    process: int


class ShardServer:
    """One shard, open in a process of Ray's."""

    def __init__(self, settings: Settings) -> None:
        import ray

        from backfile.index.wiring import open_engines, searcher_over

        engines = open_engines(settings)
        self._searcher = searcher_over(engines, settings, serving=True)
        engines.neighbours.warm()
        with suppress(ArchiveError):  # searches say so
            self._searcher.search(Query("news"))  # loads the model, which takes longer than a round
        self._host = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        self._key = secrets.token_bytes(KEY_BYTES)
        take = partial(take_part, searcher=self._searcher)
        self._listener = ShardListener(self._host, self._key, take)

    def address(self) -> Address:
        """Where it is; the answer also shows that it is open."""
        articles = self._searcher.table().n_articles
        return Address(self._host, self._listener.port, self._key, articles, os.getpid())


class RayShard:
    """A shard that is open in an actor of Ray's."""

    def __init__(self, name: str, actor: Any) -> None:
        self.name = name
        self._actor = actor
        self._lock = threading.Lock()
        self._looking: Any = actor.address.remote()
        self._looked = 0.0
        self._address: Address | None = None
        self.articles = 0

    def wait(self, seconds: float = SECONDS_TO_OPEN) -> None:
        """Wait until it is open; raise EngineUnavailable if it is not."""
        import ray

        try:
            self._found(ray.get(self._looking, timeout=seconds))
        except ray.exceptions.RayError as exc:
            raise EngineUnavailable(f"the shard {self.name}", _last_line(exc)) from exc

    @property
    def place(self) -> str:
        """Where it is, for people; empty if that is not known now."""
        found = self._address
        return f"process {found.process} on {found.host}" if found else ""

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
        """Take the address once it is known; a shard that has ended is asked again."""
        import ray

        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        ready, _ = ray.wait([self._looking], timeout=0)
        if ready:
            try:
                self._found(ray.get(ready[0]))
            except ray.exceptions.RayError:
                self._looking = self._actor.address.remote()

    def _found(self, address: Address) -> None:
        self._address, self.articles = address, address.articles


def join(address: str) -> None:
    """Connect to a Ray cluster; raise EngineUnavailable with what to do."""
    try:
        import ray
    except ImportError as exc:
        reason = "it is not installed; install backfile[cluster]"
        raise EngineUnavailable("Ray", reason) from exc
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as exc:
        reason = f"no cluster is at {address}; `ray start --head` starts one"
        raise EngineUnavailable("Ray", reason) from exc


def leave() -> None:
    """End the connection to a Ray cluster, which a child process does not inherit."""
    import ray

    ray.shutdown()


def start_shards(cluster: ClusterMap, folder: Path, settings: Settings) -> Sequence[RayShard]:
    """Start an actor for each shard, or find the one that is there; wait until they are open.

    Ray is initialised. The actors stay when this process ends; `stop_shards` ends them. One that
    cannot be opened is left out of searches, which say so.
    """
    shards = shards_there(cluster, folder, settings)
    for shard in shards:
        with suppress(EngineUnavailable):
            shard.wait()
    return shards


def shards_there(cluster: ClusterMap, folder: Path, settings: Settings) -> Sequence[RayShard]:
    """The same without waiting: a shard takes part once it is open."""
    import ray

    server = ray.remote(ShardServer)
    shards = []
    for entry, archive in zip(cluster.shards, cluster.folders(folder), strict=True):
        actor = server.options(
            name=_actor_name(archive),
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            max_concurrency=AT_ONCE,
            num_cpus=0,
            scheduling_strategy="SPREAD",
        ).remote(replace(settings, archive=archive.absolute()))
        shards.append(RayShard(entry.name, actor))
    return shards


def stop_shards(cluster: ClusterMap, folder: Path) -> int:
    """End the actors of all shards; return how many there were."""
    import ray

    stopped = 0
    for archive in cluster.folders(folder):
        with suppress(ValueError):  # there is none
            ray.kill(ray.get_actor(_actor_name(archive), NAMESPACE), no_restart=True)
            stopped += 1
    return stopped


def _actor_name(archive: Path) -> str:
    return f"shard:{archive.absolute()}"


def _last_line(exc: Exception) -> str:
    return str(exc).strip().splitlines()[-1] if str(exc).strip() else type(exc).__name__
