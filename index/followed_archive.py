"""One archive that is open for long: opened again aside where another one takes its place.

`reembed` exchanges an archive for one with another model. Searches go on in the earlier one, which
stays readable for who has it open, until the new one is open and warm; then all are in the new one.
An answer is never of both.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog, StoredArticle
from backfile.archive.store.clusters import OtherCopies
from backfile.archive.store.collections import Collections
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.history import Run
from backfile.archive.store.reader import ArchiveReader, Versions
from backfile.index.asking.autocomplete import Suggestion
from backfile.index.asking.reader import ReadQuery
from backfile.index.model.query import DEFAULT_HITS, Query
from backfile.index.model.results import Results
from backfile.index.seams.engines import Engines
from backfile.index.search.overview import Overview
from backfile.index.search.question import AllHits, Question
from backfile.index.search.readiness import Readiness
from backfile.index.search.related import Related
from backfile.index.search.searcher import Recorder, Searcher
from backfile.index.wiring import open_engines, searcher_over, settings_now

T = TypeVar("T")
SECONDS_BETWEEN_TRIES = 10.0  # to open an archive that could not be opened
log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What is open of an archive."""

    engines: Engines
    searcher: Searcher
    reader: ArchiveReader


class FollowedArchive:
    """Opens an archive, and opens it again where another one has taken its place; thread-safe."""

    def __init__(
        self, settings: Settings, recorder: Recorder, warm: Callable[[Opened], None]
    ) -> None:
        """`warm` loads what the first search would wait for."""
        self._settings = settings
        self._recorder = recorder
        self._warm = warm
        self._directory = ArchiveDirectory(settings.archive)
        self._opened = _open(settings, recorder)
        self._former: list[Catalog] = []  # who still reads from one is not disturbed
        self._renewing = threading.Lock()  # held while the archive is opened again
        self._try_at = 0.0  # not before, by time.monotonic()
        self.inbox = self._opened.engines.catalog.inbox
        self.searcher = FollowedSearcher(self)
        self.reader = FollowedReader(self)

    def warm(self) -> None:
        """Load what the first search would wait for."""
        self._warm(self._opened)

    def close(self) -> None:
        """Close what is open."""
        for catalog in (*self._former, self._opened.engines.catalog):
            catalog.close()

    def ask(self, question: Callable[[Opened], T]) -> T:
        """Answer a question of what is open now.

        Where the earlier archive cannot answer any more, as it has been replaced, the new one does,
        once it is open.
        """
        opened = self._opened
        if self._is_replaced(opened) and self._may_renew():
            threading.Thread(target=self._renew, args=(opened,), daemon=True).start()
        try:
            return question(opened)
        except EngineUnavailable:
            if not self._is_replaced(opened):
                raise
            self._renew(opened)
            if self._opened is opened:
                raise
            return question(self._opened)

    def settle(self) -> None:
        """Wait until the archive that is there now is open, if it can be."""
        if self._is_replaced(opened := self._opened):
            self._renew(opened)

    def _is_replaced(self, opened: Opened) -> bool:
        return not opened.engines.catalog.is_in_place() and self._directory.exists()

    def _may_renew(self) -> bool:
        return not self._renewing.locked() and time.monotonic() >= self._try_at

    def _renew(self, earlier: Opened) -> None:
        """Open the archive that is there now in the place of an earlier one, unless another has."""
        with self._renewing:
            if self._opened is not earlier or time.monotonic() < self._try_at:
                return
            try:
                renewed = _open(settings_now(self._settings), self._recorder)
                self._warm(renewed)
            except ArchiveError as exc:
                log.warning("searches go on in the archive as it was: %s", exc)
                self._try_at = time.monotonic() + SECONDS_BETWEEN_TRIES
                return
            self._former.append(earlier.engines.catalog)
            self.inbox.follow(renewed.engines.catalog.inbox)
            self._opened = renewed


def _open(settings: Settings, recorder: Recorder) -> Opened:
    engines = open_engines(settings)
    searcher = searcher_over(engines, settings, serving=True, recorder=recorder)
    return Opened(engines, searcher, ArchiveReader(engines.catalog))


class FollowedSearcher:
    """The ArchiveSearcher of an archive that is followed."""

    def __init__(self, archive: FollowedArchive) -> None:
        self._archive = archive

    def search(self, query: Query, *, relaxes: bool = True) -> Results:
        """Answer a query with one page of hits; raise BadQuery, or EngineUnavailable."""
        return self._archive.ask(lambda now: now.searcher.search(query, relaxes=relaxes))

    def all_hits(
        self,
        query: Query,
        *,
        relaxes: bool = True,
        corrects: bool = False,
        most: int | None = None,
    ) -> AllHits:
        """Answer a query with all its hits, or the first `most`, of the group that is counted."""
        return self._archive.ask(
            lambda now: now.searcher.all_hits(query, relaxes=relaxes, corrects=corrects, most=most)
        )

    def read(self, query: Query) -> ReadQuery:
        """Read a query without answering it; raise BadQuery."""
        return self._archive.ask(lambda now: now.searcher.read(query))

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest completions of a query that is being typed; raise BadQuery."""
        return self._archive.ask(lambda now: now.searcher.suggest(text, limit))

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject; raise ArticleNotFound."""
        return self._archive.ask(lambda now: now.searcher.related(article_id, limit=limit))

    def related_to(self, stored: StoredArticle, *, limit: int = DEFAULT_HITS) -> Related:
        """The same for an article that is already fetched, perhaps from the archive of before."""
        return self.related(stored.article.id, limit=limit)

    def overview(self) -> Overview:
        """The numbers of the archive as it is searched now."""
        return self._archive.ask(lambda now: now.searcher.overview())

    def ask(self, question: Question[T]) -> T:
        """Answer any other question."""
        return self._archive.ask(lambda now: now.searcher.ask(question))

    def readiness(self, directory: ArchiveDirectory | None = None) -> Readiness:
        """Test the parts of the archive, which should lie in `directory`, once it is open."""
        self._archive.settle()
        return self._archive.ask(lambda now: now.searcher.readiness(directory))

    @property
    def generation_age(self) -> float:
        """Seconds since searches switched to the generation that they are in."""
        return self._archive.ask(lambda now: now.searcher.generation_age)


class FollowedReader:
    """The Reader of an archive that is followed."""

    def __init__(self, archive: FollowedArchive) -> None:
        self._archive = archive

    @property
    def collections(self) -> Collections:
        """The collections and saved searches of the readers."""
        return self._archive.ask(lambda now: now.reader.collections)

    @property
    def archive(self) -> int:
        """The number that names the archive, 0 if an older release made it."""
        return self._archive.ask(lambda now: now.reader.archive)

    def article(self, article_id: str) -> StoredArticle:
        """Fetch an article with its passages; raise ArticleNotFound."""
        return self._archive.ask(lambda now: now.reader.article(article_id))

    def articles(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Fetch those of these articles that are there, by id."""
        return self._archive.ask(lambda now: now.reader.articles(article_ids))

    def has(self, article_id: str) -> bool:
        """Whether there is an article of this id."""
        return self._archive.ask(lambda now: now.reader.has(article_id))

    def added(self, article_ids: Iterable[str]) -> dict[str, str]:
        """When each of these articles was added or changed: ISO 8601 in UTC, empty if unknown."""
        ids = list(article_ids)
        return self._archive.ask(lambda now: now.reader.added(ids))

    def copies(self, article_id: str) -> OtherCopies:
        """The other articles of an article's cluster: the first of them, and how many there are."""
        return self._archive.ask(lambda now: now.reader.copies(article_id))

    def count_earlier(self, article_id: str) -> int:
        """Count the earlier versions of an article."""
        return self._archive.ask(lambda now: now.reader.count_earlier(article_id))

    def versions(self, article_id: str) -> Versions:
        """Fetch all versions, of a withdrawn article the earlier ones; raise ArticleNotFound."""
        return self._archive.ask(lambda now: now.reader.versions(article_id))

    def runs(self, limit: int) -> list[Run]:
        """The reports of the last runs, the latest first."""
        return self._archive.ask(lambda now: now.reader.runs(limit))
