"""Compares a vector with all rows of a snapshot: by their codes, and exactly where that matters.

The result is that of comparing all rows exactly, as a code bounds the cosine of its row.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import simsimd

from backfile.archive.store.vectors import Vectors
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.seams.protocols import Ranking
from backfile.index.vector.codes import CodedQuery, Codes
from backfile.index.vector.exact_scan import GATHERED, above, cosines, top

Piece = TypeVar("Piece")
Part = TypeVar("Part")
PIECE = 32_768  # rows that a thread compares at once
COMPARED = 8_192  # given rows that a thread compares at once


class VectorScan:
    """The vectors of one snapshot, (n_rows, dimension), and the codes of its first rows."""

    def __init__(self, vectors: Vectors, codes: Codes) -> None:
        self._vectors = vectors
        self._codes = codes

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        """The cosine of each row with the vector."""
        pieces = [rows[start : start + COMPARED] for start in range(0, len(rows), COMPARED)]
        found = _in_threads(lambda some: cosines(self._vectors, some, vector), pieces)
        return np.concatenate([np.empty(0, np.float32), *found])

    def within(self, vector: Floats, row_mask: Bools, floor: float) -> Ranking:
        """The rows of the mask, (n_rows,), whose cosine is at least `floor`, in ascending order."""
        query = CodedQuery.of(vector)

        def near(start: int) -> Ranking:
            rows = self._candidates(query, row_mask, floor, start)
            return above(Ranking(rows, cosines(self._vectors, rows, vector)), floor)

        found = _in_threads(near, range(0, len(row_mask), PIECE))
        nothing = Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        return Ranking(*map(np.concatenate, zip(nothing, *found, strict=True)))

    def nearest(self, vector: Floats, row_mask: Bools, limit: int) -> Ranking:
        """Rank the nearest rows of the mask.

        The `limit`-th cosine of some of them is a floor that as many rows of all reach. About as
        many rows are compared to find the floor as then reach it.
        """
        rows = np.flatnonzero(row_mask)
        step = max(1, math.isqrt(len(rows) // limit))
        scores = self.similarities(vector, rows[::step])
        if step > 1:
            known = np.where(np.isnan(scores), -np.inf, scores)  # of damaged vectors
            floor = float(np.partition(known, -limit)[-limit])
            rows, scores = self.within(vector, row_mask, floor)
        return top(rows, scores, limit)

    def _candidates(self, query: CodedQuery, row_mask: Bools, floor: float, start: int) -> Rows:
        """The rows of a piece of the mask whose cosine may reach the floor."""
        rows: Rows = start + np.flatnonzero(row_mask[start : start + PIECE])
        coded = rows[rows < len(self._codes.codes)]
        if not len(coded):
            return rows
        if len(coded) > GATHERED * PIECE:  # a range is compared without a copy
            reaching = _reaching(query, self._codes.part(slice(start, start + PIECE)), floor)
            reaching = reaching[coded - start]
        else:
            reaching = _reaching(query, self._codes.part(coded), floor)
        return np.concatenate([coded[reaching], rows[len(coded) :]])


def _reaching(query: CodedQuery, codes: Codes, floor: float) -> Bools:
    """Which rows may reach the floor, as far as their codes tell, (n,)."""
    dots = np.asarray(simsimd.cdist(codes.codes, query.code, metric="dot", out_dtype="f32"))
    reaching: Bools = (query.most(dots[:, 0], codes.scales) >= floor) | ~codes.valid
    return reaching


def _in_threads(work: Callable[[Piece], Part], pieces: Sequence[Piece]) -> list[Part]:
    """Do the work for each piece, on all cores: numpy and simsimd let other threads run."""
    if len(pieces) < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(min(len(pieces), os.cpu_count() or 1)) as threads:
        return list(threads.map(work, pieces))
