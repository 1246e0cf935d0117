"""Posting lists and the vocabulary of a lexical index, over rows."""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Bools, Floats, Rows


class Postings(NamedTuple):
    """The posting list of a term: distinct rows, and the term's frequency in each, aligned."""

    rows: Rows
    frequencies: Floats

    def sorted(self) -> Self:
        """The same list in ascending order of row."""
        order = np.argsort(self.rows, kind="stable")  # quick if the rows are a few ascending runs
        return self._replace(rows=self.rows[order], frequencies=self.frequencies[order])


NO_POSTINGS = Postings(np.empty(0, np.int64), np.empty(0, np.float32))


class Slot(NamedTuple):
    """What may stand at one place of a phrase: any of these terms, or any word at all if None.

    `accepts` tells which written forms of the terms count; all if None.
    """

    terms: tuple[str, ...] | None
    accepts: Callable[[str], bool] | None = None


class Vocabulary(NamedTuple):
    """The spellings of the words in an index, in ascending order of key.

    A spelling has one entry for each of its terms: one per language.
    """

    keys: list[str]
    """Spelling and term, joined by `key_of`."""
    written: list[str]
    """The most frequent written form: capitals and accents are kept."""
    counts: npt.NDArray[np.int64]
    """The number of occurrences in texts; titles, repeated for each passage, may count less."""
    witnesses: Rows
    """(n, n_witnesses): document numbers or rows of a few passages that contain the word, or -1."""

    def moved(self, new_numbers: Rows) -> Self:
        """Replace each witness i by `new_numbers[i]`; -1 removes the witness."""
        return self._replace(witnesses=np.append(new_numbers, -1)[self.witnesses])

    @property
    def known(self) -> Bools:
        """Mask of the words that have at least one witness."""
        known: Bools = np.logical_or.reduce(self.witnesses >= 0, axis=1)
        return known

    def masked(self, mask: Bools) -> Self:
        """The words of a mask, (n,)."""
        if mask.all():
            return self
        indices = np.flatnonzero(mask).tolist()
        keys, written = ([names[i] for i in indices] for names in self[:2])
        return type(self)(keys, written, self.counts[mask], self.witnesses[mask])


class VocabularyPart(NamedTuple):
    """A part of an index with words of its own: an equal one has the same words and witnesses.

    `size` is its number of passages.
    """

    key: str
    size: int


def key_of(spelling: str, term: str) -> str:
    """Join a spelling and its term by a tab, which neither contains.

    >>> key_of("brucken", "bruck|de")
    'brucken\\tbruck|de'
    """
    return f"{spelling}\t{term}"
