"""Looks up articles of the catalogue by id, address, content or place of the input."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from typing import cast as typed

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from backfile.archive.model.article import Article, Origin
from backfile.archive.model.ids import is_derived, place_mark
from backfile.archive.store.database import Database, find_rows
from backfile.archive.store.row_layout import is_sound
from backfile.archive.store.schema import NOTHING, UNNAMED, articles


class Known(NamedTuple):
    """What the catalogue holds under an id, enough to decide what an article is to it."""

    digest: bytes
    title: str
    published: int | None
    origin: Origin
    version: int
    length: int  # characters of the text
    url: str
    source: str
    is_sound: bool = True  # False: it is damaged, and no longer has its digest


class Named(NamedTuple):
    """An article at an address, with what distinguishes it from others there."""

    id: str
    title: str
    published: int | None


class Placed(NamedTuple):
    """An article at its place in the input."""

    id: str
    title: str
    origin: Origin


PLACED = select(
    articles.c.id,
    articles.c.title,
    articles.c.origin_file,
    articles.c.origin_offset,
    articles.c.origin_digest,
)


class Identities:
    """The part of the catalogue that says whether an article is in the archive already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, article_ids: Iterable[str]) -> dict[str, Known]:
        """What the catalogue holds under each of these ids."""
        found = self._database.find(select(articles), articles.c.id, article_ids)
        return {
            row.id: Known(
                row.digest,
                row.title,
                row.published,
                Origin(row.origin_file, row.origin_offset, row.origin_digest),
                row.version,
                len(row.text),
                row.url,
                row.source,
                is_sound(typed(Any, row._mapping)),
            )
            for row in found
        }

    def added(self, article_ids: Iterable[str]) -> dict[str, str]:
        """When each of these articles came in as it is: ISO 8601 in UTC, empty if unknown."""
        chosen = select(articles.c.id, articles.c.kept_at)
        found = self._database.find(chosen, articles.c.id, article_ids)
        return {row.id: row.kept_at for row in found}

    def text(self, article_id: str) -> str:
        """The text of an article; empty if there is none."""
        chosen = select(articles.c.text).where(articles.c.id == article_id)
        with self._database.reading() as connection:
            return connection.execute(chosen).scalar() or ""

    def at(self, origins: Sequence[Origin]) -> dict[Origin, list[Placed]]:
        """The articles that were read from each of these places."""
        c, found = articles.c, dict[Origin, list[Placed]]()
        # SQLite scans the table for `(file, offset) IN (...)`; it looks up each pair of a join.
        pairs = json.dumps([(origin.file, origin.offset) for origin in origins])
        each = func.json_each(pairs).table_valued("value").c.value
        file, offset = (func.json_extract(each, f"$[{n}]") for n in range(2))
        here = and_(c.origin_file == file, c.origin_offset == offset)
        with self._database.reading() as connection:
            for row in connection.execute(PLACED.where(here)):
                placed = _placed(row)
                found.setdefault(placed.origin, []).append(placed)
        return found

    def with_content(self, digests: Iterable[bytes]) -> dict[bytes, list[Placed]]:
        """The articles without id and address that have each of these digests."""
        c = articles.c
        chosen = PLACED.add_columns(c.digest).where(UNNAMED)
        found: dict[bytes, list[Placed]] = {}
        for row in self._database.find(chosen, c.digest, digests):
            found.setdefault(row.digest, []).append(_placed(row))
        return found

    def under(self, addresses: Iterable[str]) -> dict[str, list[Named]]:
        """The articles under each of these canonical addresses, in order of number."""
        c = articles.c
        chosen = select(c.canonical, c.id, c.title, c.published).where(c.canonical != NOTHING)
        found: dict[str, list[Named]] = {}
        for row in self._database.find(chosen.order_by(c.number), c.canonical, addresses):
            named = Named(row.id, row.title, row.published)
            found.setdefault(row.canonical, []).append(named)
        return found


def _placed(row: Row[*tuple[Any, ...]]) -> Placed:
    origin = Origin(row.origin_file, row.origin_offset, row.origin_digest)
    return Placed(row.id, row.title, origin)


def move_origins(connection: Connection, moved: Mapping[str, Origin]) -> None:
    """Note the new origins of articles, by id, in a transaction."""
    if not moved:
        return
    changed = update(articles).where(articles.c.id == bindparam("moved"))
    connection.execute(
        changed.values(
            origin_file=bindparam("file"),
            origin_offset=bindparam("at"),
            origin_digest=bindparam("bytes"),
        ),
        [
            {"moved": article_id, "file": origin.file, "at": origin.offset, "bytes": origin.digest}
            for article_id, origin in moved.items()
        ],
    )


def place_marks(connection: Connection, article_ids: Sequence[str]) -> list[str]:
    """Marks of the places of these articles, for those without id and address, in a transaction.

    Their ids change with what a reader makes of a file.
    """
    unnamed = [each for each in article_ids if is_derived(each)]
    found = find_rows(connection, PLACED, articles.c.id, unnamed)
    return [place_mark(_placed(row).origin) for row in found]


def day_number(article: Article) -> int | None:
    """The first day of an article's date as it is stored: `date.toordinal()`."""
    return article.date_span.first.toordinal() if article.date_span else None


def known_as(article: Article) -> Known:
    """What the catalogue would hold of an article."""
    return Known(
        article.digest,
        article.title,
        day_number(article),
        article.origin,
        article.version,
        len(article.text),
        article.url,
        article.source,
    )
