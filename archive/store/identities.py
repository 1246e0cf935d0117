"""Looks up what the record holds under an id, an address or a place of the input."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, tuple_, update

from backfile.archive.batching import batches
from backfile.archive.model.article import Article, Origin
from backfile.archive.store.database import Database
from backfile.archive.store.schema import NOTHING, articles

AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


class Known(NamedTuple):
    """What the record holds under an id, enough to tell whether an article is news to it."""

    digest: bytes
    title: str
    published: int | None
    origin: Origin
    version: int
    length: int  # characters of the text
    url: str


class Named(NamedTuple):
    """What tells an article from another at the same address."""

    id: str
    title: str
    published: int | None


class Identities:
    """The part of the catalogue that tells whether an article is there already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, article_ids: Iterable[str]) -> dict[str, Known]:
        """Look up which of these ids are taken, and by what."""
        c = articles.c
        columns = (c.id, c.digest, c.title, c.published, c.version, c.url)
        place = (c.origin_file, c.origin_offset, c.origin_digest)
        found: dict[str, Known] = {}
        with self._database.reading() as connection:
            for some in batches(article_ids, AT_ONCE):
                chosen = select(*columns, *place, func.length(c.text).label("length"))
                for row in connection.execute(chosen.where(c.id.in_(some))):
                    found[row.id] = Known(
                        row.digest,
                        row.title,
                        row.published,
                        Origin(row.origin_file, row.origin_offset, row.origin_digest),
                        row.version,
                        row.length,
                        row.url,
                    )
        return found

    def ids_at(self, origins: Sequence[Origin]) -> dict[Origin, str]:
        """Look up which articles were read from these very places."""
        c, found = articles.c, {}
        place = tuple_(c.origin_file, c.origin_offset)
        with self._database.reading() as connection:
            for some in batches(origins, AT_ONCE):
                pairs = [(origin.file, origin.offset) for origin in some]
                chosen = select(c.id, c.origin_file, c.origin_offset).where(place.in_(pairs))
                for row in connection.execute(chosen):
                    found[Origin(row.origin_file, row.origin_offset)] = row.id
        return found

    def under(self, addresses: Iterable[str]) -> dict[str, list[Named]]:
        """Look up the articles under each of these canonical addresses, as they came in."""
        c = articles.c
        found: dict[str, list[Named]] = {}
        with self._database.reading() as connection:
            for some in batches(addresses, AT_ONCE):
                chosen = select(c.canonical, c.id, c.title, c.published)
                chosen = chosen.where(c.canonical.in_(some), c.canonical != NOTHING).order_by(
                    c.number
                )
                for row in connection.execute(chosen):
                    named = Named(row.id, row.title, row.published)
                    found.setdefault(row.canonical, []).append(named)
        return found

    def move(self, origins: Mapping[str, Origin]) -> None:
        """Note that articles, by id, say the same in the file that is there now."""
        moved = [
            {"moved": article_id, "file": origin.file, "at": origin.offset, "bytes": origin.digest}
            for article_id, origin in origins.items()
        ]
        if not moved:
            return
        changed = update(articles).where(articles.c.id == bindparam("moved"))
        with self._database.writing() as connection:
            connection.execute(
                changed.values(
                    origin_file=bindparam("file"),
                    origin_offset=bindparam("at"),
                    origin_digest=bindparam("bytes"),
                ),
                moved,
            )


def day_number(article: Article) -> int | None:
    """The day of an article as the record has it: `date.toordinal()`."""
    return article.published.toordinal() if article.published else None


def known_as(article: Article) -> Known:
    """What the record would say of an article."""
    return Known(
        article.digest,
        article.title,
        day_number(article),
        article.origin,
        article.version,
        len(article.text),
        article.url,
    )
