"""bm25s, in numpy: it computes scores while it indexes, and adds them up while it searches."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import bm25s
import numpy as np

from backfile.index.lexical.scoring.bm25 import K1, B
from backfile.index.model.arrays import Floats, Rows
from backfile.scripts.bench.baselines.words import Kind, Passage, WordSearch, any_of

KINDS = frozenset({Kind.WORDS, Kind.QUESTION})  # it keeps no positions and no order of terms


class BM25S:
    """A bm25s index. It has no fields: title and text of a passage are one.

    It is saved to measure its size on disk, and searched in memory.
    """

    name = "bm25s"
    takes_terms = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index: Any = None
        self._rows = np.empty(0, np.int64)

    def build(self, passages: Iterable[Passage]) -> None:
        rows, corpus = [], []
        for row, title, text in passages:
            rows.append(row)
            corpus.append(title.split() + text.split())
        self._rows = np.array(rows, np.int64)
        self._index = bm25s.BM25(method="lucene", k1=K1, b=B)
        self._index.index(corpus, show_progress=False)
        self._index.save(self.folder, show_progress=False)

    def searches(self) -> Sequence[WordSearch]:
        """One, which computes every score."""
        return [WordSearch(self.name, KINDS, self._best)]

    def scores(self, words: Sequence[str]) -> tuple[Rows, Floats]:
        """Every row with its score, aligned; 0 if a passage has none of the words."""
        asked = any_of(words)
        if not asked:
            return self._rows, np.zeros(len(self._rows), np.float32)
        return self._rows, np.asarray(self._index.get_scores(asked), np.float32)

    def close(self) -> None:
        self._index = None

    def _best(self, _: Kind, words: Sequence[str], limit: int) -> list[int]:
        most = min(limit, len(self._rows))
        found = self._index.retrieve([any_of(words)], k=most, show_progress=False)
        best: list[int] = self._rows[found.documents[0][found.scores[0] > 0]].tolist()
        return best
