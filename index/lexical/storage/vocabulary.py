"""The words of a segment as they are spelt, each with its term: in a file of their own.

A term is a stem, which a misspelt word may not share, and which nobody reads: `presid`. Runs of
letters that are cut into pairs are no words, and not here.
"""

import struct
import zlib
from collections.abc import Sequence, Set
from itertools import chain, pairwise
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Bools

Ints = npt.NDArray[np.int64]
EXTENSION = ".voc"
WITNESSES = 4  # documents that are kept of each word, from as many stretches of the segment
NOTHING: Ints = np.empty(0, np.int64)
SIZES = struct.Struct("<4Q")


class Forms(NamedTuple):
    """Words as they are written, in no order, any number of times.

    `owners` are places in these lists, `documents` what each of them stands in, as far as is known.
    """

    keys: Sequence[str]
    """Spelling and term, as `key_of` joins them; what has an empty one is no word."""
    written: Sequence[str]
    counts: Ints
    owners: Ints
    documents: Ints


class Vocabulary(NamedTuple):
    """Words, ascending by key; a spelling may have a term in each language."""

    keys: list[str]
    written: list[str]
    """As the word is written most often."""
    counts: Ints
    """How often it stands in texts; in titles, once."""
    witnesses: Ints
    """(n, WITNESSES): some of the documents it stands in, -1 for none."""

    @classmethod
    def gathered(cls, forms: Forms) -> Self:
        """Put together what stands there several times."""
        numbers: dict[str, int] = {}
        of_form = [numbers.setdefault(key, len(numbers)) for key in forms.keys]
        keys = sorted(numbers)
        place = np.empty(len(keys), np.int64)
        place[[numbers[key] for key in keys]] = np.arange(len(keys))
        words = place[np.array(of_form, np.int64)]
        order = np.lexsort((-forms.counts, words))  # the commonest form of each word comes first
        commonest = order[np.diff(words[order], prepend=-1) > 0].tolist()
        found = cls(
            keys,
            [forms.written[i] for i in commonest],
            np.bincount(words, forms.counts, len(keys)).astype(np.int64),
            _witnesses(words[forms.owners], forms.documents, len(keys)),
        )
        return found.chosen(np.array(list(map(bool, keys)), np.bool_))

    def forms(self) -> Forms:
        """The same, to be put together with others."""
        owners, slots = np.nonzero(self.witnesses >= 0)
        return Forms(*self[:3], owners, self.witnesses[owners, slots])

    def moved(self, places: Ints) -> Self:
        """Give documents new numbers, -1 to those that are gone."""
        return self._replace(witnesses=np.append(places, -1)[self.witnesses])

    @property
    def known(self) -> Bools:
        """Mark the words of which a document is known that they stand in."""
        known: Bools = np.logical_or.reduce(self.witnesses >= 0, axis=1)
        return known

    def of_terms(self, terms: Set[str]) -> Self:
        """Leave out the words that stand nowhere any more: all that have none of these terms.

        Of a word that has one and no witness it is not known; it is kept, so that it can be found.
        """
        held = (key.partition("\t")[2] in terms for key in self.keys)
        return self.chosen(np.fromiter(held, np.bool_, len(self.keys)))

    def chosen(self, marked: Bools) -> Self:
        """Keep the words that are marked."""
        if marked.all():
            return self
        chosen = np.flatnonzero(marked).tolist()
        keys, written = ([names[i] for i in chosen] for names in self[:2])
        return type(self)(keys, written, self.counts[marked], self.witnesses[marked])


def key_of(spelling: str, term: str) -> str:
    """Join what no word holds between them; most terms begin as their words do."""
    return f"{spelling}\t{term}"


def joined(parts: Sequence[Forms]) -> Vocabulary:
    """Put the words of several parts together, whose documents are numbered alike."""
    if not parts:
        return joined([Forms([], [], NOTHING, NOTHING, NOTHING)])
    firsts = np.cumsum([0, *(len(each.keys) for each in parts)])
    owners = [each.owners + first for each, first in zip(parts, firsts, strict=False)]
    return Vocabulary.gathered(
        Forms(
            list(chain.from_iterable(each.keys for each in parts)),
            list(chain.from_iterable(each.written for each in parts)),
            np.concatenate([each.counts for each in parts]),
            np.concatenate(owners),
            np.concatenate([each.documents for each in parts]),
        )
    )


def encode(vocabulary: Vocabulary) -> bytes:
    """Lay out each column, compressed; a word as it is written only where it is spelt otherwise."""
    same = zip(vocabulary.written, vocabulary.keys, strict=True)
    written = ["" if key.startswith(f"{one}\t") else one for one, key in same]
    columns = [
        *("\n".join(names).encode() for names in (vocabulary.keys, written)),
        *(numbers.astype("<i4").tobytes() for numbers in (vocabulary.counts, vocabulary.witnesses)),
    ]
    packed = [zlib.compress(column, 1) for column in columns]
    return b"".join([SIZES.pack(*map(len, packed)), *packed])


def decode(stored: bytes) -> Vocabulary:
    """Read what `encode` has made."""
    ends = np.cumsum([SIZES.size, *SIZES.unpack_from(stored)]).tolist()
    columns = [zlib.decompress(stored[start:end]) for start, end in pairwise(ends)]
    counts, witnesses = (np.frombuffer(each, "<i4").astype(np.int64) for each in columns[2:])
    keys, written = (each.decode().split("\n") if len(counts) else [] for each in columns[:2])
    whole = [one or key.partition("\t")[0] for one, key in zip(written, keys, strict=True)]
    return Vocabulary(keys, whole, counts, witnesses.reshape(-1, WITNESSES))


def _witnesses(words: Ints, documents: Ints, n_words: int) -> Ints:
    """Keep a document from each stretch of the segment, for each word."""
    found = np.full((n_words, WITNESSES), -1, np.int64)
    n_documents = int(documents.max(initial=0)) + 1
    found[words, documents * WITNESSES // n_documents] = documents
    return found
