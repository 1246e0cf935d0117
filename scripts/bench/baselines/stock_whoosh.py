"""Whoosh as it comes: its own codec, its own matchers, our analyser."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whoosh import columns, fields, index, query
from whoosh.scoring import BM25F
from whoosh.searching import Searcher

from backfile.index.lexical.analysis.analyser import NewsAnalyzer
from backfile.scripts.bench.baselines.words import (
    KINDS,
    Kind,
    Passage,
    WordSearch,
    any_of,
    beginnings,
    in_order,
)

FIELDS = ("title", "text")
MEGABYTES = 256  # of postings before they are sorted on disk; Whoosh's default is 128


class StockWhoosh:
    """Whoosh with the codec it calls W3. It analyses while it builds."""

    name = "Whoosh"
    takes_terms = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._searcher: Any = None
        self._rows: list[int] = []

    def build(self, passages: Iterable[Passage]) -> None:
        self.folder.mkdir(parents=True)
        text = fields.TEXT(analyzer=NewsAnalyzer(joined=False), phrase=True)
        number = columns.NumericColumn("I", default=0)
        schema = fields.Schema(row=fields.COLUMN(number), title=text, text=text)
        made = index.create_in(self.folder, schema)
        writer = made.writer(limitmb=MEGABYTES, procs=1)
        for row, title, body in passages:
            writer.add_document(row=row, title=title, text=body)
        writer.commit()
        reader = made.reader()
        self._rows = list(reader.column_reader("row"))
        self._searcher = Searcher(reader, weighting=BM25F())

    def searches(self) -> Sequence[WordSearch]:
        """One. It does not count matches, so it may skip those that cannot be among the best."""
        return [WordSearch(self.name, KINDS, self._best)]

    def close(self) -> None:
        if self._searcher:
            self._searcher.close()

    def _best(self, kind: Kind, words: Sequence[str], limit: int) -> list[int]:
        found = self._searcher.search(_query(kind, words), limit=limit)
        return [self._rows[hit.docnum] for hit in found]


def _query(kind: Kind, words: Sequence[str]) -> Any:
    match kind:
        case Kind.WORDS | Kind.QUESTION:
            return query.Or([query.Term(f, term) for term in any_of(words) for f in FIELDS])
        case Kind.PHRASE:
            return query.Or([query.Phrase(f, in_order(words)) for f in FIELDS])
        case Kind.PREFIX:
            prefix, stems = beginnings(words)
            parts = [query.Prefix(f, prefix) for f in FIELDS]
            return query.Or([*parts, *(query.Term(f, stem) for stem in stems for f in FIELDS)])
