"""What a coordinator asks its shards: each question is sent to all of them, and runs in each."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import ArticleNotFound
from backfile.archive.model.message import Message
from backfile.archive.store.reader import ArchiveReader
from backfile.index.asking.autocomplete import Suggestion
from backfile.index.cluster.search.stand_ins import days_of
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.query import Marking, Query
from backfile.index.model.results import Results
from backfile.index.model.whole import Whole
from backfile.index.search.overview import Overview
from backfile.index.search.readiness import Readiness
from backfile.index.search.related import Related
from backfile.index.search.result_cache import ScoredArticle
from backfile.index.search.searcher import Searcher

T = TypeVar("T")


class AskedPage(NamedTuple):
    """A search for one page of hits."""

    query: Query
    relaxes: bool

    def of(self, searcher: Searcher, whole: Whole) -> Results:
        """Take part in it with one shard; raise StatisticsChanged."""
        return searcher.search(self.query, relaxes=self.relaxes, whole=whole)

    @property
    def days(self) -> DateSpan | None:
        """The days that its articles may be of; None if that is any day.

        Sentences are marked in the first shard, which gets the page of all.
        """
        return None if self.query.mark is Marking.SENTENCE else days_of(self.query.filters)

    @property
    def is_continued(self) -> bool:
        """Whether it is for a later page."""
        return self.query.cursor is not None

    def without_days(self) -> "AskedPage":
        """The same search among articles of any day."""
        return self._replace(query=self.query.of_any_day())


class AskedAll(NamedTuple):
    """A search for all articles that it finds, or the first `most`; a long list is passed on."""

    query: Query
    relaxes: bool = False
    corrects: bool = False
    most: int | None = None

    def of(self, searcher: Searcher, whole: Whole) -> None:
        """Take part in it with one shard; the first passes the answer on, then the articles."""
        found = searcher.find_all(
            self.query, relaxes=self.relaxes, corrects=self.corrects, whole=whole
        )
        passes_on = whole.exchange.pass_on if whole.exchange and not whole.place else None
        answer = found.without_hits(whole)
        if passes_on:
            passes_on(answer)
        for batch in found.batches(searcher.catalog, whole, self.most):
            if passes_on:
                passes_on(batch)


class FirstHits(NamedTuple):
    """An answer without a page, and its first hits."""

    answer: Results
    articles: Sequence[ScoredArticle]

    def with_note(self, note: Message) -> "FirstHits":
        """The same with a note on what is left out."""
        return self._replace(answer=self.answer.with_note(note))


class AskedFirst(NamedTuple):
    """The same search for the first `most` articles, which are few."""

    query: Query
    relaxes: bool
    corrects: bool
    most: int

    def of(self, searcher: Searcher, whole: Whole) -> FirstHits:
        """Take part in it with one shard."""
        found = searcher.find_all(
            self.query, relaxes=self.relaxes, corrects=self.corrects, whole=whole
        )
        batches = found.batches(searcher.catalog, whole, self.most)
        return FirstHits(found.without_hits(whole), [each for batch in batches for each in batch])


class AskedRelated(NamedTuple):
    """A search for earlier and later coverage of an article's subject."""

    article_id: str
    limit: int

    def of(self, searcher: Searcher, whole: Whole) -> Related:
        """Take part in it with one shard; raise ArticleNotFound."""
        return searcher.related_in(whole, self.article_id, limit=self.limit)


class AskedSuggestions(NamedTuple):
    """Completions of a query that is being typed."""

    text: str
    limit: int

    def of(self, searcher: Searcher, whole: Whole) -> list[Suggestion]:
        """Take part in it with one shard; raise StatisticsChanged."""
        return searcher.suggest(self.text, self.limit, whole=whole)


class AskedStatistics(NamedTuple):
    """The question for the statistics of all shards."""

    def of(self, searcher: Searcher, whole: Whole) -> Sequence[CollectionStatistics]:
        """Give those of one shard; the first has those of all."""
        return tuple(whole.collected(searcher.snapshot().statistics).values())


class AskedOverview(NamedTuple):
    """The question for the numbers of all shards, in their order."""

    def of(self, searcher: Searcher, whole: Whole) -> Sequence[Overview]:
        """Give those of one shard; the first has those of all. Raises StatisticsChanged."""
        snapshot = searcher.snapshot()
        snapshot.require_known(whole)
        return tuple(whole.collected(Overview.of(snapshot.table)).values())


class AskedReadiness(NamedTuple):
    """The question whether all shards are ready, in their order."""

    def of(self, searcher: Searcher, whole: Whole) -> Sequence[Readiness]:
        """Test one shard; returns what all are."""
        return tuple(whole.collected(searcher.readiness()).values())


class AskedNumbers(NamedTuple):
    """The question for the numbers of these articles, by id, of those that are there."""

    article_ids: tuple[str, ...]

    def of(self, searcher: Searcher, whole: Whole) -> Mapping[str, int]:
        """Look them up in one shard; returns those of all."""
        numbers: dict[str, int] = {}
        for shard in whole.collected(searcher.catalog.numbers_of(self.article_ids)).values():
            numbers |= shard
        return numbers


class AskedOfEach(NamedTuple, Generic[T]):
    """A look-up in each shard by itself; those of all shards in their order.

    That of a shard which has no such article is None. `look` can be sent.
    """

    look: Callable[[ArchiveReader], T]

    def of(self, searcher: Searcher, whole: Whole) -> Sequence[T | None]:
        """Look up in one shard; returns what all have found."""
        own: T | None = None
        with suppress(ArticleNotFound):
            own = self.look(ArchiveReader(searcher.catalog))
        return tuple(whole.collected(own).values())
