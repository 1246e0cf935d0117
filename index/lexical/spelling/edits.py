"""Tells how many edits lie between two spellings.

An edit puts a letter in, leaves one out, puts another in its place, or has two neighbours change
places: optimal string alignment, as in Damerau, "A technique for computer detection and correction
of spelling errors", 1964, and in Lucene's fuzzy queries.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LETTERS = 64  # a word's letters are marked in so many bits, by their numbers in Unicode


def is_within(one: str, other: str, edits: int) -> bool:
    """Whether so many edits make one word of the other.

    >>> is_within("bridg", "bride", 1), is_within("bridge", "brigde", 1), is_within("a", "abc", 1)
    (True, True, False)
    """
    from rapidfuzz.distance import OSA  # 10 ms, for those who need it

    return OSA.distance(one, other, score_cutoff=edits) <= edits


def within(word: str, others: Sequence[str], edits: int) -> dict[int, int]:
    """The places of those that are so near, and how many edits away each is.

    >>> within("brigde", ["bridge", "bright", "ferry"], 2)
    {0: 1, 1: 2}
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    found = process.extract(word, others, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return {place: int(distance) for _, distance, place in sorted(found, key=lambda each: each[2])}


def letters_of(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Mark the letters that each word holds, (n,): words far apart in them are far apart."""
    ended = [f"{word}\0" for word in words]  # so that none is empty
    lengths = np.fromiter(map(len, ended), np.int64, len(ended))
    numbers = np.frombuffer("".join(ended).encode("utf-32-le", "surrogatepass"), "<u4")
    marks = np.uint64(1) << (numbers % LETTERS).astype(np.uint64)
    starts = np.cumsum(lengths) - lengths
    marked: npt.NDArray[np.uint64] = np.bitwise_or.reduceat(marks, starts) if ended else marks
    return marked
