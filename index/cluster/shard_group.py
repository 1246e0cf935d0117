"""The shards of a divided archive: asks all that answer one question, and says which are out.

A shard that is lost is left out, and the question is asked again of the others. It is asked again
as soon as it is there.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Generic, NamedTuple, TypeVar

from backfile.archive.model.errors import ArticleNotFound, EngineUnavailable, ShardsOut
from backfile.archive.model.message import Message
from backfile.index.cluster.coordinator import Coordinated, Coordinator, ShardLost
from backfile.index.cluster.exchange import Asked
from backfile.index.cluster.questions import AskedStatistics, Known
from backfile.index.cluster.shards import Connections, Shard
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.search.question import Question
from backfile.index.search.snapshot import StatisticsChanged

log = logging.getLogger(__name__)
ATTEMPTS = 5  # while shards change between two searches
SECONDS_BETWEEN_WARNINGS = 60.0  # about one shard
T = TypeVar("T")
Attempt = Callable[[Sequence[Connections]], T]


class Answer(NamedTuple, Generic[T]):
    """The answer to a question, and the shards that took part in it."""

    value: T
    shards: Sequence[Shard]


class ShardGroup:
    """All shards of a divided archive, for any number of threads."""

    def __init__(self, shards: Sequence[Shard], *, seconds_a_round: float) -> None:
        """A shard that does not answer within `seconds_a_round` is left out."""
        self.shards = shards
        self._connections = [Connections(shard) for shard in shards]
        self._coordinator = Coordinator(seconds_a_round=seconds_a_round)
        self._statistics: dict[Connections, CollectionStatistics] = {}
        self._of_thread = threading.local()
        self._warned: dict[str, float] = {}

    @property
    def last(self) -> Coordinated:
        """What the last question of this thread took, but for a list that was passed on."""
        found: Coordinated = self._of_thread.last
        return found

    def ask(self, question: Question[T], budget: float = math.inf) -> Answer[T]:
        """Ask all shards that answer; after `budget` seconds they are told that it is late.

        Raises ShardsOut if none answers, and EngineUnavailable instead of ArticleNotFound if a
        shard is out that may have the article.
        """

        def attempt(some: Sequence[Connections]) -> Coordinated:
            return self._in_all(question, some, self._known(some), budget)

        found, shards = self._of_all_there(attempt)
        self._of_thread.last = found
        value: T = found.value
        return Answer(value, shards)

    def stream(self, question: Asked, *, needs_all: bool = False) -> Answer[Iterator[Any]]:
        """Iterate over what the first shard passes on; the first item is there when it returns.

        A shard that is lost later ends it with EngineUnavailable; if the question `needs_all`, so
        does one that is out.
        """

        def attempt(some: Sequence[Connections]) -> Iterator[Any]:
            passed = self._passed(question, some)
            return _resumed(next(passed), passed)

        return Answer(*self._of_all_there(attempt, needs_all=needs_all))

    def close(self) -> None:
        """Close all connections."""
        for each in self._connections:
            each.close()

    def forget_statistics(self) -> None:
        """Ask for the statistics of all shards anew."""
        self._statistics.clear()

    def _of_all_there(
        self, attempt: Attempt[T], *, needs_all: bool = False
    ) -> tuple[T, Sequence[Shard]]:
        """What an attempt returns over all shards that answer, and these."""
        left = list(self._connections)
        tried_again: set[Connections] = set()
        for _ in range(ATTEMPTS + 2 * len(left)):
            awake = [each for each in left if not each.is_resting or needs_all]
            there = [each for each in awake or left if each.is_there()]
            if needs_all and len(there) < len(self.shards):
                raise _incomplete(next(each for each in left if each not in there))
            left = there
            if not left:
                break
            try:
                found = attempt(left)
            except ShardLost as exc:
                lost = left[exc.place]
                lost.close()
                if lost in tried_again or not exc.may_be_back:
                    if needs_all:
                        raise _incomplete(lost, exc) from exc
                    self._warn(lost.shard.name, exc)
                    left.remove(lost)
                    if exc.hangs:
                        lost.rest()
                tried_again.add(lost)
            except StatisticsChanged:
                self.forget_statistics()
            except ArticleNotFound as exc:
                if len(left) < len(self.shards):
                    raise not_found_now(exc) from exc
                raise
            else:
                return found, [each.shard for each in left]
        if left:
            raise EngineUnavailable("the archive", "its shards are changing; try again in a minute")
        raise ShardsOut(len(self.shards))

    def _warn(self, name: str, exc: ShardLost) -> None:
        """Log that a shard is left out, at most once in SECONDS_BETWEEN_WARNINGS."""
        now = time.monotonic()
        if now - self._warned.get(name, -math.inf) > SECONDS_BETWEEN_WARNINGS:
            self._warned[name] = now
            log.warning("the shard %s is left out: %s", name, exc)

    def _passed(self, question: Asked, some: Sequence[Connections]) -> Iterator[Any]:
        known = self._known(some)
        taken = self._taken(some)
        begun = False
        try:
            for each in self._coordinator.passed(question, taken, math.inf, known):
                begun = True
                yield each
        except ShardLost as exc:
            _close(taken)
            if begun:
                raise _incomplete(some[exc.place], exc) from exc
            raise
        except BaseException:  # whoever takes the items may have left, too
            _close(taken)
            raise
        for connections, connection in zip(some, taken, strict=True):
            connections.give_back(connection)

    def _known(self, some: Sequence[Connections]) -> Known:
        """The statistics of these shards; they are asked for those that are not known."""
        known = [self._statistics.get(each) for each in some]  # another thread may clear them
        if None not in known:
            return tuple(each for each in known if each)
        found: Known = self._in_all(AskedStatistics(), some, None, math.inf).value
        self._statistics |= zip(some, found, strict=True)
        return found

    def _in_all(
        self, asked: Asked, some: Sequence[Connections], known: Known | None, budget: float
    ) -> Coordinated:
        """Run a search in these shards; unless it ends as it should, close the connections."""
        taken = self._taken(some)
        try:
            found = self._coordinator.run(asked, taken, budget, known)
        except BaseException:
            _close(taken)
            raise
        for each, connection in zip(some, taken, strict=True):
            each.give_back(connection)
            each.has_answered()
        return found

    def _taken(self, some: Sequence[Connections]) -> list[Connection]:
        """A connection to each of these shards; raise ShardLost."""
        taken: list[Connection] = []
        for place, each in enumerate(some):
            connection = each.take()
            if connection is None:
                _close(taken)
                raise ShardLost(place)
            taken.append(connection)
        return taken


def _resumed(first: T, others: Iterator[T]) -> Iterator[T]:
    yield first
    yield from others


def _incomplete(lost: Connections, exc: ShardLost | None = None) -> EngineUnavailable:
    reason = f"{exc or 'it does not answer'}; write the articles once more when it is there"
    return EngineUnavailable(f"the shard {lost.shard.name}", reason)


def not_found_now(error: ArticleNotFound) -> EngineUnavailable:
    """The error in its place where a shard is out that may have the article."""
    reason = Message(
        "a part of the archive does not answer, and no other part has it; try again in a minute"
    )
    name = Message("the article %(id)s", id=repr(error.article_id))
    return EngineUnavailable(name, reason)


def _close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()
