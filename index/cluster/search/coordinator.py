"""The side of the coordinator: it passes the values of shards round by round, to the answer.

It knows nothing of searching. Each round it waits for a step of every shard, reduces their values
as the first shard says, and sends the result to all, so what crosses grows with the number of
shards, not with its square. Into what the first shard alone gets it does not look (see
`Whole.collected`).
"""

import secrets
import select
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from backfile.archive.model.errors import EngineUnavailable, Shortage
from backfile.index.cluster.search.exchange import (
    AllRequired,
    Answered,
    Asked,
    Begun,
    Failed,
    Message,
    Outcome,
    Passed,
    Placed,
    Resumed,
    Step,
)
from backfile.index.cluster.search.packing import packed, unpacked
from backfile.index.model.whole import ShardFailed

SEARCH_BITS = 62  # of the number of a search
LONGEST_WAIT = 1e6  # seconds, as the system counts milliseconds in 31 bits
OF_ONE_SHARD = (ShardFailed, EngineUnavailable, Shortage)  # errors that others may not have


class ShardsDiverged(AssertionError):
    """Shards stand at different places of one search: a decision was made from own values alone."""


class ShardLost(Exception):
    """A shard has ended, or cannot answer; `place` is that among those of the search.

    If it `may_be_back`, it ended, so another connection may be had; if it `hangs`, it did not
    answer in time; else it failed. Where all shards of the search failed, `of_all` is the error.
    """

    def __init__(
        self,
        place: int,
        reason: str = "it does not answer",
        *,
        may_be_back: bool = False,
        hangs: bool = False,
        of_all: Exception | None = None,
    ) -> None:
        self.place = place
        self.may_be_back = may_be_back
        self.hangs = hangs
        self.of_all = of_all
        super().__init__(reason)


class Statistics(NamedTuple):
    """What is known of the shards of a search before it begins: of each, in order, and of all."""

    of_each: Sequence[Any] = ()
    of_all: Any = None


UNKNOWN = Statistics()


Places = tuple[str, ...]
"""Where in the code a search has stopped so far."""
Given = Mapping[Places, Step]
"""What a shard gave, by where the search had stopped until then."""


class LeftOut(NamedTuple):
    """How many shards are not asked, and what some of them gave in earlier searches.

    These take part in the search, behind those that are asked.
    """

    n_shards: int = 0
    given: Sequence[Given] = ()

    def steps_at(self, places: Places) -> list[Step]:
        """Their steps; raise AllRequired if one is not known."""
        found = [each[places] for each in self.given if places in each]
        if len(found) < len(self.given):
            raise AllRequired
        return found


NONE_LEFT_OUT = LeftOut()


class Coordinated(NamedTuple):
    """The answer of the first shard, what shards passed on, the rounds, and the bytes both ways.

    `n_asked` shards were asked. If it `was_late`, they were told so, and may have left something
    out. `given` is what each gave, if that is kept; unless the search `required_all`, it may stand
    in for it later.
    """

    value: Any
    passed: Sequence[Any]
    rounds: int
    n_bytes: int
    n_asked: int
    was_late: bool = False
    given: Sequence[Given] = ()
    required_all: bool = False


class Coordinator:
    """Runs searches over shards, from any number of threads."""

    def __init__(
        self, *, seconds_a_round: float, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """A shard that does not answer within `seconds_a_round` is lost."""
        self._seconds_a_round = seconds_a_round
        self._seconds = seconds

    def run(
        self,
        asked: Asked,
        connections: Sequence[Connection],
        budget: float,
        known: Statistics = UNKNOWN,
        left_out: LeftOut | None = None,
    ) -> Coordinated:
        """Run one search in all shards that are not left out, which wait for one at the other ends.

        What is `known` of the shards saves a round. After `budget` seconds they are told that it is
        late. If some may be `left_out`, what those asked give is kept. Raises the error
        of a search, ShardLost, ShardsDiverged, and AllRequired. Unless it returns, the shards stand
        somewhere in the search: the caller closes the connections.
        """
        passed: list[Any] = []
        running = self.passed(asked, connections, budget, known, left_out)
        while True:
            try:
                passed.append(next(running))
            except StopIteration as end:
                answer: Coordinated = end.value
                return answer._replace(passed=passed)

    def passed(
        self,
        asked: Asked,
        connections: Sequence[Connection],
        budget: float,
        known: Statistics = UNKNOWN,
        left_out: LeftOut | None = None,
    ) -> Generator[Any, None, Coordinated]:
        """The same, but iterate over the parts of the answer that shards pass on."""
        until = self._seconds() + budget
        line = _Lines(connections)
        search = 1 + secrets.randbits(SEARCH_BITS)
        absent = left_out or NONE_LEFT_OUT
        n_shards = len(connections) + absent.n_shards
        begun = packed(Begun(asked, known.of_all, search, n_shards, absent.n_shards))
        own = known.of_each or [None] * len(connections)
        line.send([packed(Placed(begun, place, each)) for place, each in enumerate(own)])
        given: list[dict[Places, Step]] = [{} for _ in connections]
        places: Places = ()
        rounds, late = 0, False
        while steps := _steps(outcomes := (yield from self._outcomes(line))):
            rounds += 1
            late = self._seconds() > until
            others: Sequence[Step] = ()
            if left_out:
                if late and left_out.given:  # which was given in a search that was in time
                    raise AllRequired
                places = (*places, steps[0].at)
                others = left_out.steps_at(places)
                for each, step in zip(given, steps, strict=True):
                    each[places] = step
            line.send(_exchanged(steps, others, late))
        answer = _answer(outcomes)
        return Coordinated(
            answer.value,
            (),
            rounds,
            line.n_bytes,
            len(connections),
            late,
            given,
            answer.required_all,
        )

    def _outcomes(self, line: "_Lines") -> Generator[Any, None, list[Outcome]]:
        until = self._seconds() + self._seconds_a_round
        outcomes: list[Outcome] = []
        for place in range(len(line.connections)):
            message = line.receive(place, max(0.0, until - self._seconds()))
            while isinstance(message, Passed):
                yield message.value  # however long the caller takes, the next one has its time
                until = self._seconds() + self._seconds_a_round
                message = line.receive(place, self._seconds_a_round)
            outcomes.append(message)
        return outcomes


class _Lines:
    """The connections to all shards of a search, and the bytes that went over them."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.connections = connections
        self.n_bytes = 0

    def send(self, contents: Sequence[bytes]) -> None:
        """Send each shard its message, which is packed; raise ShardLost."""
        for place, (connection, content) in enumerate(zip(self.connections, contents, strict=True)):
            self.n_bytes += len(content)
            try:
                connection.send_bytes(content)
            except OSError as exc:
                raise ShardLost(place, may_be_back=True) from exc

    def receive(self, place: int, seconds: float) -> Message:
        """The next message of a shard; raise ShardLost if there is none within these seconds."""
        connection = self.connections[place]
        try:
            if not _has_sent(connection, seconds):
                raise ShardLost(place, hangs=True)
            content = connection.recv_bytes()
        except (EOFError, OSError) as exc:
            raise ShardLost(place, may_be_back=True) from exc
        self.n_bytes += len(content)
        message: Message = unpacked(content)
        return message


def _has_sent(connection: Connection, seconds: float) -> bool:
    """Whether something comes within these seconds; a tenth of the time of `Connection.poll`."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(1000 * min(seconds, LONGEST_WAIT)))


def _steps(outcomes: Sequence[Outcome]) -> list[Step]:
    """The steps of all shards, none if all have answered.

    Raises the error of a search; but ShardLost where an engine or the machine of a shard failed.
    """
    failed = {i: each.error for i, each in enumerate(outcomes) if isinstance(each, Failed)}
    alone = [i for i, error in failed.items() if isinstance(error, OF_ONE_SHARD)]
    for i, error in failed.items():
        if i not in alone:
            raise error
    if alone:
        error = failed[alone[0]]
        own = error.error if isinstance(error, ShardFailed) else error
        of_all = own if len(alone) == len(outcomes) else None
        raise ShardLost(alone[0], str(error), of_all=of_all) from error
    steps = [each for each in outcomes if isinstance(each, Step)]
    places = {each.at if isinstance(each, Step) else "the end" for each in outcomes}
    if len(places) > 1:
        raise ShardsDiverged(", ".join(sorted(places)))
    return steps


def _answer(outcomes: Sequence[Outcome]) -> Answered:
    """The answer of the first shard."""
    return next(each for each in outcomes if isinstance(each, Answered))


def _exchanged(asked: Sequence[Step], others: Sequence[Step], late: bool) -> list[bytes]:
    """The packed message with which each shard that was asked goes on.

    What is not reduced stays as it is.
    """
    steps = [*asked, *others]
    for_first = [step.for_first for step in steps if step.for_first]
    reduced = b""
    if how := unpacked(steps[0].how):
        values = zip(*(unpacked(step.to_reduce) for step in steps), strict=True)
        reduced = packed([reduce(each) for reduce, each in zip(how, values, strict=True)])
    first = packed(Resumed(for_first, reduced, late))
    to_others = packed(Resumed((), reduced, late)) if len(asked) > 1 else b""
    return [first, *[to_others] * (len(asked) - 1)]
