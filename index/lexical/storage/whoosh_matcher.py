"""A Whoosh matcher over one of our posting lists, for a stock Whoosh searcher."""

from typing import Any

import numpy as np
import numpy.typing as npt
from whoosh.matching import LeafMatcher

from backfile.index.lexical.storage.postings import StoredList
from backfile.index.model.arrays import Numbers


class ArrayMatcher(LeafMatcher):
    """Walks one posting list; the whole list is one block."""

    def __init__(
        self, stored: StoredList, term: tuple[str, bytes], format_: Any, scorer: Any
    ) -> None:
        self.stored = stored
        self.format = format_
        self.scorer = scorer
        self._term = term
        self._starts: npt.NDArray[np.int64] | None = None
        self._places: Numbers | None = None
        self._at = 0

    def is_active(self) -> bool:
        return self._at < len(self.stored.documents)

    def reset(self) -> None:
        self._at = 0

    def copy(self) -> "ArrayMatcher":
        other = ArrayMatcher(self.stored, self._term, self.format, self.scorer)
        other._at = self._at
        return other

    def id(self) -> int:
        return int(self.stored.documents[self._at])

    def all_ids(self) -> Any:
        return iter(self.stored.documents.tolist())

    def weight(self) -> float:
        return float(self.stored.frequencies[self._at])

    def value(self) -> bytes:
        encoded: bytes = self.format.encode(self._positions_here())
        return encoded

    def value_as(self, astype: str) -> Any:
        if astype == "positions":
            return self._positions_here()
        return self.weight() if astype in ("weight", "frequency") else super().value_as(astype)

    def next(self) -> bool:
        self._at += 1
        return not self.is_active()

    def skip_to(self, document: int) -> None:
        ahead = self.stored.documents[self._at :]
        self._at += int(np.searchsorted(ahead, document))

    def skip_to_quality(self, least: float) -> int:
        if self.block_quality() > least:
            return 0
        self._at = len(self.stored.documents)
        return 1

    def block_min_length(self) -> int:
        return 0

    def block_max_length(self) -> int:
        return 0xFFFFFFFF

    def block_max_weight(self) -> float:
        return float(self.stored.frequencies.max())

    def block_min_id(self) -> int:
        return int(self.stored.documents[0])

    def block_max_id(self) -> int:
        return int(self.stored.documents[-1])

    def _positions_here(self) -> list[int]:
        if self._starts is None or self._places is None:
            self._starts = np.concatenate([[0], np.cumsum(self.stored.frequencies, dtype=np.int64)])
            self._places = self.stored.positions()
        found: list[int] = self._places[
            self._starts[self._at] : self._starts[self._at + 1]
        ].tolist()
        return found
