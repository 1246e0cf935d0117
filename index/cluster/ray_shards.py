"""Shards as actors of Ray: each has one shard open, and is started again wherever it ends.

Ray places the actors, starts them again and says where they are. The rounds of a search go over a
connection to the actor itself: a call of Ray's takes several times as long.
"""

import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.cluster.cluster_map import ClusterMap
from backfile.index.cluster.exchange import take_part

NAMESPACE = "backfile"
AT_ONCE = 8  # calls of one actor
KEY_BYTES = 32
SECONDS_BETWEEN_LOOKS = 0.2  # whether a lost shard is there again
SECONDS_TO_OPEN = 120.0
SECONDS_TO_CONNECT = 1.0
SECONDS_TO_WAIT = 60  # of one system call, for a message that is on its way


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

        self._searcher = searcher_over(open_engines(settings), settings, serving=True)
        self._host = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        self._key = secrets.token_bytes(KEY_BYTES)
        self._listener = Listener((self._host, 0), authkey=self._key)
        threading.Thread(target=self._listen, daemon=True).start()

    def address(self) -> Address:
        """Where it is; the answer also shows that it is open."""
        port = int(self._listener.address[1])
        articles = self._searcher.table().n_articles
        return Address(self._host, port, self._key, articles, os.getpid())

    def _listen(self) -> None:
        while True:
            # Of a client that has no key, or has left.
            with suppress(OSError, EOFError, AuthenticationError):
                connection = self._listener.accept()
                _set_options(connection.fileno())
                take = threading.Thread(
                    target=take_part, args=(connection, self._searcher), daemon=True
                )
                take.start()


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
            try:
                return _connected(self._address)
            except (OSError, EOFError, AuthenticationError):
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


def start_shards(cluster: ClusterMap, folder: Path, settings: Settings) -> Sequence[RayShard]:
    """Start an actor for each shard, or find the one that is there; wait until all are open.

    Ray is initialised. The actors stay when this process ends; `stop_shards` ends them.
    """
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
        ).remote(replace(settings, archive=archive.absolute()))
        shards.append(RayShard(entry.name, actor))
    for shard in shards:
        shard.wait()
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


def _connected(address: Address) -> Connection:
    """A connection to a shard; raise OSError, EOFError or AuthenticationError.

    It is what `multiprocessing.connection.Client` makes, but for its limits of time.
    """
    with socket.create_connection((address.host, address.port), SECONDS_TO_CONNECT) as made:
        made.settimeout(None)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            made.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SECONDS_TO_WAIT, 0))
        connection = Connection(made.detach())
    _set_options(connection.fileno())
    try:
        answer_challenge(connection, address.key)
        deliver_challenge(connection, address.key)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_options(descriptor: int) -> None:
    """Send small messages at once, which may take 40 ms else; find out that the other has left."""
    with socket.socket(fileno=os.dup(descriptor)) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):  # not on each system
                same.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


def _actor_name(archive: Path) -> str:
    return f"shard:{archive.absolute()}"


def _last_line(exc: Exception) -> str:
    return str(exc).strip().splitlines()[-1] if str(exc).strip() else type(exc).__name__
