"""What a lexical index gives of its terms and words: posting lists and a vocabulary, over rows."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Bools, Floats, Rows


class Postings(NamedTuple):
    """The rows that hold a term and its frequency in each; aligned, each row once."""

    rows: Rows
    frequencies: Floats

    def sorted(self) -> Self:
        """The same list, rows ascending."""
        order = np.argsort(self.rows, kind="stable")  # fast for a few ascending runs
        return self._replace(rows=self.rows[order], frequencies=self.frequencies[order])


NO_POSTINGS = Postings(np.empty(0, np.int64), np.empty(0, np.float32))


class Vocabulary(NamedTuple):
    """The words of an index as they are spelt, ascending by key.

    A spelling has one entry for each of its terms: one per language.
    """

    keys: list[str]
    """Spelling and term, joined by `key_of`."""
    written: list[str]
    """The most frequent written form: capitals and accents are kept."""
    counts: npt.NDArray[np.int64]
    """The number of occurrences in texts; titles, repeated for each passage, may count less."""
    witnesses: Rows
    """(n, n_witnesses): the numbers of some passages that hold the word, -1 for none."""

    def moved(self, places: Rows) -> Self:
        """Replace the number i of each witness by `places[i]`; -1 removes the witness."""
        return self._replace(witnesses=np.append(places, -1)[self.witnesses])

    @property
    def known(self) -> Bools:
        """Mask of the words that have at least one witness."""
        known: Bools = np.logical_or.reduce(self.witnesses >= 0, axis=1)
        return known

    def chosen(self, mask: Bools) -> Self:
        """The words of the mask alone."""
        if mask.all():
            return self
        chosen = np.flatnonzero(mask).tolist()
        keys, written = ([names[i] for i in chosen] for names in self[:2])
        return type(self)(keys, written, self.counts[mask], self.witnesses[mask])


def key_of(spelling: str, term: str) -> str:
    """Join a spelling and its term by a tab, which neither contains.

    >>> key_of("brucken", "bruck|de")
    'brucken\\tbruck|de'
    """
    return f"{spelling}\t{term}"
