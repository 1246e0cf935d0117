"""Inverts passages: from words in order of document to documents in order of term, by sorting."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from index.lexical.analysis import WORD, term_of
from index.lexical.codec import PostingList


class Inverted(NamedTuple):
    """One term of one field, and the least and greatest length of its documents."""

    term: bytes
    postings: PostingList
    lengths: tuple[int, int]


class Inverter:
    """Collects one field of the documents of a segment, 0 and up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of terms, in the order they were met
        self._of_word: dict[str, int] = {}  # the term of a word as it is written
        self._terms = array("I")
        self.lengths = array("I")

    def add(self, text: str) -> int:
        """Take the next document's text; return its number of words."""
        known = self._of_word
        words = WORD.findall(text)
        try:
            self._terms.extend([known[word] for word in words])
        except KeyError:
            self._terms.extend([self._number(word) for word in words])
        self.lengths.append(len(words))
        return len(words)

    def invert(self) -> Iterator[Inverted]:
        """Yield each term, ascending as bytes, with its postings."""
        lengths = np.frombuffer(self.lengths, np.uint32)
        if not len(self._terms):
            return
        names = sorted((term.encode(), number) for term, number in self._numbers.items())
        place = np.empty(len(names), np.uint32)
        place[[number for _, number in names]] = np.arange(len(names), dtype=np.uint32)
        terms = place[np.frombuffer(self._terms, np.uint32)]
        documents = np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths)
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        positions = (np.arange(len(terms)) - np.repeat(starts, lengths)).astype(np.uint32)
        # Words come in order of document and position, so a stable sort by term keeps both.
        order = np.argsort(terms, kind="stable")
        terms, documents, positions = terms[order], documents[order], positions[order]
        fresh = np.concatenate([[True], (np.diff(terms) != 0) | (np.diff(documents) != 0)])
        first = np.flatnonzero(fresh)  # where the words of one term in one document begin
        frequencies = np.diff(np.append(first, len(terms))).astype(np.uint32)
        documents, owners = documents[first], terms[first]
        bounds = np.flatnonzero(np.concatenate([[True], np.diff(owners) != 0, [True]]))
        shortest = np.minimum.reduceat(lengths[documents], bounds[:-1]).tolist()
        longest = np.maximum.reduceat(lengths[documents], bounds[:-1]).tolist()
        places = np.append(first, len(terms))[bounds].tolist()
        cuts = bounds.tolist()
        for i, (term, _) in enumerate(names):
            left, right = cuts[i], cuts[i + 1]
            postings = PostingList(
                documents[left:right],
                frequencies[left:right],
                positions[places[i] : places[i + 1]],
            )
            yield Inverted(term, postings, (shortest[i], longest[i]))

    def _number(self, word: str) -> int:
        number = self._of_word.get(word)
        if number is None:
            number = self._numbers.setdefault(term_of(word), len(self._numbers))
            self._of_word[word] = number
        return number
