"""Searches one state of the vector index: sealed parts by Chroma, newer rows by comparing them."""

import logging

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.vectors import VectorFile, Vectors
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.seams.failures import unavailable
from backfile.index.seams.protocols import Ranking
from backfile.index.vector.chroma_part import ChromaPart
from backfile.index.vector.codes import Codes
from backfile.index.vector.exact_scan import top
from backfile.index.vector.vector_scan import VectorScan

log = logging.getLogger(__name__)
VECTORS = Message("the file of vectors")
SAMPLE = 64  # vectors that are looked at when a snapshot is opened
MOST_BROKEN = 0.1  # share of the sample: a few damaged rows keep no search from the others
LENGTH_TOLERANCE = 0.05  # of the length, which is 1; float16 alone takes .001
# Neighbours that Chroma is queried for: OVERSAMPLING times the limit, at least LEAST_NEIGHBOURS. Of
# 100,000 vectors that were moved at random, 400 hold .982 of the nearest hundred and 1,000 hold
# .997, and take 5 ms more.
OVERSAMPLING = 2
LEAST_NEIGHBOURS = 1_000
LEAST_FILTERED = 1.5  # times the limit; with fewer neighbours in the mask, the mask is scanned
ROWS_A_GATHERED = 8  # rows compared one after the other in the time of one by itself
ROWS_A_NEIGHBOUR = 300  # rows scanned, on two cores, in the time of one more neighbour of Chroma


class ChromaSnapshot:
    """The parts that were sealed at its opening, and the embedded rows in none of them."""

    def __init__(
        self,
        parts: list[ChromaPart],
        vectors: VectorFile,
        codes: Codes,
        embedded: Bools,
        rows_a_neighbour: float = ROWS_A_NEIGHBOUR,
    ) -> None:
        """Open for searching; raise EngineUnavailable if vectors are missing or mostly damaged.

        `rows_a_neighbour` is how many rows are scanned in the time of one more neighbour of Chroma.
        """
        self._rows_a_neighbour = rows_a_neighbour
        self._vectors = vectors.read(len(embedded))
        _require_vectors(self._vectors, np.flatnonzero(embedded))
        self._embedded = embedded[: len(self._vectors)]
        self._n_rows = len(self._embedded)
        self._n_embedded = int(np.count_nonzero(self._embedded))
        self._scan = VectorScan(self._vectors, codes)
        self._parts = parts
        self._dead = [int((~self._is_embedded(part.rows)).sum()) for part in parts]
        newer = self._embedded.copy()
        for part in parts:
            newer[part.rows[part.rows < len(newer)]] = False
        self._newer = np.flatnonzero(newer)
        self._failed = False

    def nearest(self, vector: Floats, row_mask: Bools | None, limit: int) -> Ranking:
        mask = self._embedded if row_mask is None else self._embedded & row_mask[: self._n_rows]
        rows = self._neighbours(vector, mask, limit)
        if rows is None:
            return self._scan.nearest(vector, mask, limit)
        return top(rows, self.similarities(vector, rows), limit)

    def within(self, vector: Floats, floor: float) -> Ranking:
        return self._scan.within(vector, self._embedded, floor)

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        return self._scan.similarities(vector, rows)

    def _neighbours(self, vector: Floats, mask: Bools, limit: int) -> Rows | None:
        """The rows of the mask among Chroma's neighbours; None if all rows are to be compared.

        They are if that is quicker, Chroma fails, or too few of its neighbours are in the mask.
        """
        n_wanted = int(np.count_nonzero(mask))
        if not self._is_open or not n_wanted:
            return None
        needed = max(OVERSAMPLING * limit, LEAST_NEIGHBOURS)
        oversampled = int(needed * self._n_embedded / n_wanted)
        compared = min(self._n_embedded, ROWS_A_GATHERED * n_wanted)
        if compared <= self._rows_a_neighbour * oversampled:
            return None
        found = self._proposed(vector, oversampled)
        if found is None:
            return None
        passing = found[mask[found]]
        return passing if len(passing) >= min(LEAST_FILTERED * limit, n_wanted) else None

    @property
    def _is_open(self) -> bool:
        return not self._failed and all(part.is_open for part in self._parts)

    def _proposed(self, vector: Floats, limit: int) -> Rows | None:
        """The neighbours that Chroma finds, and all newer rows; both are rescored exactly.

        None if Chroma fails, which then is not asked again.
        """
        try:
            found = [
                part.nearest(vector, limit + dead)
                for part, dead in zip(self._parts, self._dead, strict=True)
            ]
        except EngineUnavailable as exc:
            log.warning("%s; all passages are compared one by one", exc)
            self._failed = True
            return None
        rows = np.unique(np.concatenate([*found, self._newer]))
        return rows[self._is_embedded(rows)]

    def _is_embedded(self, rows: Rows) -> Bools:
        mask = rows < len(self._embedded)
        mask[mask] = self._embedded[rows[mask]]
        return mask


def require_rows(vectors: Vectors, rows: Rows) -> None:
    """Raise EngineUnavailable if the file of vectors lacks some of these rows."""
    if missing := int((rows >= len(vectors)).sum()):
        raise unavailable(VECTORS, Message("it lacks %(number)s of them", number=missing))


def _require_vectors(vectors: Vectors, embedded: Rows) -> None:
    """Raise EngineUnavailable if rows are missing, or a sample of them is no vectors of length 1.

    Reading all of them would take longer than a search; `verify` does.
    """
    require_rows(vectors, embedded)
    sample = embedded[np.linspace(0, len(embedded) - 1, min(SAMPLE, len(embedded))).astype(int)]
    lengths = np.linalg.norm(vectors[sample].astype(np.float32), axis=1)
    n_broken = int((~(np.abs(lengths - 1) < LENGTH_TOLERANCE)).sum())
    if n_broken > MOST_BROKEN * len(sample):
        raise unavailable(VECTORS, Message("it is damaged"))
