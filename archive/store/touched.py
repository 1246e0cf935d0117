"""Which articles have changed, and when: an article table reads these alone again.

An article is noted with the generation that it changes in, whenever a column of an article table
changes: it or its passages, its cluster, its names, or which of its passages are embedded.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    select,
)

from backfile.archive.store.database import (
    LINEAGE,
    Database,
    delete_rows,
    find_rows,
    set_counter,
)
from backfile.archive.store.schema import (
    articles,
    clusters,
    counters,
    names,
    passages,
    touched,
    versions,
)
from backfile.archive.store.vectors import Rows

GENERATION = select(counters.c.value).where(counters.c.name == "generation")
NOTED = "noted"  # the counter of the generation from which on changed articles are noted
# The counter of a shard's generation when it was last written as a whole, 0 while it is not. Before
# another command writes to a shard that is not, it is the generation at that time, below 0.
FOLLOWED = "followed"
SINCE = select(touched.c.article).where(touched.c.generation > bindparam("since"))


class ArticleChanges(NamedTuple):
    """The articles that have changed since a generation.

    `numbers` ascend; those that are not among the `articles`, which ascend by number, are gone.
    `passages` are all passages of these articles, as (row, number of the article, embedded).
    """

    numbers: Sequence[int]
    articles: Sequence[Row[*tuple[Any, ...]]]
    passages: Sequence[tuple[int, int, bool]]


class Touched:
    """The part of the catalogue that knows which articles have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lineage(self) -> int:
        """The number of the course of generations, 0 before the archive was first restored."""
        return self._database.counter(LINEAGE)

    def note_writer(self) -> None:
        """Note that a command writes which is no update, if the archive is a shard.

        Where an update was interrupted, or a repair has ended, what this command changes would else
        be taken for what that one has left.
        """
        chosen = select(counters.c.value).where(counters.c.name == FOLLOWED)
        with self._database.reading() as connection:
            if connection.execute(chosen).scalar() != 0:
                return
        with self._database.writing() as connection:
            generation = connection.execute(GENERATION).scalar() or 0
            set_counter(connection, FOLLOWED, -generation)

    def count(self, generation: int, most: int) -> int | None:
        """How many articles have changed after a generation; None if more than `most`, or unknown.

        It is unknown before a release that notes changes, and before a repair.
        """
        with self._database.reading() as connection:
            if not _is_noted(connection, generation):
                return None
            found = connection.execute(SINCE.limit(most + 1), {"since": generation}).all()
            return len(found) if len(found) <= most else None

    def numbers_since(self, generation: int) -> Rows | None:
        """The articles, (n,), that have changed after a generation, perhaps gone by now.

        That is None where it is unknown, as for `count`.
        """
        with self._database.reading() as connection:
            if not _is_noted(connection, generation):
                return None
            found = connection.execute(SINCE, {"since": generation}).scalars()
            return np.fromiter(found, np.int64)

    def since(self, generation: int, most: int) -> ArticleChanges | None:
        """The articles that have changed after a generation, with their columns.

        That is None where `count` is.
        """
        with self._database.reading() as connection:
            if not _is_noted(connection, generation):
                return None
            asked = SINCE.order_by(touched.c.article).limit(most + 1)
            numbers = connection.execute(asked, {"since": generation}).scalars().all()
            if len(numbers) > most:
                return None
            found = find_rows(connection, _all_columns(), articles.c.number, numbers)
            rows = select(passages.c.row, passages.c.article, passages.c.embedded)
            owned = find_rows(connection, rows, passages.c.article, numbers)
        return ArticleChanges(
            numbers,
            sorted(found, key=lambda row: int(row.number)),
            sorted((row.row, row.article, row.embedded) for row in owned),
        )


def touch(connection: Connection, numbers: Collection[int]) -> None:
    """Note that articles change with the next generation, which the transaction must take."""
    if not numbers:
        return
    generation = 1 + (connection.execute(GENERATION).scalar() or 0)
    delete_rows(connection, touched.delete(), touched.c.article, numbers)
    rows = [{"article": number, "generation": generation} for number in numbers]
    connection.execute(insert(touched), rows)


def touch_rows(connection: Connection, rows: Iterable[int]) -> None:
    """Note the same of the articles that own these rows."""
    owners = find_rows(connection, select(passages.c.article).distinct(), passages.c.row, rows)
    touch(connection, {row.article for row in owners})


def touch_all(connection: Connection) -> None:
    """Note that any article may change with the next generation."""
    set_counter(connection, NOTED, 1 + (connection.execute(GENERATION).scalar() or 0))


def added() -> ColumnElement[str]:
    """The instant at which the first version of an article came in, ISO 8601 in UTC, or empty.

    An earlier version may have come in later.
    """
    c, v = articles.c, versions.c
    first = select(func.min(v.kept_at)).where(v.id == c.id, v.kept_at != "").scalar_subquery()
    return func.min(c.kept_at, func.coalesce(first, c.kept_at)).label("added")


def _all_columns() -> Select[*tuple[Any, ...]]:
    c = articles.c
    joined = articles.outerjoin(clusters, clusters.c.article == c.number)
    joined = joined.outerjoin(names, names.c.article == c.number)
    member = (clusters.c.cluster.label("cluster"), clusters.c.rank.label("rank"))
    found = (names.c.people, names.c.organisations, names.c.places)
    days = (c.published, c.published_last, added())
    own = (c.number, *days, c.source, c.section, c.language, c.authors)
    return select(*own, *member, *found).select_from(joined)


def _is_noted(connection: Connection, generation: int) -> bool:
    """Whether all changes after a generation are noted."""
    if not connection.dialect.has_table(connection, touched.name):
        return False
    noted = select(counters.c.value).where(counters.c.name == NOTED)
    first: int | None = connection.execute(noted).scalar()
    now: int = connection.execute(GENERATION).scalar() or 0
    return first is not None and first <= generation <= now
