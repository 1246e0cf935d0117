"""What happened to an archive: earlier versions, withdrawals and removals of articles, and runs."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable, UnreadableArticle, WithdrawnArticle
from backfile.archive.store.database import Database, delete_rows
from backfile.archive.store.row_layout import article_of, article_values
from backfile.archive.store.schema import articles, removals, runs, versions, withdrawals
from backfile.archive.workers import batches

TEXTS_AT_ONCE = 500


class Version(NamedTuple):
    """A version of an article; `kept_at` and `replaced_at` are instants, ISO 8601 in UTC.

    `replaced_at` is empty for the present version. Both are equal where a later version was there
    before this one was read.
    """

    article: Article
    kept_at: str
    replaced_at: str


class Withdrawal(NamedTuple):
    """The withdrawal of an article by its source; `version` is the source's own, 0 for none."""

    version: int
    reason: str
    withdrawn_at: str


class History:
    """The part of the catalogue that holds earlier versions, withdrawals and removals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def past(self, article_ids: Iterable[str]) -> dict[str, set[bytes]]:
        """The digests of the earlier versions of these articles."""
        found: dict[str, set[bytes]] = {}
        chosen = select(versions.c.id, versions.c.digest)
        for row in self._database.find(chosen, versions.c.id, article_ids):
            found.setdefault(row.id, set()).add(row.digest)
        return found

    def of(self, article_id: str) -> list[Version]:
        """Fetch the earlier versions of an article, the latest first."""
        chosen = select(versions).where(versions.c.id == article_id)
        with self._database.reading() as connection:
            rows = connection.execute(chosen.order_by(versions.c.sequence.desc())).all()
        return [Version(unpacked(row.content), row.kept_at, row.replaced_at) for row in rows]

    def count(self, article_id: str) -> int:
        """Count the earlier versions of an article."""
        chosen = select(func.count()).where(versions.c.id == article_id)
        with self._database.reading() as connection:
            return connection.execute(chosen).scalar_one()

    def removed(self, article_ids: Iterable[str]) -> set[str]:
        """Which of these articles a person has removed, and nobody has indexed again."""
        found = self._database.find(select(removals.c.id), removals.c.id, article_ids)
        return {row.id for row in found}

    def all_removed(self) -> dict[str, str]:
        """The articles that people have removed, and when (ISO 8601 in UTC)."""
        chosen = select(removals.c.id, removals.c.removed_at).order_by(removals.c.id)
        with self._database.reading() as connection:
            return {row.id: row.removed_at for row in connection.execute(chosen)}

    def withdrawn(self, article_ids: Iterable[str]) -> dict[str, Withdrawal]:
        """Which of these articles their sources have withdrawn."""
        found = self._database.find(select(withdrawals), withdrawals.c.id, article_ids)
        return {row.id: Withdrawal(row.version, row.reason, row.withdrawn_at) for row in found}


def add_versions(connection: Connection, earlier: Sequence[Article]) -> None:
    """Add versions that are older than the article in the archive; known ones are left alone."""
    now = moment("milliseconds")  # not before the article itself came in
    _append(connection, [article_values(each, 0) | {"kept_at": now} for each in earlier], now)


def keep_versions(
    connection: Connection, coming: Mapping[str, bytes | None], now: str = ""
) -> None:
    """Copy the articles with these ids to the history, unless their digest is the one that comes.

    Their withdrawals and removals end. `now` is the instant, if it is known.
    """
    now = now or moment()
    for ids in batches(coming, TEXTS_AT_ONCE):
        chosen = select(articles).where(articles.c.id.in_(ids)).order_by(articles.c.number)
        there = [dict(row) for row in connection.execute(chosen).mappings()]
        _append(connection, [row for row in there if _differs(row, coming[row["id"]])], now)
    delete_rows(connection, delete(withdrawals), withdrawals.c.id, coming)
    delete_rows(connection, delete(removals), removals.c.id, coming)


def note_withdrawals(connection: Connection, withdrawn: Sequence[WithdrawnArticle]) -> None:
    """Note withdrawals, each in place of an earlier one of the same article."""
    by_id = {each.article_id: each for each in withdrawn}
    if not by_id:
        return
    delete_rows(connection, delete(withdrawals), withdrawals.c.id, by_id)
    rows = [
        {"id": each.article_id, "version": each.version, "reason": each.reason}
        for each in by_id.values()
    ]
    connection.execute(insert(withdrawals).values(withdrawn_at=moment()), rows)


def note_removals(connection: Connection, article_ids: Sequence[str]) -> None:
    """Note that a person removes these articles."""
    ids = dict.fromkeys(article_ids)
    if not ids:
        return
    delete_rows(connection, delete(removals), removals.c.id, ids)
    connection.execute(insert(removals).values(removed_at=moment()), [{"id": each} for each in ids])


def forget_versions(connection: Connection, article_ids: Sequence[str]) -> None:
    """Delete the versions and withdrawals of articles."""
    delete_rows(connection, delete(versions), versions.c.id, article_ids)
    delete_rows(connection, delete(withdrawals), withdrawals.c.id, article_ids)


def forget_version(connection: Connection, article_id: str, sequence: int) -> None:
    """Delete one version of an article."""
    c = versions.c
    connection.execute(delete(versions).where(c.id == article_id, c.sequence == sequence))


def moment(timespec: str = "seconds") -> str:
    """The present instant, to the second or as exact as is asked: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec=timespec)


def _append(connection: Connection, rows: Sequence[Mapping[str, Any]], now: str) -> None:
    """Append rows of articles to their versions; a version that is there already is skipped."""
    c = versions.c
    for row in rows:
        taken = connection.execute(select(c.digest, c.sequence).where(c.id == row["id"])).all()
        if any(each.digest == row["digest"] for each in taken):
            continue
        values = {name: row[name] for name in ("id", "digest", "origin_file", "origin_digest")}
        values |= {"sequence": max((each.sequence for each in taken), default=0) + 1}
        values |= {"kept_at": row["kept_at"] or now, "replaced_at": now, "content": _packed(row)}
        connection.execute(insert(versions).values(values))


def _differs(row: Mapping[str, Any], coming: bytes | None) -> bool:
    """Whether an article differs from the one that comes; damage to its row is no difference."""
    if row["digest"] == coming:
        return False
    try:
        return article_of(row).digest != coming
    except EngineUnavailable:
        return True


def _packed(row: Mapping[str, Any]) -> bytes:
    plain = {name: value for name, value in row.items() if name not in ("number", "digest")}
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode())


def unpacked(content: bytes) -> Article:
    """The article of a version's content; raise EngineUnavailable if it is damaged."""
    try:
        return article_of(json.loads(zlib.decompress(content)))
    except (zlib.error, ValueError, TypeError, KeyError) as exc:
        reason = "an earlier version is damaged; `backfile verify --repair` sets it aside"
        raise EngineUnavailable("the catalogue", reason) from exc


RUNS_KEPT = 100
REFUSALS_KEPT = 200  # of one run


class Run(NamedTuple):
    """The end of a run (ISO 8601 in UTC), its counts, and its refusals as (place, reason).

    `counts["refused"]` is the number of refusals, `refused` lists the first of them.
    """

    ended_at: str
    counts: dict[str, int]
    refused: list[tuple[str, str]]


class Runs:
    """The part of the catalogue that holds the last runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, limit: int) -> list[Run]:
        """Fetch the last runs, the latest first."""
        with self._database.reading() as connection:
            if not connection.dialect.has_table(connection, runs.name):
                return []  # an older archive that cannot be written to
            chosen = select(runs).order_by(runs.c.number.desc()).limit(limit)
            found = connection.execute(chosen).all()
        return [
            Run(
                row.ended_at,
                json.loads(row.counts),
                [(place, reason) for place, reason in json.loads(row.refused)],
            )
            for row in found
        ]


def note_run(
    connection: Connection, counts: Mapping[str, int], refused: Sequence[UnreadableArticle]
) -> None:
    """Note a run, in a transaction; only the last RUNS_KEPT are kept."""
    listed = [(each.origin, each.reason) for each in refused[:REFUSALS_KEPT]]
    values = {
        "ended_at": moment(),
        "counts": json.dumps(dict(counts) | {"refused": len(refused)}),
        "refused": json.dumps(listed),
    }
    connection.execute(insert(runs).values(values))
    newest = select(func.max(runs.c.number)).scalar_subquery()
    connection.execute(delete(runs).where(runs.c.number <= newest - RUNS_KEPT))
