"""The replicas of a shard, one of which takes part in each search, and the connections to them."""

import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from backfile.index.cluster.search.shards import Replica, Shard
from backfile.index.model.collection_statistics import CollectionStatistics

SHORTEST_REST, LONGEST_REST = 2.0, 16.0  # seconds


class Connections:
    """The connections to one replica: opened when all are in use, and used again.

    `statistics` are those that it had when it was last asked, None if they are not known.
    """

    def __init__(self, shard: Shard, replica: Replica, seconds: Callable[[], float]) -> None:
        self.shard = shard
        self.statistics: CollectionStatistics | None = None
        self._replica = replica
        self._seconds = seconds
        self._idle: list[Connection] = []
        self._in_use: set[Connection] = set()
        self._confirmed = -math.inf
        self._rest = 0.0
        self._rests_until = self._passed_over_until = -math.inf

    @property
    def at_work(self) -> int:
        """How many searches it takes part in now."""
        return len(self._in_use)

    @property
    def is_resting(self) -> bool:
        """Whether it is not to be asked now, as it did not answer a moment ago.

        After its rest, it is asked one question, and others once it has answered that.
        """
        return self._seconds() < self._rests_until or bool(self._rest and self._in_use)

    @property
    def is_passed_over(self) -> bool:
        """Whether another replica is to be asked in its place, if there is one."""
        return self._seconds() < self._passed_over_until

    def rest(self) -> None:
        """Let it rest, longer each time, so that a page does not wait for it at each question."""
        self._rest = min(max(SHORTEST_REST, 2 * self._rest), LONGEST_REST)
        self._rests_until = self._seconds() + self._rest

    def pass_over(self) -> None:
        """Ask others for a moment: it failed, or is behind them."""
        self._passed_over_until = self._seconds() + SHORTEST_REST

    def has_answered(self) -> None:
        self._rest = 0.0

    def confirm(self) -> None:
        """Note that its statistics are those that are known, by its own word."""
        self._confirmed = self._seconds()

    def is_confirmed(self, seconds: float) -> bool:
        """Whether they were known to be so many seconds ago, or less."""
        return self._seconds() - self._confirmed <= seconds

    def take(self) -> Connection | None:
        """A connection to have alone, until it is given back or dropped; None if there is none."""
        try:
            connection = self._idle.pop()
        except IndexError:
            made = self._replica.connect()
            if made is None:
                self.statistics = None
                return None
            connection = made
        self._in_use.add(connection)
        return connection

    def is_there(self) -> bool:
        """Whether there is a connection; opens one if none is idle."""
        connection = self.take()
        if connection is None:
            return False
        self.give_back(connection)
        return True

    def give_back(self, connection: Connection) -> None:
        self._in_use.discard(connection)
        self._idle.append(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection that was taken: the replica stands somewhere in a search."""
        self._in_use.discard(connection)
        connection.close()

    def close(self) -> None:
        """Close those that are not in use: the replica was lost, so they are of no use."""
        self.statistics = None
        with suppress(IndexError):
            while True:
                self._idle.pop().close()


class ReplicaBehind(Exception):
    """A replica is in an earlier generation of its shard than another one that answers."""

    def __init__(self, replica: Connections) -> None:
        self.replica = replica


class Replicas:
    """All replicas of one shard, for any number of threads."""

    def __init__(self, shard: Shard, seconds: Callable[[], float] = time.monotonic) -> None:
        self.shard = shard
        self._seconds = seconds
        self._lock = threading.Lock()
        self._connections: dict[Replica, Connections] = {}

    def all(self) -> Sequence[Connections]:
        """The connections to those that the shard has now; those to others are closed."""
        with self._lock:
            there = self.shard.replicas
            for gone in self._connections.keys() - there:
                self._connections.pop(gone).close()
            for each in there:
                if each not in self._connections:
                    self._connections[each] = Connections(self.shard, each, self._seconds)
            return [self._connections[each] for each in there]

    def chosen(
        self, turn: int, failed: Collection[Connections], *, resting: bool = False
    ) -> Connections | None:
        """The replica to ask, and not one that `failed`; None if there is none.

        It is one with the fewest searches at work; among equals, it is the `turn` that decides. Ask
        those that are `resting`, too, if no shard has another.
        """
        found = self.all()
        order = [found[(turn + i) % len(found)] for i in range(len(found))]
        left = [each for each in order if each not in failed and (resting or not each.is_resting)]
        left.sort(key=lambda each: (each.is_passed_over, each.at_work))
        return next((each for each in left if each.is_there()), None)

    def is_behind(self, statistics: CollectionStatistics) -> bool:
        """Whether another replica is known to be in a later generation than that of these."""
        known = [each.statistics for each in self.all()]
        return any(each and each.generation > statistics.generation for each in known)

    def close(self) -> None:
        """Close all connections that are not in use."""
        for each in self.all():
            each.close()
