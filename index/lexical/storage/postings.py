"""Posting lists as they lie in a segment's memory-mapped files, and a cache of those used last."""

import mmap
import struct
import zlib
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from whoosh.filedb.structfile import BufferFile, StructFile

from backfile.index.model.arrays import Numbers


class MappedFile(StructFile):
    """Reads without a system call, from any number of threads, as no place in it is kept."""

    @classmethod
    def open(cls, storage: Any, name: str) -> Any:
        """Map a file of an index on disk."""
        with storage.open_file(name) as opened:
            if not storage.file_length(name):  # which cannot be mapped
                return BufferFile(b"", name=name)
            return cls(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), name=name)

    def get(self, position: int, length: int) -> bytes:
        found: bytes = self.file[position : position + length]
        return found

    def whole(self) -> bytes:
        return self.get(0, len(self.file))

    def close(self) -> None:
        """Leave it to whoever still holds an array over it; then the mapping goes by itself."""
        self.is_closed = True


HEADER = struct.Struct("<IBBQII")


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


Key = TypeVar("Key", bound=Hashable)
Held = TypeVar("Held")
MOST_POSTINGS = 8_000_000  # 96 MB: a row and a score take 12 bytes, an article, counted too, 8


class PostingsCache(Generic[Key, Held]):
    """Least recently used lists go first. Not safe for threads: its owner holds a lock."""

    def __init__(self, most: int = MOST_POSTINGS) -> None:
        self._most = most
        self._total = 0
        self._lists: OrderedDict[Key, tuple[Held, int]] = OrderedDict()

    def get(self, key: Key) -> Held | None:
        found = self._lists.get(key)
        if found is None:
            return None
        self._lists.move_to_end(key)
        return found[0]

    def put(self, key: Key, held: Held, postings: int) -> None:
        """Keep a list of so many postings; one that is too large for the cache is let go."""
        if key in self._lists:  # another thread has read it meanwhile
            return
        size = postings + 1  # so that empty lists end somewhere too
        self._lists[key] = held, size
        self._total += size
        while self._total > self._most:
            _, (_, dropped) = self._lists.popitem(last=False)
            self._total -= dropped
