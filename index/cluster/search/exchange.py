"""The side of a shard: it takes part in searches that come over a connection, one after the other.

A search runs until it reads a value of all shards. Then the shard sends a `Step`, with its own
values, and goes on with those of all, which the coordinator sends back.
"""

import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol, TypeVar
from zlib import crc32

from backfile.index.cluster.search.packing import packed, unpacked
from backfile.index.model.whole import Collected, Known, Reduce, Reduced, Whole

T = TypeVar("T")
U = TypeVar("U")
SKIPPED = ("whole.py", "exchange.py")  # modules between the code of a search and its stop


class Step(NamedTuple):
    """A stop of a search: where in the code, and the values that were given since the last one.

    With the place goes a digest of what was noted until then (`Whole.note`). The values are packed:
    those that the first shard gets, and those that the coordinator reduces; how, is said by the
    first shard. What is not given is empty.
    """

    at: str
    for_first: bytes
    to_reduce: bytes
    how: bytes


class Passed(NamedTuple):
    """A part of the answer, from a shard that goes on."""

    value: Any


class Answered(NamedTuple):
    """The end of a search: what it returned in the first shard; None in the others.

    If it `required_all`, what a shard gave in it depended on what others found.
    """

    value: Any
    required_all: bool = False


class Failed(NamedTuple):
    """The end of a search: the error that it ended with in this shard."""

    error: Exception


Outcome = Step | Answered | Failed
Message = Outcome | Passed


class AllRequired(Exception):
    """Shards were left out of a search that then turned out to need them."""


class Resumed(NamedTuple):
    """What a shard goes on with, packed; and whether it is late.

    That is what values were reduced to; and, in the first shard, what it gets of each.
    """

    for_first: Sequence[bytes]
    reduced: bytes
    is_late: bool = False


class Asked(Protocol):
    """A search, as it is sent to each shard."""

    def of(self, searcher: Any, whole: Whole) -> Any:
        """Take part in it with one shard."""
        ...


class Begun(NamedTuple):
    """The begin of a search: what is asked.

    `statistics` are those of the whole, None if the coordinator has none. `search` is a number that
    no other search has. There are `n_shards`, of which all but `n_left_out` are asked.
    """

    asked: Asked
    statistics: Any
    search: int
    n_shards: int
    n_left_out: int


class Placed(NamedTuple):
    """The begin of a search, packed once for all, and the place of a shard among those of it.

    `statistics` are those of the shard, as the coordinator knows them.
    """

    begun: bytes
    place: int
    statistics: Any


class _Waiting:
    """A value that was given; reading those of all shards stops the search until they are there."""

    def __init__(self, own: Any, stop: Callable[[], None]) -> None:
        self.own = own
        self._stop = stop
        self._got: Sequence[Any] = ()

    def put(self, values: Sequence[Any]) -> None:
        """Let these be the values of all shards; there is at least one."""
        self._got = values

    def values(self) -> Sequence[Any]:
        if not self._got:
            self._stop()
        return self._got

    def value(self) -> Any:
        """What the values were reduced to."""
        return self.values()[0]


class ConnectionExchange:
    """Passes the values of one shard, in one search, over a connection to the coordinator."""

    def __init__(self, connection: Connection, place: int, begun: Begun) -> None:
        self.place = place
        self.n_shards = begun.n_shards
        self.required_all = False
        self._noted = 0
        self._n_left_out = begun.n_left_out
        self._connection = connection
        self._late = False
        self._for_first: list[_Waiting] = []
        self._reduced: list[_Waiting] = []
        self._how: list[Reduce[Any, Any]] = []

    def collected(self, own: T) -> Collected[T]:
        waiting = _Waiting(own, self._stop)
        self._for_first.append(waiting)
        return waiting

    def reduced(self, own: T, reduce: Reduce[T, U]) -> Reduced[U]:
        waiting = _Waiting(own, self._stop)
        self._reduced.append(waiting)
        self._how.append(reduce)
        return waiting

    def pass_on(self, value: Any) -> None:
        _send(self._connection, Passed(value))

    def note(self, what: object) -> None:
        self._noted = crc32(repr(what).encode(), self._noted)

    def require_all(self) -> None:
        if self._n_left_out:
            raise AllRequired
        self.required_all = True

    def is_late(self) -> bool:
        return self._late

    def _stop(self) -> None:
        """Stop until the values of all shards are there for all that was given."""
        for_first, self._for_first = self._for_first, []
        reduced, self._reduced = self._reduced, []
        how, self._how = self._how, []
        own = _own(for_first), _own(reduced), b"" if self.place else packed(how)
        _send(self._connection, Step(f"{_caller()} {self._noted:x}", *own))
        resumed: Resumed = unpacked(self._connection.recv_bytes())
        self._late = resumed.is_late
        values = unpacked(resumed.reduced) if reduced else ()
        for each, value in zip(reduced, values, strict=True):
            each.put((value,))
        self._put(for_first, resumed.for_first)

    def _put(self, given: Sequence[_Waiting], contents: Sequence[bytes]) -> None:
        """Put the values of all shards to these; their own alone where there are no others."""
        if not given:
            return
        own = [each.own for each in given]
        shards = [
            own if place == self.place else unpacked(content)
            for place, content in enumerate(contents)
        ]
        for each, values in zip(given, zip(*(shards or [own]), strict=True), strict=True):
            each.put(values)


def _own(given: Sequence[_Waiting]) -> bytes:
    return packed([each.own for each in given]) if given else b""


def take_part(connection: Connection, searcher: Any) -> None:
    """Take part in one search after the other, until the coordinator closes the connection."""
    with connection:
        while True:
            try:
                placed: Placed = unpacked(connection.recv_bytes())
                _send(connection, _outcome(connection, placed, searcher))
            except (EOFError, OSError):  # the coordinator has left, perhaps within a search
                return


def _outcome(connection: Connection, placed: Placed, searcher: Any) -> Outcome:
    try:
        begun: Begun = unpacked(placed.begun)
        exchange = ConnectionExchange(connection, placed.place, begun)
        known = begun.statistics and Known(placed.statistics, begun.statistics)
        answer = begun.asked.of(searcher, Whole(exchange, known, begun.search))
        return Answered(None if placed.place else answer, exchange.required_all)
    except (EOFError, OSError):
        raise
    except Exception as exc:  # the coordinator raises it
        return Failed(_sendable(exc))


def _sendable(error: Exception) -> Exception:
    """The error, or another one that says the same where it cannot be sent."""
    try:
        unpacked(packed(error))
    except Exception:  # whatever an error of others does when it is pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _send(connection: Connection, message: Message) -> None:
    connection.send_bytes(packed(message))


def _caller() -> str:
    """Where the search stops: the code that reads a value of all shards."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.endswith(SKIPPED) and frame.f_back:
        frame = frame.f_back
    return f"{frame.f_code.co_qualname}:{frame.f_lineno}"
