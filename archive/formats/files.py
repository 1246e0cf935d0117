"""Opens the files of an input: decompression, encodings, lines of bounded length."""

import gzip
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from os.path import splitext
from pathlib import Path
from typing import Any, AnyStr, Self, cast

from backfile.archive.model.article import Article, Origin
from backfile.archive.model.errors import UnreadableArticle

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 1 << 16
MEMBER_MARK = "!/"  # between a file's path and the name of its member
# What libraries raise for a container that is malformed.
STUMBLES = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
LONGEST_TEXT = 32 << 20  # bytes of one article; a book has about one


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the input, on disk or inside a container; it can be opened more than once.

    `place` is its path, for a member of a container `path!/name`. `key` is its path below the input
    folder, the same on all machines. `raw` opens its bytes. `offset` is its position within
    `place`, 1 for a whole file. `defaults` are values of article fields from its surroundings, for
    fields that the file lacks. `version` grows with each fetched copy of a page, 0 if unknown.
    `digest` is the SHA-256 of the bytes, in hex, if they are stored.
    """

    place: str
    key: str
    raw: Callable[[], io.BufferedReader] = field(compare=False, repr=False)
    offset: int = 1
    defaults: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    digest: str = ""

    @classmethod
    def at(cls, path: Path, key: str) -> Self:
        """A file on disk."""
        return cls(str(path), key, partial(_opened, path))

    @property
    def is_member(self) -> bool:
        """Whether it is a member of a container, not a file on disk."""
        return MEMBER_MARK in self.place

    def with_content(self, content: bytes) -> Self:
        """The same file with its bytes in memory, so that another process can read it."""
        return replace(self, raw=partial(open_bytes, content))

    def read_ahead(self) -> Self:
        """The same file, in memory if it is small: opening it several times would take longer.

        A file that cannot be read is returned unchanged; its reader will report it.
        """
        try:
            with self.raw() as stream:
                content = stream.read(HEAD_BYTES + 1)
        except OSError:
            return self
        return self.with_content(content) if len(content) <= HEAD_BYTES else self

    @property
    def suffix(self) -> str:
        """The last suffix before `.gz`, in lower case."""
        name = self.key.rpartition("/")[2].casefold().removesuffix(".gz")
        return splitext(name)[1]

    def origin(self, offset: int | None = None) -> Origin:
        """The origin of an article of this file, or of a line or record in it."""
        return Origin(self.place, self.offset if offset is None else offset, self.digest)

    def open(self) -> io.BufferedReader:
        """Open for reading; gzip, recognised by content, is decompressed."""
        stream = self.raw()
        compressed = stream.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        return cast(io.BufferedReader, _Decompressed(stream)) if compressed else stream

    def head(self) -> bytes:
        """The first 64 KiB, or less if the file or its compressed data ends before."""
        head = b""
        with self.open() as stream:
            try:
                while len(head) < HEAD_BYTES and (more := stream.read1(HEAD_BYTES - len(head))):
                    head += more
            except (EOFError, zlib.error, gzip.BadGzipFile):
                if not head:
                    raise
        return head

    def lines(self) -> Iterator[str | None]:
        """Read line by line, in the file's encoding; a line invalid in it, in the likeliest one.

        None replaces a line of more than 32 MiB.
        """
        head = self.head()
        encoding = encoding_of(head)
        # Old Macintosh files end lines with \r alone, and so do some spreadsheets.
        end = b"\r" if b"\r" in head[:-1] and b"\n" not in head else b"\n"
        with self.open() as stream:
            if encoding in WIDE_ENCODINGS:
                with io.TextIOWrapper(stream, encoding, "replace", newline="") as text:
                    yield from _bounded_lines(text.readline, ("\n", "\r"))
                return
            for line in _byte_lines(stream, end):
                yield None if line is None else _decoded(line, encoding)

    def read_bytes(self, most: int = LONGEST_TEXT, *, note: str = "") -> bytes:
        """Read the whole file; raise UnreadableArticle, with a `note`, above `most` bytes."""
        with self.open() as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise UnreadableArticle(self.place, f"longer than {most >> 20} MiB{note}")
        return content

    def read_text(self) -> str:
        """Read the whole file as text; for formats with one article in a file."""
        content = self.read_bytes(note=", too long for one article")
        return content.decode(encoding_of(content), "replace")


ReadResult = Article | UnreadableArticle
ReadResults = Iterator[ReadResult]


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a file before `make` makes an article of its content, several, or a refusal.

    That takes most of the time of reading. A record needs nothing else, so another process can do
    it. Neither its content nor `make` holds anything open.
    """

    content: Any
    origin: Origin
    make: Callable[[Any, Origin], ReadResult | ReadResults]

    def made(self) -> ReadResults:
        """The articles and refusals; one that `make` raises is the last."""
        try:
            found = self.make(self.content, self.origin)
            if isinstance(found, Article | UnreadableArticle):
                yield found
            else:
                yield from found
        except UnreadableArticle as refused:
            yield refused

    @property
    def size(self) -> int:
        """The characters of its content."""
        return _characters(self.content)


def _characters(value: Any) -> int:
    """Those of all texts in a value; another value counts as one.

    >>> _characters({"title": "Rain", "tags": ["sea", "wind"], "words": 120})
    12
    """
    if isinstance(value, str | bytes):
        return len(value)
    within = value.values() if isinstance(value, dict) else value
    return sum(map(_characters, within)) if isinstance(value, dict | list | tuple) else 1


Records = Iterator[Record | ReadResult]


def made(records: Iterable[Record | ReadResult]) -> ReadResults:
    """Make the records of a file, one after the other."""
    for each in records:
        if isinstance(each, Record):
            yield from each.made()
        else:
            yield each


class _Decompressed(gzip.GzipFile):
    """The decompressed content of a gzip stream; closing it closes the stream."""

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._below = stream

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._below.close()


def open_bytes(content: bytes) -> io.BufferedReader:
    """Open bytes in memory as a file."""
    return io.BufferedReader(io.BytesIO(content))


def first_line(exc: BaseException) -> str:
    """The first line of an exception's message, at most 120 characters; its class if empty."""
    return (str(exc).splitlines() or [type(exc).__name__])[0][:120]


def _opened(path: Path) -> io.BufferedReader:
    return path.open("rb")


def _byte_lines(stream: io.BufferedReader, end: bytes) -> Iterator[bytes | None]:
    if end == b"\n":
        yield from _bounded_lines(stream.readline, (end,))
        return
    # Only text streams accept another line end; in Latin-1 each byte is a character.
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


MOST_IN_MEMORY = 128 << 20  # bytes of a file that is compressed, or a member of a container


def path_or_bytes(file: SourceFile, opening: bytes, *, most: int = MOST_IN_MEMORY) -> Path | bytes:
    """Give the path of a file that begins so on disk, else all its bytes.

    Raises UnreadableArticle where those are more than `most`.
    """
    with file.raw() as stream:
        # The stream's path, not `place`: the stream may be a stored original of that file.
        below = stream.raw
        if isinstance(below, io.FileIO) and stream.peek(len(opening)).startswith(opening):
            return Path(str(below.name))
    with file.open() as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        reason = f"more than {most >> 20} MiB, packed, of what must be read out of order"
        raise UnreadableArticle(file.place, f"{reason}; unpack it first")
    return content


SAMPLE = 1 << 16  # bytes
WIDE_ENCODINGS = ("utf-16", "utf-32", "utf-16-le", "utf-16-be")
LEAST_LETTERS = 16
MANY_NULS = 0.4  # share of zeros in every second byte of UTF-16
FEW = 0.1  # share of NO_LETTERS in the other bytes; half of a typographic quote is one of these
NO_LETTERS = re.compile(rb"[\x00-\x08\x0e-\x1e]")
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def encoding_of(content: bytes) -> str:
    """The encoding of a text: by its byte order mark, UTF-8, or else the likeliest."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    if wide := _unmarked(content[:SAMPLE]):
        return wide
    try:
        content.decode()
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data" and len(content) - exc.start < 4:
            return "utf-8"  # the text was cut inside a character
        return likeliest_encoding(content[max(0, exc.start - SAMPLE // 2) :][:SAMPLE])
    return "utf-8"


def _unmarked(sample: bytes) -> str:
    """UTF-16 without a mark, recognised by the zero half of most letters; or empty."""
    first, second = sample[::2], sample[1::2]
    if _is_half(second, of=first):
        return "utf-16-le"
    return "utf-16-be" if _is_half(first, of=second) else ""


def _is_half(empty: bytes, *, of: bytes) -> bool:
    if len(of) < LEAST_LETTERS or empty.count(0) <= MANY_NULS * len(empty):
        return False
    return len(NO_LETTERS.findall(of)) <= FEW * len(of)


def likeliest_encoding(sample: bytes) -> str:
    """The likeliest encoding of a text that is not valid UTF-8."""
    read = sample.decode("utf-8", "replace")
    beyond_ascii = sum(not character.isascii() for character in read)
    if beyond_ascii > 2 * read.count("\ufffd"):
        return "utf-8"  # with a few damaged bytes
    if beyond_ascii < len(sample) / 4:
        return "cp1252"  # charset_normalizer reads £ and ñ in English as cp1250 or cp775
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
