"""Reads a whole input: files in, articles and refusals out, in the files' own order."""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import groupby
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError
from typing import Any, NamedTuple, Protocol
from zipfile import BadZipFile

from archive.article import Article
from archive.batching import batches
from archive.errors import UnreadableArticle
from archive.reading.containers import members_of
from archive.reading.fields import FieldMap
from archive.reading.files import SourceFile
from archive.reading.formats import format_of
from archive.reading.walking import find_files

DEEPEST = 3  # containers in one another
CARRIED = 1 << 20  # bytes; a larger file is read in this process, as a stream
FILES_AT_ONCE = 16  # that another process is given
AHEAD = 8  # such lots that are being read while the first is waited for

DAMAGED = (EOFError, zlib.error, LZMAError, BadZipFile, TarError)
READING_ERRORS = (UnreadableArticle, *DAMAGED, OSError)

Found = Article | UnreadableArticle


class Pending(Protocol):
    """Work that was given away."""

    def result(self) -> list[Found]: ...


class Pool(Protocol):
    """Has functions called in other processes."""

    def submit(self, function: Callable[..., list[Found]], *arguments: object) -> Pending: ...


class Keeper(Protocol):
    """Keeps the bytes that are read; returns the file with its digest."""

    def keep(self, file: SourceFile, options: Mapping[str, Any]) -> SourceFile: ...


class _Task(NamedTuple):
    """A file to read; one that is small can be read elsewhere."""

    read: Callable[[], Iterable[Found]]
    small: bool


class Reading:
    """One pass over an input; iterate it for articles and refusals.

    With a pool, small files are read in its processes, some before what is found in those before
    them is asked for. `bytes_done` of `bytes_total` counts files that were gone through.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        names: FieldMap,
        *,
        originals: Keeper | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._files = [(found, _size(found)) for found in find_files(paths)]
        self._names = names
        self._originals = originals
        self._pool = pool
        self.bytes_done = 0
        self.bytes_total = sum(size for _, size in self._files)

    def __iter__(self) -> Iterator[Found]:
        if self._pool:
            yield from self._spread(self._pool)
            return
        for task in self._tasks():
            yield from task.read()

    def _spread(self, pool: Pool) -> Iterator[Found]:
        waiting: deque[Pending] = deque()
        for small, tasks in groupby(self._tasks(), key=lambda task: task.small):
            for lot in batches(tasks, FILES_AT_ONCE if small else 1):
                if small:
                    waiting.append(pool.submit(_read_all, lot))
                while len(waiting) > (AHEAD if small else 0):
                    yield from waiting.popleft().result()
                if not small:  # now, as what it lies in may be closed behind it
                    yield from lot[0].read()
        for pending in waiting:
            yield from pending.result()

    def _tasks(self) -> Iterator[_Task]:
        for found, size in self._files:
            for leaf in leaves(found.read_ahead()) if isinstance(found, SourceFile) else (found,):
                yield self._task(leaf)
            self.bytes_done += size

    def _task(self, leaf: SourceFile | UnreadableArticle) -> _Task:
        if isinstance(leaf, UnreadableArticle):
            return _Task(partial(list, (leaf,)), small=True)
        try:
            read = format_of(leaf).read
            file = self._originals.keep(leaf, self._names.to_keep()) if self._originals else leaf
            carried = _carried(file) if self._pool else None
        except READING_ERRORS as exc:
            return _Task(partial(list, (refusal_of(exc, leaf.place),)), small=True)
        task = partial(_read, read, carried or file, self._names)
        return _Task(task, small=carried is not None)


def leaves(file: SourceFile, depth: int = 0) -> Iterator[SourceFile | UnreadableArticle]:
    """Walk down to the files that hold articles; `depth` says how many files it lies in."""
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


def read_file(file: SourceFile, names: FieldMap) -> Iterator[Found]:
    """Read one file in whatever format it is, or all that it holds; refusals are yielded."""
    for leaf in leaves(file):
        if isinstance(leaf, UnreadableArticle):
            yield leaf
        else:
            yield from read_leaf(leaf, names)


def read_leaf(file: SourceFile, names: FieldMap) -> Iterator[Found]:
    """Read one file that holds no others."""
    try:
        yield from format_of(file).read(file, names)
    except READING_ERRORS as exc:
        yield refusal_of(exc, file.place)


def refusal_of(exc: BaseException, place: str) -> UnreadableArticle:
    """Say why a file could not be read to its end."""
    if isinstance(exc, UnreadableArticle):
        return exc
    if isinstance(exc, DAMAGED):
        return UnreadableArticle(place, "the compressed data is cut short or damaged")
    reason = exc.strerror if isinstance(exc, OSError) else None
    return UnreadableArticle(place, reason or str(exc))


def _read(
    read: Callable[[SourceFile, FieldMap], Iterator[Found]], file: SourceFile, names: FieldMap
) -> Iterator[Found]:
    try:
        yield from read(file, names)
    except READING_ERRORS as exc:
        yield refusal_of(exc, file.place)


def _read_all(tasks: list[_Task]) -> list[Found]:
    return [found for task in tasks for found in task.read()]


def _carried(file: SourceFile) -> SourceFile | None:
    """The file so that another process can open it, if it is small."""
    if not file.is_member:
        return file if Path(file.place).stat().st_size <= CARRIED else None
    with file.raw() as stream:
        content = stream.read(CARRIED + 1)
    return file.holding(content) if len(content) <= CARRIED else None


def _size(found: SourceFile | UnreadableArticle) -> int:
    if isinstance(found, SourceFile):
        with suppress(OSError):  # it went meanwhile; reading it will say so
            return Path(found.place).stat().st_size
    return 0
