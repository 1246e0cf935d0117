"""Times our search by meaning beside the baselines under date filters, and measures recall."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.seams.engines import Engines
from backfile.scripts.bench.baselines.vectors import Days, ExactNumpy, Halves, VectorBaseline
from backfile.scripts.bench.queries import SHARES, since_for
from backfile.scripts.bench.timing import Cost, Latency, bytes_below, cost_of, timed

LIMIT = 100


@dataclass(frozen=True, slots=True)
class VectorResult:
    """An engine by meaning; its figures by the share of articles that pass a date filter.

    `recalls` are means of recall@100 against an exact scan over the queries, `worst` the minima.
    """

    name: str
    built: Cost
    bytes: int
    latencies: dict[float, Latency]
    recalls: dict[float, float]
    worst: dict[float, float]


class Ours:
    """Our vector index under the interface of the baselines; it is built already."""

    name = "Backfile"

    def __init__(self, engines: Engines, table: ArticleTable, folder: Path) -> None:
        self.folder = folder
        self._columns = table
        self._snapshot = engines.neighbours.snapshot(table.embedded)

    def build(self, rows: Rows, vectors: Halves, days: Days) -> None:
        """Nothing is left to do."""

    def nearest(self, vector: Floats, since: int | None, limit: int) -> Rows:
        row_mask = None
        if since is not None:
            row_mask = self._columns.rows_of(self._columns.published >= since)
        return self._snapshot.nearest(vector, row_mask, limit).rows

    def close(self) -> None:
        """The archive goes on."""


def compare(
    engines: Engines, folder: Path, baselines: Sequence[VectorBaseline], texts: Sequence[str]
) -> Iterator[VectorResult]:
    """Build and search one engine after the other, ours first; the folder holds its files.

    Yields nothing if there are no texts.
    """
    if not texts:
        return
    table = ArticleTable.load(engines.catalog, 0)
    rows = np.flatnonzero(table.embedded & table.alive)
    days = table.published[table.article_of[rows]]
    vectors = engines.vectors.read(table.n_rows)[rows]
    asked = [engines.embedder.embed_query(text) for text in texts]
    bounds = {share: _since(table, share) for share in SHARES}
    exact = ExactNumpy()
    exact.build(rows, vectors, days)
    truth = {s: [exact.nearest(v, since, LIMIT) for v in asked] for s, since in bounds.items()}
    exact.close()
    indexes: list[VectorBaseline] = [Ours(engines, table, folder), *baselines]
    for index in indexes:
        built = cost_of(partial(index.build, rows, vectors, days))
        index.nearest(asked[0], None, LIMIT)
        latencies, found = {}, {}
        for share, since in bounds.items():
            calls = [partial(index.nearest, vector, since, LIMIT) for vector in asked]
            latencies[share], answers = timed(calls)
            pairs = zip(answers, truth[share], strict=False)  # slow ones are cut short
            found[share] = [len(np.intersect1d(a, t)) / max(1, len(t)) for a, t in pairs]
        yield VectorResult(
            name=index.name,
            built=built,
            bytes=bytes_below(index.folder),
            latencies=latencies,
            recalls={share: float(np.mean(shares)) for share, shares in found.items()},
            worst={share: min(shares) for share, shares in found.items()},
        )
        index.close()


def _since(table: ArticleTable, share: float) -> int | None:
    day = since_for(table, share) if share < 1 else None
    return day.toordinal() if day else None
