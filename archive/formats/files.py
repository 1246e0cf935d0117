"""Opens the files of an input: decompression, lines of bounded length, text in any encoding."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from os.path import splitext
from pathlib import Path
from typing import AnyStr, Self, cast

from backfile.archive.formats.text.encodings import WIDE_ENCODINGS, encoding_of, likeliest_encoding
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 1 << 16
MEMBER_MARK = "!/"  # between a file's path and the name of what lies in it
LONGEST_TEXT = 32 << 20  # bytes of one article; a book has about one


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the input, on disk or inside another; it can be opened more than once.

    `place` says where it is: its path, and of what lies in another file `path!/name`. `key` names
    it below the folder it was found in, on any machine. `raw` opens its bytes. `offset` is where it
    begins in its place, 1 for a whole file. `told` is what its surroundings say of its article, by
    the names of an article's fields; it counts where the file itself says nothing. `version` grows
    with each copy of one page that was fetched, 0 where nobody counts. `digest` is the SHA-256 of
    the bytes, in hex, where they are kept.
    """

    place: str
    key: str
    raw: Callable[[], io.BufferedReader] = field(compare=False, repr=False)
    offset: int = 1
    told: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    digest: str = ""

    @classmethod
    def at(cls, path: Path, key: str) -> Self:
        """A file on disk."""
        return cls(str(path), key, partial(_opened, path))

    @property
    def is_member(self) -> bool:
        """Whether it lies in another file, or in memory, and not on disk."""
        return MEMBER_MARK in self.place

    def holding(self, content: bytes) -> Self:
        """The same file with its bytes in memory, for another process to read."""
        return replace(self, raw=partial(held, content))

    def read_ahead(self) -> Self:
        """The same file, in memory if it is small, as to open it several times would take longer.

        What cannot be read stays as it is: whoever reads it says so.
        """
        try:
            with self.raw() as stream:
                content = stream.read(HEAD_BYTES + 1)
        except OSError:
            return self
        return self.holding(content) if len(content) <= HEAD_BYTES else self

    @property
    def suffix(self) -> str:
        """The last suffix, lower case, looking through `.gz`."""
        name = self.key.rpartition("/")[2].casefold().removesuffix(".gz")
        return splitext(name)[1]

    def origin(self, offset: int | None = None) -> Origin:
        """What an article of the file, or of a line or record in it, gives as its origin."""
        return Origin(self.place, self.offset if offset is None else offset, self.digest)

    def open(self) -> io.BufferedReader:
        """Open for reading, decompressed if the content (not the name) is gzip."""
        stream = self.raw()
        compressed = stream.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        return cast(io.BufferedReader, _Decompressed(stream)) if compressed else stream

    def head(self) -> bytes:
        """The first 64 KiB, or what there is of them before the compressed data breaks off."""
        head = b""
        with self.open() as stream:
            try:
                while len(head) < HEAD_BYTES and (more := stream.read1(HEAD_BYTES - len(head))):
                    head += more
            except (EOFError, zlib.error):
                if not head:
                    raise
        return head

    def lines(self) -> Iterator[str | None]:
        """Read line by line, each in the file's encoding or, if it is not, in the likeliest.

        None stands for a line of more than 32 MiB.
        """
        head = self.head()
        encoding = encoding_of(head)
        # An old Macintosh ended its lines with \r alone, and some spreadsheets still do.
        end = b"\r" if b"\r" in head[:-1] and b"\n" not in head else b"\n"
        with self.open() as stream:
            if encoding in WIDE_ENCODINGS:
                with io.TextIOWrapper(stream, encoding, "replace", newline="") as text:
                    yield from _bounded_lines(text.readline, ("\n", "\r"))
                return
            for line in _byte_lines(stream, end):
                yield None if line is None else _decoded(line, encoding)

    def read_text(self) -> str:
        """Read the whole file as text; for formats that hold one article in a file."""
        with self.open() as stream:
            content = stream.read(LONGEST_TEXT + 1)
        if len(content) > LONGEST_TEXT:
            reason = f"longer than {LONGEST_TEXT >> 20} MiB, too long for one article"
            raise UnreadableArticle(self.place, reason)
        return content.decode(encoding_of(content), "replace")


class _Decompressed(gzip.GzipFile):
    """What a gzip stream holds; closes the stream with it."""

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._below = stream

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._below.close()


def held(content: bytes) -> io.BufferedReader:
    """Open bytes that are in memory."""
    return io.BufferedReader(io.BytesIO(content))


def _opened(path: Path) -> io.BufferedReader:
    return path.open("rb")


def _byte_lines(stream: io.BufferedReader, end: bytes) -> Iterator[bytes | None]:
    if end == b"\n":
        yield from _bounded_lines(stream.readline, (end,))
        return
    # Only a text stream takes another line end, and in Latin-1 each byte is a character.
    with io.TextIOWrapper(stream, "latin-1", newline=end.decode()) as text:
        yield from _bounded_lines(lambda size: text.readline(size).encode("latin-1"), (end,))


def _bounded_lines(
    read: Callable[[int], AnyStr], ends: tuple[AnyStr, ...]
) -> Iterator[AnyStr | None]:
    while line := read(LONGEST_TEXT):
        if len(line) < LONGEST_TEXT or line.endswith(ends):
            yield line
            continue
        while line and not line.endswith(ends):
            line = read(LONGEST_TEXT)
        yield None


def _decoded(line: bytes, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(likeliest_encoding(line), "replace")


MOST_HELD = 128 << 20  # bytes of a file that lies in another, or is compressed


def on_disk_or_held(file: SourceFile, opening: bytes, *, most: int = MOST_HELD) -> Path | bytes:
    """Give the path of a file that begins so on disk, else all its bytes.

    Raises UnreadableArticle where those are more than `most`.
    """
    with file.raw() as stream:
        # Not by its place: what is read may be a copy that was kept of what lay there.
        below = stream.raw
        if isinstance(below, io.FileIO) and stream.peek(len(opening)).startswith(opening):
            return Path(str(below.name))
    with file.open() as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        reason = f"more than {most >> 20} MiB, packed, of what must be read out of order"
        raise UnreadableArticle(file.place, f"{reason}; unpack it first")
    return content
