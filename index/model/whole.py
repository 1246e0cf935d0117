"""The whole of a divided archive, as one shard sees it while it takes part in a search.

All shards answer a query at once, each with the same program over its own articles. Where a number
of the whole archive is needed, they exchange: each gives its own, and gets what these are reduced
to (MPI calls it allreduce); or the first shard, which answers, gets those of all (gather). What
decides how a shard goes on must come from the former, so that all shards go on alike. An archive
that is not divided is a whole of one shard, and exchanges nothing.

A round trip costs more than what is sent, so values are given early and read late: all that
were given since the last round go together, once one of them is read. Code that gives values before
others are read is a `Stage`, a generator that yields in between.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.arrays import Bools, Floats, Ints, Rows

T = TypeVar("T")
U = TypeVar("U")
Reduce = Callable[[Sequence[T]], U]
"""Reduces the values of all shards, in their order; it can be pickled."""
T_co = TypeVar("T_co", covariant=True)
Keys = npt.NDArray[Any]


class ShardFailed(Exception):
    """An engine of this shard alone cannot answer: the other shards go on without it."""

    def __init__(self, error: EngineUnavailable) -> None:
        self.error = error
        super().__init__(error)


class Collected(Protocol[T_co]):
    """A value that was given, and those of all shards, which the first one gets."""

    def values(self) -> Sequence[T_co]:
        """Those of all, in their order; the own one alone in another shard.

        The first call may wait for a round.
        """
        ...


class Reduced(Protocol[T_co]):
    """A value that was given, and what those of all shards are reduced to."""

    def value(self) -> T_co:
        """It; the first call may wait for a round."""
        ...


class Exchange(Protocol):
    """Passes values between the shards that answer one query."""

    def reduced(self, own: T, reduce: Reduce[T, U]) -> Reduced[U]:
        """Give the own value, to get what those of all shards are reduced to."""
        ...

    def collected(self, own: T) -> Collected[T]:
        """Give the own value; the first shard alone gets those of all."""
        ...

    def pass_on(self, value: Any) -> None:
        """Pass a part of the answer to the coordinator, and go on."""
        ...

    def note(self, what: object) -> None:
        """Note what is looked for from here on."""
        ...

    def require_all(self) -> None:
        """Stop the search if others stand in for some shards, or see to it that none will."""
        ...

    @property
    def required_all(self) -> bool:
        """Whether the search has required all shards."""
        ...

    @property
    def place(self) -> int:
        """The place of the own value among those that are gathered."""
        ...

    @property
    def n_shards(self) -> int:
        """The number of shards that take part."""
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
class _OwnReduced(Generic[T, U]):
    """What the only value is reduced to, where there is one shard."""

    own: T
    reduce: Reduce[T, U]

    def value(self) -> U:
        return self.reduce((self.own,))


class _Given(NamedTuple, Generic[T]):
    """A value, and the rank of the shard that gives it."""

    rank: int
    own: T


@dataclass(frozen=True, slots=True)
class _OfBest:
    """An exchange in which only the values of the shards with the least rank count."""

    exchange: Exchange
    rank: int

    def reduced(self, own: T, reduce: Reduce[T, U]) -> Reduced[U]:
        of_best: Reduce[_Given[T], U] = partial(_reduced_of_best, reduce=reduce)
        return self.exchange.reduced(_Given(self.rank, own), of_best)

    def collected(self, own: T) -> Collected[T]:
        return _CollectedOfBest(self.exchange.collected(_Given(self.rank, own)))

    def pass_on(self, value: Any) -> None:
        self.exchange.pass_on(value)

    def note(self, what: object) -> None:
        self.exchange.note(what)

    def require_all(self) -> None:
        self.exchange.require_all()

    @property
    def required_all(self) -> bool:
        return self.exchange.required_all

    @property
    def place(self) -> int:
        return self.exchange.place

    @property
    def n_shards(self) -> int:
        return self.exchange.n_shards

    def is_late(self) -> bool:
        return self.exchange.is_late()


@dataclass(frozen=True, slots=True)
class _CollectedOfBest(Generic[T]):
    given: Collected[_Given[T]]

    def values(self) -> Sequence[T]:
        return _of_best(self.given.values())


def _of_best(shards: Sequence[_Given[T]]) -> list[T]:
    best = min(each.rank for each in shards)
    return [each.own for each in shards if each.rank == best]


def _reduced_of_best(shards: Sequence[_Given[T]], reduce: Reduce[T, U]) -> U:
    return reduce(_of_best(shards))


class Known(NamedTuple):
    """The statistics of this shard, and those of the whole, as the coordinator knows them."""

    own: Any
    of_all: Any


@dataclass(frozen=True, slots=True)
class Whole:
    """Reduces the values of all shards to one; without an exchange, there is one shard."""

    exchange: Exchange | None = None
    known: Known | None = None
    search: int = 0
    """The number of this search, which all shards got for it; 0 if there is one shard."""

    @property
    def is_divided(self) -> bool:
        return self.exchange is not None

    @property
    def place(self) -> int:
        """The place of the own value among those that are gathered."""
        return 0 if self.exchange is None else self.exchange.place

    @property
    def n_shards(self) -> int:
        """The number of shards that take part in the search."""
        return 1 if self.exchange is None else self.exchange.n_shards

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

    def of_best(self, rank: int) -> "Whole":
        """The whole of those shards whose rank is the least; values of the others do not count.

        So each can give what it has before it is known which these are.
        """
        if self.exchange is None:
            return self
        return replace(self, exchange=_OfBest(self.exchange, rank))

    def note(self, what: object) -> None:
        """Note what is looked for from here on, whatever the days of the query.

        Where these rule a shard out, what it gave in an earlier search may stand in for it: as long
        as both stopped at the same places in the code, and looked for the same there.
        """
        if self.exchange:
            self.exchange.note(what)

    def require_all(self) -> None:
        """Go on only if all shards take part in the search; else the coordinator asks all.

        What a shard gives from here on may depend on what others have found.
        """
        if self.exchange:
            self.exchange.require_all()

    @property
    def required_all(self) -> bool:
        """Whether the search has required all shards until now."""
        return self.exchange is not None and self.exchange.required_all

    def reduced(self, own: T, reduce: Reduce[T, U]) -> Reduced[U]:
        """Give the own value, to read what those of all shards are reduced to."""
        if self.exchange is None:
            return _OwnReduced(own, reduce)
        return self.exchange.reduced(own, reduce)

    def collected(self, own: T) -> Collected[T]:
        """Give the own value; the first shard can read those of all, the others their own alone."""
        return _Own(own) if self.exchange is None else self.exchange.collected(own)

    def found(self, own: T | None) -> T | None:
        """The value of the first shard that has one; None if none does."""
        reduce: Reduce[T | None, T | None] = _first_found
        return self.reduced(own, reduce).value()

    def any(self, own: bool | np.bool_) -> bool:
        return self.reduced(bool(own), any).value()

    def any_of_each(self, own: Bools) -> Bools:
        """Where any shard has true, (n,) each."""
        return self.reduced(own, any_of_each).value()

    def sum(self, own: int | np.integer[Any]) -> int:
        return self.reduced(int(own), sum).value()

    def sums(self, own: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The sums of the arrays of all shards, (n,) each."""
        return self.reduced(own, sum_of_each).value()

    def max(self, own: float) -> float:
        return self.reduced(float(own), max).value()

    def union(self, own: AbstractSet[T]) -> set[T]:
        return self.reduced(own, union).value()

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
        return np.flatnonzero(self.owners(keys, limit).value() == self.place)

    def owners(self, keys: Sequence[Keys], limit: int) -> Reduced[Ints]:
        """Whose each of the first `limit` items of the whole is; keys as in `places`."""
        own = [key[:limit] for key in keys]
        return self.reduced(own, partial(owners_of_first, limit=limit))


def sum_of_each(shards: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """The sums of the arrays of all shards, (n,) each."""
    found: npt.NDArray[np.int64] = np.sum(shards, axis=0)
    return found


def any_of_each(shards: Sequence[Bools]) -> Bools:
    """Where any shard has true, (n,) each."""
    found: Bools = np.logical_or.reduce(shards)
    return found


def _first_found(shards: Sequence[T | None]) -> T | None:
    return next((each for each in shards if each is not None), None)


def union(shards: Sequence[AbstractSet[T]]) -> set[T]:
    """What any shard has."""
    return set[T]().union(*shards)


def owners_of_first(shards: Sequence[Sequence[Keys]], limit: int) -> Ints:
    """Whose each of the first `limit` items of the whole is, as the places of shards.

    Those of a shard are given in order, by keys (n,) that ascend, the first key first.
    """
    places = np.arange(len(shards), dtype=np.min_scalar_type(len(shards)))
    owners = np.repeat(places, [len(each[0]) for each in shards])
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
