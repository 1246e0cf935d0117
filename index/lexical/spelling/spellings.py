"""Finds the words of an archive by their spelling, within a number of edits.

An edit inserts, deletes or replaces a letter, or swaps two neighbours: optimal string alignment, as
in Damerau, "A technique for computer detection and correction of spelling errors", 1964, and in
Lucene's fuzzy queries.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backfile.index.lexical.spelling.wildcards import beginning_of, is_match
from backfile.index.model.arrays import Bools
from backfile.index.model.postings import Vocabulary

LETTERS = 64  # bits of a word's mask of letters; a letter's bit is its code point modulo 64


def is_within(one: str, other: str, edits: int) -> bool:
    """Whether the distance of two words is at most `edits`.

    >>> is_within("bridg", "bride", 1), is_within("bridge", "brigde", 1), is_within("a", "abc", 1)
    (True, True, False)
    """
    from rapidfuzz.distance import OSA  # takes 10 ms, so only where needed

    return OSA.distance(one, other, score_cutoff=edits) <= edits


def within(word: str, others: Sequence[str], edits: int) -> dict[int, int]:
    """The distance of each word within `edits`, by its index in `others`.

    >>> within("brigde", ["bridge", "bright", "ferry"], 2)
    {0: 1, 1: 2}
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found = process.extract(word, others, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return {index: int(distance) for _, distance, index in sorted(found, key=lambda each: each[2])}


def letters_of(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The mask of letters of each word, (n,).

    Two words whose masks differ in more than 2n bits are more than n edits apart.
    """
    ended = [f"{word}\0" for word in words]  # so that no word is empty
    lengths = np.fromiter(map(len, ended), np.int64, len(ended))
    numbers = np.frombuffer("".join(ended).encode("utf-32-le", "surrogatepass"), "<u4")
    marks = np.uint64(1) << (numbers % LETTERS).astype(np.uint64)
    starts = np.cumsum(lengths) - lengths
    marked: npt.NDArray[np.uint64] = np.bitwise_or.reduceat(marks, starts) if ended else marks
    return marked


REMEMBERED = 4096  # words, with those near them
BEYOND = chr(0x10FFFF)  # sorts after every letter


class Spelling(NamedTuple):
    """A word: folded, in its most frequent written form, its terms, and its frequency.

    `living` if an article is known to contain it; other words are never shown.
    """

    text: str
    written: str
    terms: tuple[str, ...]
    frequency: int
    living: bool


class NearSpelling(NamedTuple):
    """A spelling and its distance, in edits, from the given word."""

    distance: int
    spelling: Spelling


class Spellings:
    """The words of a lexical index, each spelling once. Threads may share it."""

    def __init__(self, vocabulary: Vocabulary, alive: Bools) -> None:
        """Take words whose witnesses are rows, and the mask of living rows.

        The index may hold rows beyond the mask: those of the newest articles, once removed. They
        are dead.
        """
        rows = np.full(max(len(alive), int(vocabulary.witnesses.max(initial=0)) + 1), -1, np.int64)
        rows[: len(alive)][alive] = np.flatnonzero(alive)
        found = vocabulary.moved(rows)
        known = found.known
        parted = "\t".join(found.keys).split("\t") if found.keys else []
        every, self._terms = parted[::2], parted[1::2]
        # The first entry of each word: it has one entry per term.
        self._first = [i for i, text in enumerate(every) if not i or text != every[i - 1]]
        self._words = [every[i] for i in self._first]
        self._written = found.written
        self._each = found.counts
        self._counts = np.add.reduceat(found.counts, self._first) if every else found.counts
        self._living = np.logical_or.reduceat(known, self._first) if every else known
        self._lengths = np.fromiter(map(len, self._words), np.int64, len(self._words))
        self._letters = letters_of(self._words)
        self._known = lru_cache(maxsize=REMEMBERED)(self._near)

    def near(self, word: str, edits: int) -> list[NearSpelling]:
        """The words within so many edits of this folded one, nearest first.

        Of equally near words the most frequent comes first.
        """
        return self._known(word, edits)

    def _near(self, word: str, edits: int) -> list[NearSpelling]:
        mask = letters_of([word])[0]
        # An edit adds a letter, removes one, or both.
        alike = np.bitwise_count(self._letters ^ mask) <= 2 * edits
        alike &= np.abs(self._lengths - len(word)) <= edits
        indices = np.flatnonzero(alike).tolist()
        distances = within(word, [self._words[index] for index in indices], edits)
        found = [NearSpelling(n, self._at(indices[i])) for i, n in distances.items()]
        return sorted(found, key=lambda n: (n.distance, -n.spelling.frequency, n.spelling.text))

    def beginning(self, prefix: str) -> Iterator[Spelling]:
        """Walk the words with this prefix, the most frequent first."""
        start, end = self._range(prefix)
        order = np.argsort(-self._counts[start:end], kind="stable") + start
        return (self._at(index) for index in order.tolist())

    def terms_beginning(self, prefix: str) -> set[str]:
        """The terms of all words with this prefix."""
        start, end = self._range(prefix)
        ends = [*self._first, len(self._terms)]
        return set(self._terms[ends[start] : ends[end]])

    def terms_matching(self, pattern: str) -> set[str]:
        """The terms of all words of a pattern with wildcards."""
        matches = is_match(pattern)
        start, end = self._range(beginning_of(pattern))
        ends = [*self._first, len(self._terms)]
        return {
            term
            for index in range(start, end)
            if matches(self._words[index])
            for term in self._terms[ends[index] : ends[index + 1]]
        }

    def _range(self, prefix: str) -> tuple[int, int]:
        return bisect_left(self._words, prefix), bisect_left(self._words, prefix + BEYOND)

    def _at(self, index: int) -> Spelling:
        start = self._first[index]
        end = self._first[index + 1] if index + 1 < len(self._first) else len(self._terms)
        commonest = start + int(np.argmax(self._each[start:end]))
        return Spelling(
            self._words[index],
            self._written[commonest],
            tuple(self._terms[start:end]),
            int(self._counts[index]),
            bool(self._living[index]),
        )
