"""Times our search by words and its rivals, on the same passages and queries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backfile.archive.batching import batches
from backfile.index.indexing.stages import WORDS_AT_ONCE
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.lexical.scoring.bm25 import best_rows
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.article_table import ArticleTable
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.vector.exact_scan import top
from backfile.scripts.bench.baselines.words import (
    KINDS,
    Kind,
    Passage,
    WordRival,
    WordSearch,
    as_terms,
)
from backfile.scripts.bench.queries import Queries, typed
from backfile.scripts.bench.timing import Cost, Latency, bytes_below, cost_of, latency_of

LIMIT = 10


@dataclass(frozen=True, slots=True)
class WordResult:
    """An engine by words: what its index took to build, its bytes, and its best ten by kind.

    An engine that is given terms has not analysed anything itself: `built` lacks that.
    """

    name: str
    built: Cost
    given_terms: bool
    bytes: int
    latencies: dict[Kind, Latency]


class Ours:
    """Our lexical index under the rivals' interface. What it counts, and for articles too, stays.

    It is the index of an archive, made anew: all of it can be searched as it is in use.
    """

    name = "Backfile"
    takes_terms = False

    def __init__(self, engines: Engines, folder: Path) -> None:
        self.folder = folder
        self._lexical = engines.lexical
        self._columns = ArticleTable.load(engines.catalog, 0)

    def build(self, passages: Iterable[Passage]) -> None:
        self._lexical.clear()
        for some in batches(passages, WORDS_AT_ONCE):
            self._lexical.add(LexicalEntry(*passage) for passage in some)
        self._lexical.settle()

    def searches(self) -> Sequence[WordSearch]:
        self._snapshot = self._lexical.snapshot()
        self._search = LexicalSearch(self._snapshot, self._columns)
        return [WordSearch(self.name, KINDS, self._best)]

    def close(self) -> None:
        self._snapshot.close()

    def _best(self, kind: Kind, words: Sequence[str], limit: int) -> list[int]:
        expression = parse(typed(kind, words)).expression
        if expression is None:
            return []
        matches = self._search.match(expression)
        rows = best_rows(
            matches.scores, limit, lambda rows: matches.matching[self._columns.article_of[rows]]
        )
        found: list[int] = top(rows, matches.scores[rows], limit).rows.tolist()
        return found


def compete(
    engines: Engines, folder: Path, rivals: Sequence[WordRival], queries: Queries
) -> Iterator[WordResult]:
    """Build and search one engine after the other: ours, whose files lie in the folder, first."""
    passages = [
        Passage(found.row, found.article.given_title, found.passage.text)
        for found in engines.catalog.stored(engines.catalog.rows_after(0).tolist())
    ]
    terms: list[Passage] = []
    competitors: list[WordRival] = [Ours(engines, folder), *rivals]
    for rival in competitors:
        if rival.takes_terms and not terms:
            terms = list(as_terms(passages))
        built = cost_of(partial(rival.build, terms if rival.takes_terms else passages))
        for search in rival.searches():
            latencies = {
                kind: latency_of([partial(search.best, kind, words, LIMIT) for words in asked])
                for kind, asked in queries.items()
                if kind in search.kinds and asked
            }
            size = bytes_below(rival.folder)
            yield WordResult(search.name, built, rival.takes_terms, size, latencies)
        rival.close()
