"""faiss, the library of vector indexes: compared exactly, by codes of one byte, or by a graph."""

from typing import Any

import faiss as vendor
import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.scripts.bench.baselines.vectors import Days, Halves

faiss: Any = vendor  # its types lack the classes that SWIG makes
AT_ONCE = 50_000  # vectors that are float32 at one time
TRAINED = 100_000  # vectors that ranges of codes are learnt from
NEIGHBOURS = 32  # of a vector in the graph, as faiss's own examples have
BREADTH = 256  # of a search in the graph: candidates that are kept
KINDS = {"faiss, exact": "Flat", "faiss, codes": "SQ8", "faiss, graph": f"HNSW{NEIGHBOURS}"}


class Faiss:
    """One index of faiss in memory, with its own filter by a bitmap.

    Codes have eight bits a value, and what they rank is not compared again.
    """

    folder = None

    def __init__(self, name: str) -> None:
        """Take one of KINDS."""
        self.name = name
        self._index: Any = None
        self._rows: Rows = np.empty(0, np.int64)
        self._days: Days = np.empty(0, np.int64)

    def build(self, rows: Rows, vectors: Halves, days: Days) -> None:
        index = faiss.index_factory(vectors.shape[1], KINDS[self.name], faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            some = vectors[:: max(1, len(vectors) // TRAINED)]
            index.train(some.astype(np.float32))
        for start in range(0, len(vectors), AT_ONCE):
            index.add(vectors[start : start + AT_ONCE].astype(np.float32))
        self._index, self._rows, self._days = index, rows, days

    def nearest(self, vector: Floats, since: int | None, limit: int) -> Rows:
        options: dict[str, Any] = {}
        if since is not None:
            wanted = np.packbits(self._days >= since, bitorder="little")
            options["sel"] = faiss.IDSelectorBitmap(wanted)
        if self.name == "faiss, graph":
            parameters = faiss.SearchParametersHNSW(efSearch=BREADTH, **options)
        else:
            parameters = faiss.SearchParameters(**options)
        _, places = self._index.search(vector[None], limit, params=parameters)
        found: Rows = self._rows[places[0][places[0] >= 0]]
        return found

    def close(self) -> None:
        self._index = None
