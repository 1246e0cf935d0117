"""Finds the rows of the best scores, passing over whole blocks of others."""

from collections.abc import Callable

import numpy as np

from index.lexical.matching.scoring import Bools, Floats, Rows

BLOCK = 64  # rows


def best_rows(scores: Floats, limit: int, passes: Callable[[Rows], Bools]) -> Rows:
    """List the rows of at least the `limit` best scores above 0, of those that pass, if there are.

    No other row has a better score than the worst of these. Scores (n_rows,) are mostly passed over
    by the greatest of each block: of 100,000 rows the best 10 take 0.2 ms, where looking at each
    takes 1.4.
    """
    blocks = _greatest(scores)
    wanted = limit
    while wanted < len(blocks):
        least = np.partition(blocks, -wanted)[-wanted]
        if least <= 0:
            break
        rows = np.flatnonzero(scores >= least)
        if len(rows := rows[passes(rows)]) >= limit:
            return rows
        wanted *= 8
    rows = np.flatnonzero(scores > 0)  # ten times as fast as of the scores themselves
    passing: Rows = rows[passes(rows)]
    return passing


def _greatest(scores: Floats) -> Floats:
    """The greatest score of each block; one block is every n-th row, so that whole arrays compare.

    10 times as fast as `reduceat` over rows that follow each other.
    """
    n_blocks = max(1, len(scores) // BLOCK)
    whole = n_blocks * min(BLOCK, len(scores))
    blocks: Floats = scores[:whole].reshape(-1, n_blocks).max(axis=0, initial=0)
    return np.append(blocks, scores[whole:].max(initial=0))
