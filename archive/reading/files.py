"""Finds the files of an input and opens them: walking, decompression, character encodings."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from archive.errors import ArchiveError, UnreadableArticle

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 1 << 16
LONGEST_TEXT = 32 << 20  # bytes of one article; a book has about one
WIDE_ENCODINGS = ("utf-16", "utf-32")
BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


class InputMissing(ArchiveError):
    """A path that was named and does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"nothing at {path}; name a file or folder that exists")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the input. `key` names it below the folder it was found in, on any machine."""

    path: Path
    key: str

    @property
    def suffix(self) -> str:
        """The last suffix, lower case, looking through `.gz`."""
        name = self.path.name.casefold().removesuffix(".gz")
        return Path(name).suffix

    def open(self) -> io.BufferedReader:
        """Open for reading, decompressed if the content (not the name) is gzip."""
        with self.path.open("rb") as raw:
            compressed = raw.read(2) == GZIP_MAGIC
        if compressed:
            return cast(io.BufferedReader, gzip.open(self.path, "rb"))
        return self.path.open("rb")

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
                    yield from text
                return
            for line in _byte_lines(stream, end):
                yield None if line is None else _decoded(line, encoding)

    def read_text(self) -> str:
        """Read the whole file as text; for formats that hold one article in a file."""
        with self.open() as stream:
            content = stream.read(LONGEST_TEXT + 1)
        if len(content) > LONGEST_TEXT:
            reason = f"longer than {LONGEST_TEXT >> 20} MiB, too long for one article"
            raise UnreadableArticle(str(self.path), reason)
        return content.decode(encoding_of(content), "replace")


def _byte_lines(stream: io.BufferedReader, end: bytes) -> Iterator[bytes | None]:
    if end == b"\n":
        yield from _bounded_lines(stream.readline, end)
        return
    # Only a text stream takes another line end, and in Latin-1 each byte is a character.
    with io.TextIOWrapper(stream, "latin-1", newline=end.decode()) as text:
        yield from _bounded_lines(lambda size: text.readline(size).encode("latin-1"), end)


def _bounded_lines(read: Callable[[int], bytes], end: bytes) -> Iterator[bytes | None]:
    while line := read(LONGEST_TEXT):
        if len(line) < LONGEST_TEXT or line.endswith(end):
            yield line
            continue
        while line and not line.endswith(end):
            line = read(LONGEST_TEXT)
        yield None


def _decoded(line: bytes, encoding: str) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(_likeliest_encoding(line), "replace")


def encoding_of(content: bytes) -> str:
    """Name the encoding of some text: its byte order mark, UTF-8, else the likeliest."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    try:
        content.decode()
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data" and len(content) - exc.start < 4:
            return "utf-8"  # a head that was cut inside a character
        return _likeliest_encoding(content[max(0, exc.start - HEAD_BYTES // 2) :][:HEAD_BYTES])
    return "utf-8"


def _likeliest_encoding(sample: bytes) -> str:
    read = sample.decode("utf-8", "replace")
    beyond_ascii = sum(not character.isascii() for character in read)
    if beyond_ascii > 2 * read.count("\ufffd"):
        return "utf-8"  # with a few damaged bytes
    if beyond_ascii < len(sample) / 4:
        return "cp1252"  # charset_normalizer takes the £ and ñ of English for cp1250 or cp775
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def find_files(paths: Iterable[Path]) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk the paths in a settled order; hidden files and folders are left out.

    What is reached twice, through two roots or a link, is yielded once.

    Raises InputMissing at once, before anything is read, for a path that is not there.
    """
    roots = [Path(path).resolve() for path in paths]
    for root in roots:
        if not root.exists():
            raise InputMissing(root)
    return _once(found for root in dict.fromkeys(roots) for found in _walk(root))


def _once(
    found: Iterable[SourceFile | UnreadableArticle],
) -> Iterator[SourceFile | UnreadableArticle]:
    seen: set[str] = set()
    for each in found:
        place = each.origin if isinstance(each, UnreadableArticle) else _place(each.path)
        if place not in seen:
            seen.add(place)
            yield each


def _place(path: Path) -> str:
    """Where a file really lies; the folders above it are resolved already."""
    return str(path.resolve() if path.is_symlink() else path)


def _walk(root: Path) -> Iterator[SourceFile | UnreadableArticle]:
    if root.is_file():
        yield _named(root, f"{root.parent.name}/{root.name}")
        return
    failures: list[OSError] = []
    collect: Callable[[OSError], None] = failures.append
    for folder, subfolders, names in os.walk(root, onerror=collect):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from _links(folder, subfolders)
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith("."):
                continue
            if not path.is_file():
                yield UnreadableArticle(str(path), "neither a file nor a folder")
                continue
            yield _named(path, f"{root.name}/{path.relative_to(root).as_posix()}")
        yield from _reported(failures)
    yield from _reported(failures)


def _links(folder: str, subfolders: list[str]) -> Iterator[UnreadableArticle]:
    for name in subfolders:
        path = Path(folder, name)
        if path.is_symlink():
            reason = "a link to a folder is not followed; name the folder itself"
            yield UnreadableArticle(_printable(path), reason)


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _named(path: Path, key: str) -> SourceFile | UnreadableArticle:
    """Refuse a name that is not UTF-8: neither an id nor the catalogue could hold it."""
    name = _printable(path)
    if name != str(path):
        return UnreadableArticle(name, "the name of the file is not UTF-8; rename it")
    return SourceFile(path, key)


def _reported(failures: list[OSError]) -> Iterator[UnreadableArticle]:
    while failures:
        failure = failures.pop(0)
        yield UnreadableArticle(str(failure.filename), failure.strerror or str(failure))
