"""Finds the words of an archive by their spelling, within a number of edits.

An edit inserts, deletes or replaces a letter, or swaps two neighbours: optimal string alignment, as
in Damerau, "A technique for computer detection and correction of spelling errors", 1964, and in
Lucene's fuzzy queries.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cachedmethod

from backfile.index.lexical.spelling.wildcards import beginning_of, is_match
from backfile.index.lexical.spelling.word_list import WordList, letters_of
from backfile.index.model.arrays import Bools


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

    def __init__(self, found: WordList, alive: Bools) -> None:
        """Take words whose witnesses are rows, and the mask of living rows.

        The index may hold rows beyond the mask: those of the newest articles, once removed. They
        are dead.
        """
        self._words, self._terms, self._written = found.words, found.terms, found.written
        self._each = found.counts
        self._by_length = np.argsort(found.lengths, kind="stable").astype(np.int32)
        self._longer = np.cumsum(np.append(0, np.bincount(found.lengths)))  # where a length begins
        self._letters = found.letters[self._by_length]
        self._first = np.append(found.first, len(found.terms))
        witnesses = np.where(found.witnesses < len(alive), found.witnesses, -1)
        known = np.append(alive, False)[witnesses].any(axis=1)  # -1 is the last
        begins, some = found.first, len(found.words) > 0
        self._counts = np.add.reduceat(found.counts, begins) if some else found.counts
        living = np.logical_or.reduceat(known, begins) if some else known
        self._living: Bools = np.asarray(living, np.bool_)
        self._near: LRUCache[Any, list[NearSpelling]] = LRUCache(REMEMBERED)
        self._lock = threading.Lock()

    @cachedmethod(lambda self: self._near, lock=lambda self: self._lock)
    def near(self, word: str, edits: int) -> list[NearSpelling]:
        """The words within so many edits of this folded one, nearest first.

        Of equally near words the most frequent comes first.
        """
        mask = letters_of([word])[0]
        shortest, longest = np.clip(
            [len(word) - edits, len(word) + edits + 1], 0, len(self._longer) - 1
        )
        first, end = self._longer[shortest], self._longer[longest]
        # An edit adds a letter, removes one, or both.
        alike = np.bitwise_count(self._letters[first:end] ^ mask) <= 2 * edits
        indices = self._by_length[first:end][alike].tolist()
        distances = within(word, self._words[indices].tolist(), edits)
        found = [NearSpelling(n, self._at(indices[i])) for i, n in distances.items()]
        return sorted(found, key=lambda n: (n.distance, -n.spelling.frequency, n.spelling.text))

    def beginning(self, prefix: str) -> Iterator[Spelling]:
        """Walk the words with this prefix, the most frequent first."""
        start, end = self._range(prefix)
        order = np.argsort(-self._counts[start:end], kind="stable") + start
        return (self._at(index) for index in order.tolist())

    def frequencies_beginning(self, prefix: str, least: int) -> dict[str, int]:
        """How frequent each word with this prefix is that is so at least `least` times."""
        start, end = self._range(prefix)
        found = (np.flatnonzero(self._counts[start:end] >= least) + start).tolist()
        return {self._words[index]: int(self._counts[index]) for index in found}

    def exactly(self, word: str) -> Spelling | None:
        """This folded word; None if it is not there."""
        start = bisect_left(self._words, word)
        there = start < len(self._words) and self._words[start] == word
        return self._at(start) if there else None

    def terms_beginning(self, prefix: str) -> set[str]:
        """The terms of all words with this prefix."""
        start, end = self._range(prefix)
        return set(self._terms[self._first[start] : self._first[end]].tolist())

    def terms_matching(self, pattern: str) -> set[str]:
        """The terms of all words of a pattern with wildcards."""
        matches = is_match(pattern)
        start, end = self._range(beginning_of(pattern))
        matched = np.fromiter(map(matches, self._words[start:end]), np.bool_, end - start)
        entries = np.repeat(matched, np.diff(self._first[start : end + 1]))
        return set(self._terms[self._first[start] : self._first[end]][entries].tolist())

    def _range(self, prefix: str) -> tuple[int, int]:
        return bisect_left(self._words, prefix), bisect_left(self._words, prefix + BEYOND)

    def _at(self, index: int) -> Spelling:
        start, end = self._first[index : index + 2].tolist()
        commonest = start + int(np.argmax(self._each[start:end]))
        return Spelling(
            self._words[index],
            self._written[commonest],
            tuple(self._terms[start:end].tolist()),
            int(self._counts[index]),
            bool(self._living[index]),
        )
