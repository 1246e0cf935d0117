"""Says of single passages what each word has scored in them, from posting lists at hand."""

from collections.abc import Sequence

import numpy as np

from index.lexical.matching.collection import Weighed
from index.lexical.matching.scoring import Floats, Rows


def scores_at(rows: Rows, lists: Sequence[Sequence[Weighed]], n_rows: int) -> Floats:
    """Add up, for each of these rows (n,), what each group of lists scores in it: (n, n_groups)."""
    scores = np.zeros((len(lists), len(rows)), np.float32)
    shown = np.zeros(n_rows, np.bool_)
    shown[rows] = True
    order = np.argsort(rows)
    for group, mine in zip(lists, scores, strict=True):
        for found in group:
            places = np.flatnonzero(shown[found.rows])
            columns = order[np.searchsorted(rows, found.rows[places], sorter=order)]
            mine[columns] += found.scores[places]
    return scores.T
