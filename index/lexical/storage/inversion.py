"""Inverts passages by sorting: from the terms of each document to the documents of each term.

Starts of sentences and paragraphs are posting lists too: their positions in a document are those of
the first words of all its sentences or paragraphs but the first.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from backfile.index.lexical.analysis.analyser import WORD, CutText, terms_of_run
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import ENGLISH, spelling_of, term_of
from backfile.index.lexical.storage.codec import PostingLists
from backfile.index.lexical.storage.vocabulary import Forms
from backfile.index.model.expression import Stretch
from backfile.index.model.postings import key_of


class BreakLists:
    """Collects the starts of sentences and paragraphs of a segment's documents, 0 and up."""

    def __init__(self) -> None:
        self._n_documents = 0
        self._documents = {each: array("I") for each in Stretch}
        self._positions = {each: array("I") for each in Stretch}

    def add(self, cut: CutText, counts: Sequence[int]) -> None:
        """Add the next document; `counts` are the numbers of terms of its sentences."""
        for position, opens in zip(accumulate(counts), cut.opens[1:], strict=False):
            for stretch in Stretch if opens else (Stretch.SENTENCE,):
                self._documents[stretch].append(self._n_documents)
                self._positions[stretch].append(position)
        self._n_documents += 1

    def invert(self) -> PostingLists:
        """The list of each kind of break that occurs, ascending as bytes."""
        kinds = sorted(each for each in Stretch if self._documents[each])
        counted = [
            np.unique(np.frombuffer(self._documents[each], np.uint32), return_counts=True)
            for each in kinds
        ]
        nothing = np.empty(0, np.uint32)
        documents = np.concatenate([nothing, *(found for found, _ in counted)])
        frequencies = np.concatenate([nothing, *(counts for _, counts in counted)])
        places = [np.frombuffer(self._positions[each], np.uint32) for each in kinds]
        return PostingLists(
            [each.value.encode() for each in kinds],
            np.cumsum([0, *(len(found) for found, _ in counted)]),
            documents.astype(np.uint32),
            frequencies.astype(np.uint32),
            np.zeros(len(documents), np.uint32),
            np.concatenate([nothing, *places]),
        )


class Inverter:
    """Collects the terms of one field of a segment's documents, 0 and up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # number of each term, in order of first occurrence
        # A form is a word as it is written, or a pair of letters.
        self._term_of_form = array("I")
        self._keys: list[str] = []  # spelling and term; empty for a pair
        self._written: list[str] = []
        self._of_word: dict[str, dict[str, int]] = {}  # the form of each word, by language
        self._of_pair: dict[str, int] = {}
        self._forms = array("I")
        self.lengths = array("I")

    def add(self, pieces: Sequence[str], language: str = ENGLISH) -> list[int]:
        """Add the next document's text, cut into pieces between words, in this language.

        Return the number of terms of each piece.
        """
        known = self._of_word.setdefault(language, {})
        counts = []
        for piece in pieces:
            words = WORD.findall(piece)
            try:
                found = [known[word] for word in words]
            except KeyError:
                found = self._learned(words, known, language)
            self._forms.extend(found)
            counts.append(len(found))
        self.lengths.append(sum(counts))
        return counts

    def _learned(self, words: Sequence[str], known: dict[str, int], language: str) -> list[int]:
        """The forms of words, new ones included; runs of letters are not cached: few recur."""
        runs: dict[str, list[int]] = {}
        for word in words:
            if word in known:
                continue
            if has_run(word):
                runs[word] = [self._pair(term) for term in terms_of_run(word, language)]
            else:
                term = term_of(word, language)
                key = key_of(spelling_of(word, language), term)
                known[word] = self._form(term, key, word)
        if not runs:
            return [known[word] for word in words]
        return [n for word in words for n in (runs[word] if word in runs else (known[word],))]

    def _pair(self, term: str) -> int:
        if term not in self._of_pair:
            self._of_pair[term] = self._form(term)
        return self._of_pair[term]

    def _form(self, term: str, key: str = "", written: str = "") -> int:
        self._term_of_form.append(self._numbers.setdefault(term, len(self._numbers)))
        self._keys.append(key)
        self._written.append(written)
        return len(self._keys) - 1

    def invert(self) -> PostingLists:
        """The posting list of each term, ascending as bytes."""
        lengths = np.frombuffer(self.lengths, np.uint32)
        names = sorted((term.encode(), number) for term, number in self._numbers.items())
        place = np.empty(len(names), np.uint32)
        place[[number for _, number in names]] = np.arange(len(names), dtype=np.uint32)
        of_form = place[np.frombuffer(self._term_of_form, np.uint32)]
        terms = of_form[np.frombuffer(self._forms, np.uint32)]
        documents = np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths)
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        positions = (np.arange(len(terms)) - np.repeat(starts, lengths)).astype(np.uint32)
        # Terms are in order of document and position; a stable sort by term keeps that order.
        order = np.argsort(terms, kind="stable")
        terms, documents, positions = terms[order], documents[order], positions[order]
        fresh = _is_first(terms) | _is_first(documents)
        first = np.flatnonzero(fresh)  # the first position of each term in each document
        frequencies = np.diff(np.append(first, len(terms))).astype(np.uint32)
        documents = documents[first]
        cuts = np.append(np.flatnonzero(_is_first(terms[first])), len(first))
        return PostingLists(
            [term for term, _ in names], cuts, documents, frequencies, lengths[documents], positions
        )

    def forms(self) -> Forms:
        """The words as they are written, and the documents that hold them."""
        lengths = np.frombuffer(self.lengths, np.uint32)
        documents = np.repeat(np.arange(len(lengths)), lengths)
        found = np.frombuffer(self._forms, np.uint32).astype(np.int64)
        counts = np.bincount(found, minlength=len(self._keys))
        return Forms(self._keys, self._written, counts, found, documents)


def _is_first(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Mask of the numbers that differ from the one before."""
    differs = np.ones(len(numbers), np.bool_)
    differs[1:] = numbers[1:] != numbers[:-1]
    return differs
