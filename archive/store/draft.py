"""A folder that is filled beside the one whose place it will take: files are copied or linked."""

import errno
import gzip
import hashlib
import os
import shutil
import sqlite3
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from backfile.archive.model.errors import means_full
from backfile.archive.store.backup_list import WRITTEN_ONCE, ListedFile, Watch
from backfile.archive.store.directory import OWNER_ONLY, ArchiveDirectory
from backfile.archive.store.sealing import digest_of, new_digest

COPIED_AT_ONCE = 1 << 20  # bytes
FILE_MODE = 0o600
UNFINISHED = "unfinished"  # stands in a draft, and in nothing that a draft was switched with
NOTHING_LISTED: Mapping[str, ListedFile] = {}


class Draft:
    """The files of a backup, or of an archive that is restored, while they are brought together.

    `files` lists what is there. `copied` names what was written here and not linked; `kept` names
    what was taken over from an earlier backup.
    """

    def __init__(
        self,
        folder: Path,
        watch: Watch,
        earlier: Path | None = None,
        listed: Mapping[str, ListedFile] = NOTHING_LISTED,
    ) -> None:
        """Fill an empty folder; what `earlier` holds as it is `listed` is taken from there."""
        self.folder = folder
        self.files: dict[str, ListedFile] = {}
        self.copied: set[str] = set()
        self.kept: set[str] = set()
        self._watch = watch
        self._earlier = earlier
        self._listed = listed

    def take(self, stream: BinaryIO, path: Path, name: str, *, anew: bool = False) -> None:
        """Take an open file, which was at `path`.

        A cache that is written once is linked if that is possible. `anew` means that the earlier
        backup cannot have the file, even if it seems so.
        """
        status = os.fstat(stream.fileno())
        if not anew and self.keep(name, status):
            return
        linked = name.partition("/")[0] in WRITTEN_ONCE
        target = self._target(name)
        if linked and _link(path, target, status):
            self._list(name, status.st_size, digest_of(target), status.st_mtime_ns)
            self._watch(status.st_size)
        else:
            self._list(name, *self._copy(stream, target), status.st_mtime_ns)
            self.copied.add(name)

    def take_database(
        self, source: sqlite3.Connection, name: str, modified: int, change: str = ""
    ) -> None:
        """Take a SQLite database as it is in one moment, even while somebody writes to it.

        `change` is a statement that is run on the copy.
        """
        target = self._target(name)
        target.unlink(missing_ok=True)
        target.touch(mode=FILE_MODE)
        with closing(sqlite3.connect(target)) as copy:
            try:
                source.backup(copy)
                copy.execute(change)
                copy.commit()
            except sqlite3.OperationalError as exc:
                if means_full(exc):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from exc
                raise
        self.written(name, modified)

    def written(self, name: str, modified: int) -> None:
        """List a file that was made or changed here."""
        path = self.folder / name
        size = path.stat().st_size
        self._list(name, size, digest_of(path), modified)
        self.copied.add(name)
        self.kept.discard(name)
        self._watch(size)

    def keep(self, name: str, status: os.stat_result | None = None) -> bool:
        """Take a file from the earlier backup, if it is there as it is listed.

        With a `status`, only if it was copied from a file of this size and time.
        """
        known = self._listed.get(name)
        if self._earlier is None or known is None:
            return False
        if status and (known.size, known.modified) != (status.st_size, status.st_mtime_ns):
            return False
        source, target = self._earlier / name, self._target(name)
        with suppress(FileNotFoundError):
            if not _link(source, target, source.stat()):
                with source.open("rb") as stream:
                    self._copy(stream, target)
            if digest_of(target) == known.digest:
                self.files[name] = known
                self.kept.add(name)
                self._watch(known.size)
                return True
        target.unlink(missing_ok=True)
        return False

    def own(self, name: str) -> Path:
        """Give the draft a copy of its own of a file that it shares with another folder."""
        path = self.folder / name
        if path.stat().st_nlink > 1:
            copy = path.with_name(f"{path.name}.tmp")
            with path.open("rb") as stream:
                self._copy(stream, copy)
            copy.replace(path)
        return path

    def drop(self, name: str) -> None:
        """Remove a file, or a folder with all of its files."""
        remove_path(self.folder / name)
        for each in [each for each in self.files if f"{each}/".startswith(f"{name}/")]:
            del self.files[each]
            self.copied.discard(each)
            self.kept.discard(each)

    def _list(self, name: str, size: int, digest: str, modified: int) -> None:
        self.files[name] = ListedFile(size, digest, modified)

    def _target(self, name: str) -> Path:
        target = self.folder / name
        for folder in reversed(target.relative_to(self.folder).parents[:-1]):
            (self.folder / folder).mkdir(mode=OWNER_ONLY, exist_ok=True)
        return target

    def _copy(self, stream: BinaryIO, target: Path) -> tuple[int, str]:
        """Copy the rest of an open file; return the size and the digest of what was copied."""
        digest, size = new_digest(), 0
        with open(target, "wb", opener=_open_private) as copy:
            while some := stream.read(COPIED_AT_ONCE):
                copy.write(some)
                digest.update(some)
                size += len(some)
                self._watch(len(some))
        return size, digest.hexdigest()


@contextmanager
def drafted(place: Path) -> Iterator[Path]:
    """Make an empty folder beside `place`, and remove what is there at the end of the context.

    One process at a time may do so for one place: others get ArchiveBusy. What a killed process
    left is removed first; if that is an archive which a restored one has replaced, it is kept under
    another name.
    """
    folder = draft_of(place)
    folder.mkdir(mode=OWNER_ONLY, exist_ok=True)
    with ArchiveDirectory(folder).locked():
        if _is_replaced_archive(folder):
            folder.rename(name_for_replaced(place))
    folder.mkdir(mode=OWNER_ONLY, exist_ok=True)
    directory = ArchiveDirectory(folder)
    with directory.locked():
        for path in folder.iterdir():
            if path != directory.lock:
                remove_path(path)
        (folder / UNFINISHED).touch(mode=FILE_MODE)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def are_apart(one: Path, other: Path) -> bool:
    """Whether neither of two folders lies in the other."""
    return one != other and one not in other.parents and other not in one.parents


def draft_of(place: Path) -> Path:
    """The folder beside `place` in which what will stand there is brought together."""
    return place.with_name(f".{place.name}.backfile-draft")


def name_for_replaced(place: Path) -> Path:
    """A name beside `place` that nothing has yet."""
    now = datetime.now(UTC)
    return place.with_name(f"{place.name}.replaced-{now:%Y%m%d-%H%M%S-%f}")


def remove_path(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_replaced_archive(folder: Path) -> bool:
    directory = ArchiveDirectory(folder)
    if (folder / UNFINISHED).exists() or directory.backup_list.exists():
        return False
    return any(path != directory.lock for path in folder.iterdir())


def _link(path: Path, target: Path, status: os.stat_result) -> bool:
    """Link the file of this status; return False where that is impossible, or it is another one.

    A file that its owner has made read-only is copied: a link would take on the mode of a backup.
    """
    if not status.st_mode & stat.S_IWUSR:
        return False
    try:
        os.link(path, target)
        linked = target.stat()
        if os.path.samestat(linked, status):
            if linked.st_mode & 0o777 != FILE_MODE:
                target.chmod(FILE_MODE)
            return True
    except OSError:  # such as another file system, one without links, or another owner's file
        pass
    target.unlink(missing_ok=True)
    return False


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def holds_its_digest(path: Path) -> bool:
    """Whether a compressed original is the file that its name, a SHA-256, says."""
    try:
        with gzip.open(path) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error):
        return False
    return found == path.name.partition(".")[0]


def reason_of(exc: OSError) -> str:
    """Say in a few words why the system refused, and of which file."""
    reason = "the disk is full" if means_full(exc) else (exc.strerror or str(exc))
    return f"{exc.filename}: {reason}" if exc.filename else reason
