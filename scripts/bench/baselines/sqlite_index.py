"""SQLite's full-text search, FTS5, over the terms our analyser makes."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from backfile.scripts.bench.baselines.words import (
    KINDS,
    Kind,
    Passage,
    WordSearch,
    any_of,
    beginnings,
    in_order,
)

# Contentless, as no other engine keeps the text; whatever is no blank belongs to a word.
SCHEMA = """
CREATE VIRTUAL TABLE passages USING fts5(
    title, text, content='',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co'"
)
"""
INSERT = "INSERT INTO passages (rowid, title, text) VALUES (?, ?, ?)"
OPTIMIZE = "INSERT INTO passages (passages) VALUES ('optimize')"  # into one segment
# `rank` is bm25(passages), and sorts sooner than a call of it: https://sqlite.org/fts5.html#sorting
SELECT = "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?"


class SqliteFTS5:
    """One FTS5 table in a file of its own."""

    name = "SQLite FTS5"
    takes_terms = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection: Any = None

    def build(self, passages: Iterable[Passage]) -> None:
        self.folder.mkdir(parents=True)
        self._connection = sqlite3.connect(self.folder / "fts5.db")
        with self._connection as connection:
            connection.execute(SCHEMA)
            connection.executemany(INSERT, passages)
            connection.execute(OPTIMIZE)

    def searches(self) -> Sequence[WordSearch]:
        """One, which scores every match."""
        return [WordSearch(self.name, KINDS, self._best)]

    def close(self) -> None:
        if self._connection:
            self._connection.close()

    def _best(self, kind: Kind, words: Sequence[str], limit: int) -> list[int]:
        found = self._connection.execute(SELECT, (_match(kind, words), limit))
        return [row for (row,) in found]


def _match(kind: Kind, words: Sequence[str]) -> str:
    """Write a query as FTS5 reads it; none of our terms has a quotation mark."""
    match kind:
        case Kind.WORDS | Kind.QUESTION:
            return " OR ".join(f'"{term}"' for term in any_of(words))
        case Kind.PHRASE:
            return f'"{" ".join(in_order(words))}"'
        case Kind.PREFIX:
            prefix, stems = beginnings(words)
            return " OR ".join([f'"{prefix}"*', *(f'"{stem}"' for stem in stems)])
