"""Clusters of copies: the signatures of articles, and the clusters that are made of these."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from typing import cast as typed

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from backfile.archive.model.article import Article
from backfile.archive.model.dates import DateSpan
from backfile.archive.store.database import Database, delete_rows, take
from backfile.archive.store.schema import (
    article_of,
    articles,
    clusters,
    counters,
    date_span_of,
    passages,
    seals,
    signatures,
)
from backfile.archive.store.touched import touch

TEXTS_AT_ONCE = 500
COPIES_LISTED = 20
SIGNED = "signed"  # counts the changes among the signatures
GROUPED = "grouped"  # the value of that counter when the clusters were made

Numbers = npt.NDArray[np.int64]


class Copy(NamedTuple):
    """A copy, as it is listed beside the lead of its cluster."""

    id: str
    title: str
    source: str
    date_span: DateSpan | None
    url: str


class OtherCopies(NamedTuple):
    """The other articles of a cluster: the first of them, and how many there are."""

    listed: tuple[Copy, ...] = ()
    total: int = 0


class LeadCriteria(NamedTuple):
    """What decides which article leads a cluster; `published` is its last possible day."""

    published: int | None
    length: int  # characters
    id: str


class Member(NamedTuple):
    """An article of a cluster. A cluster is named by the number of its lead.

    `rank` is its place in the cluster, from 0: the earliest first, then the longest.
    """

    article: int
    cluster: int
    rank: int


class Clustering(NamedTuple):
    """All clusters of an archive, made when the counter of signatures stood at `signed`."""

    members: Sequence[Member]
    signed: int


class Clusters:
    """The part of the catalogue that holds signatures and clusters; there is one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, signed: Mapping[int, bytes]) -> None:
        """Keep the signatures of articles, by number."""
        with self._database.writing() as connection:
            put_signatures(connection, signed)
            delete_rows(connection, delete(seals), seals.c.article, signed)  # without a signature

    def unsigned(self) -> Iterator[dict[int, Article]]:
        """Iterate over the articles without a signature, some at a time, by number.

        They may be signed between two steps.
        """
        last = 0
        joined = articles.outerjoin(signatures, signatures.c.article == articles.c.number)
        lacking = select(articles).select_from(joined).where(signatures.c.article.is_(None))
        while True:
            chosen = lacking.where(articles.c.number > last).order_by(articles.c.number)
            with self._database.reading() as connection:
                found = connection.execute(chosen.limit(TEXTS_AT_ONCE)).mappings().all()
            if not found:
                return
            yield {row["number"]: article_of(typed(Any, row)) for row in found}
            last = found[-1]["number"]

    def changed(self) -> int | None:
        """The counter of signatures; None if the clusters are made of the present signatures."""
        chosen = select(counters.c.name, counters.c.value)
        with self._database.reading() as connection:
            found = connection.execute(chosen.where(counters.c.name.in_((SIGNED, GROUPED))))
            values = {row.name: row.value for row in found}
        signed: int = values.get(SIGNED, 0)
        return None if signed == values.get(GROUPED, 0) else signed

    def signed(self) -> tuple[Numbers, bytes]:
        """The numbers of all articles with a signature, ascending, and the signatures joined."""
        chosen = select(signatures.c.article, signatures.c.signature)
        with self._database.reading() as connection:
            found = connection.execute(chosen.order_by(signatures.c.article)).all()
        numbers = np.fromiter((row.article for row in found), np.int64, len(found))
        return numbers, b"".join(row.signature for row in found)

    def lead_criteria(self, numbers: Sequence[int]) -> dict[int, LeadCriteria]:
        """What decides which of these articles leads, by number."""
        c = articles.c
        # A copy that is dated 2024 does not come before one of 23 March 2024.
        last = func.coalesce(c.published_last, c.published).label("last")
        chosen = select(c.number, last, func.length(c.text).label("length"), c.id)
        found = self._database.find(chosen, c.number, numbers)
        return {row.number: LeadCriteria(row.last, row.length, row.id) for row in found}

    def table(self) -> npt.NDArray[np.int64]:
        """All members of clusters, (n, 3): article, cluster, rank; ascending by article."""
        c = clusters.c
        with self._database.reading() as connection:
            if not _is_there(connection):
                return np.empty((0, 3), np.int64)
            chosen = select(c.article, c.cluster, c.rank).order_by(c.article)
            found = connection.execute(chosen).all()
        return np.array([tuple(row) for row in found], np.int64).reshape(-1, 3)

    def at_rows(self, rows: Sequence[int]) -> dict[int, Copy]:
        """The articles that own these passages, by row."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        chosen = _described(passages.c.row).select_from(joined)
        found = self._database.find(chosen, passages.c.row, rows)
        return {row.row: _copy(row) for row in found}

    def copies_of(self, article_id: str, limit: int = COPIES_LISTED) -> OtherCopies:
        """The other articles of this one's cluster, by rank."""
        own = select(clusters.c.cluster).join(articles, clusters.c.article == articles.c.number)
        cluster = own.where(articles.c.id == article_id).scalar_subquery()
        joined = clusters.join(articles, clusters.c.article == articles.c.number)
        others = (clusters.c.cluster == cluster, articles.c.id != article_id)
        chosen = _described(func.count().over().label("total")).select_from(joined).where(*others)
        with self._database.reading() as connection:
            if not _is_there(connection):
                return OtherCopies()
            found = connection.execute(chosen.order_by(clusters.c.rank).limit(limit)).all()
        return OtherCopies(tuple(map(_copy, found)), found[0].total if found else 0)


def put_signatures(connection: Connection, signed: Mapping[int, bytes]) -> None:
    """Replace the signatures of articles, by number, in a transaction."""
    if not signed:
        return
    delete_rows(connection, delete(signatures), signatures.c.article, signed)
    rows = [{"article": number, "signature": each} for number, each in signed.items()]
    connection.execute(insert(signatures), rows)
    take(connection, SIGNED, 1)


def put_clustering(connection: Connection, clustering: Clustering) -> None:
    """Replace all clusters, in a transaction; those that stay as they are are not touched."""
    known = connection.execute(select(clusters.c.article, clusters.c.cluster, clusters.c.rank))
    before = {Member(*row) for row in known}
    now = set(clustering.members)
    different = {member.article for member in before ^ now}
    delete_rows(connection, delete(clusters), clusters.c.article, different)
    if new := now - before:
        connection.execute(insert(clusters), [each._asdict() for each in new])
    touch(connection, different)
    made_of = {"value": clustering.signed}
    changed = update(counters).where(counters.c.name == GROUPED).values(**made_of)
    if not connection.execute(changed).rowcount:
        connection.execute(insert(counters).values(name=GROUPED, **made_of))
    take(connection, "generation", 1)


def _is_there(connection: Connection) -> bool:
    """Whether the table exists; an older archive that cannot be written to has none."""
    return connection.dialect.has_table(connection, clusters.name)


def _described(*columns: Any) -> Select[*tuple[Any, ...]]:
    c = articles.c
    return select(*columns, c.id, c.title, c.source, c.published, c.published_last, c.url)


def _copy(row: Row[*tuple[Any, ...]]) -> Copy:
    date_span = date_span_of(row.published, row.published_last)
    return Copy(row.id, row.title, row.source, date_span, row.url)
