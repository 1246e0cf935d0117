"""The words of a lexical index as they are spelt, and how those of new segments come to them.

Gathering all words anew takes a second for a million of them. Most segments stay when an archive
grows, so their words are kept, and those of the others are inserted in between.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Rows
from backfile.index.model.postings import Vocabulary, VocabularyPart

Counts = npt.NDArray[np.int64]
Texts = npt.NDArray[Any]  # of TEXT
TEXT = np.dtypes.StringDType()  # 16 bytes for a word of 15, where a list and a str have 72
LETTERS = 64  # bits of a word's mask of letters; a letter's bit is its code point modulo 64
FEW = 256  # the last parts, which hold one of so many passages, are inserted


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


class WordList(NamedTuple):
    """Words (n_words,), ascending, and their entries (n_entries,), one for each of their terms.

    The entries of word i begin at the sum of `n_terms` before it. `counts`, `written` and
    `witnesses` are as in a Vocabulary.
    """

    words: Texts
    lengths: npt.NDArray[np.int32]
    letters: npt.NDArray[np.uint64]
    n_terms: npt.NDArray[np.int32]
    terms: Texts
    written: Texts
    counts: Counts
    witnesses: npt.NDArray[np.int32]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Self:
        parted = "\t".join(vocabulary.keys).split("\t") if vocabulary.keys else []
        every, terms = parted[::2], parted[1::2]
        first = [i for i, text in enumerate(every) if not i or text != every[i - 1]]
        words = [every[i] for i in first]
        return cls(
            np.array(words, TEXT),
            np.fromiter(map(len, words), np.int32, len(words)),
            letters_of(words),
            np.diff(np.array([*first, len(terms)], np.int64)).astype(np.int32),
            np.array(terms, TEXT),
            np.array(vocabulary.written, TEXT),
            vocabulary.counts,
            _narrow(vocabulary.witnesses),
        )

    @property
    def first(self) -> Counts:
        """The first entry of each word, (n_words,)."""
        found: Counts = np.cumsum(self.n_terms, dtype=np.int64) - self.n_terms
        return found

    def with_more(self, more: Vocabulary) -> Self:
        """Insert the words of another vocabulary; the copies take a few milliseconds."""
        places = _Places(self, more)
        entries, new = np.array(places.entries, np.int64), places.new
        known, at = np.array(places.known, np.int64), np.array(places.at, np.int64)
        at += np.searchsorted(entries, at, side="right")  # as entries come in before
        written = _inserted(self.written, places.entries, [more.written[i] for i in new])
        counts = np.insert(self.counts, entries, more.counts[new])
        for i in np.flatnonzero(more.counts[known] > counts[at]).tolist():
            written[at[i]] = more.written[known[i]]
        counts[at] += more.counts[known]
        coming = _narrow(more.witnesses)
        witnesses = np.insert(self.witnesses, entries, coming[new], axis=0)
        witnesses[at] = _chosen(witnesses[at], coming[known])
        n_terms = self.n_terms.copy()
        np.add.at(n_terms, np.array(places.grown, np.int64), 1)
        words = np.array(places.words, np.int64)
        return self._replace(
            words=_inserted(self.words, places.words, places.new_words),
            lengths=np.insert(self.lengths, words, [len(each) for each in places.new_words]),
            letters=np.insert(self.letters, words, letters_of(places.new_words)),
            n_terms=np.insert(n_terms, words, places.new_terms),
            terms=_inserted(self.terms, places.entries, places.terms),
            written=written,
            counts=counts,
            witnesses=witnesses,
        )


class _Places:
    """Where the entries of a vocabulary, `known` and `new` by index, belong in a list of words."""

    def __init__(self, of: WordList, more: Vocabulary) -> None:
        self.known: list[int] = []
        self.at: list[int] = []  # the entry of each known one
        self.new: list[int] = []
        self.entries: list[int] = []  # before which entry each new one comes
        self.terms: list[str] = []
        self.grown: list[int] = []  # the words that each get one more term
        self.words: list[int] = []  # before which word each new word comes
        self.new_words: list[str] = []
        self.new_terms: list[int] = []
        first = np.append(of.first, len(of.terms))
        last = ""
        for i, key in enumerate(more.keys):
            word, _, term = key.partition("\t")
            place = bisect_left(of.words, word)
            begin = int(first[place])
            if place == len(of.words) or of.words[place] != word:
                if word != last or not self.new_words:
                    self.words.append(place)
                    self.new_words.append(word)
                    self.new_terms.append(0)
                last = word
                self.new_terms[-1] += 1
                self._add(i, begin, term)
                continue
            end = int(first[place + 1])
            entry = bisect_left(of.terms, term, begin, end)
            if entry < end and of.terms[entry] == term:
                self.known.append(i)
                self.at.append(entry)
            else:
                self.grown.append(place)
                self._add(i, entry, term)

    def _add(self, i: int, entry: int, term: str) -> None:
        self.new.append(i)
        self.entries.append(entry)
        self.terms.append(term)


def _inserted(texts: Texts, places: Sequence[int], more: Sequence[str]) -> Texts:
    """A copy with each of `more` before the text at its place, ascending."""
    found: Texts = np.insert(texts, np.array(places, np.int64), np.array(more, TEXT))
    return found


def _narrow(rows: Rows) -> npt.NDArray[np.int32]:
    """Rows as int32; -1 for one that only a damaged index has, far too high."""
    return np.where(rows > np.iinfo(np.int32).max, -1, rows).astype(np.int32)


def _chosen(known: npt.NDArray[np.int32], more: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The witnesses (n, n_witnesses) of words: free places are filled, then the last one is."""
    chosen = known.copy()
    for column in more.T:
        free = chosen < 0
        free[:, -1] = True
        place = free.argmax(axis=1)
        wanted = column >= 0
        chosen[wanted, place[wanted]] = column[wanted]
    return chosen


class Gathered(NamedTuple):
    """The words of all parts of an index, and those of the first ones, which change seldom."""

    parts: Sequence[VocabularyPart]
    words: WordList
    first_parts: Sequence[VocabularyPart]
    first: WordList


def gathered(
    parts: Sequence[VocabularyPart],
    read: Callable[[Sequence[VocabularyPart]], Vocabulary],
    earlier: Gathered | None = None,
) -> Gathered:
    """Gather the words of all parts; what `earlier` has of the same parts is used again.

    The result is the same without it. `read` gives the vocabulary of some parts.
    """
    if earlier and earlier.parts == parts:
        return earlier
    count = _count_first([part.size for part in parts])
    known = earlier is not None and earlier.first_parts == parts[:count]
    first = earlier.first if earlier and known else WordList.of(read(parts[:count]))
    words = first.with_more(read(parts[count:])) if parts[count:] else first
    return Gathered(parts, words, parts[:count], first)


def _count_first(sizes: Sequence[int]) -> int:
    """How many parts there are before the last ones that hold few passages together."""
    left = np.cumsum(sizes[::-1])[::-1]
    return int((left * FEW > sum(sizes)).sum())
