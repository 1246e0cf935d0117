"""One shard as a coordinator sees it: its name, how much it holds, and connections to it."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Protocol

from backfile.archive.model.errors import ArchiveError
from backfile.index.cluster.exchange import take_part
from backfile.index.search.searcher import Searcher

SHORTEST_REST, LONGEST_REST = 2.0, 16.0  # seconds


class Shard(Protocol):
    """One shard, wherever it is open."""

    @property
    def name(self) -> str: ...

    @property
    def articles(self) -> int:
        """The number of its articles, as it was last known."""
        ...

    def connect(self) -> Connection | None:
        """A connection over which it takes part in searches; None if it is not there now."""
        ...


class LocalShard:
    """A shard that this process has open; a thread takes part for each connection."""

    def __init__(self, name: str, searcher: Searcher) -> None:
        self.name = name
        self._searcher = searcher
        self._articles = 0

    @property
    def articles(self) -> int:
        with suppress(ArchiveError):  # it is out
            self._articles = self._searcher.table().n_articles
        return self._articles

    def connect(self) -> Connection | None:
        own, other = Pipe()
        take = threading.Thread(target=take_part, args=(other, self._searcher), daemon=True)
        take.start()
        return own


class Connections:
    """The connections to one shard: opened when all are in use, and used again."""

    def __init__(self, shard: Shard, seconds: Callable[[], float] = time.monotonic) -> None:
        self.shard = shard
        self._seconds = seconds
        self._idle: list[Connection] = []
        self._rest = 0.0
        self._rests_until = -math.inf

    @property
    def is_resting(self) -> bool:
        """Whether it is not to be asked now, as it did not answer a moment ago."""
        return self._seconds() < self._rests_until

    def rest(self) -> None:
        """Let it rest, longer each time, so that a page does not wait for it at each question."""
        self._rest = min(max(SHORTEST_REST, 2 * self._rest), LONGEST_REST)
        self._rests_until = self._seconds() + self._rest

    def has_answered(self) -> None:
        self._rest = 0.0

    def take(self) -> Connection | None:
        with suppress(IndexError):
            return self._idle.pop()
        return self.shard.connect()

    def is_there(self) -> bool:
        """Whether there is a connection; opens one if none is idle."""
        connection = self.take()
        if connection is None:
            return False
        self.give_back(connection)
        return True

    def give_back(self, connection: Connection) -> None:
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that are not in use: the shard was lost, so they are of no use."""
        while self._idle:
            self._idle.pop().close()
