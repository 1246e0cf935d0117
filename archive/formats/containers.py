"""Walks the members of containers (ZIP, tar, web archives) without writing anything to disk."""

import bz2
import io
import lzma
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from backfile.archive.formats.bundles import HEAD, SUFFIXES, is_mets, joined
from backfile.archive.formats.documents import digitised_issues
from backfile.archive.formats.files import MOST_IN_MEMORY, STUMBLES, SourceFile, open_bytes
from backfile.archive.formats.web import web_archives
from backfile.archive.model.errors import UnreadableArticle

Members = Iterator[SourceFile | UnreadableArticle]

MOST_MEMBERS = 200_000
MOST_TIMES = 200  # the highest compression ratio, of a member and of all members together
ALWAYS_ALLOWED = 64 << 20  # bytes; up to this size the ratio does not matter
IN_MEMORY = 8 << 20  # bytes of a tar's member kept in memory; a larger one is searched for later
ENCRYPTED = 1  # a bit of a ZIP member's flags
DOCUMENT_MARKS = frozenset(("[Content_Types].xml", "mimetype"))  # of office documents and e-books
WEB_ARCHIVE_MARK, WEB_ARCHIVE_PART = "datapackage.json", "archive/"
BROKEN = (*STUMBLES, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError)
PACKED = (b"BZh", b"\xfd7zXZ\x00")  # bzip2, xz
TAR_SUFFIXES = (".tar", ".tbz", ".tbz2", ".txz")
TAR_MARK = slice(257, 262)


class Container(NamedTuple):
    """A kind of container: name, test on a file's first bytes, and walk over its members."""

    name: str
    recognises: Callable[[bytes], bool]
    members: Callable[[SourceFile], Members]


def members_of(file: SourceFile) -> Members | None:
    """Walk the members of a file; None if it is not a container, but a document for instance."""
    head = file.head()
    if digitised_issues.is_bundle(head):
        return None
    found = next((each for each in CONTAINERS if each.recognises(head)), None)
    if found is None or (found.members is in_zip and _is_document(file)):
        return None
    return _translated(found.members(file))


def _is_document(file: SourceFile) -> bool:
    """Whether a ZIP file is an office document or an e-book."""
    try:
        with file.open() as stream, ZipFile(stream) as opened:
            return not DOCUMENT_MARKS.isdisjoint(opened.namelist())
    except STUMBLES as exc:
        raise BadZipFile(str(exc)) from exc


def _translated(members: Members) -> Members:
    """Raise BadZipFile for the errors that libraries raise on malformed containers."""
    try:
        yield from members
    except STUMBLES as exc:
        raise BadZipFile(str(exc)) from exc


def in_zip(file: SourceFile, *, most: int = MOST_MEMBERS) -> Members:
    """Walk a ZIP file in its own order."""
    with file.open() as stream, ZipFile(stream) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        names = {info.filename for info in infos}
        if WEB_ARCHIVE_MARK in names and any(n.startswith(WEB_ARCHIVE_PART) for n in names):
            infos = [info for info in infos if info.filename.startswith(WEB_ARCHIVE_PART)]
        members = _members_of_zip(file, opened, infos[:most])
        if any(info.filename.casefold().endswith(SUFFIXES) for info in infos):
            members = joined(list(members))
        yield from members
        yield from _Walk(file, 0).rest(len(infos), most)


def _members_of_zip(file: SourceFile, opened: ZipFile, infos: list[ZipInfo]) -> Members:
    walk = _Walk(file, sum(info.compress_size for info in infos))
    for info in infos:
        raw = partial(_in_zip, opened, info)
        yield from walk.member(
            info.filename, info.file_size, info.compress_size, _trouble(info), raw
        )


def in_packed(file: SourceFile) -> Members:
    """Walk a tar file that is packed, or the one file that was packed."""
    name = PurePosixPath(file.key).name
    if any(suffix.casefold() in TAR_SUFFIXES for suffix in PurePosixPath(name).suffixes):
        yield from in_tar(file)
        return
    stem = name.removesuffix(PurePosixPath(name).suffix) or name
    raw = partial(_unpacked, file)
    with raw() as stream:
        is_tar = stream.read(TAR_MARK.stop)[TAR_MARK] == b"ustar"
    if is_tar:
        yield from in_tar(file)
    else:
        yield SourceFile(f"{file.place}!/{stem}", f"{file.key}!/{stem}", raw)


def _unpacked(file: SourceFile) -> io.BufferedReader:
    stream = file.raw()
    is_bzip2 = stream.peek(3).startswith(PACKED[0])
    return _Sought(bz2.BZ2File(stream) if is_bzip2 else lzma.LZMAFile(stream), stream)


def in_tar(file: SourceFile, *, most: int = MOST_MEMBERS) -> Members:
    """Walk a tar file, packed or not, from its beginning to its end; digitised issues come last."""
    members = _members_of_tar(file, most)
    if not _has_issues(file, most):
        yield from members
        return
    held: list[SourceFile | UnreadableArticle] = []
    broken: Exception | None = None
    try:
        for each in members:
            if isinstance(each, SourceFile) and each.suffix in SUFFIXES:
                held.append(each)
            else:
                yield each
    except BROKEN as exc:
        broken = exc
    yield from joined(held)
    if broken:
        raise broken


def _has_issues(file: SourceFile, most: int) -> bool:
    """Whether a tar has a METS file, and its files of XML can be held in memory."""
    size, found = 0, False
    with (
        suppress(*BROKEN),  # the walk over the members reports that
        file.raw() as stream,
        tarfile.open(fileobj=stream, mode="r|*") as opened,
    ):
        for info in islice(opened, most):
            if not info.isfile() or not info.name.casefold().endswith(SUFFIXES):
                continue
            size += info.size
            if size > MOST_IN_MEMORY:
                return False
            if not found and (member := opened.extractfile(info)):
                found = is_mets(member.read(HEAD))
    return found


def _members_of_tar(file: SourceFile, most: int) -> Members:
    count = 0
    with file.raw() as stream:
        packed = stream.seek(0, io.SEEK_END)
    walk = _Walk(file, packed)
    with file.raw() as stream, tarfile.open(fileobj=stream, mode="r|*") as opened:
        for count, info in enumerate(islice(opened, most + 1), 1):
            if info.isdir() or count > most:
                continue
            trouble = "" if info.isfile() else "a link or a device, not a file"
            raw = partial(_sought, file, count)
            if not trouble and info.size <= IN_MEMORY and (member := opened.extractfile(info)):
                raw = partial(open_bytes, member.read())
            yield from walk.member(info.name, info.size, packed, trouble, raw)
    yield from walk.rest(count, most)


class _Walk:
    """Names the members of one container, and adds up their sizes."""

    def __init__(self, file: SourceFile, packed: int) -> None:
        self._file = file
        self._packed = packed
        self._bytes = 0
        self._named: Counter[str] = Counter()

    def member(
        self, name: str, size: int, packed: int, trouble: str, raw: Callable[[], io.BufferedReader]
    ) -> Members:
        """Yield a member, or the reason to refuse it; nothing for a hidden file."""
        path = PurePosixPath(name.replace("\\", "/"))
        if (
            any(part.startswith(".") and part != ".." for part in path.parts)
            or "__MACOSX" in path.parts
        ):
            return
        self._bytes += size
        self._named[name] += 1
        n = self._named[name]
        label = name if n == 1 else str(path.with_stem(f"{path.stem}#{n}"))
        place = f"{self._file.place}!/{_printable(label)}"
        if not trouble and _printable(label) != label:
            trouble = "its name is not UTF-8"
        if path.is_absolute() or ".." in path.parts:
            trouble = "its name leads out of the archive"
        if _is_bomb(size, packed) or _is_bomb(self._bytes, self._packed):
            trouble = f"more than {MOST_TIMES} times as large as it was packed"
        if trouble:
            yield UnreadableArticle(place, trouble)
        else:
            yield SourceFile(place, f"{self._file.key}!/{label}", raw)

    def rest(self, count: int, most: int) -> Members:
        """Say so where there were more members than are read."""
        if count > most:
            reason = f"more than {most:,} files in it; those behind were not read"
            yield UnreadableArticle(self._file.place, reason)


def _is_bomb(size: int, packed: int) -> bool:
    return size > max(ALWAYS_ALLOWED, MOST_TIMES * packed)


def _trouble(info: ZipInfo) -> str:
    return "it is encrypted; unpack it first" if info.flag_bits & ENCRYPTED else ""


def _in_zip(opened: ZipFile, info: ZipInfo) -> io.BufferedReader:
    try:
        found: Any = opened.open(info)
    except STUMBLES as exc:
        raise BadZipFile(str(exc)) from exc
    return io.BufferedReader(found)


class _Sought(io.BufferedReader):
    """A member of a tar, or a packed file; closing it closes what it lies in."""

    def __init__(self, member: Any, tar: io.BufferedReader) -> None:
        super().__init__(member)
        self._tar = tar

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._tar.close()


def _sought(file: SourceFile, number: int) -> io.BufferedReader:
    """Open a member of a tar by its number, reading the tar from the beginning."""
    stream = file.raw()
    opened = tarfile.TarFile.open(fileobj=stream, mode="r|*")
    return _Sought(opened.extractfile(next(islice(opened, number - 1, None))), stream)


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode("utf-8")


CONTAINERS = (
    Container("ZIP", lambda head: head.startswith(b"PK\x03\x04"), in_zip),
    Container("tar", lambda head: head[TAR_MARK] == b"ustar", in_tar),
    Container("packed file", lambda head: head.startswith(PACKED), in_packed),
    Container(
        "web archive", lambda head: head.startswith(web_archives.OPENINGS), web_archives.pages_in
    ),
)
