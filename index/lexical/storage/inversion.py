"""Inverts passages by sorting: from the terms of each document to the documents of each term.

Starts of sentences and paragraphs are posting lists too: their positions in a document are those of
the first words of all its sentences or paragraphs but the first.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from backfile.index.lexical.analysis.analyser import CutText
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import ENGLISH, spelling_of, term_of
from backfile.index.lexical.analysis.word_delimiter import WORD, Token, tokens
from backfile.index.lexical.storage.codec import PostingLists
from backfile.index.lexical.storage.forms import NO_FORMS, FormLists, name_of
from backfile.index.lexical.storage.vocabulary import Forms
from backfile.index.model.arrays import Numbers, is_first
from backfile.index.model.expression import Stretch
from backfile.index.model.postings import key_of

Ints = npt.NDArray[np.int64]


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
            NO_FORMS,
        )


class Inverter:
    """Collects the terms of one field of a segment's documents, 0 and up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # number of each term, in order of first occurrence
        # A form is a token as it is written, or a pair of letters.
        self._term_of_form = array("I")
        self._keys: list[str] = []  # spelling and term; empty for a pair
        self._written: list[str] = []
        self._lengths: list[int] = []  # the positions that a form covers
        self._of_token: dict[str, dict[tuple[str, str], int]] = {}  # by language
        self._of_word: dict[str, dict[str, int]] = {}  # by language; a compound is below 0
        self._compounds: dict[int, tuple[list[int], list[tuple[int, int]]]] = {}
        self._last_compound = 0
        self._passing: list[int] = []  # compounds of runs of letters, of which few recur
        self._of_pair: dict[str, int] = {}
        self._forms = array("I")
        self._joined_forms = array("I")  # what stands at a position beside its form
        self._joined_at = array("I")  # indices in `_forms`
        self.lengths = array("I")

    def add(self, pieces: Sequence[str], language: str = ENGLISH) -> list[int]:
        """Add the next document's text, cut into pieces between words, in this language.

        Return the number of positions of each piece.
        """
        known = self._of_word.setdefault(language, {})
        first = before = len(self._forms)
        counts = []
        for piece in pieces:
            words = WORD.findall(piece)
            try:
                found = [known[word] for word in words]
            except KeyError:
                found = [
                    known[word] if word in known else self._number(word, known, language)
                    for word in words
                ]
            if found and min(found) < 0:
                self._extend(found)
            else:
                self._forms.extend(found)
            counts.append(len(self._forms) - before)
            before = len(self._forms)
        for number in self._passing:
            del self._compounds[number]
        self._passing.clear()
        self.lengths.append(before - first)
        return counts

    def _extend(self, found: Sequence[int]) -> None:
        """Add the forms of words, compounds among them."""
        for form in found:
            if form >= 0:
                self._forms.append(form)
                continue
            alone, joined = self._compounds[form]
            for place, other in joined:
                self._joined_forms.append(other)
                self._joined_at.append(len(self._forms) + place)
            self._forms.extend(alone)

    def _number(self, word: str, known: dict[str, int], language: str) -> int:
        """The form of a new word, or the number of its compound."""
        found = tokens(word)
        if len(found) == 1:
            known[word] = self._form_of(found[0], word, language)
            return known[word]
        alone: list[int] = []
        joined: list[tuple[int, int]] = []
        for token in found:
            form = self._form_of(token, word, language)
            if token.position == len(alone):
                alone.append(form)
            else:
                joined.append((token.position, form))
        self._last_compound -= 1
        self._compounds[self._last_compound] = alone, joined
        if has_run(word):
            self._passing.append(self._last_compound)
        else:
            known[word] = self._last_compound
        return self._last_compound

    def _form_of(self, token: Token, word: str, language: str) -> int:
        if token.is_pair:
            if token.text not in self._of_pair:
                self._of_pair[token.text] = self._form(token.text)
            return self._of_pair[token.text]
        written = word[token.start : token.end]
        known = self._of_token.setdefault(language, {})
        if (token.text, written) not in known:
            term = term_of(token.text, language)
            key = key_of(spelling_of(token.text, language), term)
            known[token.text, written] = self._form(term, key, written, token.length)
        return known[token.text, written]

    def _form(self, term: str, key: str = "", written: str = "", length: int = 1) -> int:
        self._term_of_form.append(self._numbers.setdefault(term, len(self._numbers)))
        self._keys.append(key)
        self._written.append(written)
        self._lengths.append(length)
        return len(self._keys) - 1

    def _occurrences(self) -> tuple[Ints, Ints, Ints]:
        """The form, the document and the position of each token, in order of position."""
        lengths = np.frombuffer(self.lengths, np.uint32)
        forms = np.frombuffer(self._forms, np.uint32).astype(np.int64)
        documents = np.repeat(np.arange(len(lengths)), lengths)
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        positions = np.arange(len(forms)) - np.repeat(starts, lengths)
        if not self._joined_at:
            return forms, documents, positions
        at = np.frombuffer(self._joined_at, np.uint32).astype(np.int64)
        joined = np.frombuffer(self._joined_forms, np.uint32)
        return (
            np.insert(forms, at, joined),
            np.insert(documents, at, documents[at]),
            np.insert(positions, at, positions[at]),
        )

    def invert(self) -> PostingLists:
        """The posting list of each term, ascending as bytes."""
        lengths = np.frombuffer(self.lengths, np.uint32)
        names = sorted((term.encode(), number) for term, number in self._numbers.items())
        place = np.empty(len(names), np.uint32)
        place[[number for _, number in names]] = np.arange(len(names), dtype=np.uint32)
        of_form = place[np.frombuffer(self._term_of_form, np.uint32)]
        forms, documents, positions = self._occurrences()
        terms = of_form[forms]
        # Tokens are in order of document and position; a stable sort by term keeps that order.
        order = np.argsort(terms, kind="stable")
        terms, documents, positions = terms[order], documents[order], positions[order]
        fresh = is_first(terms) | is_first(documents)
        first = np.flatnonzero(fresh)  # the first position of each term in each document
        frequencies = np.diff(np.append(first, len(terms))).astype(np.uint32)
        owners: Numbers = documents[first].astype(np.uint32)
        cuts = np.append(np.flatnonzero(is_first(terms[first])), len(first))
        return PostingLists(
            [term for term, _ in names],
            cuts,
            owners,
            frequencies,
            lengths[owners],
            positions.astype(np.uint32),
            self._forms_of_terms(of_form, forms[order]),
        )

    def _forms_of_terms(self, of_form: Numbers, occurrences: Ints) -> FormLists:
        """The forms of each term, the most frequent first, and which of them each token has."""
        counts = np.bincount(occurrences, minlength=len(of_form))
        order = np.lexsort((-counts, of_form))
        cuts = np.append(np.flatnonzero(is_first(of_form[order])), len(order))
        ranks = np.empty(len(order), np.uint32)
        ranks[order] = np.arange(len(order)) - np.repeat(cuts[:-1], np.diff(cuts))
        chosen = order.tolist()
        terms = [*self._numbers]
        names = [
            name_of(terms[self._term_of_form[form]], self._written[form], self._lengths[form])
            for form in chosen
        ]
        return FormLists(cuts, names, ranks[occurrences])

    def forms(self) -> Forms:
        """The words as they are written, and the documents that hold them."""
        found, documents, _ = self._occurrences()
        counts = np.bincount(found, minlength=len(self._keys))
        return Forms(self._keys, self._written, counts, found, documents)
