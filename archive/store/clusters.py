"""Which articles are copies of one another: their signatures, and the stories made of these."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from typing import cast as typed

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from backfile.archive.batching import batches
from backfile.archive.model.article import Article
from backfile.archive.store.database import Database, take
from backfile.archive.store.schema import (
    article_of,
    articles,
    counters,
    passages,
    signatures,
    stories,
)

AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement
TEXTS_AT_ONCE = 500
SIGNED = "signed"  # counts what has changed among the signatures
GROUPED = "grouped"  # what that counter stood at when stories were made of them

Numbers = npt.NDArray[np.int64]


class Copy(NamedTuple):
    """What is said of an article beside its lead."""

    id: str
    title: str
    source: str
    published: date | None
    url: str


class OtherCopies(NamedTuple):
    """The other articles of a story: the first of them, and how many there are."""

    listed: tuple[Copy, ...] = ()
    total: int = 0


class Standing(NamedTuple):
    """What decides who leads a story."""

    published: int | None
    length: int  # characters
    id: str


class Stories:
    """The part of the catalogue that tells copies; written by the one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, signed: Mapping[str, bytes]) -> None:
        """Keep the signatures of articles, by id; those that are gone are passed over."""
        with self._database.writing() as connection:
            for ids in batches(signed, AT_ONCE):
                chosen = select(articles.c.number, articles.c.id).where(articles.c.id.in_(ids))
                found = connection.execute(chosen).all()
                numbers = [each.number for each in found]
                connection.execute(delete(signatures).where(signatures.c.article.in_(numbers)))
                rows = [{"article": each.number, "signature": signed[each.id]} for each in found]
                if rows:
                    connection.execute(insert(signatures), rows)
            take(connection, SIGNED, 1)

    def unsigned(self) -> Iterator[list[Article]]:
        """Walk the articles without a signature, some at a time; they may be signed meanwhile."""
        last = 0
        joined = articles.outerjoin(signatures, signatures.c.article == articles.c.number)
        lacking = select(articles).select_from(joined).where(signatures.c.article.is_(None))
        while True:
            chosen = lacking.where(articles.c.number > last).order_by(articles.c.number)
            with self._database.reading() as connection:
                found = connection.execute(chosen.limit(TEXTS_AT_ONCE)).mappings().all()
            if not found:
                return
            yield [article_of(typed(Any, row)) for row in found]
            last = found[-1]["number"]

    def changed(self) -> int | None:
        """What the signatures' counter stands at, or None if stories were made of them since."""
        chosen = select(counters.c.name, counters.c.value)
        with self._database.reading() as connection:
            found = connection.execute(chosen.where(counters.c.name.in_((SIGNED, GROUPED))))
            values = {row.name: row.value for row in found}
        signed: int = values.get(SIGNED, 0)
        return None if signed == values.get(GROUPED, 0) else signed

    def signed(self) -> tuple[Numbers, bytes]:
        """Every article that has a signature, by number, ascending; and these, end to end."""
        chosen = select(signatures.c.article, signatures.c.signature)
        with self._database.reading() as connection:
            found = connection.execute(chosen.order_by(signatures.c.article)).all()
        numbers = np.fromiter((row.article for row in found), np.int64, len(found))
        return numbers, b"".join(row.signature for row in found)

    def standings(self, numbers: Sequence[int]) -> dict[int, Standing]:
        """What decides who leads, of these articles."""
        c, found = articles.c, {}
        chosen = select(c.number, c.published, func.length(c.text).label("length"), c.id)
        with self._database.reading() as connection:
            for some in batches(numbers, AT_ONCE):
                for row in connection.execute(chosen.where(c.number.in_(some))):
                    found[row.number] = Standing(row.published, row.length, row.id)
        return found

    def keep(self, told: Sequence[tuple[int, int, int]], signed: int) -> None:
        """Put (article, story, place) in place of what was there, made of what `changed` said."""
        with self._database.writing() as connection:
            connection.execute(delete(stories))
            rows = [dict(zip(("article", "story", "place"), each, strict=True)) for each in told]
            if rows:
                connection.execute(insert(stories), rows)
            changed = update(counters).where(counters.c.name == GROUPED).values(value=signed)
            if not connection.execute(changed).rowcount:
                connection.execute(insert(counters).values(name=GROUPED, value=signed))
            take(connection, "generation", 1)

    def table(self) -> npt.NDArray[np.int64]:
        """Every article that has a copy, (n, 3): its number, story and place, by article."""
        c = stories.c
        with self._database.reading() as connection:
            if not _is_there(connection):
                return np.empty((0, 3), np.int64)
            chosen = select(c.article, c.story, c.place).order_by(c.article)
            found = connection.execute(chosen).all()
        return np.array([tuple(row) for row in found], np.int64).reshape(-1, 3)

    def at_rows(self, rows: Sequence[int]) -> dict[int, Copy]:
        """Describe the articles that own these passages, by row."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        chosen = _described(passages.c.row).select_from(joined)
        found: dict[int, Copy] = {}
        with self._database.reading() as connection:
            for some in batches(rows, AT_ONCE):
                for row in connection.execute(chosen.where(passages.c.row.in_(some))):
                    found[row.row] = _copy(row)
        return found

    def of(self, article_id: str, limit: int) -> OtherCopies:
        """The other articles of this one's story, in their order."""
        own = select(stories.c.story).join(articles, stories.c.article == articles.c.number)
        story = own.where(articles.c.id == article_id).scalar_subquery()
        joined = stories.join(articles, stories.c.article == articles.c.number)
        others = (stories.c.story == story, articles.c.id != article_id)
        chosen = _described().select_from(joined).where(*others).order_by(stories.c.place)
        counted = select(func.count()).select_from(joined).where(*others)
        with self._database.reading() as connection:
            if not _is_there(connection):
                return OtherCopies()
            found = tuple(_copy(row) for row in connection.execute(chosen.limit(limit)))
            return OtherCopies(found, connection.execute(counted).scalar_one())


def _is_there(connection: Connection) -> bool:
    """Whether there is a table to read: where nobody may write, an older archive has none."""
    return connection.dialect.has_table(connection, stories.name)


def _described(*columns: Any) -> Select[*tuple[Any, ...]]:
    c = articles.c
    return select(*columns, c.id, c.title, c.source, c.published, c.url)


def _copy(row: Row[*tuple[Any, ...]]) -> Copy:
    published = date.fromordinal(row.published) if row.published else None
    return Copy(row.id, row.title, row.source, published, row.url)
