"""How many passages of the whole hold a term, as one shard asks for it in one search."""

from collections.abc import Iterable, Mapping

import numpy as np

from backfile.index.lexical.scoring.collection import Collection
from backfile.index.model.expression import Field, Word
from backfile.index.model.whole import Whole, sum_of_each

Alike = tuple[str, ...]
"""Alternative terms, which count as one."""
Terms = tuple[Alike, ...]
"""The alternative terms of each place of a word: `Amazon.com` has two places."""
Spelt = tuple[Field, Alike, str]
"""A word as it is typed, in a field, and its terms."""


class Frequencies:
    """Document frequencies of the whole, each exchanged once; those of an undivided one are own."""

    def __init__(self, collection: Collection, whole: Whole) -> None:
        self._collection = collection
        self._whole = whole
        self._known: dict[tuple[Field, Alike], int] = {}
        self._spelt: dict[Spelt, tuple[int, int]] = {}

    def of(self, field: Field, alike: Alike) -> int:
        """How many living passages hold one of the alternative terms."""
        if not self._whole.is_divided:
            return self._collection.frequency(field, alike)
        self.exchange([(field, alike)])
        return self._known[field, alike]

    def spelt(self, field: Field, alike: Alike, word: str) -> tuple[int, int]:
        """How many articles hold a word as it is typed, and how many hold one of its terms."""
        key = field, alike, word
        return self._spelt[key] if key in self._spelt else self._own_spelt(key)

    def exchange(self, keys: Iterable[tuple[Field, Alike]]) -> None:
        """Exchange several at once, but for those that are known."""
        wanted = sorted(set(keys) - self._known.keys()) if self._whole.is_divided else []
        if wanted:
            own = [self._collection.frequency(field, alike) for field, alike in wanted]
            found = self._whole.sums(np.array(own, np.int64))
            self._known |= zip(wanted, found.tolist(), strict=True)

    def exchange_of_words(self, words: Mapping[Terms, Word], *, spelt_too: bool) -> None:
        """Exchange those of plain words at once, and how they are spelt if that is asked for."""
        if not self._whole.is_divided:
            return
        keys = [(leaf.field, terms[0], leaf.text) for terms, leaf in words.items() if terms]
        keys = keys if spelt_too else []
        own = np.array([self._own_spelt(key) for key in keys], np.int64)
        given = self._whole.reduced(own, sum_of_each)
        fields = {Field.ANY, *(leaf.field for leaf in words.values())}
        places = {alike for terms in words for alike in terms}
        self.exchange((field, alike) for field in fields for alike in places)
        if keys:
            counts = given.value().tolist()
            self._spelt |= {key: (n, of) for key, (n, of) in zip(keys, counts, strict=True)}

    def _own_spelt(self, key: Spelt) -> tuple[int, int]:
        field, alike, _ = key
        own = self._collection.scored_postings(field, alike)
        return int(self._collection.spelt(*key).sum()), len(own.articles)
