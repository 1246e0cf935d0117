"""Posting lists in the memory-mapped files of a segment."""

import mmap
import struct
import zlib
from typing import Any

import numpy as np
from whoosh.filedb.structfile import BufferFile

from backfile.index.lexical.storage.unpickling import CheckedFile
from backfile.index.model.arrays import Numbers


class MappedFile(CheckedFile):
    """A memory-mapped file; threads may share it, as `get` moves no position."""

    @classmethod
    def open(cls, storage: Any, name: str) -> Any:
        """Map a file of an index."""
        with storage.open_file(name) as opened:
            if not storage.file_length(name):  # an empty file cannot be mapped
                return BufferFile(b"", name=name)
            return cls(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), name=name)

    def get(self, position: int, length: int) -> bytes:
        found: bytes = self.file[position : position + length]
        return found

    def whole(self) -> bytes:
        return self.get(0, len(self.file))

    def close(self) -> None:
        """Mark it closed; the mapping ends with the last array over it."""
        self.is_closed = True


HEADER = struct.Struct("<IBBQII")


class StoredList:
    """A stored posting list; positions are read at each call, documents and frequencies once."""

    def __init__(self, postings: Any, offset: int, positions: Any) -> None:
        header = HEADER.unpack(postings.get(offset, HEADER.size))
        count, width, self._high_width, *self._where = header
        self._file = positions
        documents = postings.get(offset + HEADER.size, 4 * count)
        self.documents: Numbers = np.frombuffer(documents, "<u4")
        frequencies = postings.get(offset + HEADER.size + 4 * count, width * count)
        self.frequencies: Numbers = np.frombuffer(frequencies, f"<u{width}")

    def positions(self) -> Numbers:
        """All positions, one document after the other."""
        offset, n_low, n_high = self._where
        found = np.frombuffer(self._file.get(offset, n_low), "<u1").astype(np.uint32)
        if n_high:
            packed = self._file.get(offset + n_low, n_high)
            found += np.frombuffer(zlib.decompress(packed), f"<u{self._high_width}") * np.uint32(
                256
            )
        return found


def width_of(most: int) -> int:
    """The bytes of an unsigned number up to this one: 1, 2 or 4."""
    return 1 if most <= 0xFF else 2 if most <= 0xFFFF else 4
