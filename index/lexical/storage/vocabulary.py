"""The file that stores a segment's vocabulary: every word as it is spelt, with its term.

A term is a stem: `presid`. A misspelt word may have another stem than the right one, and a reader
is never shown a stem, so the spellings are stored too. Scripts that are cut into pairs of letters
have no words, and are not stored here.
"""

import struct
import zlib
from collections.abc import Sequence, Set
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backfile.index.model.postings import Vocabulary

Ints = npt.NDArray[np.int64]
EXTENSION = ".voc"
WITNESSES = 4  # documents stored for each word, one from each quarter of the segment
NOTHING: Ints = np.empty(0, np.int64)
SIZES = struct.Struct("<4Q")


class Forms(NamedTuple):
    """Written forms of words, in no order, with repetitions.

    `owners` (n,) are indices into the first three columns, `documents` (n,) the documents that hold
    them, as far as they are known.
    """

    keys: Sequence[str]
    """Spelling and term, joined by `key_of`; empty for a pair of letters."""
    written: Sequence[str]
    counts: Ints
    owners: Ints
    documents: Ints


def forms_of(vocabulary: Vocabulary) -> Forms:
    """Unpack a vocabulary, to join it with others."""
    owners, slots = np.nonzero(vocabulary.witnesses >= 0)
    return Forms(*vocabulary[:3], owners, vocabulary.witnesses[owners, slots])


def of_terms(vocabulary: Vocabulary, terms: Set[str]) -> Vocabulary:
    """The words whose term is one of these: a merge drops the others.

    A word without a witness is kept while its term has postings, so that a search finds it.
    """
    held = (key.partition("\t")[2] in terms for key in vocabulary.keys)
    return vocabulary.masked(np.fromiter(held, np.bool_, len(vocabulary.keys)))


def joined(parts: Sequence[Forms]) -> Vocabulary:
    """Join forms whose documents share one numbering into a vocabulary."""
    if not parts:
        return joined([Forms([], [], NOTHING, NOTHING, NOTHING)])
    firsts = np.cumsum([0, *(len(each.keys) for each in parts)])
    owners = [each.owners + first for each, first in zip(parts, firsts, strict=False)]
    return _gathered(
        Forms(
            list(chain.from_iterable(each.keys for each in parts)),
            list(chain.from_iterable(each.written for each in parts)),
            np.concatenate([each.counts for each in parts]),
            np.concatenate(owners),
            np.concatenate([each.documents for each in parts]),
        )
    )


def encode(vocabulary: Vocabulary) -> bytes:
    """Compress each column; a written form that equals the spelling is stored as nothing."""
    same = zip(vocabulary.written, vocabulary.keys, strict=True)
    written = ["" if key.startswith(f"{one}\t") else one for one, key in same]
    columns = [
        *("\n".join(names).encode() for names in (vocabulary.keys, written)),
        *(numbers.astype("<i4").tobytes() for numbers in (vocabulary.counts, vocabulary.witnesses)),
    ]
    packed = [zlib.compress(column, 1) for column in columns]
    return b"".join([SIZES.pack(*map(len, packed)), *packed])


def decode(stored: bytes) -> Vocabulary:
    """Read the bytes that `encode` wrote."""
    ends = np.cumsum([SIZES.size, *SIZES.unpack_from(stored)]).tolist()
    columns = [zlib.decompress(stored[start:end]) for start, end in pairwise(ends)]
    counts, witnesses = (np.frombuffer(each, "<i4").astype(np.int64) for each in columns[2:])
    keys, written = (each.decode().split("\n") if len(counts) else [] for each in columns[:2])
    whole = [one or key.partition("\t")[0] for one, key in zip(written, keys, strict=True)]
    return Vocabulary(keys, whole, counts, witnesses.reshape(-1, WITNESSES))


def _gathered(forms: Forms) -> Vocabulary:
    """Merge the forms of each key into one word."""
    numbers: dict[str, int] = {}
    of_form = [numbers.setdefault(key, len(numbers)) for key in forms.keys]
    keys = sorted(numbers)
    place = np.empty(len(keys), np.int64)
    place[[numbers[key] for key in keys]] = np.arange(len(keys))
    words = place[np.array(of_form, np.int64)]
    order = np.lexsort((-forms.counts, words))  # the most frequent form of each word first
    commonest = order[np.diff(words[order], prepend=-1) > 0].tolist()
    found = Vocabulary(
        keys,
        [forms.written[i] for i in commonest],
        np.bincount(words, forms.counts, len(keys)).astype(np.int64),
        _witnesses(words[forms.owners], forms.documents, len(keys)),
    )
    return found.masked(np.array(list(map(bool, keys)), np.bool_))


def _witnesses(words: Ints, documents: Ints, n_words: int) -> Ints:
    """Choose a document from each quarter of the segment, for each word."""
    found = np.full((n_words, WITNESSES), -1, np.int64)
    n_documents = int(documents.max(initial=0)) + 1
    found[words, documents * WITNESSES // n_documents] = documents
    return found
