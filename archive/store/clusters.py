"""Clusters of copies: the signatures of articles, and the clusters that are made of these."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from typing import cast as typed

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy import text as sql

from backfile.archive.model.article import Article
from backfile.archive.model.dates import DateSpan
from backfile.archive.store.database import Database, delete_rows, find_rows, set_counter, take
from backfile.archive.store.row_layout import article_of, date_span_of
from backfile.archive.store.schema import (
    articles,
    bands,
    clusters,
    counters,
    passages,
    seals,
    signatures,
    unclustered,
)
from backfile.archive.store.touched import touch

TEXTS_AT_ONCE = 500
COPIES_LISTED = 20
SIGNED = "signed"  # counts the changes among the signatures
GROUPED = "grouped"  # the value of that counter when the clusters were made
BANDED = "banded"  # the counter that is 1 once all signatures have their bands
MOST_UNCLUSTERED = 1_000  # articles that are compared with the others; more are clustered with all
LEAST_SHARE = 8  # or more than an eighth of the archive
WITH_BANDS = sql(
    "SELECT DISTINCT article FROM bands WHERE hash IN (SELECT value FROM json_each(:hashes))"
)
BANDS_AT_ONCE = 100_000  # 12 MB
ADD_BAND = "INSERT OR IGNORE INTO bands VALUES (?, ?)"
DELETE_BAND = "DELETE FROM bands WHERE hash = ? AND article = ?"

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


class Bands(NamedTuple):
    """The hashes of the bands of signatures: article `numbers[i]` has `hashes[i]`, both (n,)."""

    hashes: Numbers
    numbers: Numbers


class Clustering(NamedTuple):
    """Clusters, made when the counter of signatures stood at `signed`.

    They take the place of those of the articles in `scope`, of all if it is None. `bands` are to be
    added, of all articles if `scope` is None, and `former` ones to be deleted.
    """

    members: Sequence[Member]
    signed: int
    bands: Bands
    scope: frozenset[int] | None = None
    former: Bands | None = None


class Unclustered(NamedTuple):
    """What has changed since the clusters were made, by number of the article.

    `now` are the signatures of new and changed articles, ascending by number. `before` are those of
    changed and removed articles; one may have several.
    """

    now: Mapping[int, bytes]
    before: Sequence[tuple[int, bytes]]


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

    def is_banded(self) -> bool:
        """Whether all articles are signed and have their bands, but for those not clustered."""
        return bool(self._database.counter(BANDED))

    def unclustered(self) -> Unclustered | None:
        """What has changed since the clusters were made; None if that is much of the archive."""
        c = unclustered.c
        with self._database.reading() as connection:
            highest = connection.execute(select(func.max(articles.c.number))).scalar() or 0
            most = max(MOST_UNCLUSTERED, highest // LEAST_SHARE)
            found = connection.execute(select(c.article, c.signature).limit(most + 1)).all()
            if len(found) > most:
                return None
            numbers = {row.article for row in found}
            now = _signatures(connection, numbers)
        before = [(row.article, row.signature) for row in found if row.signature is not None]
        return Unclustered(now, before)

    def signatures(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """The signatures of articles, ascending by number."""
        with self._database.reading() as connection:
            return _signatures(connection, numbers)

    def with_bands(self, hashes: Numbers) -> set[int]:
        """The numbers of the articles that had any of these bands when clusters were last made."""
        asked = {"hashes": json.dumps(sorted(set(hashes.ravel().tolist())))}
        with self._database.reading() as connection:
            return set(connection.execute(WITH_BANDS, asked).scalars())

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
        if not rows:
            return {}
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

    def cluster_of(self, article_id: str) -> int | None:
        """The cluster of an article; None if it has no copies, or is not here."""
        chosen = select(clusters.c.cluster).join(articles, clusters.c.article == articles.c.number)
        with self._database.reading() as connection:
            if not _is_there(connection):
                return None
            return connection.execute(chosen.where(articles.c.id == article_id)).scalar()

    def members_of(
        self, cluster: int, limit: int = COPIES_LISTED
    ) -> tuple[list[tuple[int, Copy]], int]:
        """The first articles of a cluster, each with its rank, and how many there are."""
        joined = clusters.join(articles, clusters.c.article == articles.c.number)
        columns = (clusters.c.rank, func.count().over().label("total"))
        chosen = _described(*columns).select_from(joined).where(clusters.c.cluster == cluster)
        with self._database.reading() as connection:
            if not _is_there(connection):
                return [], 0
            found = connection.execute(chosen.order_by(clusters.c.rank).limit(limit)).all()
        return [(row.rank, _copy(row)) for row in found], found[0].total if found else 0


def put_signatures(connection: Connection, signed: Mapping[int, bytes]) -> None:
    """Replace the signatures of articles, by number, in a transaction."""
    if not signed:
        return
    note_former(connection, signed)
    connection.execute(insert(unclustered), [{"article": number} for number in signed])
    delete_rows(connection, delete(signatures), signatures.c.article, signed)
    rows = [{"article": number, "signature": each} for number, each in signed.items()]
    connection.execute(insert(signatures), rows)
    take(connection, SIGNED, 1)


def note_former(connection: Connection, numbers: Iterable[int]) -> None:
    """Keep the signatures that articles have, to find the clusters that change without them."""
    former = [
        {"article": number, "signature": signature}
        for number, signature in _signatures(connection, numbers).items()
    ]
    if former:
        connection.execute(insert(unclustered), former)


def put_clustering(connection: Connection, clustering: Clustering) -> None:
    """Replace clusters, in a transaction; those that stay as they are are not touched."""
    known = select(clusters.c.article, clusters.c.cluster, clusters.c.rank)
    if clustering.scope is None:
        before = set(map(Member._make, connection.execute(known)))
    else:
        found = find_rows(connection, known, clusters.c.article, clustering.scope)
        before = set(map(Member._make, found))
    now = set(clustering.members)
    different = {member.article for member in before ^ now}
    delete_rows(connection, delete(clusters), clusters.c.article, different)
    if new := now - before:
        connection.execute(insert(clusters), [each._asdict() for each in new])
    touch(connection, different)
    _put_bands(connection, clustering)
    made_of = {"value": clustering.signed}
    changed = update(counters).where(counters.c.name == GROUPED).values(**made_of)
    if not connection.execute(changed).rowcount:
        connection.execute(insert(counters).values(name=GROUPED, **made_of))
    take(connection, "generation", 1)


def _put_bands(connection: Connection, clustering: Clustering) -> None:
    if clustering.scope is None:
        connection.execute(delete(bands))
    for statement, of in ((DELETE_BAND, clustering.former), (ADD_BAND, clustering.bands)):
        if of is None:
            continue
        order = np.lexsort((of.numbers, of.hashes))  # a sixth of the time
        for begin in range(0, len(order), BANDS_AT_ONCE):
            some = order[begin : begin + BANDS_AT_ONCE]
            pairs = (column[some].tolist() for column in of)
            connection.exec_driver_sql(statement, list(zip(*pairs, strict=True)))
    connection.execute(delete(unclustered))
    set_counter(connection, BANDED, 1)


def _signatures(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    chosen = select(signatures.c.article, signatures.c.signature)
    found = find_rows(connection, chosen, signatures.c.article, numbers)
    return {row.article: row.signature for row in sorted(found)}


def _is_there(connection: Connection) -> bool:
    """Whether the table exists; an older archive that cannot be written to has none."""
    return connection.dialect.has_table(connection, clusters.name)


def _described(*columns: Any) -> Select[*tuple[Any, ...]]:
    c = articles.c
    return select(*columns, c.id, c.title, c.source, c.published, c.published_last, c.url)


def _copy(row: Row[*tuple[Any, ...]]) -> Copy:
    date_span = date_span_of(row.published, row.published_last)
    return Copy(row.id, row.title, row.source, date_span, row.url)
