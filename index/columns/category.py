"""One attribute of articles that has many values: a source, a section, a language, authors."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Category:
    """One many-valued attribute of articles: `codes[i]` of article `owners[i]`, into `names`."""

    names: tuple[str, ...]
    codes: Ints
    owners: Ints
    n_articles: int

    @classmethod
    def of(cls, values: Sequence[Sequence[str]]) -> Self:
        """Code the values of each article; the empty string is no value.

        Spellings that differ in case alone are one value, shown as it is spelt most often.
        """
        numbers: dict[str, int] = {}  # of spellings
        spelt, owners = [], []
        for place, names in enumerate(values):
            for name in names:
                if name:
                    spelt.append(numbers.setdefault(name, len(numbers)))
                    owners.append(place)
        alike: dict[str, list[int]] = {}
        for name, number in numbers.items():
            alike.setdefault(name.casefold(), []).append(number)
        counts = np.bincount(spelt, minlength=len(numbers))
        spellings = tuple(numbers)
        code_of = np.empty(len(numbers), np.int32)
        for code, same in enumerate(alike.values()):
            code_of[same] = code
        # An article that has a name twice, in two spellings, has it once.
        pairs = np.stack([np.array(owners, np.int32), code_of[np.array(spelt, np.int32)]])
        owned, codes = np.unique(pairs, axis=1)
        return cls(
            names=tuple(spellings[max(same, key=lambda n: counts[n])] for same in alike.values()),
            codes=codes,
            owners=owned,
            n_articles=len(values),
        )

    def holding(self, wanted: Sequence[str]) -> Bools:
        """Mark the articles with any of these names, compared without case."""
        folded = {name.casefold() for name in wanted}
        return self._marked([name.casefold() in folded for name in self.names])

    def mentioning(self, words: Sequence[str], words_of: Callable[[str], list[str]]) -> Bools:
        """Mark the articles with a name in which these words follow each other."""
        wanted, n = list(words), len(words)
        names = [words_of(name) for name in self.names]
        return self._marked(
            [any(name[i : i + n] == wanted for i in range(len(name) - n + 1)) for name in names]
        )

    def counts(self, articles: Bools, less: npt.NDArray[np.int64] | int = 0) -> Counter[str]:
        """Count, for each name, the marked articles that have it, less what is given of each."""
        counted = np.bincount(self.codes[articles[self.owners]], minlength=len(self.names)) - less
        pairs = zip(self.names, counted.tolist(), strict=True)
        return Counter({name: n for name, n in pairs if n})

    def narrowed(self, articles: Bools) -> Self:
        """The same names, of the marked articles alone."""
        kept = articles[self.owners]
        return replace(self, codes=self.codes[kept], owners=self.owners[kept])

    def _marked(self, chosen: list[bool]) -> Bools:
        marked = np.zeros(self.n_articles, np.bool_)
        marked[self.owners[np.array(chosen, np.bool_)[self.codes]]] = True
        return marked
