"""Inverts passages: from words in order of document to documents in order of term, by sorting."""

from array import array
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from index.lexical.language.analysis import WORD, terms_of_run
from index.lexical.language.ngrams import has_run
from index.lexical.language.stemming import ENGLISH, term_of
from index.lexical.storage.codec import PostingLists


class Inverter:
    """Collects one field of the documents of a segment, 0 and up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of terms, in the order they were met
        # The term of a word as it is written, in each language.
        self._of_word: dict[str, dict[str, int]] = {}
        self._terms = array("I")
        self.lengths = array("I")

    def add(self, pieces: Sequence[str], language: str = ENGLISH) -> list[int]:
        """Take the next document's text, cut between words, and read as this language.

        Return how many terms each piece has.
        """
        known = self._of_word.setdefault(language, {})
        counts = []
        for piece in pieces:
            words = WORD.findall(piece)
            try:
                found = [known[word] for word in words]
            except KeyError:
                found = self._learned(words, known, language)
            self._terms.extend(found)
            counts.append(len(found))
        self.lengths.append(sum(counts))
        return counts

    def _learned(self, words: Sequence[str], known: dict[str, int], language: str) -> list[int]:
        """The terms of words; all are remembered but runs of letters, each seldom met twice."""
        runs: dict[str, list[int]] = {}
        for word in words:
            if word in known:
                continue
            if has_run(word):
                runs[word] = [self._number(term) for term in terms_of_run(word, language)]
            else:
                known[word] = self._number(term_of(word, language))
        if not runs:
            return [known[word] for word in words]
        return [n for word in words for n in (runs[word] if word in runs else (known[word],))]

    def _number(self, term: str) -> int:
        return self._numbers.setdefault(term, len(self._numbers))

    def invert(self) -> PostingLists:
        """The list of each term, ascending as bytes."""
        lengths = np.frombuffer(self.lengths, np.uint32)
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
        fresh = _is_first(terms) | _is_first(documents)
        first = np.flatnonzero(fresh)  # where the words of one term in one document begin
        frequencies = np.diff(np.append(first, len(terms))).astype(np.uint32)
        documents = documents[first]
        cuts = np.append(np.flatnonzero(_is_first(terms[first])), len(first))
        return PostingLists(
            [term for term, _ in names], cuts, documents, frequencies, lengths[documents], positions
        )


def _is_first(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Tell the numbers that differ from the one before."""
    differs = np.ones(len(numbers), np.bool_)
    differs[1:] = numbers[1:] != numbers[:-1]
    return differs
