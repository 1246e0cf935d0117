"""Looks up articles, their copies and versions, and the last runs, for whoever shows an archive."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArticleNotFound
from backfile.archive.store.catalog import Catalog, StoredArticle
from backfile.archive.store.clusters import COPIES_LISTED, Copy, OtherCopies
from backfile.archive.store.collections import Collections
from backfile.archive.store.history import Run, Version, Withdrawal


class Versions(NamedTuple):
    """The versions of an article, the latest first, and its withdrawal if there is one."""

    versions: tuple[Version, ...]
    withdrawn: Withdrawal | None

    def require_present(self) -> Article:
        """The article as it is now; raise ArticleNotFound where it was withdrawn."""
        latest = self.versions[0]
        if latest.replaced_at:
            raise ArticleNotFound(latest.article.id)
        return latest.article


class KnownVersions(NamedTuple):
    """What a catalogue knows of an article: the present version, earlier ones, its withdrawal."""

    present: Version | None
    earlier: Sequence[Version]
    withdrawn: Withdrawal | None

    def versions(self, article_id: str) -> Versions:
        """All versions, of a withdrawn article the earlier ones; raise ArticleNotFound."""
        found = (*([self.present] if self.present else []), *self.earlier)
        if not found:
            raise ArticleNotFound(article_id)
        return Versions(found, self.withdrawn)


class Reader(Protocol):
    """Plain look-ups in an archive, be it divided or not, from any number of threads.

    If it is divided, what is in a shard that is out is not found; an article is then
    EngineUnavailable, not ArticleNotFound. Where no shard answers, each raises ShardsOut.
    """

    @property
    def collections(self) -> Collections:
        """The collections and saved searches of the readers."""
        ...

    @property
    def archive(self) -> int:
        """The number that names the archive, 0 if an older release made it."""
        ...

    def article(self, article_id: str) -> StoredArticle:
        """Fetch an article with its passages; raise ArticleNotFound."""
        ...

    def articles(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Fetch those of these articles that are there, by id."""
        ...

    def has(self, article_id: str) -> bool:
        """Whether there is an article of this id."""
        ...

    def added(self, article_ids: Iterable[str]) -> dict[str, str]:
        """When each of these articles was added or changed: ISO 8601 in UTC, empty if unknown."""
        ...

    def copies(self, article_id: str) -> OtherCopies:
        """The other articles of an article's cluster: the first of them, and how many there are."""
        ...

    def count_earlier(self, article_id: str) -> int:
        """Count the earlier versions of an article."""
        ...

    def versions(self, article_id: str) -> Versions:
        """Fetch all versions, of a withdrawn article the earlier ones; raise ArticleNotFound."""
        ...

    def runs(self, limit: int) -> list[Run]:
        """The reports of the last runs, the latest first."""
        ...


class ArchiveReader:
    """The Reader of one archive; each look-up sees the latest commit."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.collections = catalog.collections

    def article(self, article_id: str) -> StoredArticle:
        """Fetch an article with its passages; raise ArticleNotFound."""
        return self._catalog.stored_article(article_id)

    def articles(self, article_ids: Sequence[str]) -> dict[str, Article]:
        """Fetch those of these articles that are there, by id."""
        return self._catalog.articles_of(article_ids)

    def has(self, article_id: str) -> bool:
        """Whether there is an article of this id."""
        return bool(self._catalog.identities.known([article_id]))

    def added(self, article_ids: Iterable[str]) -> dict[str, str]:
        """When each of these articles was added or changed: ISO 8601 in UTC, empty if unknown."""
        return self._catalog.identities.added(article_ids)

    @property
    def archive(self) -> int:
        """The number that names the archive, 0 if an older release made it."""
        return self._catalog.archive()

    def copies(self, article_id: str) -> OtherCopies:
        """The other articles of an article's cluster: the first of them, and how many there are."""
        return self._catalog.clusters.copies_of(article_id)

    def count_earlier(self, article_id: str) -> int:
        """Count the earlier versions of an article."""
        return self._catalog.history.count(article_id)

    def versions(self, article_id: str) -> Versions:
        """Fetch all versions, of a withdrawn article the earlier ones; raise ArticleNotFound."""
        return versions_of(self._catalog, article_id)

    def known_versions(self, article_id: str) -> KnownVersions:
        """The same, where the other versions may be in other shards."""
        return _known_versions(self._catalog, article_id)

    def cluster(self, article_id: str) -> int | None:
        """The cluster of an article; None if it has no copies, or is not here."""
        return self._catalog.clusters.cluster_of(article_id)

    def members(self, cluster: int) -> tuple[list[tuple[int, Copy]], int]:
        """The first articles of a cluster, each with its rank, and how many there are."""
        return self._catalog.clusters.members_of(cluster, COPIES_LISTED + 1)

    def runs(self, limit: int) -> list[Run]:
        """The reports of the last runs, the latest first."""
        return self._catalog.runs.latest(limit)


def versions_of(catalog: Catalog, article_id: str) -> Versions:
    """Fetch all versions, of a withdrawn article the earlier ones; raise ArticleNotFound."""
    return _known_versions(catalog, article_id).versions(article_id)


def _known_versions(catalog: Catalog, article_id: str) -> KnownVersions:
    earlier = catalog.history.of(article_id)
    withdrawn = catalog.history.withdrawn([article_id]).get(article_id)
    present = None
    with suppress(ArticleNotFound):
        stored = catalog.stored_article(article_id)
        present = Version(stored.article, stored.kept_at, "")
    return KnownVersions(present, earlier, withdrawn)
