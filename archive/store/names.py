"""The names in articles: which were read, by which model, and which articles wait to be read."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from typing import cast as typed

from sqlalchemy import (
    Connection,
    Insert,
    Select,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
)

from backfile.archive.model.article import ArticleNames
from backfile.archive.store.database import Database, delete_rows, take
from backfile.archive.store.row_layout import article_of, passage_of
from backfile.archive.store.schema import articles, names, passages
from backfile.archive.store.touched import touch

COLUMNS = (names.c.people, names.c.organisations, names.c.places)
WITH_NAMES = articles.outerjoin(names, names.c.article == articles.c.number)


class Unread(NamedTuple):
    """An article whose names are to be read: the texts of its passages, without furniture."""

    number: int
    digest: bytes
    language: str
    texts: tuple[str, ...]


class Read(NamedTuple):
    """What was read of an article, and by which model."""

    article: Unread
    model: str
    names: ArticleNames


class NamesCount(NamedTuple):
    """How many articles were read, and how many more could be."""

    read: int
    waiting: int


class StoredNames:
    """The part of the catalogue that holds the names in articles; there is one writer.

    An article that is replaced, or cut into other passages, loses its names, and is read again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, languages: Collection[str], first_row: int = 0) -> list[int]:
        """The numbers of the articles in these languages that were not read, newest first.

        With `first_row`, only articles that have a passage from that row on.
        """
        order = (articles.c.published.is_(None), articles.c.published.desc(), articles.c.number)
        chosen = _waiting(select(articles.c.number), languages)
        if first_row:
            ours = (passages.c.article == articles.c.number, passages.c.row >= first_row)
            chosen = chosen.where(exists().where(*ours))
        with self._database.reading() as connection:
            return list(connection.execute(chosen.order_by(*order)).scalars())

    def unread(self, numbers: Sequence[int]) -> list[Unread]:
        """Fetch articles with their passages; those that are gone are skipped."""
        chosen = select(articles).where(articles.c.number.in_(numbers))
        cut = select(passages).where(passages.c.article.in_(numbers)).order_by(passages.c.n)
        with self._database.reading() as connection:
            found = connection.execute(chosen).mappings().all()
            texts: dict[int, list[str]] = {row["number"]: [] for row in found}
            by_number = {row["number"]: article_of(dict(row)) for row in found}
            for row in connection.execute(cut).mappings():
                passage = passage_of(dict(row), by_number[row["article"]])
                texts[row["article"]].append(passage.text)
        return [
            Unread(row["number"], row["digest"], row["language"], tuple(texts[row["number"]]))
            for row in found
        ]

    def put(self, found: Iterable[Read]) -> None:
        """Keep the names of articles, unless they were replaced since they were fetched."""
        read = list(found)
        with self._database.writing() as connection:
            for each in read:
                connection.execute(_put(each))
            touch(connection, {each.article.number for each in read})
            take(connection, "generation", 1)

    def table(self) -> list[tuple[int, ArticleNames]]:
        """The numbers of all articles that were read, ascending, and their names."""
        chosen = select(names.c.article, *COLUMNS).order_by(names.c.article)
        with self._database.reading() as connection:
            found = connection.execute(chosen).mappings().all()
        return [(row["article"], names_of(typed(Any, row))) for row in found]

    def count(self, languages: Collection[str]) -> NamesCount:
        """Count the articles that were read, and those in these languages that were not."""
        read = select(func.count()).select_from(names)
        waiting = _waiting(select(func.count(articles.c.number)), languages)
        with self._database.reading() as connection:
            return NamesCount(
                connection.execute(read).scalar_one(), connection.execute(waiting).scalar_one()
            )

    def by_others(self, models: Mapping[str, str]) -> list[int]:
        """The numbers of the articles that another than the present model of their language read.

        `models` are the present ones, by language.
        """
        chosen = select(names.c.article, names.c.model, articles.c.language).join(articles)
        with self._database.reading() as connection:
            found = connection.execute(chosen).all()
        return [row.article for row in found if row.model != models.get(row.language, row.model)]

    def damaged(self) -> list[int]:
        """The numbers of the articles whose names cannot be read back."""
        chosen = select(names.c.article, *COLUMNS)
        with self._database.reading() as connection:
            found = connection.execute(chosen).all()
        return [row.article for row in found if None in map(_decoded, row[1:])]

    def forget(self, numbers: Collection[int]) -> None:
        """Let the names of articles be read again."""
        with self._database.writing() as connection:
            forget_names(connection, numbers)
            touch(connection, numbers)
            take(connection, "generation", 1)


def forget_names(connection: Connection, numbers: Collection[int]) -> None:
    """Let the names of articles be read again, in a transaction."""
    delete_rows(connection, delete(names), names.c.article, numbers)


def names_of(row: Mapping[str, Any]) -> ArticleNames:
    """Read the names of an article back from a row that has COLUMNS; damaged ones are left out."""
    return ArticleNames(*(_decoded(row[column.name]) or () for column in COLUMNS))


def _waiting(chosen: Select[int], languages: Collection[str]) -> Select[int]:
    """Narrow a query to articles in these languages that were not read."""
    wanted = (articles.c.language.in_(languages), names.c.article.is_(None))
    return chosen.select_from(WITH_NAMES).where(*wanted)


def _put(read: Read) -> Insert:
    """The statement that keeps names, if the article is still the one that was read."""
    values = [read.model, *(json.dumps(each, ensure_ascii=False) for each in read.names)]
    same = (articles.c.number == read.article.number, articles.c.digest == read.article.digest)
    row = select(articles.c.number, *map(literal, values)).where(*same)
    columns = [names.c.article, names.c.model, *COLUMNS]
    return insert(names).prefix_with("OR REPLACE").from_select(columns, row)


def _decoded(stored: Any) -> tuple[str, ...] | None:
    """A list of names; None if it is damaged. A NULL stands for none."""
    if stored is None:
        return ()
    try:
        found = json.loads(stored)
    except (ValueError, TypeError):
        return None
    return tuple(found) if isinstance(found, list) and set(map(type, found)) <= {str} else None
