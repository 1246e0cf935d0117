"""Lists the versions of an article, the one that is there and those before it."""

from typing import NamedTuple

from backfile.archive.model.errors import ArticleNotFound
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.history import Version, Withdrawal


class Versions(NamedTuple):
    """What an article says and said, the latest first, and whether its source took it back."""

    versions: tuple[Version, ...]
    withdrawn: Withdrawal | None


def versions_of(catalog: Catalog, article_id: str) -> Versions:
    """Fetch all versions; what is withdrawn has earlier ones alone. Raises ArticleNotFound."""
    earlier = catalog.history.of(article_id)
    withdrawn = catalog.history.withdrawn([article_id]).get(article_id)
    current = _current(catalog, article_id)
    if current is None and not earlier:
        raise ArticleNotFound(article_id)
    return Versions((*([current] if current else ()), *earlier), withdrawn)


def _current(catalog: Catalog, article_id: str) -> Version | None:
    try:
        article = catalog.article(article_id)
    except ArticleNotFound:
        return None
    return Version(article, catalog.history.kept_at(article_id), "")
