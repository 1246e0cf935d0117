"""Which passages the vectors hold, as the record has it."""

import numpy as np
from sqlalchemy import select, update

from archive.batching import batches
from archive.store.catalog.connecting import Database, take
from archive.store.catalog.tables import articles, passages
from archive.store.vectors import Rows

ROWS_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


class Embedded:
    """Notes what is embedded; each change is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, rows: Rows) -> None:
        """Note that these rows are on disk in the vectors."""
        marked = update(passages).where(passages.c.row.in_(rows.tolist())).values(embedded=True)
        with self._database.writing() as connection:
            connection.execute(marked)
            take(connection, "generation", 1)

    def forget(self, rows: Rows) -> None:
        """Note that these rows must be embedded again."""
        with self._database.writing() as connection:
            for some in batches(rows.tolist(), ROWS_AT_ONCE):
                chosen = update(passages).where(passages.c.row.in_(some))
                connection.execute(chosen.values(embedded=False))
            take(connection, "generation", 1)

    def missing(self) -> Rows:
        """List the rows without an embedding: newest articles first, undated ones last."""
        joined = passages.join(articles, passages.c.article == articles.c.number)
        order = (articles.c.published.is_(None), articles.c.published.desc(), passages.c.row)
        chosen = select(passages.c.row).select_from(joined).where(~passages.c.embedded)
        with self._database.reading() as connection:
            return np.fromiter(connection.execute(chosen.order_by(*order)).scalars(), np.int64)
