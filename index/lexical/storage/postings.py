"""Posting lists in the memory-mapped files of a segment."""

import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from whoosh.filedb.structfile import BufferFile

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.sealing import BLOCK, Seal
from backfile.index.lexical.storage.forms import FormLists, Ints, StoredForms, decode, decoded
from backfile.index.lexical.storage.unpickling import NAME, CheckedFile, damaged
from backfile.index.model.arrays import Numbers

EVERY = slice(None)


class MappedFile(CheckedFile):
    """A memory-mapped file; threads may share it, as `get` moves no position.

    With a seal, each block of the file is checked before the first of its bytes is used.
    """

    @classmethod
    def open(cls, storage: Any, name: str, seal: Seal | None = None) -> Any:
        """Map a file of an index; raise EngineUnavailable if its size is not as it was sealed."""
        with storage.open_file(name) as opened:
            size = os.fstat(opened.fileno()).st_size
            if seal and size != seal.size:
                raise damaged(name)
            if not size:  # an empty file cannot be mapped
                return BufferFile(b"", name=name)
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        return cls(mapped, name, seal)

    def __init__(self, mapped: mmap.mmap, name: str, seal: Seal | None) -> None:
        super().__init__(mapped, name=name)
        self.seal = seal
        self._bytes = memoryview(mapped)
        self._size = len(mapped)
        self._unchecked = bytearray(b"1" * -(-len(mapped) // BLOCK) if seal else b"")

    def get(self, position: int, length: int) -> bytes:
        """Copy a part of the file; raise EngineUnavailable if it is damaged, or beyond the end."""
        return bytes(self.view(position, length))

    def view(self, position: int, length: int) -> memoryview:
        """The same without copying it: a part of the mapping, which stays as long as this does."""
        end = position + length
        if not 0 <= position <= end <= self._size:
            raise damaged(str(self))
        if self._unchecked:
            first, after = position // BLOCK, (end - 1) // BLOCK + 1
            if b"1" in self._unchecked[first:after]:
                self._check(first, after)
        return self._bytes[position:end]

    def read(self, length: int) -> bytes:
        """Read from the current position, as Whoosh does when it opens a file."""
        position = self.file.tell()
        length = min(length, self._size - position)
        self.file.seek(position + length)
        return self.get(position, length)

    def read_pickle(self) -> Any:
        """Read a pickled object at the current position."""
        position = self.file.tell()
        self.get(position, self._size - position)
        return super().read_pickle()

    def whole(self) -> bytes:
        return self.get(0, self._size)

    def close(self) -> None:
        """Mark it closed; the mapping ends with the last array over it."""
        self.is_closed = True

    def _check(self, first: int, end: int) -> None:
        if self.seal is None:
            return
        for number in range(first, end):
            if not self.seal.fits_block(number, self.file[number * BLOCK : (number + 1) * BLOCK]):
                raise damaged(str(self))
            self._unchecked[number : number + 1] = b"0"


HEADER = struct.Struct("<IBBQIBI")
# Of arrays-3, which has the number of low bytes of the positions, and no forms.
EARLIER_HEADER = struct.Struct("<IBBQII")


class StoredList:
    """A stored posting list; positions and forms are read at each call, the rest once.

    `longest` is the number of positions that its longest form covers.
    """

    def __init__(
        self, term: str, postings: Any, offset: int, positions: Any, *, earlier: bool = False
    ) -> None:
        """Read it; raise EngineUnavailable if its parts do not lie within the file.

        A list of an `earlier` release does not know its forms.
        """
        header = EARLIER_HEADER if earlier else HEADER
        found = header.unpack(postings.get(offset, header.size))
        if earlier:
            count, width, self._high_width, place, _, n_high = found
            self.longest, size = 1, None
        else:
            count, width, self._high_width, place, n_high, self.longest, size = found
        self._where = place, n_high
        self._term = term
        self._file = positions
        offset += header.size
        documents = postings.view(offset, 4 * count)
        self.documents: Numbers = np.frombuffer(documents, "<u4")
        frequencies = postings.view(offset + 4 * count, width * count)
        self.frequencies: Numbers = np.frombuffer(frequencies, f"<u{width}")
        self._forms = postings, offset + (4 + width) * count, size

    def positions(self, chosen: Ints | slice = EVERY) -> Numbers:
        """Positions, one document after the other: as many as the frequencies add up to.

        Only those with these indices in the list, if some are `chosen`.
        """
        offset, n_high = self._where
        n_low = int(self.frequencies.sum(dtype=np.int64))
        found = np.frombuffer(self._file.view(offset, n_low), "<u1")[chosen].astype(np.uint32)
        if n_high:
            packed = self._file.get(offset + n_low, n_high)
            found += _high_positions(packed, self._high_width, n_low, chosen)
        return found

    def forms(self) -> StoredForms:
        """How each occurrence is written, in the order of the positions."""
        postings, offset, size = self._forms
        if size is None:
            raise of_an_earlier_release()
        n_occurrences = int(self.frequencies.sum(dtype=np.int64))
        try:
            return decode(postings.get(offset, size), self._term, n_occurrences)
        except (ValueError, IndexError, struct.error, zlib.error) as exc:
            raise damaged(str(postings)) from exc


class Place(NamedTuple):
    """Where a list is stored, and about how many occurrences it has."""

    n_occurrences: int
    offset: int
    size: int


class ReadLists(NamedTuple):
    """The posting lists of many terms, concatenated."""

    counts: Ints
    """The number of postings of each term, above 0."""
    documents: Numbers
    frequencies: Numbers
    positions: Numbers
    """`frequencies[i]` positions for each i."""
    forms: FormLists


def read_lists(
    terms: Sequence[str], places: Sequence[Place], postings: Any, positions: Any
) -> ReadLists:
    """Read many lists of arrays-4 at once; raise EngineUnavailable if one is damaged."""
    stored = [postings.get(place.offset, place.size) for place in places]
    headers = [HEADER.unpack_from(each) for each in stored]
    counts, widths = (np.array([each[i] for each in headers], np.int64) for i in (0, 1))
    cut = HEADER.size
    documents = b"".join(
        each[cut : cut + 4 * head[0]] for each, head in zip(stored, headers, strict=True)
    )
    ends = (cut + (4 + widths) * counts).tolist()
    if not counts.all() or any(
        len(each) != end + head[6] for each, end, head in zip(stored, ends, headers, strict=True)
    ):
        raise damaged(str(postings))
    frequencies = np.empty(int(counts.sum()), np.uint32)
    for width in np.unique(widths).tolist():
        some = np.flatnonzero(widths == width).tolist()
        found = b"".join(stored[i][cut + 4 * headers[i][0] : ends[i]] for i in some)
        frequencies[np.repeat(widths == width, counts)] = np.frombuffer(found, f"<u{width}")
    totals = np.add.reduceat(frequencies, np.cumsum(counts) - counts, dtype=np.int64)
    try:
        records = [each[end:] for each, end in zip(stored, ends, strict=True)]
        forms = decoded(terms, records, totals)
    except (ValueError, IndexError, struct.error, zlib.error) as exc:
        raise damaged(str(postings)) from exc
    return ReadLists(
        counts,
        np.frombuffer(documents, "<u4"),
        frequencies,
        _positions(positions, headers, totals.tolist()),
        forms,
    )


def _positions(file: Any, headers: Sequence[Any], totals: Sequence[int]) -> Numbers:
    """All positions of lists with these headers."""
    wheres = [(head[3], total) for head, total in zip(headers, totals, strict=True)]
    low = b"".join([file.get(where, total) for where, total in wheres])
    found = np.frombuffer(low, "<u1").astype(np.uint32)
    start = 0
    for (where, total), head in zip(wheres, headers, strict=True):
        if head[4]:
            high = _high_positions(file.get(where + total, head[4]), head[2], total)
            found[start : start + total] += high
        start += total
    return found


def _high_positions(packed: bytes, width: int, count: int, chosen: Ints | slice = EVERY) -> Numbers:
    """What the high bytes add to the chosen ones of so many positions, so many bytes each."""
    found = zlib.decompressobj().decompress(packed, width * count)  # no more than it must give
    high: Numbers = np.frombuffer(found, f"<u{width}")[chosen] * np.uint32(256)
    return high


def of_an_earlier_release() -> EngineUnavailable:
    """The error where forms are needed that a list does not know."""
    reason = Message(
        "an earlier release made it, which did not keep how words are written; "
        "`backfile rebuild lexical` or the next `backfile index` makes it anew"
    )
    return EngineUnavailable(NAME, reason)


def width_of(most: int) -> int:
    """The bytes of an unsigned number up to this one: 1, 2 or 4."""
    return 1 if most <= 0xFF else 2 if most <= 0xFFFF else 4
