"""Finds the articles and versions in a catalogue that are not what was read."""

import base64
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from backfile.archive.furniture import left_out, sentences_of_article, without
from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.passages import Span
from backfile.archive.store.catalog_reading import connected
from backfile.archive.store.database import DAMAGED
from backfile.archive.store.history import unpacked
from backfile.archive.store.row_layout import (
    Cut,
    article_of,
    cut_of,
    is_sound,
    seal_of,
    unpacked_ranges,
)

ARTICLES_AT_ONCE = 500
PASSAGES = "SELECT * FROM passages WHERE article = ? ORDER BY n"
VERSIONS = (
    "SELECT id, place, digest, kept_at, replaced_at, content FROM versions ORDER BY id, place"
)
HAS_SEALS = "SELECT 1 FROM sqlite_schema WHERE name = 'seals'"
FURNITURE = ("SELECT hash FROM furniture", "SELECT article FROM uncut")
HAS_FURNITURE = "SELECT 1 FROM sqlite_schema WHERE name = 'uncut'"
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
            known, uncut = _furniture(connection)
            for row in _articles(connection):
                cuts = _cuts(connection, row["number"])
                seal = connection.execute(SEAL, (row["number"],)).fetchone() if sealed else None
                fits = not seal or seal[0] == seal_of(row, cuts, _bytes(seal[1]))
                whole = fits and is_sound(row) and _are_in_order(str(row["text"]), cuts)
                if not whole or not (
                    row["number"] in uncut or _is_covered(article_of(row), cuts, known)
                ):
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


def _furniture(connection: sqlite3.Connection) -> tuple[frozenset[int], frozenset[int]]:
    """The hashes of furniture, and the articles that are to be cut again because of it."""
    if not connection.execute(HAS_FURNITURE).fetchone():
        return frozenset(), frozenset()
    known, uncut = (
        frozenset(each for (each,) in connection.execute(chosen)) for chosen in FURNITURE
    )
    return known, uncut


def _cuts(connection: sqlite3.Connection, number: int) -> list[Cut]:
    found = connection.execute(PASSAGES, (number,))
    names = [column[0] for column in found.description]
    return [cut_of({"left_out": ""} | dict(zip(names, row, strict=True))) for row in found]


def _are_in_order(text: str, cuts: Sequence[Cut]) -> bool:
    """Whether the passages are numbered in order, and lie one after the other in the text."""
    spans = [(cut[1], cut[2]) for cut in cuts]
    whole = all(
        isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)
        for start, end in spans
    )
    numbered = [cut[0] for cut in cuts] == list(range(len(cuts)))
    return numbered and whole and all(one[0] < other[0] for one, other in pairwise(spans))


def _is_covered(article: Article, cuts: Sequence[Cut], known: Collection[int]) -> bool:
    """Whether the passages leave out nothing of the text but blanks and furniture."""
    text = article.text
    gaps = [found for cut in cuts for found in unpacked_ranges(cut[4] if len(cut) > 4 else "")]
    ends = [0, *(cut[2] for cut in cuts)]
    starts = [*(cut[1] for cut in cuts), len(text)]
    gaps += [gap for gap in zip(ends, starts, strict=True) if text[slice(*gap)].strip()]
    if not gaps:
        return True
    furniture = [each.span for each in sentences_of_article(article) if each.hash in known]
    ranges = left_out(text, furniture)
    return not any(_beside(text, gap, ranges).strip() for gap in gaps)


def _beside(text: str, gap: tuple[int, int], ranges: Iterable[tuple[int, int]]) -> str:
    """The text of a gap that is in none of the ranges."""
    start, end = gap
    within = [(max(a, start) - start, min(b, end) - start) for a, b in ranges]
    return without(text[start:end], [Span(a, b) for a, b in within if a < b])


def _damage(row: Mapping[str, Any]) -> Damage:
    offset = row["origin_offset"] if isinstance(row["origin_offset"], int) else 0
    digest = str(row.get("origin_digest", ""))
    origin = Origin(str(row["origin_file"]), offset, digest)
    left = {name: value for name, value in row.items() if not isinstance(value, bytes)}
    return Damage(row["number"], str(row["id"]), origin, left)
