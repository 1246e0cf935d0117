"""Searches a divided archive: all shards that answer, as one archive.

A shard that is lost is left out, and the answer says so: how many shards answered, and what share
of the articles they hold. It is asked again as soon as it is there.
"""

import logging
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol

from backfile.archive.model.errors import ArchiveError, EngineUnavailable, ShardsOut
from backfile.archive.model.message import Message
from backfile.index.cluster.coordinator import Coordinated, Coordinator, ShardLost
from backfile.index.cluster.exchange import Asked, take_part
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.query import DEFAULT_HITS, Query
from backfile.index.model.results import Results
from backfile.index.model.whole import Whole
from backfile.index.search.related import Related
from backfile.index.search.result_cache import ScoredArticle
from backfile.index.search.searcher import Searcher
from backfile.index.search.snapshot import StatisticsChanged

log = logging.getLogger(__name__)
SECONDS_A_ROUND = 5.0
ATTEMPTS = 5  # while shards change between two searches
BUDGET = 2.0  # seconds of a search, as of a server


Known = tuple[CollectionStatistics, ...]


class AskedPage(NamedTuple):
    """A search for one page of hits."""

    query: Query
    relaxes: bool

    def of(self, searcher: Searcher, whole: Whole) -> Results:
        """Take part in it with one shard; raise StatisticsChanged."""
        return searcher.search(self.query, relaxes=self.relaxes, whole=whole)


class AskedAll(NamedTuple):
    """A search for all articles that it finds, without relaxing it, as an export has them."""

    query: Query

    def of(self, searcher: Searcher, whole: Whole) -> Results:
        """Take part in it with one shard; the first passes the articles on."""
        found = searcher.find_all(self.query, relaxes=False, whole=whole)
        for batch in searcher.batches(found, whole):
            if whole.exchange and whole.place == 0:
                whole.exchange.pass_on(batch)
        return found.answer


class AskedRelated(NamedTuple):
    """A search for earlier and later coverage of an article's subject."""

    article_id: str
    limit: int

    def of(self, searcher: Searcher, whole: Whole) -> Related:
        """Take part in it with one shard; raise ArticleNotFound."""
        return searcher.related_in(whole, self.article_id, limit=self.limit)


class AskedStatistics(NamedTuple):
    """The question for the statistics of all shards."""

    def of(self, searcher: Searcher, whole: Whole) -> Known:
        """Give those of one shard; returns those of all."""
        return tuple(whole.gather(searcher.statistics()))


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


class _Connections:
    """The connections to one shard: opened when all are in use, and used again."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self._idle: list[Connection] = []

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


class ClusterSearcher:
    """Searches a divided archive, from any number of threads."""

    def __init__(
        self,
        shards: Sequence[Shard],
        *,
        budget: float = BUDGET,
        seconds_a_round: float = SECONDS_A_ROUND,
    ) -> None:
        self._shards = shards
        self._connections = [_Connections(shard) for shard in shards]
        self._budget = budget
        self._coordinator = Coordinator(seconds_a_round=seconds_a_round)
        self._statistics: dict[_Connections, CollectionStatistics] = {}
        self._of_thread = threading.local()

    @property
    def n_shards(self) -> int:
        """The number of all shards, whether they answer or not."""
        return len(self._shards)

    @property
    def last(self) -> Coordinated:
        """What the last search of this thread took."""
        found: Coordinated = self._of_thread.last
        return found

    def search(self, query: Query, *, relaxes: bool = True) -> Results:
        """Answer a query with one page of hits, as `Searcher.search` does.

        Raises ShardsOut if no shard answers.
        """
        found, answered = self._run(AskedPage(query, relaxes))
        results: Results = found.value
        if found.passed:
            hits = {place: hit for own in found.passed for place, hit in own.items()}
            results = replace(results, hits=tuple(hits[place] for place in sorted(hits)))
        return results if len(answered) == len(self._shards) else self._noted(results, answered)

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject, as `Searcher.related` does.

        Raises ArticleNotFound, also where the shard that holds it is out, and ShardsOut.
        """
        found, _ = self._run(AskedRelated(article_id, limit))
        related: Related = found.value
        return related

    def articles(self, query: Query) -> Iterator[ScoredArticle]:
        """Iterate over all articles that a query finds, as an export has them.

        Raises EngineUnavailable where a shard is out, before or meanwhile: none is left out.
        """
        for _ in range(ATTEMPTS):
            try:
                yield from self._articles(query)
            except StatisticsChanged:  # before the first article
                self._statistics.clear()
            else:
                return
        raise _changing()

    def _articles(self, query: Query) -> Iterator[ScoredArticle]:
        some = self._connections
        try:
            taken = self._taken(some)
            try:
                for batch in self._coordinator.passed(
                    AskedAll(query), taken, math.inf, self._known(some)
                ):
                    yield from batch
            except BaseException:
                _close(taken)
                raise
        except ShardLost as exc:
            name = some[exc.place].shard.name
            reason = f"{exc}; write the articles once more when it is there"
            raise EngineUnavailable(f"the shard {name}", reason) from exc
        for each, connection in zip(some, taken, strict=True):
            each.give_back(connection)

    def close(self) -> None:
        """Close all connections."""
        for each in self._connections:
            each.close()

    def _run(self, asked: Asked) -> tuple[Coordinated, Sequence[Shard]]:
        """What the first shard returns, and the shards that took part."""
        left = list(self._connections)
        tried_again: set[_Connections] = set()
        for _ in range(ATTEMPTS + 2 * len(left)):
            left = [each for each in left if each.is_there()]
            if not left:
                break
            try:
                found = self._in_all(asked, left, self._known(left))
            except ShardLost as exc:
                lost = left[exc.place]
                lost.close()
                if lost in tried_again or not exc.may_be_back:
                    log.warning("the shard %s is left out: %s", lost.shard.name, exc)
                    left.remove(lost)
                tried_again.add(lost)
            except StatisticsChanged:
                self._statistics.clear()
            else:
                self._of_thread.last = found
                return found, [each.shard for each in left]
        if left:
            raise _changing()
        raise ShardsOut(len(self._shards))

    def _known(self, some: Sequence[_Connections]) -> Known:
        """The statistics of these shards; they are asked for those that are not known."""
        known = [self._statistics.get(each) for each in some]  # another thread may clear them
        if None not in known:
            return tuple(each for each in known if each)
        found: Known = self._in_all(AskedStatistics(), some).value
        self._statistics |= zip(some, found, strict=True)
        return found

    def _in_all(
        self, asked: Asked, some: Sequence[_Connections], known: Known | None = None
    ) -> Coordinated:
        """Run a search in these shards; unless it ends as it should, close the connections."""
        taken = self._taken(some)
        try:
            found = self._coordinator.run(asked, taken, self._budget, known)
        except BaseException:
            _close(taken)
            raise
        for each, connection in zip(some, taken, strict=True):
            each.give_back(connection)
        return found

    def _taken(self, some: Sequence[_Connections]) -> list[Connection]:
        """A connection to each of these shards; raise ShardLost."""
        taken: list[Connection] = []
        for place, each in enumerate(some):
            connection = each.take()
            if connection is None:
                _close(taken)
                raise ShardLost(place)
            taken.append(connection)
        return taken

    def _noted(self, results: Results, answered: Sequence[Shard]) -> Results:
        """The answer with a note on what is out."""
        there, all_articles = (
            sum(shard.articles for shard in shards) for shards in (answered, self._shards)
        )
        note = Message(
            "%(answered)s of %(all)s parts of the archive answered; "
            "they hold %(share)s%% of its articles",
            answered=len(answered),
            all=len(self._shards),
            share=int(100 * there / max(1, all_articles)),
        )
        reading = replace(results.reading, notes=(note, *results.reading.notes))
        return replace(results, reading=reading)


def _changing() -> EngineUnavailable:
    return EngineUnavailable("the archive", "its shards are changing; try again in a minute")


def _close(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.close()
