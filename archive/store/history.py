"""Keeps what an article was before: its earlier versions, and what its source has taken back."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from backfile.archive.batching import batches
from backfile.archive.model.article import Article
from backfile.archive.model.errors import WithdrawnArticle
from backfile.archive.store.database import Database
from backfile.archive.store.schema import (
    article_of,
    article_values,
    articles,
    removals,
    versions,
    withdrawals,
)

AT_ONCE = 5_000  # SQLite takes 32,766 variables a statement
TEXTS_AT_ONCE = 500


class Version(NamedTuple):
    """What an article was; `kept_at` and `replaced_at` are instants, ISO 8601 in UTC.

    Both are the same where a version came after a later one was there.
    """

    article: Article
    kept_at: str
    replaced_at: str


class Withdrawal(NamedTuple):
    """That a source has taken an article back; `version` is the source's own, 0 if it has none."""

    version: int
    reason: str
    withdrawn_at: str


class History:
    """The part of the catalogue that holds what is no longer shown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, earlier: Sequence[Article]) -> None:
        """Keep versions that are older than what is there; those that are known are left alone."""
        with self._database.writing() as connection:
            now = moment()
            for article in earlier:
                row = article_values(article, 0) | {"kept_at": now}
                _append(connection, [row], now)

    def past(self, article_ids: Iterable[str]) -> dict[str, set[bytes]]:
        """Look up the digests of the earlier versions of these articles."""
        found: dict[str, set[bytes]] = {}
        chosen = select(versions.c.id, versions.c.digest)
        with self._database.reading() as connection:
            for some in batches(article_ids, AT_ONCE):
                for row in connection.execute(chosen.where(versions.c.id.in_(some))):
                    found.setdefault(row.id, set()).add(row.digest)
        return found

    def of(self, article_id: str) -> list[Version]:
        """Fetch the earlier versions of an article, the latest first."""
        chosen = select(versions).where(versions.c.id == article_id)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.order_by(versions.c.place.desc())).all()
        return [Version(_unpacked(row.content), row.kept_at, row.replaced_at) for row in rows]

    def kept_at(self, article_id: str) -> str:
        """When the version that is there now came in; nothing where that is not known."""
        chosen = select(articles.c.kept_at).where(articles.c.id == article_id)
        with self._database.reading() as connection:
            return connection.execute(chosen).scalar() or ""

    def removed(self, article_ids: Iterable[str]) -> set[str]:
        """Tell which of these articles a person has removed, and nobody has brought back."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for some in batches(article_ids, AT_ONCE):
                chosen = select(removals.c.id).where(removals.c.id.in_(some))
                found |= set(connection.execute(chosen).scalars())
        return found

    def withdrawn(self, article_ids: Iterable[str]) -> dict[str, Withdrawal]:
        """Look up which of these articles their sources have taken back."""
        found: dict[str, Withdrawal] = {}
        with self._database.reading() as connection:
            for some in batches(article_ids, AT_ONCE):
                chosen = select(withdrawals).where(withdrawals.c.id.in_(some))
                for row in connection.execute(chosen):
                    found[row.id] = Withdrawal(row.version, row.reason, row.withdrawn_at)
        return found


def keep_versions(connection: Connection, coming: Mapping[str, bytes | None]) -> None:
    """Copy what is there under these ids to the history, unless it says what is coming.

    Whatever comes ends a withdrawal or a removal.
    """
    now = moment()
    for ids in batches(coming, TEXTS_AT_ONCE):
        chosen = select(articles).where(articles.c.id.in_(ids)).order_by(articles.c.number)
        there = [dict(row) for row in connection.execute(chosen).mappings()]
        _append(connection, [row for row in there if row["digest"] != coming[row["id"]]], now)
        connection.execute(delete(withdrawals).where(withdrawals.c.id.in_(ids)))
        connection.execute(delete(removals).where(removals.c.id.in_(ids)))


def note_withdrawals(connection: Connection, withdrawn: Sequence[WithdrawnArticle]) -> None:
    """Write down what was taken back, in place of what was noted before."""
    now = moment()
    for some in batches({each.article_id: each for each in withdrawn}.values(), TEXTS_AT_ONCE):
        ids = [each.article_id for each in some]
        connection.execute(delete(withdrawals).where(withdrawals.c.id.in_(ids)))
        rows = [(each.article_id, each.version, each.reason, now) for each in some]
        names = ("id", "version", "reason", "withdrawn_at")
        connection.execute(
            insert(withdrawals), [dict(zip(names, row, strict=True)) for row in rows]
        )


def note_removals(connection: Connection, article_ids: Sequence[str]) -> None:
    """Write down what a person removes."""
    now = moment()
    for some in batches(dict.fromkeys(article_ids), AT_ONCE):
        connection.execute(delete(removals).where(removals.c.id.in_(some)))
        connection.execute(insert(removals), [{"id": each, "removed_at": now} for each in some])


def forget_versions(connection: Connection, article_ids: Sequence[str]) -> None:
    """Remove the history of articles that are to be gone."""
    for some in batches(article_ids, AT_ONCE):
        connection.execute(delete(versions).where(versions.c.id.in_(some)))
        connection.execute(delete(withdrawals).where(withdrawals.c.id.in_(some)))


def moment() -> str:
    """The present instant, to the second: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _append(connection: Connection, rows: Sequence[Mapping[str, Any]], now: str) -> None:
    """Put rows of articles behind the versions there are, but for those that are among them."""
    c = versions.c
    for row in rows:
        taken = connection.execute(select(c.digest, c.place).where(c.id == row["id"])).all()
        if any(each.digest == row["digest"] for each in taken):
            continue
        values = {name: row[name] for name in ("id", "digest", "origin_file", "origin_digest")}
        values |= {"place": max((each.place for each in taken), default=0) + 1}
        values |= {"kept_at": row["kept_at"] or now, "replaced_at": now, "content": _packed(row)}
        connection.execute(insert(versions).values(values))


def _packed(row: Mapping[str, Any]) -> bytes:
    plain = {name: value for name, value in row.items() if name not in ("number", "digest")}
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode())


def _unpacked(content: bytes) -> Article:
    return article_of(json.loads(zlib.decompress(content)))
