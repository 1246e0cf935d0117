"""Finds the articles of a catalogue that are not what was read, or whose passages are not."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.model.article import Origin
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog_reading import connected
from backfile.archive.store.schema import is_sound

ARTICLES_AT_ONCE = 500
PASSAGES = "SELECT n, start, end FROM passages WHERE article = ? ORDER BY n"


class Damage(NamedTuple):
    """A damaged article: its number, id and origin as they are stored, and what is left of it."""

    number: int
    id: str
    origin: Origin
    left: dict[str, Any]

    def __str__(self) -> str:
        return f"the article {self.id!r} is not what was read from {self.origin}"


def find_damage(path: Path) -> Iterator[Damage]:
    """Compare each article of a catalogue with its digest, and its passages with its text.

    Letters that are no UTF-8 are replaced. Raises EngineUnavailable where SQLite cannot read on.
    """
    try:
        with closing(connected(path)) as connection:
            connection.text_factory = lambda stored: stored.decode(errors="replace")
            connection.execute("BEGIN")  # one state, beside a writer too
            for row in _articles(connection):
                if not is_sound(row) or not _is_covered(connection, row):
                    yield _damage(row)
    except sqlite3.DatabaseError as exc:
        raise EngineUnavailable("the catalogue", f"{path} cannot be read: {exc}") from exc


def _articles(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    last = -1
    while True:
        found = connection.execute(
            "SELECT * FROM articles WHERE number > ? ORDER BY number LIMIT ?",
            (last, ARTICLES_AT_ONCE),
        )
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
        yield from rows
        if not rows:
            return
        last = rows[-1]["number"]


def _is_covered(connection: sqlite3.Connection, row: Mapping[str, Any]) -> bool:
    """Whether the passages, in order, leave out nothing of the text but blanks."""
    text = str(row["text"])
    found = connection.execute(PASSAGES, (row["number"],)).fetchall()
    spans = [(start, end) for _, start, end in found]
    numbered = [n for n, _, _ in found] == list(range(len(found)))
    ends = [0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), len(text)]
    whole = all(
        isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)
        for start, end in spans
    )
    return (
        numbered
        and whole
        and all(one < other for one, other in pairwise(starts[:-1]))
        and not any(text[end:start].strip() for end, start in zip(ends, starts, strict=True))
    )


def _damage(row: Mapping[str, Any]) -> Damage:
    offset = row["origin_offset"] if isinstance(row["origin_offset"], int) else 0
    digest = str(row.get("origin_digest", ""))
    origin = Origin(str(row["origin_file"]), offset, digest)
    left = {name: value for name, value in row.items() if not isinstance(value, bytes)}
    return Damage(row["number"], str(row["id"]), origin, left)
