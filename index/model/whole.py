"""The whole of a divided archive, as one shard sees it while it takes part in a search.

All shards answer a query at once, each with the same program over its own articles. Where a number
of the whole archive is needed, they exchange: each gives its own, and gets those of all (MPI calls
it allgather). What decides how a shard goes on must come from such an exchange, so that all shards
go on alike. An archive that is not divided is a whole of one shard, and exchanges nothing.

A round trip costs more than what is sent, so values are given early and read late: all values that
were given since the last round go together, once one of them is read. Code that gives values before
others are read is a `Stage`, a generator that yields in between.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.arrays import Bools, Floats, Rows

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)
Keys = npt.NDArray[Any]


class ShardFailed(Exception):
    """An engine of this shard alone cannot answer: the other shards go on without it."""

    def __init__(self, error: EngineUnavailable) -> None:
        self.error = error
        super().__init__(error)


class Later(Protocol[T_co]):
    """A value that was given, and those of other shards that are got for it."""

    def values(self) -> Sequence[T_co]:
        """The values of all shards, in their order; the first call may wait for a round."""
        ...


class Exchange(Protocol):
    """Passes values between the shards that answer one query."""

    def later(self, own: Any, *, is_for_all: bool) -> Later[Any]:
        """Give the own value; unless it `is_for_all`, the first shard alone gets those of all."""
        ...

    def pass_on(self, value: Any) -> None:
        """Pass a part of the answer to the coordinator, and go on."""
        ...

    @property
    def place(self) -> int:
        """The place of the own value among those that are gathered."""
        ...

    def is_late(self) -> bool:
        """Whether the time of the search was over at the last exchange; all shards get the same."""
        ...


@dataclass(frozen=True, slots=True)
class _Own(Generic[T]):
    """The only value, where there is one shard."""

    value: T

    def values(self) -> Sequence[T]:
        return (self.value,)


@dataclass(frozen=True, slots=True)
class Whole:
    """Reduces the values of all shards to one; without an exchange, there is one shard."""

    exchange: Exchange | None = None
    known: Sequence[Any] | None = None
    """The statistics of all shards as the coordinator knows them, in their order."""
    search: int = 0
    """The number of this search, which all shards got for it; 0 if there is one shard."""

    @property
    def is_divided(self) -> bool:
        return self.exchange is not None

    @property
    def place(self) -> int:
        """The place of the own value among those that are gathered."""
        return 0 if self.exchange is None else self.exchange.place

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Where an engine of one shard may fail; raise ShardFailed then, which no search catches.

        If it caught that, it would go on otherwise than in the other shards.
        """
        try:
            yield
        except EngineUnavailable as exc:
            if not self.is_divided:
                raise
            raise ShardFailed(exc) from exc

    def later(self, own: T) -> Later[T]:
        """Give the own value, to read those of all shards."""
        return _Own(own) if self.exchange is None else self.exchange.later(own, is_for_all=True)

    def collected(self, own: T) -> Later[T]:
        """Give the own value; the first shard can read those of all, the others their own alone."""
        return _Own(own) if self.exchange is None else self.exchange.later(own, is_for_all=False)

    def gather(self, own: T) -> Sequence[T]:
        """The values of all shards."""
        return self.later(own).values()

    def any(self, own: bool | np.bool_) -> bool:
        return any(self.gather(bool(own)))

    def any_of_each(self, own: Bools) -> Bools:
        """Where any shard has true, (n,) each."""
        found: Bools = np.logical_or.reduce(self.gather(own))
        return found

    def sum(self, own: int | np.integer[Any]) -> int:
        return sum(self.gather(int(own)))

    def sums(self, own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The sums of the arrays of all shards, (n,) each."""
        found: npt.NDArray[np.int64] = np.sum(self.gather(own), axis=0)
        return found

    def max(self, own: float) -> float:
        return max(self.gather(float(own)))

    def min(self, own: float) -> float:
        return min(self.gather(float(own)))

    def count_best(self, scores: Floats, numbers: Rows, limit: int) -> int:
        """How many of the own passages are among the best `limit` of the whole.

        The own ones (n,) are given best first: by score, then by the number of their article.
        """
        return len(self.places((-scores, numbers), limit))

    def places(self, keys: Sequence[Keys], limit: int) -> Rows:
        """The places of the own items among the first `limit` of the whole, ascending.

        The own ones are given in order, by keys (n,) that ascend, the first key first.
        """
        if self.exchange is None:
            return np.arange(min(limit, len(keys[0])))
        return self.places_among(self.gather([key[:limit] for key in keys]), limit)

    def places_among(self, shards: Sequence[Sequence[Keys]], limit: int) -> Rows:
        """The same, where the keys of all shards are there."""
        return np.flatnonzero(self.owners_of_first(shards, limit) == self.place)

    def owners_of_first(self, shards: Sequence[Sequence[Keys]], limit: int) -> Rows:
        """Whose each of the first `limit` items of the whole is, as the places of shards."""
        owners = np.repeat(np.arange(len(shards)), [len(each[0]) for each in shards])
        columns = [np.concatenate(each) for each in zip(*shards, strict=True)]
        return owners[np.lexsort(columns[::-1])[:limit]]


UNDIVIDED = Whole()
Stage = Generator[None, None, T]
"""Gives values, yields, reads those of all shards, and so on; returns a result."""


def in_rounds(stages: Iterable[Stage[T]]) -> Stage[list[T]]:
    """Run stages side by side: all of them give their values before any reads its own."""
    running = dict(enumerate(stages))
    results: dict[int, T] = {}
    while running:
        for i, stage in list(running.items()):
            try:
                next(stage)
            except StopIteration as end:
                results[i] = end.value
                del running[i]
        if running:
            yield
    return [results[i] for i in sorted(results)]


def both(one: Stage[T], other: Stage[U]) -> Stage[tuple[T, U]]:
    """Run two stages side by side."""
    results: list[Any] = yield from in_rounds([one, other])
    return results[0], results[1]


def result_of(stage: Stage[T]) -> T:
    """Run a stage to its end."""
    while True:
        try:
            next(stage)
        except StopIteration as end:
            result: T = end.value
            return result
