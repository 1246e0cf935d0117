"""Reads the rows of passages, and notes which passages are embedded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from typing import cast as typed

import numpy as np
from sqlalchemy import Connection, bindparam, insert, select, update

from backfile.archive.store.database import VALUES_AT_ONCE, Database, find_rows, take
from backfile.archive.store.schema import articles, embedded_texts, passages
from backfile.archive.store.touched import touch_rows
from backfile.archive.store.vectors import Rows
from backfile.archive.workers import batches

EMBEDDED_TEXTS = select(embedded_texts).join(passages, passages.c.row == embedded_texts.c.row)
PASSAGES = select(passages)
AT_ROWS = passages.c.row.in_(bindparam("rows", expanding=True))
PASSAGES_AT = PASSAGES.where(AT_ROWS).order_by(passages.c.row)
OF_ARTICLE = passages.c.article == bindparam("number")


def passages_at(connection: Connection, rows: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Fetch passages by row, ascending; rows that are gone are skipped."""
    found = connection.execute(PASSAGES_AT, {"rows": rows}).mappings().all()
    return typed(Sequence[Mapping[str, Any]], found)


def passages_of(connection: Connection, number: int) -> Sequence[Mapping[str, Any]]:
    """Fetch the passages of an article, in order."""
    asked = PASSAGES.where(OF_ARTICLE).order_by(passages.c.n)
    found = connection.execute(asked, {"number": number}).mappings().all()
    return typed(Sequence[Mapping[str, Any]], found)


def texts_at(connection: Connection, rows: Iterable[int]) -> dict[int, int]:
    """Those of these rows that are embedded, by the hash of their text, where that is known."""
    chosen = EMBEDDED_TEXTS.where(passages.c.embedded)
    return {row.hash: row.row for row in find_rows(connection, chosen, passages.c.row, rows)}


class Embedded:
    """Notes which passages are embedded; each change is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, rows: Rows, hashes: Sequence[int] = ()) -> None:
        """Note that these rows are in the vectors, on disk, and the hash of each text, if known."""
        marked = update(passages).where(passages.c.row.in_(rows.tolist())).values(embedded=True)
        texts = [{"row": row, "hash": n} for row, n in zip(rows.tolist(), hashes, strict=False)]
        with self._database.writing() as connection:
            connection.execute(marked)
            touch_rows(connection, rows.tolist())
            if texts:
                connection.execute(insert(embedded_texts).prefix_with("OR REPLACE"), texts)
            take(connection, "generation", 1)

    def rows_with(self, hashes: Sequence[int]) -> dict[int, int]:
        """An embedded row for each of these hashes of texts that has one, by hash."""
        chosen = EMBEDDED_TEXTS.where(passages.c.embedded)
        with self._database.reading() as connection:
            found = find_rows(connection, chosen, embedded_texts.c.hash, hashes)
        return {row.hash: row.row for row in found}

    def forget(self, rows: Rows) -> None:
        """Note that these rows must be embedded again."""
        with self._database.writing() as connection:
            for some in batches(rows.tolist(), VALUES_AT_ONCE):
                chosen = update(passages).where(passages.c.row.in_(some))
                connection.execute(chosen.values(embedded=False))
                touch_rows(connection, some)
            take(connection, "generation", 1)

    def missing(self) -> Rows:
        """List the rows without an embedding: newest articles first, undated ones last."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        order = (articles.c.published.is_(None), articles.c.published.desc(), passages.c.row)
        chosen = select(passages.c.row).select_from(joined).where(~passages.c.embedded)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(chosen.order_by(*order)).scalars(), np.int64)
