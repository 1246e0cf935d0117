"""Reads a whole input: walks folders in a fixed order, and yields articles and refusals."""

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import groupby
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError
from typing import Any, NamedTuple, Protocol, TypeVar
from zipfile import BadZipFile

from backfile.archive.formats.bundles import Bundles
from backfile.archive.formats.containers import members_of
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.records import read_received
from backfile.archive.formats.registry import format_of
from backfile.archive.model.errors import ArchiveError, UnreadableArticle
from backfile.archive.workers import batches

T = TypeVar("T")
ADDRESSES = ("http:", "https:", "feed:")  # first parts of a path that is an address


class InputMissing(ArchiveError):
    """An input path does not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if _is_address(path):
            address = str(path).replace(":/", "://", 1)  # Path removes one of two slashes
            super().__init__(f"{address} is an address; `backfile follow {address}` fetches feeds")
        else:
            super().__init__(f"nothing at {path}; name a file or folder that exists")


def find_files(paths: Iterable[Path]) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk the paths in a fixed order, without hidden files and folders.

    A file reached twice, through two roots or a link, is yielded once.

    Raises InputMissing at once, before reading, for a path that does not exist.
    """
    roots = []
    for path in map(Path, paths):
        if not path.exists():
            raise InputMissing(path if _is_address(path) else path.resolve())
        roots.append(path.resolve())
    return _once(found for root in dict.fromkeys(roots) for found in _walk(root))


def _is_address(path: Path) -> bool:
    return bool(path.parts) and path.parts[0].casefold() in ADDRESSES


def _once(
    found: Iterable[SourceFile | UnreadableArticle],
) -> Iterator[SourceFile | UnreadableArticle]:
    seen: set[str] = set()
    for each in found:
        place = each.origin if isinstance(each, UnreadableArticle) else _place(Path(each.place))
        if place not in seen:
            seen.add(place)
            yield each


def _place(path: Path) -> str:
    """The real path of a file; the folders above it are already resolved."""
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
    """A file; refused if its name is not UTF-8, which ids and the catalogue cannot store."""
    name = _printable(path)
    if name != str(path):
        return UnreadableArticle(name, "the name of the file is not UTF-8; rename it")
    return SourceFile.at(path, key)


def _reported(failures: list[OSError]) -> Iterator[UnreadableArticle]:
    while failures:
        failure = failures.pop(0)
        yield UnreadableArticle(str(failure.filename), failure.strerror or str(failure))


DEEPEST = 3  # levels of nested containers

DAMAGED = (EOFError, zlib.error, LZMAError, BadZipFile, TarError)
READING_ERRORS = (UnreadableArticle, *DAMAGED, OSError)


class Pending(Protocol):
    """A submitted call."""

    def result(self) -> list[ReadResult]: ...


class Pool(Protocol):
    """Calls functions in other processes."""

    def submit(self, function: Callable[..., list[ReadResult]], *arguments: object) -> Pending: ...


class OriginalStore(Protocol):
    """Stores the bytes of files before they are read; returns the file with its digest."""

    def keep(self, file: SourceFile, options: Mapping[str, Any]) -> SourceFile: ...


class Lots(NamedTuple):
    """How small files, and the records of larger ones, are given to other processes."""

    carried: int = 1 << 20  # bytes; a larger file is opened in this process, as a stream
    files: int = 16  # that another process is given
    records: int = 64  # of a larger file, of up to `carried` characters
    ahead: int = 8  # such lots that are being read while the first is waited for
    sent: int = 64 << 20  # characters of records in these lots; one that has more goes alone
    with_bytes: bool = False  # for processes that do not reach the files


LOTS = Lots()


class _Task(NamedTuple):
    """A file to read; a small one can be read in another process.

    Of a larger one of a format that has them, the records can be made there.
    """

    read: Callable[[], ReadResults]
    small: bool
    records: Callable[[], Records] | None = None


class _Sent(NamedTuple):
    """What is being read elsewhere, and how many characters of records were sent for it."""

    pending: Pending
    size: int = 0


class _Read(NamedTuple):
    """What was read in this process, among what is pending in others."""

    found: ReadResult

    def result(self) -> list[ReadResult]:
        return [self.found]


class Reading:
    """One pass over an input; iterate it for articles and refusals.

    With a pool, small files are read in its processes, some of them ahead of the iteration; and
    articles are made there of the records of larger files, which are walked in this one.
    `bytes_done` of `bytes_total` are the sizes of the files that are done.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        names: FieldMap,
        *,
        originals: OriginalStore | None = None,
        pool: Pool | None = None,
        lots: Lots = LOTS,
    ) -> None:
        self._lots = lots
        self._files = [(found, _size(found)) for found in find_files(paths)]
        self._names = names
        self._originals = originals
        self._pool = pool
        self.bytes_done = 0
        self.bytes_total = sum(size for _, size in self._files)

    def __iter__(self) -> Iterator[ReadResult]:
        if self._pool:
            yield from self._spread(self._pool)
            return
        for task in self._tasks():
            yield from task.read()

    def _spread(self, pool: Pool) -> Iterator[ReadResult]:
        waiting: deque[_Sent] = deque()
        size = 0
        for sent in self._submitted(pool):
            waiting.append(sent)
            size += sent.size
            while len(waiting) > self._lots.ahead or (len(waiting) > 1 and size > self._lots.sent):
                first = waiting.popleft()
                size -= first.size
                yield from first.pending.result()
        for sent in waiting:
            yield from sent.pending.result()

    def _submitted(self, pool: Pool) -> Iterator[_Sent]:
        """Give lots of small files, and of records of the others, to the pool.

        A larger file is read to its end before the next one is found: the container that it is in
        may be closed then.
        """
        for small, tasks in groupby(self._tasks(), key=lambda task: task.small):
            if small:
                for batch in batches(tasks, self._lots.files):
                    yield _Sent(pool.submit(_read_all, batch))
                continue
            for task in tasks:
                if task.records:
                    for lot, size in _in_lots(task.records(), self._lots):
                        yield _Sent(pool.submit(_made_all, lot), size)
                else:
                    yield from (_Sent(_Read(found)) for found in task.read())

    def _tasks(self) -> Iterator[_Task]:
        bundles = Bundles(found for found, _ in self._files)
        for found, size in self._files:
            if (each := bundles.joined(found)) is not None:
                for leaf in leaves(each.read_ahead()) if isinstance(each, SourceFile) else (each,):
                    yield self._task(leaf)
            self.bytes_done += size

    def _task(self, leaf: SourceFile | UnreadableArticle) -> _Task:
        if isinstance(leaf, UnreadableArticle):
            return _Task(partial(iter, (leaf,)), small=True)
        try:
            found = format_of(leaf)
            file = self._originals.keep(leaf, self._names.to_stored()) if self._originals else leaf
            carried = _carried(file, self._lots) if self._pool else None
        except READING_ERRORS as exc:
            return _Task(partial(_refusals, exc, leaf.place), small=True)
        if carried:
            return _Task(partial(_read, found.read, carried, self._names), small=True)
        records = partial(_read, found.records, file, self._names) if found.records else None
        return _Task(partial(_read, found.read, file, self._names), small=False, records=records)


def leaves(file: SourceFile, depth: int = 0) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk down to the files that are not containers; `depth` counts the containers above."""
    try:
        members = members_of(file)
        if members is None:
            yield file
        elif depth == DEEPEST:
            yield UnreadableArticle(file.place, f"more than {DEEPEST} archives in one another")
        else:
            for member in members:
                if isinstance(member, UnreadableArticle):
                    yield member
                else:
                    yield from leaves(member, depth + 1)
    except READING_ERRORS as exc:
        yield refusal_of(exc, file.place)


def read_file(file: SourceFile, names: FieldMap) -> Iterator[ReadResult]:
    """Read one file of any format, or all members of a container; refusals are yielded."""
    for leaf in leaves(file):
        if isinstance(leaf, UnreadableArticle):
            yield leaf
        else:
            yield from read_leaf(leaf, names)


def read_leaf(file: SourceFile, names: FieldMap) -> Iterator[ReadResult]:
    """Read one file that is not a container; what was received over HTTP is JSON lines."""
    try:
        if file.origin().is_received:
            yield from read_received(file)
        else:
            yield from format_of(file).read(file, names)
    except READING_ERRORS as exc:
        yield refusal_of(exc, file.place)


def refusal_of(exc: BaseException, place: str) -> UnreadableArticle:
    """The refusal for an exception that ended the reading of a file."""
    if isinstance(exc, UnreadableArticle):
        return exc
    if isinstance(exc, DAMAGED):
        return UnreadableArticle(place, "the compressed data is cut short or damaged")
    reason = exc.strerror if isinstance(exc, OSError) else None
    return UnreadableArticle(place, reason or str(exc))


def _refusals(exc: BaseException, place: str) -> ReadResults:
    yield refusal_of(exc, place)


def _read(
    read: Callable[[SourceFile, FieldMap], Iterator[T]], file: SourceFile, names: FieldMap
) -> Iterator[T | UnreadableArticle]:
    try:
        yield from read(file, names)
    except READING_ERRORS as exc:
        yield refusal_of(exc, file.place)


def _in_lots(records: Records, lots: Lots) -> Iterator[tuple[list[Record | ReadResult], int]]:
    """The records of a larger file, and what is refused of it already, in lots; their sizes."""
    lot: list[Record | ReadResult] = []
    size = 0
    for each in records:
        lot.append(each)
        size += each.size if isinstance(each, Record) else 0
        if len(lot) == lots.records or size > lots.carried:
            yield lot, size
            lot, size = [], 0
    if lot:
        yield lot, size


def _made_all(lot: list[Record | ReadResult]) -> list[ReadResult]:
    return list(made(lot))


def _read_all(tasks: list[_Task]) -> list[ReadResult]:
    return [found for task in tasks for found in task.read()]


def _carried(file: SourceFile, lots: Lots) -> SourceFile | None:
    """The file so that another process can open it, if it is small."""
    if not file.is_member and not lots.with_bytes:
        return file if Path(file.place).stat().st_size <= lots.carried else None
    with file.raw() as stream:
        content = stream.read(lots.carried + 1)
    return file.with_content(content) if len(content) <= lots.carried else None


def _size(found: SourceFile | UnreadableArticle) -> int:
    if isinstance(found, SourceFile):
        with suppress(OSError):  # it was removed meanwhile; its reader will report that
            return Path(found.place).stat().st_size
    return 0
