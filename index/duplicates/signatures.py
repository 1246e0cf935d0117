"""Computes MinHash signatures of articles, from their shingles (runs of words).

Broder, "On the resemblance and containment of documents", 1997; the values are stored in 16 bits,
as in Li and König, "b-Bit Minwise Hashing", 2010.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from backfile.archive.model.article import Article
from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.word_delimiter import tokens
from backfile.index.model.arrays import distinct

RUN = 3  # words; runs of 4 find 80% of the lightly edited copies, not 99%
PERMUTATIONS = 192  # standard deviation .03 of an estimated resemblance of .8
FIGURES = 64
SIGNATURE = np.dtype(
    [
        ("runs", "<u4"),  # the number of distinct runs
        ("figures", "<u4"),
        ("text", "<u2", (PERMUTATIONS,)),
        ("numbers", "<u2", (FIGURES,)),
    ]
)
SHORT = 250  # words; a longer text is taken for an article
LEAST_SHARED = 0.5  # of a headline's words in its text; less in 68 of 70 notices, 5% of articles
STEM = 5  # letters; two words with this prefix in common count as one
WORD = re.compile(r"\w+")
EMPTY = (1 << 32) - 1  # every value of an empty set
HASHES_AT_ONCE = 4_096  # bounds the memory of a long text
SPREAD = np.random.default_rng(1997).integers(1 << 63, size=RUN, dtype=np.uint64) | np.uint64(1)

Hashes = npt.NDArray[np.uint32]


def sign(articles: Sequence[Article]) -> list[bytes]:
    """Compute a SIGNATURE for each article, as bytes; it ignores case and punctuation."""
    words = [_words(article.text) for article in articles]
    known = {word: zlib.crc32(word.encode()) for word in set().union(*words)}
    hashed = [np.array([known[word] for word in each], np.uint64) for each in words]
    salts = [_salt(article, each) for article, each in zip(articles, words, strict=True)]
    runs = [_runs(each, salt) for each, salt in zip(hashed, salts, strict=True)]
    numbers = [
        np.array(sorted({known[word] for word in set(each) if word[0].isdigit()}), np.uint32)
        for each in words
    ]
    signed = np.zeros(len(articles), SIGNATURE)
    signed["runs"] = [len(each) for each in runs]
    signed["figures"] = [len(each) for each in numbers]
    signed["text"] = _sketches(runs, PERMUTATIONS)
    signed["numbers"] = _sketches(numbers, FIGURES)
    return [each.tobytes() for each in signed]


def _words(text: str) -> list[str]:
    """The words of a text, casefolded; character bigrams in scripts without spaces."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    words = WORD.findall(normal)
    if not has_run(normal):
        return words
    return [each for word in words for each in _cut(word)]


def _cut(word: str) -> list[str]:
    return [token.text for token in tokens(word)] if has_run(word) else [word]


def _salt(article: Article, words: Sequence[str]) -> int:
    """A hash of the headline if the text is short and shares few words with it, else 0.

    Many pages that could not be read have the same notice as their text. The salt makes their
    signatures differ, so that they are not clustered as copies.
    """
    if len(words) > SHORT:
        return 0
    title = _words(article.given_title)
    named = {word[:STEM] for word in title if len(word) >= STEM - 1}
    shared = named & {word[:STEM] for word in words}
    return 0 if len(shared) >= LEAST_SHARED * len(named) else zlib.crc32(" ".join(title).encode())


def _runs(words: npt.NDArray[np.uint64], salt: int) -> Hashes:
    """Hash each run of RUN words, (n,) distinct; a shorter text is one run."""
    count = max(0, len(words) - RUN + 1) or min(1, len(words))
    total = np.full(count, salt << 32, np.uint64)
    for offset, factor in enumerate(SPREAD[: len(words)]):
        spread = words[offset : offset + count] * factor
        total += spread ^ (spread >> np.uint64(31))
    return distinct((total >> np.uint64(32)).astype(np.uint32))


def _sketches(sets: Sequence[Hashes], permutations: int) -> npt.NDArray[np.uint32]:
    """MinHash each set of hashes, (n_sets, permutations); `sign` stores the low 16 bits.

    The values are those of datasketch 2 (its scheme `affine32`), which takes 0.6 s to import SciPy.
    """
    chance = np.random.RandomState(1)
    factors = chance.randint(0, 1 << 31, permutations, np.uint32) * np.uint32(2) + np.uint32(1)
    offsets = chance.randint(0, 1 << 32, permutations, np.uint32)
    sketches = np.full((len(sets), permutations), EMPTY, np.uint32)
    for hashes, sketch in zip(map(mixed, sets), sketches, strict=True):
        for begin in range(0, len(hashes), HASHES_AT_ONCE):
            some = hashes[begin : begin + HASHES_AT_ONCE, None]
            np.minimum(sketch, (some * factors + offsets).min(axis=0), out=sketch)
    return sketches


def mixed(hashes: Hashes) -> Hashes:
    """Spread hashes by the finalizer of MurmurHash3 (Appleby), a bijection."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))
