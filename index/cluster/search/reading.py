"""Looks up articles, their copies and versions, and the last runs, in the shards that have them."""

from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import chain
from operator import attrgetter, methodcaller
from typing import Any, NoReturn, TypeVar

from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArticleNotFound
from backfile.archive.store.catalog import StoredArticle
from backfile.archive.store.clusters import COPIES_LISTED, OtherCopies
from backfile.archive.store.collections import Collections
from backfile.archive.store.history import Run
from backfile.archive.store.reader import ArchiveReader, KnownVersions, Versions
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shard_group import Answer, not_found_now

T = TypeVar("T")


class ClusterReader:
    """The Reader of a divided archive.

    `collections` are those of the whole, and `archive` is the number that names it, 0 if unknown.
    """

    def __init__(
        self, searcher: ClusterSearcher, collections: Collections, archive: int = 0
    ) -> None:
        self._searcher = searcher
        self.collections = collections
        self._archive = archive

    @property
    def archive(self) -> int:
        """The number that names the whole; if unknown, that of the first shard, once it answers."""
        if not self._archive:
            found = self._searcher.ask_each(attrgetter("archive"))
            if found.shards[0] is found.all_shards[0]:
                self._archive = found.value[0] or 0
        return self._archive

    def article(self, article_id: str) -> StoredArticle:
        """Fetch an article with its passages, whose rows are those of its shard."""
        look: Callable[[ArchiveReader], StoredArticle] = methodcaller("article", article_id)
        found = self._searcher.ask_each(look)
        article = next((each for each in found.value if each), None)
        if article is None:
            _raise_not_found(article_id, found)
        return article

    def articles(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Fetch those of these articles that are there, by id."""
        found: dict[str, Article] = {}
        for each in self._each(methodcaller("articles", list(article_ids))):
            found |= each
        return found

    def has(self, article_id: str) -> bool:
        """Whether a shard that answers has an article of this id."""
        return any(self._each(methodcaller("has", article_id)))

    def added(self, article_ids: Iterable[str]) -> dict[str, str]:
        """When each of these articles was added or changed: ISO 8601 in UTC, empty if unknown."""
        found: dict[str, str] = {}
        for each in self._each(methodcaller("added", list(article_ids))):
            found |= {article_id: added for article_id, added in each.items() if added}
        return found

    def copies(self, article_id: str) -> OtherCopies:
        """The other articles of an article's cluster, which may lie in several shards."""
        clusters = self._each(methodcaller("cluster", article_id))
        cluster = next((each for each in clusters if each is not None), None)
        if cluster is None:
            return OtherCopies()
        found = self._each(methodcaller("members", cluster))
        members = sorted(chain.from_iterable(some for some, _ in found), key=lambda pair: pair[0])
        others = [copy for _, copy in members if copy.id != article_id]
        return OtherCopies(tuple(others[:COPIES_LISTED]), sum(total for _, total in found) - 1)

    def count_earlier(self, article_id: str) -> int:
        """Count the earlier versions of an article."""
        return sum(self._each(methodcaller("count_earlier", article_id)))

    def versions(self, article_id: str) -> Versions:
        """Fetch all versions, which may lie in several shards; raise ArticleNotFound."""
        look: Callable[[ArchiveReader], KnownVersions] = methodcaller("known_versions", article_id)
        answer = self._searcher.ask_each(look)
        found = [each for each in answer.value if each]
        earlier = [each.earlier for each in found]
        known = KnownVersions(
            next((each.present for each in found if each.present), None),
            list(merge(*earlier, key=lambda version: version.replaced_at, reverse=True)),
            next((each.withdrawn for each in found if each.withdrawn), None),
        )
        if not known.present and not known.earlier:
            _raise_not_found(article_id, answer)
        return known.versions(article_id)

    def runs(self, limit: int) -> list[Run]:
        """The reports of the last runs, of any shard, the latest first."""
        found = chain.from_iterable(self._each(methodcaller("runs", limit)))
        return sorted(found, key=lambda run: run.ended_at, reverse=True)[:limit]

    def _each(self, look: Callable[[ArchiveReader], T]) -> list[T]:
        return [each for each in self._searcher.ask_each(look).value if each is not None]


def _raise_not_found(article_id: str, answer: Answer[Any]) -> NoReturn:
    error = ArticleNotFound(article_id)
    raise error if answer.is_whole else not_found_now(error)
