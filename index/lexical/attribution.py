"""Says of single passages what each word has scored in them, from posting lists at hand."""

from collections.abc import Sequence

import numpy as np

from index.lexical.collection import Weighed
from index.lexical.scoring import Floats, Rows


def scores_at(rows: Rows, lists: Sequence[Sequence[Weighed]], n_rows: int) -> Floats:
    """Add up, for each of these rows (n,), what each group of lists scores in it: (n, n_groups)."""
    scores = np.zeros((len(lists), len(rows) + 1), np.float32)
    column = np.full(n_rows, -1, np.int32)  # the last, for all other rows
    column[rows] = np.arange(len(rows))
    for group, mine in zip(lists, scores, strict=True):
        for found in group:
            columns = column[found.rows]
            shown = np.flatnonzero(columns >= 0)
            mine[columns[shown]] += found.scores[shown]
    asked: Floats = scores[:, :-1].T
    return asked
