"""Articles by the numbers that their rows have: found by id, and removed with their passages."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from archive.batching import batches
from archive.store.catalog.connecting import take
from archive.store.catalog.stories import SIGNED
from archive.store.catalog.tables import articles, passages

IDS_AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement


def remove_articles(connection: Connection, article_ids: Sequence[str]) -> int:
    """Remove articles with their passages, in a transaction; return how many there were."""
    numbers = numbers_of(connection, article_ids)
    for some in batches(numbers.values(), IDS_AT_ONCE):
        connection.execute(delete(passages).where(passages.c.article.in_(some)))
        connection.execute(delete(articles).where(articles.c.number.in_(some)))
    take(connection, "generation", 1)
    take(connection, SIGNED, 1)
    return len(numbers)


def numbers_of(connection: Connection, article_ids: Sequence[str]) -> dict[str, int]:
    """Find the number of each article that is there."""
    found: dict[str, int] = {}
    for some in batches(article_ids, IDS_AT_ONCE):
        chosen = select(articles.c.id, articles.c.number).where(articles.c.id.in_(some))
        found |= {row.id: row.number for row in connection.execute(chosen)}
    return found
