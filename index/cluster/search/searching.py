"""Searches a divided archive as one archive: all shards that answer.

A shard of which no replica answers is left out, and the answer says so: how many shards answered,
and what share of the articles they hold. It is asked again as soon as it is there.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable
from zlib import crc32

from backfile.archive.model.errors import ArchiveError, ShardsOut
from backfile.archive.model.message import Message
from backfile.archive.store.catalog import StoredArticle
from backfile.archive.store.collections import Collections
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import ArchiveReader
from backfile.index.answers.page_parts import completed
from backfile.index.asking.autocomplete import Suggestion
from backfile.index.asking.reader import ReadQuery, read_query
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.cluster.search.coordinator import Coordinated
from backfile.index.cluster.search.exchange import Asked
from backfile.index.cluster.search.questions import (
    AskedAll,
    AskedFirst,
    AskedNumbers,
    AskedOfEach,
    AskedOverview,
    AskedPage,
    AskedReadiness,
    AskedRelated,
    AskedSuggestions,
)
from backfile.index.cluster.search.readiness import Tested, merged_readiness
from backfile.index.cluster.search.replaceable import Replaceable
from backfile.index.cluster.search.shard_group import Answer, ShardGroup
from backfile.index.cluster.search.shards import Shard
from backfile.index.model.query import DEFAULT_HITS, Query
from backfile.index.model.results import Results
from backfile.index.search.memberships import Memberships, Numbers
from backfile.index.search.overview import Overview
from backfile.index.search.question import AllHits, Question
from backfile.index.search.readiness import Part, Readiness, Status
from backfile.index.search.related import Related
from backfile.index.search.result_cache import ARTICLES_AT_ONCE, ScoredArticle
from backfile.index.search.searcher import Recorder

SECONDS_A_ROUND = 5.0
BUDGET = 2.0  # seconds of a search, as of a server
SECONDS_KNOWN = 0.5  # that the numbers of the shards are taken as they were
T = TypeVar("T")


@runtime_checkable
class Noted(Protocol):
    """An answer that can say what is left out of it."""

    def with_note(self, note: Message) -> Self: ...


class _Seen(NamedTuple):
    """The numbers of the shards that answered at one moment."""

    at: float
    found: Answer[Overview]


def _ignore(_: Message) -> None:
    """Take no notice of what is left out."""


class ClusterSearcher:
    """An ArchiveSearcher over the shards of a divided archive, from any number of threads."""

    def __init__(
        self,
        shards: Sequence[Shard],
        *,
        budget: float = BUDGET,
        seconds_a_round: float = SECONDS_A_ROUND,
        today: Callable[[], date] = date.today,
        seconds: Callable[[], float] = time.monotonic,
        synonyms: Synonyms = NO_SYNONYMS,
        collections: Collections | None = None,
        recorder: Recorder | None = None,
        noticed: Callable[[Message], None] = _ignore,
        closed: Callable[[], None] | None = None,
    ) -> None:
        """Search these shards; the queries are read as by `Searcher`.

        `collections` are those of the whole. `recorder` takes note of each search. `noticed` is
        called in the thread of a question with what its answer lacks, whatever the answer is.
        `closed` is called once no search needs these shards any more.
        """
        self._group_of = partial(ShardGroup, seconds_a_round=seconds_a_round, seconds=seconds)
        self._groups = Replaceable(self._group_of(shards, closed=closed), ShardGroup.close)
        self._budget = budget
        self._today = today
        self._seconds = seconds
        self._synonyms = synonyms
        self._recorder = recorder
        self._noticed = noticed
        self._memberships: Memberships | None = None
        if collections:
            self._memberships = Memberships(
                collections, self._numbers_of, lambda: self.overview().generation
            )
        self._seen: _Seen | None = None
        self._articles: dict[str, int] = {}
        self._switched = seconds()
        self._lock = threading.Lock()

    @property
    def n_shards(self) -> int:
        """The number of all shards, whether they answer or not."""
        return len(self._groups.now.shards)

    @property
    def last(self) -> Coordinated:
        """What the last question of this thread took."""
        return self._groups.now.last

    def switch(self, shards: Sequence[Shard], closed: Callable[[], None]) -> None:
        """Search these shards from now on; searches that have begun end in the earlier ones.

        `closed` is called once no search needs these any more, as that of the earlier ones is now.
        """
        self._groups.replace(self._group_of(shards, closed=closed))
        with self._lock:  # only now, as nobody notes the numbers of the earlier ones any more
            self._seen = None
            self._switched = self._seconds()

    def search(self, query: Query, *, relaxes: bool = True) -> Results:
        """Answer a query with one page of hits, as `Searcher.search` does.

        Raises ShardsOut if no shard answers.
        """
        with self._failures_noted(query):
            asked = AskedPage(self._looked_up(query), relaxes)
            with self._groups.using() as group:
                found, took = group.ask(asked, self._budget, _turn_of(query)), group.last
            results = self._whole(found)
            results = completed(results, took.passed) if took.passed else results
        self._note(query, results, cut=took.was_late)
        return results

    def all_hits(
        self,
        query: Query,
        *,
        relaxes: bool = True,
        corrects: bool = False,
        most: int | None = None,
    ) -> AllHits:
        """The answer to a query without a page, and all its hits, or the first `most`.

        A shard whose last replica is lost while they are read ends a long list with
        EngineUnavailable.
        """
        with self._failures_noted(query):
            looked_up = self._looked_up(query)
            if most is not None and most <= ARTICLES_AT_ONCE:
                first = self._asked(AskedFirst(looked_up, relaxes, corrects, most))
                found = AllHits(first.answer, iter(first.articles))
            else:
                streamed = self._streamed(AskedAll(looked_up, relaxes, corrects, most))
                found = AllHits(next(streamed), streamed)
        self._note(query, found.answer, cut=False)
        return found

    def articles(self, query: Query) -> Iterator[ScoredArticle]:
        """Iterate over all articles that a query finds, as an export has them.

        Raises EngineUnavailable where a shard is out, before or meanwhile: none is left out.
        """
        streamed = self._streamed(AskedAll(self._looked_up(query)), needs_all=True)
        next(streamed)  # the answer
        yield from streamed

    def read(self, query: Query) -> ReadQuery:
        """Read a query without answering it."""
        return read_query(self._looked_up(query), self._today(), self._synonyms)

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest completions of a query that is being typed; raise BadQuery."""
        return self._asked(AskedSuggestions(text, limit), self._budget)

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject, as `Searcher.related` does.

        Raises ArticleNotFound, EngineUnavailable if a shard is out that may have it, and ShardsOut.
        """
        return self.ask(AskedRelated(article_id, limit))

    def related_to(self, stored: StoredArticle, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article that is already fetched."""
        return self.related(stored.article.id, limit=limit)

    def ask(self, question: Question[T]) -> T:
        """Answer any other question; raise ShardsOut."""
        return self._asked(question)

    def ask_each(self, look: Callable[[ArchiveReader], T]) -> Answer[Sequence[T | None]]:
        """What each shard finds by itself, and the shards that answered."""
        with self._groups.using() as group:
            found = group.ask(AskedOfEach(look))
        self._whole(found)
        return found

    def overview(self) -> Overview:
        """The numbers of the shards that answer, at most SECONDS_KNOWN old."""
        now, seen = self._seconds(), self._seen
        if seen is None or not seen.found.is_whole or now - seen.at > SECONDS_KNOWN:
            seen = self._look(now)
        return self._whole(seen.found)

    def share_answering(self) -> float:
        """The share of the shards that answer, 0 to 1."""
        try:
            found = self.overview()
        except ArchiveError:
            return 0.0
        return found.answering / found.shards

    def readiness(self, directory: ArchiveDirectory | None = None) -> Readiness:  # noqa: ARG002
        """Test all replicas of all shards; each shard lies in a directory of its own."""
        with self._groups.using() as group:
            try:
                found = group.ask_replicas(AskedReadiness())
            except ShardsOut as exc:
                return Readiness((Part("record", Status.FAILED, exc.message),))
            tested = [
                Tested(each.name, len(each.replicas), found.get(each, [])) for each in group.shards
            ]
        return merged_readiness(tested, self.generation_age)

    @property
    def generation_age(self) -> float:
        """Seconds since another generation of any shard was seen."""
        return self._seconds() - self._switched

    def close(self) -> None:
        """Close all connections."""
        self._groups.now.close()

    def _look(self, now: float) -> _Seen:
        with self._groups.using() as group:
            try:
                found = group.ask(AskedOverview())
            except ShardsOut:
                self._seen = None
                raise
            overview = Overview.merged(found.value, len(group.shards))
            seen = _Seen(now, Answer(overview, found.shards, found.all_shards))
            held = {
                each.name: own.articles for each, own in zip(found.shards, found.value, strict=True)
            }
            with self._lock:
                generation = self._seen.found.value.generation if self._seen else None
                if generation != overview.generation:
                    self._switched = now
                if group is self._groups.now:
                    self._seen = seen
                self._articles |= held
        return seen

    def _asked(self, question: Question[T], budget: float = math.inf) -> T:
        with self._groups.using() as group:
            found = group.ask(question, budget)
        return self._whole(found)

    def _streamed(self, question: Asked, *, needs_all: bool = False) -> Iterator[Any]:
        """Iterate over the answer, and the articles that shards pass on; they stay open so long."""
        with self._groups.using() as group:
            streamed = group.stream(question, needs_all=needs_all)
            answer: Results = next(streamed.value)
            yield self._whole(Answer(answer, streamed.shards, streamed.all_shards))
            for batch in streamed.value:
                yield from batch

    def _looked_up(self, query: Query) -> Query:
        return self._memberships.looked_up(query) if self._memberships else query

    def _numbers_of(self, article_ids: Sequence[str]) -> Numbers:
        with self._groups.using() as group:
            found = group.ask(AskedNumbers(tuple(article_ids)))
        return Numbers(self._whole(found), found.is_whole)

    def _whole(self, found: Answer[T]) -> T:
        """The value of an answer, with a note on what is out."""
        if found.is_whole:
            return found.value
        note = self._incomplete(found)
        self._noticed(note)
        return found.value.with_note(note) if isinstance(found.value, Noted) else found.value

    def _incomplete(self, found: Answer[Any]) -> Message:
        """How many shards answered, and what share of the articles they hold, if it is known."""
        numbers = {"answered": len(found.shards), "all": len(found.all_shards)}
        there = {each.name for each in found.shards}
        held = {
            each.name: self._articles.get(each.name, each.articles) for each in found.all_shards
        }
        if not all(articles or name in there for name, articles in held.items()):
            return Message("%(answered)s of %(all)s parts of the archive answered", **numbers)
        of_those = sum(held[name] for name in there)
        return Message(
            "%(answered)s of %(all)s parts of the archive answered; "
            "they hold %(share)s%% of its articles",
            **numbers,
            share=int(100 * of_those / max(1, sum(held.values()))),
        )

    @contextmanager
    def _failures_noted(self, query: Query) -> Iterator[None]:
        try:
            yield
        except Exception as exc:
            if self._recorder:
                self._recorder.failed(query, exc)
            raise

    def _note(self, query: Query, results: Results, *, cut: bool) -> None:
        if self._recorder:
            self._recorder.answered(query, results.verdict, results.took_ms, cut=cut)


def _turn_of(query: Query) -> int:
    """The same number for all pages of a query, in all processes."""
    return crc32(replace(query.first_page(), limit=DEFAULT_HITS).to_url().encode())
