"""What answers questions about an archive, be it divided or not: the seam between index and web."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from backfile.archive.store.catalog import StoredArticle
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.asking.autocomplete import Suggestion
from backfile.index.asking.reader import ReadQuery
from backfile.index.model.query import DEFAULT_HITS, Query
from backfile.index.model.results import Results
from backfile.index.model.whole import Whole
from backfile.index.search.overview import Overview
from backfile.index.search.readiness import Readiness
from backfile.index.search.related import Related
from backfile.index.search.result_cache import ScoredArticle

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Question(Protocol[T_co]):
    """What is asked about an archive; it can be sent to shards, which answer it together."""

    def of(self, searcher: Any, whole: Whole) -> T_co:
        """The answer of one archive, or, in the first shard of a whole, that of all shards."""
        ...


class AllHits(NamedTuple):
    """The answer to a query, without a page, and all its hits in order, read as they are taken."""

    answer: Results
    articles: Iterator[ScoredArticle]


class ArchiveSearcher(Protocol):
    """Searches an archive, from any number of threads.

    If it is divided, shards that are out are left out, and the answer says so; only where none is
    there, each method raises ShardsOut.
    """

    def search(self, query: Query, *, relaxes: bool = True) -> Results:
        """Answer a query with one page of hits; raise BadQuery, or EngineUnavailable."""
        ...

    def all_hits(
        self,
        query: Query,
        *,
        relaxes: bool = True,
        corrects: bool = False,
        most: int | None = None,
    ) -> AllHits:
        """Answer a query with all its hits, or the first `most`, of the group that is counted.

        If it `corrects`, a misspelt query without hits has those of its correction.
        """
        ...

    def read(self, query: Query) -> ReadQuery:
        """Read a query without answering it; raise BadQuery."""
        ...

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest completions of a query that is being typed; raise BadQuery."""
        ...

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject; raise ArticleNotFound."""
        ...

    def related_to(self, stored: StoredArticle, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article that is already fetched."""
        ...

    def overview(self) -> Overview:
        """The numbers of the archive as it is searched now."""
        ...

    def ask(self, question: Question[T]) -> T:
        """Answer any other question."""
        ...

    def readiness(self, directory: ArchiveDirectory | None = None) -> Readiness:
        """Test the parts of the archive, which should lie in `directory`."""
        ...

    @property
    def generation_age(self) -> float:
        """Seconds since searches switched to the generation that they are in."""
        ...
