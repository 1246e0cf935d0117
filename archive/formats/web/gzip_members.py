"""Reads the records of a web archive as one stream, packed or not, and knows where each begins."""

import zlib
from typing import BinaryIO

from backfile.archive.formats.files import GZIP_MAGIC

GZIP = 31  # wbits of zlib
PADDING = b"\x00\r\n "  # that some writers put between and behind members
BREAKS_OFF = "the record breaks off"
DAMAGED = "a damaged record; nothing behind it was read"


class GzipMembers:
    """The unpacked content of a gzip file of one or many members; other files are read as they are.

    `tell` is the position in the unpacked content. `trouble` says why the content ended before the
    file is complete: a message, or nothing.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._packed = b""  # read, and not yet unpacked
        self._position = 0  # in the file, behind what is in `_packed`
        self._unpacked = 0
        self._member: zlib._Decompress | None = None
        self._starts: dict[int, int] = {}  # of members: unpacked position, position in the file
        self._is_plain = False
        self.trouble = ""

    def tell(self) -> int:
        return self._unpacked

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end, and where the file is cut short or damaged."""
        while not self.trouble and (self._packed or self._more(size)):
            if piece := self._next_piece(size):
                self._unpacked += len(piece)
                return piece
        if self._member is not None and not self.trouble:
            self.trouble = BREAKS_OFF
        return b""

    def place_of(self, position: int) -> int:
        """The position in the file of the member that begins at a position of the unpacked content.

        Where none begins, the same position. Positions must be asked in ascending order.
        """
        for passed in [each for each in self._starts if each < position]:
            del self._starts[passed]
        return self._starts.get(position, position)

    def begins_at(self, position: int) -> bool:
        """Whether a member begins at a position of the unpacked content."""
        return position in self._starts

    def _more(self, size: int) -> bool:
        self._packed = self._stream.read(size)
        if not self._position and self._packed and not self._packed.startswith(GZIP_MAGIC):
            self._is_plain = True
        self._position += len(self._packed)
        return bool(self._packed)

    def _next_piece(self, size: int) -> bytes:
        if self._is_plain:
            piece, self._packed = self._packed[:size], self._packed[size:]
            return piece
        member = self._member or self._next_member()
        if member is None:
            return b""
        try:
            piece = member.decompress(self._packed, size)
        except zlib.error:
            self.trouble = DAMAGED
            return b""
        self._packed = member.unused_data if member.eof else member.unconsumed_tail
        self._member = None if member.eof else member
        return piece

    def _next_member(self) -> "zlib._Decompress | None":
        """The next member; None for padding, and for what is no member."""
        self._packed = self._packed.lstrip(PADDING)
        if not self._packed:
            return None
        if not GZIP_MAGIC.startswith(self._packed[:2]):
            self.trouble = DAMAGED
            return None
        self._starts[self._unpacked] = self._position - len(self._packed)
        return zlib.decompressobj(GZIP)
