"""The layout of an archive directory, atomic writing of small files, and the writer's lock."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiveMissing,
    ArchiveUnwritable,
    shortage_of,
)
from backfile.archive.store.trust import FOLDER_MODE, make_private, open_private


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a process that is killed leaves the old file or the new one.

    Only the process that holds the writer's lock may write.
    """
    draft = path.with_suffix(".tmp")
    with open(draft, "wb", opener=open_private) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file as a whole."""
    write_whole(path, json.dumps(content, indent=2).encode())


OWNER_ONLY = FOLDER_MODE
SET_ASIDE = "set-aside-"
COLLECTIONS = "collections.sqlite"
PARCELS = "parcels"  # what is on its way to shards on other machines
BACKUP_LIST = "backup.json"  # an archive with this file is a backup, and is only read


@dataclass(frozen=True, slots=True)
class ArchiveDirectory:
    """Where each part of an archive lies below its root."""

    root: Path

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.db"

    @property
    def vectors(self) -> Path:
        return self.root / "vectors"

    @property
    def originals(self) -> Path:
        """The files that articles were read from, each named by its digest."""
        return self.root / "originals"

    @property
    def inbox(self) -> Path:
        """What was received over HTTP and is not in the record yet, and the last results."""
        return self.root / "inbox"

    @property
    def collections(self) -> Path:
        """The collections and saved searches, a database of their own, if there are any."""
        return self.root / COLLECTIONS

    @property
    def lexical(self) -> Path:
        return self.root / "lexical"

    @property
    def chroma(self) -> Path:
        return self.root / "chroma"

    @property
    def columns(self) -> Path:
        return self.root / "columns"

    @property
    def query_graph(self) -> Path:
        return self.root / "query-graph"

    @property
    def int8_graph(self) -> Path:
        """The graph that embeds the passages of an archive in int8, if it is one."""
        return self.root / "int8-graph"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def ranking(self) -> Path:
        """The tuned ranking weights, if there are any."""
        return self.root / "ranking.json"

    @property
    def followed(self) -> Path:
        """The feeds that are followed, if there are any."""
        return self.root / "followed.json"

    @property
    def noise(self) -> Path:
        """The calibration: the scores of random words in this archive."""
        return self.root / "noise.json"

    @property
    def backup_list(self) -> Path:
        """The list of files, if this is a backup of an archive."""
        return self.root / BACKUP_LIST

    def new_set_aside(self) -> Path:
        """Make a folder for files that are replaced because they are damaged; nothing reads it."""
        return Path(mkdtemp(prefix=f"{SET_ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S}-", dir=self.root))

    @property
    def lock(self) -> Path:
        return self.root / "writer.lock"

    def exists(self) -> bool:
        """Whether there is an archive: its manifest is written last."""
        return self.manifest.is_file()

    def require(self) -> None:
        """Raise ArchiveMissing unless there is an archive here."""
        if not self.exists():
            raise ArchiveMissing(self.root)

    def create(self) -> None:
        """Make the root, readable by its owner only; raise ArchiveUnwritable."""
        try:
            self.root.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
            if not self.exists():
                self.root.chmod(OWNER_ONLY)
        except OSError as exc:
            raise _refused(self.root, exc) from exc

    def bytes_on_disk(self) -> int:
        """The total size of all files."""
        return sum(self.bytes_by_part().values())

    def bytes_by_part(self) -> dict[str, int]:
        """The size of each file and folder in the root, by name; vanished files are skipped."""
        parts: dict[str, int] = {}
        for path in self.root.rglob("*"):
            with suppress(FileNotFoundError):
                part = path.relative_to(self.root).parts[0]
                parts[part] = parts.get(part, 0) + (path.stat().st_size if path.is_file() else 0)
        return parts

    def is_written_to(self) -> bool:
        """Whether a process holds the writer's lock at this moment."""
        try:
            with self.lock.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # there is no lock, or it cannot be read
            pass
        return False

    def writer(self) -> str:
        """The process that holds the writer's lock, in words: `backfile index (process 4711)`.

        It is "another process" where the system does not tell, as on macOS.
        """
        with suppress(OSError, ValueError, IndexError):
            inode = str(self.lock.stat().st_ino)
            locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
            held = (each for each in locks if each[1] == "FLOCK" and each[5].endswith(f":{inode}"))
            process = next(each[4] for each in held)
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            name = os.fsdecode(next((w for w in words[1:] if not w.startswith(b"-")), words[0]))
            command = next((os.fsdecode(w) for w in words[2:] if w.isalpha()), "")
            return f"{Path(name).name} {command}".strip() + f" (process {process})"
        return "another process"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; raise ArchiveBusy at once if another process holds it.

        What an earlier release left readable by others becomes private. Raises ArchiveUnwritable
        where the lock file cannot be written, and for a backup.
        """
        if self.backup_list.exists():
            raise ArchiveUnwritable(self.root, "it is a backup, which is only read")
        with self.locked():
            make_private(self.root)
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the writer's lock, for any purpose; raise ArchiveBusy or ArchiveUnwritable.

        The lock is the operating system's, so it ends with its process.
        """
        from filelock import FileLock, Timeout  # 20 ms, which a search need not wait for

        lock = FileLock(self.lock, timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout as exc:  # an OSError too, so it comes first
            raise ArchiveBusy(self.root) from exc
        except OSError as exc:
            raise _refused(self.root, exc) from exc
        try:
            yield
        finally:
            lock.release()


def _refused(root: Path, exc: OSError) -> ArchiveError:
    if shortage := shortage_of(exc):
        return shortage
    if isinstance(exc, FileExistsError | NotADirectoryError):
        return ArchiveUnwritable(root, "it is a file, or lies below one")
    return ArchiveUnwritable(root, exc.strerror or str(exc))
