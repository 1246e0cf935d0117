"""Finds the articles and versions in a catalogue that are not what was read."""

import base64
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.model.article import Origin
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog_reading import connected
from backfile.archive.store.database import DAMAGED
from backfile.archive.store.history import unpacked
from backfile.archive.store.schema import Cut, is_sound, seal_of

ARTICLES_AT_ONCE = 500
PASSAGES = "SELECT n, start, end, heading FROM passages WHERE article = ? ORDER BY n"
VERSIONS = (
    "SELECT id, place, digest, kept_at, replaced_at, content FROM versions ORDER BY id, place"
)
HAS_SEALS = "SELECT 1 FROM sqlite_schema WHERE name = 'seals'"
SEAL = (
    "SELECT seal, signature FROM seals LEFT JOIN signatures USING (article) WHERE seals.article = ?"
)


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
            sealed = connection.execute(HAS_SEALS).fetchone()
            for row in _articles(connection):
                cuts = connection.execute(PASSAGES, (row["number"],)).fetchall()
                seal = connection.execute(SEAL, (row["number"],)).fetchone() if sealed else None
                fits = not seal or seal[0] == seal_of(row, cuts, _bytes(seal[1]))
                if not fits or not is_sound(row) or not _is_covered(str(row["text"]), cuts):
                    yield _damage(row)
    except DAMAGED as exc:
        raise EngineUnavailable("the catalogue", f"{path} cannot be read: {exc}") from exc


class DamagedVersion(NamedTuple):
    """A damaged version of an article: its key, and what is left of it."""

    id: str
    sequence: int
    replaced_at: str
    content: str  # in base64

    def __str__(self) -> str:
        return f"the version of {self.id!r} that was replaced at {self.replaced_at} is damaged"


def find_damaged_versions(path: Path) -> Iterator[DamagedVersion]:
    """Compare each version with its digest; raise EngineUnavailable where SQLite cannot read on."""
    try:
        with closing(connected(path)) as connection:
            connection.text_factory = lambda stored: stored.decode(errors="replace")
            for name, sequence, digest, kept, replaced, content in connection.execute(VERSIONS):
                instants = _is_instant(kept) and _is_instant(replaced)
                if not instants or not _is_version(content, digest):
                    left = base64.b64encode(_bytes(content)).decode()
                    yield DamagedVersion(str(name), sequence, str(replaced), left)
    except DAMAGED as exc:
        raise EngineUnavailable("the catalogue", f"{path} cannot be read: {exc}") from exc


def _is_instant(stored: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(stored))
    except (ValueError, TypeError):
        return False


def _is_version(content: Any, digest: Any) -> bool:
    try:
        return bool(unpacked(content).digest == digest)
    except EngineUnavailable:
        return False


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


def _bytes(stored: Any) -> bytes:
    return stored if isinstance(stored, bytes) else b""


def _is_covered(text: str, cuts: Sequence[Cut]) -> bool:
    """Whether the passages, in order, leave out nothing of the text but blanks."""
    spans = [(start, end) for _, start, end, _ in cuts]
    numbered = [n for n, *_ in cuts] == list(range(len(cuts)))
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
