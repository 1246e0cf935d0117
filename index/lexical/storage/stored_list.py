"""A posting list as it lies in a segment's files, in the form that codec.py describes."""

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = struct.Struct("<IBBQII")
Numbers = npt.NDArray[np.uint32]


class StoredList:
    """A posting list as it is stored; positions are read when they are first asked for."""

    def __init__(self, postings: Any, offset: int, positions: Any) -> None:
        header = HEADER.unpack(postings.get(offset, HEADER.size))
        count, width, self._high_width, *self._where = header
        self._file = positions
        documents = postings.get(offset + HEADER.size, 4 * count)
        self.documents: Numbers = np.frombuffer(documents, "<u4")
        frequencies = postings.get(offset + HEADER.size + 4 * count, width * count)
        self.frequencies: Numbers = np.frombuffer(frequencies, f"<u{width}")

    def positions(self) -> Numbers:
        """All positions, document after document."""
        offset, n_low, n_high = self._where
        found = np.frombuffer(self._file.get(offset, n_low), "<u1").astype(np.uint32)
        if n_high:
            packed = self._file.get(offset + n_low, n_high)
            found += np.frombuffer(zlib.decompress(packed), f"<u{self._high_width}") * np.uint32(
                256
            )
        return found


def width_of(most: int) -> int:
    """The bytes that a number up to this takes."""
    return 1 if most <= 0xFF else 2 if most <= 0xFFFF else 4
