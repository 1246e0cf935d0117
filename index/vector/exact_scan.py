"""Compares rows of the vectors on record with a query, and keeps the best: exact, whole arrays."""

import numpy as np
import simsimd

from backfile.archive.store.vectors import Vectors
from backfile.index.model.arrays import Floats, Rows
from backfile.index.seams.protocols import Ranking

ALL_CORES = 0  # as simsimd counts threads
SHARED = 10_000  # rows; fewer take less than to wait for a second core: 1,000 take 0.07 ms on one
GATHERED = 0.25  # of a stretch: to compare more rows than that, reading all of it is quicker


def cosines(vectors: Vectors, rows: Rows, vector: Floats) -> Floats:
    """Compare these rows with a vector of length 1, in float16 arithmetic with SIMD.

    240,000 rows of 384 take 14 ms on one core and 7 on two; in numpy, which converts them first,
    100,000 take 166.
    """
    if not len(rows):
        return np.empty(0, np.float32)
    asked = np.ascontiguousarray(vector, np.float16)[None, :]
    first, last = int(rows.min()), int(rows.max())
    if rows_read(rows) == last + 1 - first:  # a stretch is compared where it lies, not copied
        return _dots(vectors[first : last + 1], asked)[rows - first].astype(np.float32)
    return _dots(vectors[rows], asked).astype(np.float32)


def _dots(vectors: Vectors, asked: Vectors) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    threads = ALL_CORES if len(vectors) > SHARED else 1
    found = np.asarray(simsimd.cdist(vectors, asked, metric="dot", threads=threads))
    dots: np.ndarray[tuple[int], np.dtype[np.float64]] = found[:, 0]
    return dots


def rows_read(rows: Rows) -> int:
    """How many rows are read to compare these: all between them where most are wanted anyway."""
    stretch = int(rows.max()) + 1 - int(rows.min())
    return stretch if len(rows) > GATHERED * stretch else len(rows)


def above(found: Ranking, floor: float) -> Ranking:
    """Keep what scores at least so much."""
    enough = found.scores >= floor
    return Ranking(found.rows[enough], found.scores[enough])


def top(rows: Rows, scores: Floats, limit: int) -> Ranking:
    """Keep the best; ties in ascending order of row."""
    if len(rows) > limit:
        best = np.argpartition(-scores, limit - 1)[:limit]
        tied = np.flatnonzero(scores >= scores[best].min())
        rows, scores = rows[tied], scores[tied]
    order = np.lexsort((rows, -scores))[:limit]
    return Ranking(rows[order], scores[order])
