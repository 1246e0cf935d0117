"""Times our search by words beside the baselines, on the same passages and queries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backfile.archive.workers import batches
from backfile.index.indexing.stages import SIZES
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
    WordBaseline,
    WordSearch,
    as_terms,
)
from backfile.scripts.bench.queries import Queries, typed
from backfile.scripts.bench.timing import Cost, Latency, bytes_below, cost_of, latency_of

LIMIT = 10


@dataclass(frozen=True, slots=True)
class WordResult:
    """An engine by words: the cost and the size of its index, and the latency by kind of query.

    `built` does not include the analysis of the text if the engine is given terms.
    """

    name: str
    built: Cost
    given_terms: bool
    bytes: int
    latencies: dict[Kind, Latency]


class Ours:
    """Our lexical index under the interface of the baselines.

    It is the index of an archive, built again. It also finds and counts the matching articles.
    """

    name = "Backfile"
    takes_terms = False

    def __init__(self, engines: Engines, folder: Path) -> None:
        self.folder = folder
        self._lexical = engines.lexical
        self._columns = ArticleTable.load(engines.catalog, 0)

    def build(self, passages: Iterable[Passage]) -> None:
        self._lexical.clear()
        for some in batches(passages, SIZES.words):
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


def compare(
    engines: Engines, folder: Path, baselines: Sequence[WordBaseline], queries: Queries
) -> Iterator[WordResult]:
    """Build and search one engine after the other, ours first; the folder holds its files."""
    passages = [
        Passage(found.row, found.article.given_title, found.passage.text)
        for found in engines.catalog.stored(engines.catalog.rows_after(0).tolist())
    ]
    terms: list[Passage] = []
    indexes: list[WordBaseline] = [Ours(engines, folder), *baselines]
    for index in indexes:
        if index.takes_terms and not terms:
            terms = list(as_terms(passages))
        built = cost_of(partial(index.build, terms if index.takes_terms else passages))
        for search in index.searches():
            latencies = {
                kind: latency_of([partial(search.best, kind, words, LIMIT) for words in asked])
                for kind, asked in queries.items()
                if kind in search.kinds and asked
            }
            size = bytes_below(index.folder)
            yield WordResult(search.name, built, index.takes_terms, size, latencies)
        index.close()
