"""Numpy arrays: the types of rows, ordinals, scores, masks and document numbers; sets of them."""

import io
import threading
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Rows of passages, or ordinals of articles."""
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
"""A row mask or an article mask."""
Ints = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.uint32]
"""Document numbers and frequencies in the integer type of a segment."""
SmallInts = npt.NDArray[np.int8]
Bytes = npt.NDArray[np.uint8]
T = TypeVar("T", bound=np.integer[Any])
_one_at_a_time = threading.Lock()
TRIES = 5
FEW = 16  # of so many numbers one is looked up; more are merged


def load_array(stream: io.BytesIO) -> npt.NDArray[Any]:
    """Read one array that `np.save` has written; raise ValueError for anything else.

    numpy parses the head of a file as Python, which fails now and then in threads of Python 3.11
    (python/cpython#106905): so one thread at a time, and again if others have parsed meanwhile.
    """
    begin = stream.tell()
    for _ in range(TRIES - 1):
        try:
            with _one_at_a_time:
                found: npt.NDArray[Any] = np.load(stream, allow_pickle=False)
                return found
        except SystemError:
            stream.seek(begin)
    last: npt.NDArray[Any] = np.load(stream, allow_pickle=False)
    return last


def distinct(numbers: npt.NDArray[T]) -> npt.NDArray[T]:
    """Each number once, ascending. `np.unique` hashes them, and takes 50 times as long.

    >>> distinct(np.array([5, 2, 5])).tolist()
    [2, 5]
    """
    ordered = np.sort(numbers.ravel())
    return ordered[is_first(ordered)]


def is_first(numbers: npt.NDArray[np.number[Any]]) -> Bools:
    """Mask of the numbers that differ from the one before.

    >>> is_first(np.array([2, 2, 5])).tolist()
    [True, False, True]
    """
    differs = np.ones(len(numbers), np.bool_)
    differs[1:] = numbers[1:] != numbers[:-1]
    return differs


def common(one: npt.NDArray[T], other: npt.NDArray[T]) -> npt.NDArray[T]:
    """The numbers that are in both, ascending; both ascend, and hold each number once.

    >>> common(np.array([1, 3, 5]), np.array([3, 4, 5])).tolist()
    [3, 5]
    """
    few, many = sorted((one, other), key=len)
    if len(few) * FEW < len(many):
        found: npt.NDArray[T] = few[places_of(few, many)[1]]
        return found
    merged = np.concatenate([few, many])
    merged.sort(kind="stable")  # which merges two ascending runs
    repeated: npt.NDArray[T] = merged[1:][merged[1:] == merged[:-1]]
    return repeated


def places_of(sought: npt.NDArray[T], numbers: npt.NDArray[T]) -> tuple[Rows, Bools]:
    """The index of each sought number among ascending ones, and a mask of those that are there.

    >>> [found.tolist() for found in places_of(np.array([7, 3]), np.array([1, 3, 5]))]
    [[2, 1], [False, True]]
    """
    at = np.minimum(np.searchsorted(numbers, sought), max(0, len(numbers) - 1))
    there: Bools = numbers[at] == sought if len(numbers) else np.zeros(len(sought), np.bool_)
    return at, there
