"""Keeps the reports of the last runs, each of which read one input into the archive."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.store.database import Database
from backfile.archive.store.history import moment
from backfile.archive.store.schema import runs

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
