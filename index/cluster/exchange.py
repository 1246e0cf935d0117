"""The side of a shard: it takes part in searches that come over a connection, one after the other.

A search runs until it reads a value of all shards. Then the shard sends a `Step`, with its own
values, and goes on with those of all, which the coordinator sends back.
"""

import pickle
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

from backfile.index.model.whole import Whole

SKIPPED = ("whole.py", "exchange.py")  # modules between the code of a search and its stop


class Given(NamedTuple):
    """A value of this shard; unless it `is_for_all`, the first shard alone gets those of all."""

    own: Any
    is_for_all: bool


class Step(NamedTuple):
    """A stop of a search: where in the code, and the values that were given since the last one."""

    at: str
    given: Sequence[Given]


class Passed(NamedTuple):
    """A part of the answer, from a shard that goes on."""

    value: Any


class Answered(NamedTuple):
    """The end of a search: what it returned in the first shard; None in the others."""

    value: Any


class Failed(NamedTuple):
    """The end of a search: the error that it ended with in this shard."""

    error: Exception


Outcome = Step | Answered | Failed
Message = Outcome | Passed


class Resumed(NamedTuple):
    """What a shard goes on with: for each value given, those of all; and whether it is late."""

    values: Sequence[Sequence[Any]]
    is_late: bool = False


class Asked(Protocol):
    """A search, as it is sent to each shard."""

    def of(self, searcher: Any, whole: Whole) -> Any:
        """Take part in it with one shard."""
        ...


class Begun(NamedTuple):
    """The begin of a search: what is asked, and the place of this shard among those of it.

    `known` are the statistics of all shards, in their order, if the coordinator has them. `search`
    is a number that no other search has.
    """

    asked: Asked
    place: int
    known: Sequence[Any] | None
    search: int


class _Waiting:
    """A given value; reading those of all shards stops the search unless they are there."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._got: Sequence[Any] = ()

    def put(self, values: Sequence[Any]) -> None:
        """Let these be the values of all shards; there is at least one."""
        self._got = values

    def values(self) -> Sequence[Any]:
        if not self._got:
            self._stop()
        return self._got


class ConnectionExchange:
    """Passes the values of one shard, in one search, over a connection to the coordinator."""

    def __init__(self, connection: Connection, place: int) -> None:
        self.place = place
        self._connection = connection
        self._late = False
        self._given: list[tuple[Given, _Waiting]] = []

    def later(self, own: Any, *, is_for_all: bool) -> _Waiting:
        waiting = _Waiting(self._stop)
        self._given.append((Given(own, is_for_all), waiting))
        return waiting

    def pass_on(self, value: Any) -> None:
        self._connection.send(Passed(value))

    def is_late(self) -> bool:
        return self._late

    def _stop(self) -> None:
        """Stop until the values of all shards are there for all that was given."""
        given, self._given = self._given, []
        self._connection.send(Step(_caller(), [each for each, _ in given]))
        resumed: Resumed = self._connection.recv()
        self._late = resumed.is_late
        for (_, waiting), values in zip(given, resumed.values, strict=True):
            waiting.put(values)


def take_part(connection: Connection, searcher: Any) -> None:
    """Take part in one search after the other, until the coordinator closes the connection."""
    with connection:
        while True:
            try:
                begun: Begun = connection.recv()
                connection.send(_outcome(connection, begun, searcher))
            except (EOFError, OSError):  # the coordinator has left, perhaps within a search
                return


def _outcome(connection: Connection, begun: Begun, searcher: Any) -> Outcome:
    exchange = ConnectionExchange(connection, begun.place)
    try:
        answer = begun.asked.of(searcher, Whole(exchange, begun.known, begun.search))
        return Answered(None if begun.place else answer)
    except (EOFError, OSError):
        raise
    except Exception as exc:  # the coordinator raises it
        return Failed(_sendable(exc))


def _sendable(error: Exception) -> Exception:
    """The error, or another one that says the same where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301, our own
    except Exception:  # whatever an error of others does when it is pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _caller() -> str:
    """Where the search stops: the code that reads a value of all shards."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.endswith(SKIPPED) and frame.f_back:
        frame = frame.f_back
    return f"{frame.f_code.co_qualname}:{frame.f_lineno}"
