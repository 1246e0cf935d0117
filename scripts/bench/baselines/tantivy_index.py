"""tantivy, the search library in Rust, over the terms our analyser makes."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

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
TOKENIZER = "blanks"
HEAP = 200_000_000  # bytes that the writer fills before it writes a segment


class Tantivy:
    """A tantivy index on disk, written by one thread so that processor times compare."""

    name = "tantivy"
    takes_terms = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._schema = _schema()
        self._searcher: Any = None

    def build(self, passages: Iterable[Passage]) -> None:
        self.folder.mkdir(parents=True)
        index = tantivy.Index(self._schema, path=str(self.folder))
        blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        index.register_tokenizer(TOKENIZER, blanks)
        writer = index.writer(heap_size=HEAP, num_threads=1)
        for row, title, text in passages:
            writer.add_document(tantivy.Document(row=row, title=title, text=text))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def searches(self) -> Sequence[WordSearch]:
        """Two, as counting the matches rules out block-max pruning."""
        return [
            WordSearch("tantivy, with totals", KINDS, partial(self._best, count=True)),
            WordSearch("tantivy, best only", KINDS, partial(self._best, count=False)),
        ]

    def close(self) -> None:
        self._searcher = None

    def _best(self, kind: Kind, words: Sequence[str], limit: int, *, count: bool) -> list[int]:
        parts = [(Occur.Should, part) for part in self._parts(kind, words)]
        found = self._searcher.search(Query.boolean_query(parts), limit, count=count)
        addresses = [address for _, address in found.hits]
        rows: list[int] = self._searcher.fast_field_values("row", addresses)
        return rows

    def _parts(self, kind: Kind, words: Sequence[str]) -> list[Any]:
        match kind:
            case Kind.WORDS | Kind.QUESTION:
                return [self._term(f, term) for term in any_of(words) for f in FIELDS]
            case Kind.PHRASE:
                phrase = in_order(words)
                if len(phrase) < 2:  # no phrase to tantivy
                    return [self._term(f, term) for term in phrase for f in FIELDS]
                return [Query.phrase_query(self._schema, f, phrase) for f in FIELDS]
            case Kind.PREFIX:
                prefix, stems = beginnings(words)
                # A range of terms to tantivy: 0.04 ms, where a regular expression takes 0.56.
                parts = [Query.phrase_prefix_query(self._schema, f, [prefix]) for f in FIELDS]
                return [*parts, *(self._term(f, stem) for stem in stems for f in FIELDS)]

    def _term(self, field: str, term: str) -> Any:
        # As tantivy's own parser does: where frequencies are enough, positions are not opened.
        return Query.term_query(self._schema, field, term, index_option="freq")


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("row", fast=True)
    for field in FIELDS:
        builder.add_text_field(field, tokenizer_name=TOKENIZER, index_option="position")
    return builder.build()
