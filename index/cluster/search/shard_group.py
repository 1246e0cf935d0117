"""The shards of a divided archive: asks all that answer one question, and says which are out.

One replica of each shard takes part. Where one is lost, the question is asked again of another one;
a shard that has none left is left out, until one is there again.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, count
from multiprocessing.connection import Connection
from typing import Any, Generic, NamedTuple, TypeVar

from backfile.archive.model.errors import ArticleNotFound, EngineUnavailable, ShardsOut
from backfile.archive.model.message import Message
from backfile.index.cluster.search.coordinator import (
    UNKNOWN,
    Coordinated,
    Coordinator,
    LeftOut,
    ShardLost,
    Statistics,
)
from backfile.index.cluster.search.exchange import Asked
from backfile.index.cluster.search.questions import AskedStatistics
from backfile.index.cluster.search.replicas import Connections, ReplicaBehind, Replicas
from backfile.index.cluster.search.shards import Shard
from backfile.index.cluster.search.stand_ins import (
    SECONDS_FRESH,
    Dated,
    StandIns,
    TakingPart,
    lost_among,
)
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.search.question import Question
from backfile.index.search.snapshot import StatisticsChanged

log = logging.getLogger(__name__)
ATTEMPTS = 5  # while shards change between two searches
SECONDS_BETWEEN_WARNINGS = 60.0  # about one shard
T = TypeVar("T")
Chosen = Sequence[Connections]
"""One replica of each of some shards."""
Attempt = Callable[[Chosen], T]


class _Lost:
    """The replicas that a question has lost, and why each shard has lost its last one."""

    def __init__(self) -> None:
        self.replicas: set[Connections] = set()
        self.tried_again: set[Connections] = set()
        self.exceptions: dict[Shard, ShardLost] = {}


class _Begun(NamedTuple):
    """A list that is passed on, the replicas that take part, and their statistics."""

    items: Iterator[Any]
    some: Chosen
    known: Statistics

    @property
    def statistics(self) -> Mapping[Shard, CollectionStatistics]:
        return {each.shard: own for each, own in zip(self.some, self.known.of_each, strict=True)}


class Answer(NamedTuple, Generic[T]):
    """The answer to a question, the shards that took part in it, and all shards of the whole."""

    value: T
    shards: Sequence[Shard]
    all_shards: Sequence[Shard]

    @property
    def is_whole(self) -> bool:
        """Whether no shard was out."""
        return len(self.shards) == len(self.all_shards)


class ShardGroup:
    """All shards of a divided archive, for any number of threads."""

    def __init__(
        self,
        shards: Sequence[Shard],
        *,
        seconds_a_round: float,
        seconds: Callable[[], float] = time.monotonic,
        closed: Callable[[], None] | None = None,
    ) -> None:
        """A replica that does not answer within `seconds_a_round` is left out.

        `seconds` is a clock that is never set back, by which such ones rest. `closed` is called
        when nobody asks any more.
        """
        self.shards = shards
        self._closed = closed
        self._replicas = {shard: Replicas(shard, seconds) for shard in shards}
        self._turns = count()
        self._coordinator = Coordinator(seconds_a_round=seconds_a_round)
        self._of_thread = threading.local()
        self._warned: dict[str, float] = {}
        self._merged = UNKNOWN
        self._stand_ins = StandIns()

    @property
    def last(self) -> Coordinated:
        """What the last question of this thread took, but for a list that was passed on."""
        found: Coordinated = self._of_thread.last
        return found

    def ask(
        self, question: Question[T], budget: float = math.inf, turn: int | None = None
    ) -> Answer[T]:
        """Ask all shards that answer; after `budget` seconds they are told that it is late.

        Questions of one `turn` go to the same replicas, if these are not at work; without one, each
        goes to others. Raises ShardsOut if none answers, and EngineUnavailable instead of
        ArticleNotFound if a shard is out that may have the article.
        """

        def attempt(some: Chosen) -> Coordinated:
            known = self._known(some)
            if isinstance(question, Dated) and question.days:
                return self._in_those_needed(question, some, known, budget)
            return self._in_all(question, some, known, budget)

        found, shards = self._of_all_there(attempt, turn)
        self._of_thread.last = found._replace(given=())
        value: T = found.value
        return Answer(value, shards, self.shards)

    def stream(self, question: Asked, *, needs_all: bool = False) -> Answer[Iterator[Any]]:
        """Iterate over what the first shard passes on; the first item is there when it returns.

        Where a replica is lost later, the others go on behind what was passed on. It ends with
        EngineUnavailable where a shard has no other, or has changed since; if the question
        `needs_all`, also where a shard is out.
        """
        lost = _Lost()
        begun = self._begun(question, lost, needs_all=needs_all)
        shards = [each.shard for each in begun.some]
        return Answer(self._to_end(question, begun, lost), shards, self.shards)

    def ask_replicas(self, question: Question[Sequence[T]]) -> Mapping[Shard, list[T]]:
        """What each replica that answers gives to a question that gathers, by shard.

        Those that rest are not asked. Raises ShardsOut if none answers.
        """
        all_of_them = [each for shard in self._replicas.values() for each in shard.all()]
        left = [each for each in all_of_them if not each.is_resting and each.is_there()]
        while left:
            try:
                values: Sequence[T] = self._in_all(question, left, UNKNOWN, math.inf).value
            except ShardLost as exc:
                lost = left.pop(exc.place)
                lost.close()
                self._spare(lost, exc)
            else:
                found: dict[Shard, list[T]] = {}
                for each, value in zip(left, values, strict=True):
                    found.setdefault(each.shard, []).append(value)
                return found
        raise ShardsOut(len(self.shards))

    def close(self) -> None:
        """Close all connections."""
        for each in self._replicas.values():
            each.close()
        if self._closed:
            self._closed()

    def _begun(self, question: Asked, lost: "_Lost", *, needs_all: bool) -> "_Begun":
        def attempt(some: Chosen) -> _Begun:
            known = self._known(some)
            passed = self._passed(question, some, known)
            return _Begun(chain([next(passed)], passed), some, known)

        begun, _ = self._of_all_there(attempt, lost=lost, needs_all=needs_all)
        return begun

    def _to_end(self, question: Asked, begun: "_Begun", lost: "_Lost") -> Iterator[Any]:
        """What is passed on, by other replicas where one is lost."""
        n_passed = 0
        while True:
            try:
                for each in begun.items:
                    n_passed += 1
                    yield each
            except ShardLost as exc:
                self._lose(begun.some, exc, lost)
                begun = self._behind(question, begun, n_passed, lost)
            else:
                return

    def _behind(self, question: Asked, begun: "_Begun", n_passed: int, lost: "_Lost") -> "_Begun":
        """The same list from behind its first items; raise EngineUnavailable if it is another."""

        def attempt(some: Chosen) -> _Begun:
            known = self._known(some)
            found = _Begun(self._passed(question, some, known), some, known)
            earlier, now = begun.statistics, found.statistics
            for shard in {**earlier, **now}:
                if earlier.get(shard) != now.get(shard):
                    raise _incomplete(shard, lost.exceptions.get(shard, "it has changed"))
            for _ in range(n_passed):
                next(found.items)
            return found

        return self._of_all_there(attempt, lost=lost)[0]

    def _of_all_there(
        self,
        attempt: Attempt[T],
        turn: int | None = None,
        *,
        lost: "_Lost | None" = None,
        needs_all: bool = False,
    ) -> tuple[T, Sequence[Shard]]:
        """What an attempt returns over one replica of each shard that answers, and these shards."""
        turn = next(self._turns) if turn is None else turn
        lost = lost or _Lost()
        for _ in range(ATTEMPTS + 2 * sum(len(each.all()) for each in self._replicas.values())):
            some = self._chosen(turn, lost.replicas, resting=needs_all)
            if needs_all and len(some) < len(self.shards):
                there = {each.shard for each in some}
                out = next(each for each in self.shards if each not in there)
                raise _incomplete(out, lost.exceptions.get(out, "it does not answer"))
            if not some:
                raise ShardsOut(len(self.shards))
            try:
                found = attempt(some)
            except ShardLost as exc:
                self._lose(some, exc, lost)
                if exc.of_all and not self._chosen(turn, lost.replicas):
                    raise exc.of_all from exc
            except ReplicaBehind as exc:
                exc.replica.statistics = None  # to be asked for again, after a moment
                exc.replica.pass_over()
            except StatisticsChanged:
                for each in some:
                    each.statistics = None
            except ArticleNotFound as exc:
                if len(some) < len(self.shards):
                    raise not_found_now(exc) from exc
                raise
            else:
                return found, [each.shard for each in some]
        raise EngineUnavailable("the archive", "its shards are changing; try again in a minute")

    def _lose(self, some: Chosen, exc: ShardLost, lost: "_Lost") -> None:
        """Take note of a replica that is lost: one that may be back is tried once more."""
        replica = some[exc.place]
        lost.exceptions[replica.shard] = exc
        replica.close()
        if replica in lost.tried_again or not exc.may_be_back:
            lost.replicas |= set(some) if exc.of_all else {replica}
            self._spare(replica, exc)
        lost.tried_again.add(replica)

    def _chosen(
        self, turn: int, failed: set[Connections], *, resting: bool = False
    ) -> list[Connections]:
        """A replica of each shard that has one; those that are resting only if all are."""
        there = [each.chosen(turn, failed, resting=resting) for each in self._replicas.values()]
        if not any(there) and not resting:
            there = [each.chosen(turn, failed, resting=True) for each in self._replicas.values()]
        return [each for each in there if each]

    def _spare(self, lost: Connections, exc: ShardLost) -> None:
        """Ask a replica that is left out no more for a moment, and log that it is."""
        if exc.hangs:
            lost.rest()
        elif not exc.may_be_back:
            lost.pass_over()
        self._warn(lost.shard.name, exc)

    def _warn(self, name: str, exc: ShardLost) -> None:
        """Log that a replica is left out, at most once in SECONDS_BETWEEN_WARNINGS."""
        now = time.monotonic()
        if now - self._warned.get(name, -math.inf) > SECONDS_BETWEEN_WARNINGS:
            self._warned[name] = now
            log.warning("a search goes on without a replica of the shard %s: %s", name, exc)

    def _passed(self, question: Asked, some: Chosen, known: Statistics) -> Iterator[Any]:
        taken = self._taken(some)
        try:
            yield from self._coordinator.passed(question, taken, math.inf, known)
        except BaseException:  # whoever takes the items may have left, too
            _drop(some, taken)
            raise
        for connections, connection in zip(some, taken, strict=True):
            connections.give_back(connection)

    def _known(self, some: Chosen) -> Statistics:
        """The statistics of these replicas; they are asked for those that are not known.

        Raises ReplicaBehind where another replica of a shard is in a later generation: whoever has
        seen that one, in another search, is not to see an earlier one again.
        """
        known = [each.statistics for each in some]  # another thread may forget them
        if None in known:
            known = list(self._in_all(AskedStatistics(), some, UNKNOWN, math.inf).value)
            for each, own in zip(some, known, strict=True):
                each.statistics = own
        found = tuple(each for each in known if each)
        for each, own in zip(some, found, strict=True):
            if self._replicas[each.shard].is_behind(own):
                raise ReplicaBehind(each)
        merged = self._merged  # another thread may put other ones
        if merged.of_each != found:
            merged = self._merged = Statistics(found, CollectionStatistics.merged(found))
        return merged

    def _in_those_needed(
        self, question: Dated, some: Chosen, known: Statistics, budget: float
    ) -> Coordinated:
        """Run a search in those shards that its days need, or that nothing stands in for."""
        own = dict(zip(some, known.of_each, strict=True))
        until = time.monotonic() + budget

        def run(part: TakingPart) -> Coordinated:
            self._require_unchanged(part.absent, own, some)
            left = max(0.0, until - time.monotonic())
            with lost_among(some, part.asked):
                found = self._in_all(question, part.asked, part.known, left, part.left_out)
            for each in () if question.is_continued else part.asked:
                each.confirm()
            return found

        return self._stand_ins.found(question, own, known.of_all, run)

    def _require_unchanged(
        self, absent: Chosen, own: Mapping[Connections, CollectionStatistics], some: Chosen
    ) -> None:
        """Raise StatisticsChanged if any of these replicas may have others than its `own` now."""
        old = [each for each in absent if not each.is_confirmed(SECONDS_FRESH)]
        with lost_among(some, old):
            found = self._in_all(AskedStatistics(), old, UNKNOWN, math.inf).value if old else ()
        for each, now in zip(old, found, strict=True):
            if now != own[each]:
                raise StatisticsChanged
            each.confirm()

    def _in_all(
        self,
        asked: Asked,
        some: Chosen,
        known: Statistics,
        budget: float,
        left_out: LeftOut | None = None,
    ) -> Coordinated:
        """Run a search in these shards; unless it ends as it should, close the connections."""
        taken = self._taken(some)
        try:
            found = self._coordinator.run(asked, taken, budget, known, left_out)
        except BaseException:
            _drop(some, taken)
            raise
        for each, connection in zip(some, taken, strict=True):
            each.give_back(connection)
            each.has_answered()
        return found

    def _taken(self, some: Chosen) -> list[Connection]:
        """A connection to each of these replicas; raise ShardLost."""
        taken: list[Connection] = []
        for place, each in enumerate(some):
            connection = each.take()
            if connection is None:
                _drop(some, taken)
                raise ShardLost(place)
            taken.append(connection)
        return taken


def _incomplete(shard: Shard, why: object) -> EngineUnavailable:
    reason = f"{why}; write the articles once more when it is there"
    return EngineUnavailable(f"the shard {shard.name}", reason)


def not_found_now(error: ArticleNotFound) -> EngineUnavailable:
    """The error in its place where a shard is out that may have the article."""
    reason = Message(
        "a part of the archive does not answer, and no other part has it; try again in a minute"
    )
    name = Message("the article %(id)s", id=repr(error.article_id))
    return EngineUnavailable(name, reason)


def _drop(some: Chosen, taken: Sequence[Connection]) -> None:
    """Close the connections that were taken, of the first of these replicas."""
    for each, connection in zip(some, taken, strict=False):
        each.drop(connection)
