"""Writes articles and their passages into the catalogue, within a transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from backfile.archive.furniture import Recurring
from backfile.archive.model.article import Article, Origin, Passage
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.store.clusters import SIGNED, note_former, put_signatures
from backfile.archive.store.database import TIDY, delete_rows, find_rows, set_counter, take
from backfile.archive.store.history import keep_versions, moment
from backfile.archive.store.recurring import hashes_of, put_sentences
from backfile.archive.store.row_layout import Cut, article_values, cut_of, passage_values, seal_of
from backfile.archive.store.schema import articles, passages, seals
from backfile.archive.store.touched import touch

ROWS = select(passages.c.row).join(articles, passages.c.article == articles.c.number)


class Changes(NamedTuple):
    """What one batch of an input changes in the catalogue.

    `entries` are new or changed articles with their passages, `signatures` theirs, by id. `earlier`
    are versions for the history, `moved` the new origins of articles that stay as they are, by id.
    `recurring` is what of the entries may recur, by id.
    """

    entries: Sequence[tuple[Article, Sequence[Passage]]] = ()
    signatures: Mapping[str, bytes] = MappingProxyType({})
    earlier: Sequence[Article] = ()
    withdrawn: Sequence[WithdrawnArticle] = ()
    moved: Mapping[str, Origin] = MappingProxyType({})
    recurring: Mapping[str, Recurring] = MappingProxyType({})


def put_entries(connection: Connection, changes: Changes) -> int:
    """Add articles with passages and signatures, in a transaction; known ids are replaced.

    Returns the row of the first passage; the others follow in order.
    """
    entries = changes.entries
    numbers = numbers_of(connection, [article.id for article, _ in entries])
    now = moment("milliseconds")  # batches of one second are told apart
    keep_versions(connection, {article.id: article.digest for article, _ in entries}, now)
    affected = delete_articles(connection, numbers.values())
    new = [article.id for article, _ in entries if article.id not in numbers]
    first = take(connection, "article", len(new))
    numbers |= {article_id: first + i for i, article_id in enumerate(new)}
    row = take(connection, "row", sum(len(cut) for _, cut in entries))
    rows: list[dict[str, Any]] = []
    for article, cut in entries:
        for passage in cut:
            rows.append(passage_values(passage, numbers[article.id], row + len(rows)))
    values = [article_values(each, numbers[each.id]) | {"kept_at": now} for each, _ in entries]
    connection.execute(insert(articles), values)
    if rows:
        connection.execute(insert(passages), rows)
    put_signatures(connection, {numbers[each]: s for each, s in changes.signatures.items()})
    found = {numbers[each]: recurring for each, recurring in changes.recurring.items()}
    put_sentences(connection, found, affected)
    connection.execute(insert(seals), _seals(values, rows, changes.signatures))
    touch(connection, numbers.values())
    take(connection, "generation", 1)
    return row


def _seals(
    values: Sequence[Mapping[str, Any]],
    rows: Iterable[Mapping[str, Any]],
    signatures: Mapping[str, bytes],
) -> list[dict[str, Any]]:
    """The seals of articles, from their rows and those of their passages."""
    cuts: dict[int, list[Cut]] = {}
    for row in rows:
        cuts.setdefault(row["article"], []).append(cut_of(row))
    return [
        {
            "article": each["number"],
            "seal": seal_of(each, cuts.get(each["number"], ()), signatures.get(each["id"], b"")),
        }
        for each in values
    ]


def remove_articles(connection: Connection, article_ids: Sequence[str]) -> int:
    """Remove articles with their passages, in a transaction; return how many there were."""
    numbers = numbers_of(connection, article_ids)
    put_sentences(connection, {}, delete_articles(connection, numbers.values()))
    take(connection, "generation", 1)
    take(connection, SIGNED, 1)
    return len(numbers)


def numbers_of(connection: Connection, article_ids: Sequence[str]) -> dict[str, int]:
    """The number of each article that is there."""
    c = articles.c
    return {
        row.id: row.number
        for row in find_rows(connection, select(c.id, c.number), c.id, article_ids)
    }


def rows_of(connection: Connection, article_ids: Sequence[str]) -> list[int]:
    """The rows of these articles' passages."""
    return [found.row for found in find_rows(connection, ROWS, articles.c.id, article_ids)]


def delete_articles(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Delete articles by number, with their passages; return the hashes of their sentences."""
    touch(connection, numbers)
    note_former(connection, numbers)
    touched = hashes_of(connection, numbers)
    if numbers:
        set_counter(connection, TIDY, 0)
    delete_rows(connection, delete(passages), passages.c.article, numbers)
    delete_rows(connection, delete(articles), articles.c.number, numbers)
    return touched
