"""Lets what a shard gave in an earlier search stand in for it, where days rule it out.

None of its articles is of the days of the query. So what it gives is the same in each search for
the same words, whatever the days: how many articles hold each word, the best closeness of any
passage, the words that are spelt alike. It is kept as it was packed, until any shard has changed.

The articles of the archive in a period of the timeline are counted in all shards, and a period may
begin before the days that are asked for, or end after them. So all days of these periods count (see
`whole_periods`); where periods are longer, all shards are required.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, runtime_checkable

from cachetools import LRUCache

from backfile.archive.model.dates import DateSpan
from backfile.index.cluster.search.coordinator import (
    NONE_LEFT_OUT,
    Coordinated,
    Given,
    LeftOut,
    ShardLost,
    Statistics,
)
from backfile.index.cluster.search.exchange import AllRequired
from backfile.index.cluster.search.replicas import Connections
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.filters import Filters
from backfile.index.model.periods import whole_periods
from backfile.index.model.whole import Whole

MOST_KEPT = 64 << 20  # bytes of all steps
LEAST = 1 << 10  # bytes that a search and a step count at least, for what is not in these
SECONDS_FRESH = 1.0  # that a shard is taken to be as it was; it may itself notice a change so late


def days_of(filters: Filters) -> DateSpan | None:
    """The days that articles of a search may be of, and those of the periods of its timeline.

    None if they may be of any day.
    """
    if not filters.since and not filters.until:
        return None
    days, _ = whole_periods(filters.since, filters.until)
    return days


def rules_out(days: DateSpan, shard: CollectionStatistics) -> bool:
    """Whether no article of the shard is of these days; undated ones are of none."""
    first, last = days.first.toordinal(), days.last.toordinal()
    return not shard.last_end or shard.last_end < first or shard.first_day > last


@runtime_checkable
class Dated(Protocol):
    """A question about articles of certain days."""

    def of(self, searcher: Any, whole: Whole) -> Any:
        """Take part in it with one shard."""
        ...

    @property
    def days(self) -> DateSpan | None:
        """These days; None if the articles may be of any day."""
        ...

    @property
    def is_continued(self) -> bool:
        """Whether it is about more of an answer that the shards have kept."""
        ...

    def without_days(self) -> Hashable:
        """The same question about articles of any day."""
        ...


class TakingPart(NamedTuple):
    """Who takes part in a search: the first `n_needed` that are asked have articles of its days.

    `known` are the statistics of those that are asked, and of all.
    """

    asked: Sequence[Connections]
    n_needed: int
    known: Statistics
    absent: Sequence[Connections] = ()
    left_out: LeftOut = NONE_LEFT_OUT


class StandIns:
    """What shards gave in the latest searches for articles of other days. Thread-safe."""

    def __init__(self, most: int = MOST_KEPT, *, today: Callable[[], date] = date.today) -> None:
        """Keep so many bytes; queries are read `today`."""
        self._today = today
        self._lock = threading.Lock()
        self._of_all: CollectionStatistics | None = None
        self._kept: LRUCache[Hashable, Given] = LRUCache(most, getsizeof=_bytes_of)

    def found(
        self,
        question: Dated,
        own: Mapping[Connections, CollectionStatistics],
        of_all: CollectionStatistics,
        run: Callable[[TakingPart], Coordinated],
    ) -> Coordinated:
        """What `run` finds with those that take part: without those that something stands in for.

        If the search turns out to need them, it is run again with all. `own` are the statistics of
        a replica of each shard, `of_all` those of all. The first one is always asked: it has the
        model open.
        """
        ruled_out = [
            each
            for n, (each, statistics) in enumerate(own.items())
            if n and question.days and rules_out(question.days, statistics)
        ]
        needed = [each for each in own if each not in ruled_out]

        def taking_part(others: Sequence[Connections]) -> TakingPart:
            asked = [*needed, *others]  # so those needed have the same places in all searches
            return TakingPart(asked, len(needed), Statistics([own[e] for e in asked], of_all))

        searched = self._digest(question)
        given: dict[Connections, Given] = {}
        if not question.is_continued:
            known = {each: self._given(searched, each, of_all) for each in ruled_out}
            given = {each: found for each, found in known.items() if found}
        # In what the shards have kept, those that are ruled out have no part.
        absent = ruled_out if question.is_continued else list(given)
        if absent:
            part = taking_part([each for each in ruled_out if each not in absent])
            left_out = LeftOut(len(absent), list(given.values()))
            part = part._replace(absent=absent, left_out=left_out)
            with suppress(AllRequired):
                return self._noted(searched, part, run(part))
        part = taking_part(ruled_out)
        found = run(part)
        return found if question.is_continued else self._noted(searched, part, found)

    def _noted(self, searched: bytes, part: TakingPart, found: Coordinated) -> Coordinated:
        """Keep what those give that are asked though the days of the question rule them out."""
        if found.required_all or found.was_late:
            return found
        ruled_out = slice(part.n_needed, None)
        for each, given in zip(part.asked[ruled_out], found.given[ruled_out], strict=True):
            of_all = part.known.of_all
            given = {**self._given(searched, each, of_all), **given}
            with self._lock:
                if self._of_all is of_all and _bytes_of(given) <= self._kept.maxsize:
                    self._kept[searched, each.shard.name] = given
        return found

    def _given(self, searched: bytes, replica: Connections, of_all: CollectionStatistics) -> Given:
        """What a shard gave in searches for the same, as long as no shard has changed since."""
        with self._lock:
            if self._of_all is not of_all:
                self._kept.clear()
                self._of_all = of_all
            return self._kept.get((searched, replica.shard.name), {})

    def _digest(self, question: Dated) -> bytes:
        """What is searched for, and the day, of which "yesterday" is read; texts may be long."""
        searched = repr((question.without_days(), self._today()))
        return blake2b(searched.encode(), digest_size=16).digest()


def _bytes_of(given: Given) -> int:
    steps = given.values()
    return LEAST + sum(len(each.for_first) + len(each.to_reduce) + LEAST for each in steps)


@contextmanager
def lost_among(some: Sequence[Connections], asked: Sequence[Connections]) -> Iterator[None]:
    """Let the place of a shard that is lost be that among all, not among those that are asked."""
    try:
        yield
    except ShardLost as exc:
        exc.place = some.index(asked[exc.place])
        if len(asked) < len(some):
            exc.of_all = None
        raise
