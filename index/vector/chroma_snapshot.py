"""Asks one state of the vector index: sealed parts by Chroma, newer rows by comparing them all."""

import numpy as np

from backfile.archive.store.vectors import VectorFile
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.seams.protocols import Ranking
from backfile.index.vector.chroma_part import Part
from backfile.index.vector.exact_scan import above, cosines, rows_read, top

OVERASKED = 2  # times the limit, and at least as many as LEAST_ASKED: recall@100 .999, recall@200
LEAST_ASKED = 400  # .995 on 77,000 passages of news, against .993 and .979, for 1.5 ms more
FEW_NEAR = 100  # above a floor; where more are, Chroma may miss some, and all rows are compared
ENOUGH = 1.5  # times the limit, of those that pass a filter; with fewer, all that pass are compared
ROWS_A_NEIGHBOUR = 400  # are compared, on two cores, while Chroma finds one more neighbour


class ChromaSnapshot:
    """The parts that were sealed when it was opened, and the rows in none of them."""

    def __init__(
        self,
        parts: list[Part],
        vectors: VectorFile,
        embedded: Bools,
        rows_a_neighbour: float = ROWS_A_NEIGHBOUR,
    ) -> None:
        self._rows_a_neighbour = rows_a_neighbour
        self._vectors = vectors.read(len(embedded))
        self._embedded = embedded[: len(self._vectors)]
        self._n_rows = len(self._embedded)
        self._parts = parts
        self._dead = [int((~self._known(part.rows)).sum()) for part in parts]
        newer = self._embedded.copy()
        for part in parts:
            newer[part.rows[part.rows < len(newer)]] = False
        self._newer = np.flatnonzero(newer)

    def nearest(self, vector: Floats, wanted: Bools | None, limit: int) -> Ranking:
        rows = self._candidates(vector, wanted, limit)
        return top(rows, self.similarities(vector, rows), limit)

    def within(self, vector: Floats, floor: float) -> Ranking:
        rows = np.flatnonzero(self._embedded)
        is_open = all(part.is_open for part in self._parts)
        if is_open and len(rows) and rows_read(rows) > self._rows_a_neighbour * LEAST_ASKED:
            near = above(self.nearest(vector, None, FEW_NEAR + 1), floor)
            if len(near.rows) <= FEW_NEAR:
                return near
        near = above(Ranking(rows, self.similarities(vector, rows)), floor)
        return top(*near, len(near.rows))

    def _candidates(self, vector: Floats, wanted: Bools | None, limit: int) -> Rows:
        """The rows to compare: what Chroma proposes where that is quicker, or all that pass."""
        is_open = all(part.is_open for part in self._parts)
        needed = max(OVERASKED * limit, LEAST_ASKED)
        if wanted is None and is_open:
            return self._proposed(vector, needed)
        passing = self._embedded if wanted is None else self._embedded & wanted[: self._n_rows]
        rows = np.flatnonzero(passing)
        if is_open and len(rows):
            asked = int(needed * self._embedded.sum() / len(rows))
            if rows_read(rows) > self._rows_a_neighbour * asked:
                proposed = self._proposed(vector, asked)
                proposed = proposed[passing[proposed]]
                if len(proposed) >= ENOUGH * limit:
                    return proposed
        return rows

    def _proposed(self, vector: Floats, limit: int) -> Rows:
        """What Chroma proposes, and what is newer; scores come from the record all the same."""
        found = [
            part.nearest(vector, limit + dead)
            for part, dead in zip(self._parts, self._dead, strict=True)
        ]
        rows = np.unique(np.concatenate([*found, self._newer]))
        return rows[self._known(rows)]

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        return cosines(self._vectors, rows, vector)

    def _known(self, rows: Rows) -> Bools:
        known = rows < len(self._embedded)
        known[known] = self._embedded[rows[known]]
        return known
