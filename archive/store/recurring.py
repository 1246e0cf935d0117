"""Sentences that recur: who holds them, which are furniture, and which articles to cut again.

What is furniture follows from the articles in the catalogue alone. Each write looks again at the
sentences of the articles that it adds or deletes, at no more than SAMPLE stories of each, so its
work grows with the batch and not with the archive.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from typing import cast as typed

from sqlalchemy import Connection, delete, exists, func, insert, select
from sqlalchemy import text as sql

from backfile.archive.furniture import RULE, SAMPLE, STORIES, Holder, Recurring, is_furniture
from backfile.archive.model.article import Article
from backfile.archive.store.database import (
    VALUES_AT_ONCE,
    Database,
    delete_rows,
    find_rows,
    set_counter,
)
from backfile.archive.store.row_layout import article_of
from backfile.archive.store.schema import articles, counters, furniture, sentences, uncut
from backfile.archive.workers import batches

RULE_USED = "furniture"  # the counter that names the rule, 0 where there is to be no furniture

FREQUENT = sql(
    "SELECT value FROM json_each(:hashes) AS asked WHERE (SELECT COUNT(*) FROM (SELECT DISTINCT"
    " story FROM sentences WHERE hash = asked.value LIMIT :stories)) = :stories"
)
ALL_FREQUENT = sql(
    "SELECT hash FROM sentences GROUP BY hash HAVING COUNT(DISTINCT story) >= :stories"
)
HOLDERS = sql(
    "SELECT story, published, title FROM sentences JOIN articles ON number = article"
    " WHERE hash = :hash AND story IN (SELECT DISTINCT story FROM sentences WHERE hash = :hash"
    " ORDER BY story LIMIT :sample)"
)


class RecurringSentences:
    """The part of the catalogue that holds the sentences of articles; there is one writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def furniture(self) -> frozenset[int]:
        """The hashes of all sentences that are furniture; none in an archive without the table."""
        with self._database.reading() as connection:
            if not connection.dialect.has_table(connection, furniture.name):
                return frozenset()
            return frozenset(connection.execute(select(furniture.c.hash)).scalars())

    def count_uncut(self) -> int:
        """How many articles are to be cut again."""
        with self._database.reading() as connection:
            if not connection.dialect.has_table(connection, uncut.name):
                return 0
            return connection.execute(select(func.count()).select_from(uncut)).scalar_one()

    def some_uncut(self, most: int) -> dict[int, Article]:
        """Fetch some of the articles that are to be cut again, by number."""
        chosen = select(articles).join(uncut, uncut.c.article == articles.c.number)
        with self._database.reading() as connection:
            found = connection.execute(chosen.order_by(uncut.c.article).limit(most))
            return {row["number"]: article_of(typed(Any, row)) for row in found.mappings()}

    def use_rule(self, *, on: bool) -> None:
        """Learn all furniture again where it was learnt by another rule, none where it is off."""
        rule = RULE if on else 0
        with self._database.writing() as connection:
            if _rule(connection) == rule:
                return
            set_counter(connection, RULE_USED, rule)
            known = set(connection.execute(select(furniture.c.hash)).scalars())
            known.update(connection.execute(ALL_FREQUENT, {"stories": STORIES}).scalars())
            _learn(connection, known)


def put_sentences(
    connection: Connection, found: Mapping[int, Recurring], touched: Collection[int] = ()
) -> None:
    """Replace the sentences of articles, by number, and learn from them and from those `touched`.

    Articles that were cut without other sentences than are furniture now are to be cut again.
    """
    changed = {*touched, *hashes_of(connection, found)}
    delete_rows(connection, delete(sentences), sentences.c.article, found)
    rows = [
        {"hash": each, "story": story, "article": number}
        for number, recurring in found.items()
        for each, story in recurring.stories.items()
    ]
    if rows:
        connection.execute(insert(sentences), rows)
    changed.update(row["hash"] for row in rows)
    _learn(connection, changed)
    _queue(connection, _outdated(connection, found))


def hashes_of(connection: Connection, numbers: Collection[int]) -> set[int]:
    """The hashes of the sentences of articles."""
    chosen = select(sentences.c.hash)
    return {row.hash for row in find_rows(connection, chosen, sentences.c.article, numbers)}


def forget_uncut(connection: Connection, numbers: Collection[int]) -> None:
    """Note that articles are cut."""
    delete_rows(connection, delete(uncut), uncut.c.article, numbers)


def _learn(connection: Connection, hashes: Collection[int]) -> None:
    """Decide anew which of these sentences are furniture; queue the articles that hold others."""
    now = set(_furniture_among(connection, hashes)) if _rule(connection) else set()
    chosen = select(furniture.c.hash)
    before = {row.hash for row in find_rows(connection, chosen, furniture.c.hash, hashes)}
    if now == before:
        return
    delete_rows(connection, delete(furniture), furniture.c.hash, before - now)
    if new := now - before:
        connection.execute(insert(furniture), [{"hash": each} for each in new])
    holding = find_rows(connection, select(sentences.c.article), sentences.c.hash, now ^ before)
    _queue(connection, {row.article for row in holding})


def _furniture_among(connection: Connection, hashes: Iterable[int]) -> Iterator[int]:
    for some in batches(hashes, VALUES_AT_ONCE):
        asked = {"hashes": json.dumps(list(some)), "stories": STORIES}
        for each in connection.execute(FREQUENT, asked).scalars().all():
            if is_furniture(_holders(connection, each)):
                yield each


def _holders(connection: Connection, sentence: int) -> list[Holder]:
    """One article of each story that holds a sentence, whatever order they came in."""
    stories: dict[int, tuple[int, str]] = {}
    asked = {"hash": sentence, "sample": SAMPLE}
    for story, published, title in connection.execute(HOLDERS, asked):
        article = (published or 0, title)
        stories[story] = min(stories.get(story, article), article)
    return [
        Holder(date.fromordinal(published) if published else None, title)
        for published, title in stories.values()
    ]


def _outdated(connection: Connection, found: Mapping[int, Recurring]) -> list[int]:
    """The articles that were cut without other sentences than are furniture now."""
    now: dict[int, set[int]] = {}
    joined = select(sentences.c.article, sentences.c.hash).where(
        exists().where(furniture.c.hash == sentences.c.hash)
    )
    for row in find_rows(connection, joined, sentences.c.article, found):
        now.setdefault(row.article, set()).add(row.hash)
    return [number for number, each in found.items() if now.get(number, set()) != each.left_out]


def _queue(connection: Connection, numbers: Collection[int]) -> None:
    rows = [{"article": number} for number in numbers]
    if rows:
        connection.execute(insert(uncut).prefix_with("OR IGNORE"), rows)


def _rule(connection: Connection) -> int:
    chosen = select(counters.c.value).where(counters.c.name == RULE_USED)
    found: int | None = connection.execute(chosen).scalar()
    return RULE if found is None else found
