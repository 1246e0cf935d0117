"""Shards that actors of a Ray cluster have open, followed by a process that uses no Ray itself.

A process of its own says where they are (`watch`). While it cannot, as the head of the cluster
is lost, searches go on where the shards were last known to be.
"""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.ray.actors import actor_name
from backfile.index.cluster.search.greeting import REFUSED, connected

WATCH = "backfile.index.cluster.ray.watch"
SECONDS_BETWEEN_STARTS = 2.0  # of the process that watches
SECONDS_UNTIL_FOUND = 5.0  # that opening waits for the first addresses
SHORTEST_PAUSE = 0.1  # seconds between two tries to connect
log = logging.getLogger(__name__)
Found = Sequence[Any]  # an `Address`, whose key is hexadecimal


class FollowedReplica:
    """A replica where it was last known to be; None if it was nowhere."""

    def __init__(self, address: Found | None) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._not_before = 0.0

    @property
    def articles(self) -> int:
        return int(self.address[3]) if self.address else 0

    def is_at(self, address: Found | None) -> bool:
        """Whether this is its address, or nothing else is known."""
        return address is None or bool(self.address and self.address[:3] == address[:3])

    def connect(self) -> Connection | None:
        if self.address is None:
            return None
        host, port, key, _, _ = self.address
        with self._lock:
            began = time.monotonic()
            if began < self._not_before:
                return None
            try:
                return connected(host, port, bytes.fromhex(key))
            except REFUSED:
                now = time.monotonic()
                self._not_before = now + max(SHORTEST_PAUSE, 2 * (now - began))
                return None


class FollowedShard:
    """A shard and its replicas, also those that cannot be opened."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.articles = 0
        self._known: Mapping[str, FollowedReplica] = {}

    @property
    def replicas(self) -> Sequence[FollowedReplica]:
        return list(self._known.values())

    @property
    def is_open(self) -> bool:
        """Whether a replica of it was open when it was last looked for."""
        return any(each.address for each in self.replicas)

    def follow(self, addresses: Mapping[str, Found | None]) -> None:
        """Take the addresses of its replicas, by number, None of those that cannot be opened.

        One that was started again is another one. As long as none has an address, those that were
        known stay: the head of a cluster may have been lost, and its actors are there.
        """
        known = {} if any(addresses.values()) else dict(self._known)
        for number, address in addresses.items():
            earlier = self._known.get(number)
            if earlier and earlier.is_at(address):
                earlier.address = address or earlier.address
                known[number] = earlier
            else:
                known[number] = FollowedReplica(address)
        self._known = known
        self.articles = max((each.articles for each in known.values()), default=0) or self.articles


class ShardWatch:
    """All shards of a divided archive, followed until it is closed."""

    def __init__(self, cluster: ClusterMap, folder: Path, address: str) -> None:
        """Follow those in the Ray cluster at `address`; wait a moment until they are found."""
        self.shards = [FollowedShard(entry.name) for entry in cluster.shards]
        names = [actor_name(archive) for archive in cluster.folders(folder)]
        self._by_name = dict(zip(names, self.shards, strict=True))
        self._address = address
        self._closed = threading.Event()
        self._found = threading.Event()
        self._process = self._started()
        threading.Thread(target=self._follow, daemon=True).start()
        self._found.wait(SECONDS_UNTIL_FOUND)

    @property
    def n_open(self) -> int:
        return sum(each.is_open for each in self.shards)

    def bring_up(self) -> None:
        """Leave it to `start` to open them; the process that watches tells when they are."""

    def close(self) -> None:
        """End the process that watches."""
        self._closed.set()
        self._process.kill()

    def _follow(self) -> None:
        while True:
            with self._process as process:
                for line in process.stdout or ():
                    for name, addresses in json.loads(line).items():
                        self._by_name[name].follow(addresses)
                    self._found.set()
            if self._closed.wait(SECONDS_BETWEEN_STARTS):
                return
            log.warning(
                "no Ray cluster answers at %s; searches go on with the shards that are known",
                self._address,
            )
            self._process = self._started()
            if self._closed.is_set():
                self._process.kill()

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603, our own
            [sys.executable, "-m", WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with suppress(OSError):  # it has ended already
            if process.stdin:
                process.stdin.write(json.dumps([self._address, list(self._by_name)]) + "\n")
                process.stdin.flush()
        return process
