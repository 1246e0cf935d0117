"""The files of a sealed part: their seals, and the folder in which Chroma opens a copy of them.

Chroma writes to its database whenever it opens one, and bytes that it does not expect can end the
whole process: by a panic, a segmentation fault, or a demand for more memory than there is. So it
opens a copy, and only of files that are as they were sealed: checking 100 MB takes 0.1 s. Its
database, a tenth of a part, is copied; the other files, which it only reads, are linked. Small ones
are copied, too: to those of a part of one row it writes.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from backfile.archive.model.message import Message
from backfile.archive.store.database import is_writable
from backfile.archive.store.directory import OWNER_ONLY, write_whole
from backfile.archive.store.sealing import Seal, damage_of
from backfile.archive.store.trust import FILE_MODE
from backfile.index.seams.failures import unavailable

NAME = Message("Chroma")
SEALS = "seals.json"  # in a part; a part that was made before there were seals has none
COPY = "open-"
ELSEWHERE = (
    f"backfile-{COPY}"  # in the folder for temporary files, for an archive that is only read
)
WRITTEN_TO = ".sqlite3"
SMALL = 1 << 22  # bytes; a file of one row has room for 100: 180 KB with 384 dimensions

Seals = dict[str, Seal]
"""The seal of each file, by its path in the part."""


def seal_part(part: Path) -> None:
    """Seal all files of a part as they are."""
    files = sorted(path for path in part.rglob("*") if path.is_file())
    seals = {path.relative_to(part).as_posix(): Seal.of(path).encode() for path in files}
    write_whole(part / SEALS, json.dumps(seals).encode())


def read_seals(part: Path) -> Seals | None:
    """Read the seals of a part, None if it has none; raise ValueError or the like if damaged."""
    try:
        stored = json.loads((part / SEALS).read_bytes())
    except FileNotFoundError:
        return None
    return {name: Seal.decode(seal) for name, seal in stored.items()}


def damages(part: Path, seals: Seals) -> Iterator[str]:
    """Read all sealed files of a part; name each that is damaged, and how."""
    for name, seal in seals.items():
        if damage := damage_of(part / name, seal.size, seal.digest):
            yield f"{part.name}/{name} {damage}"


class OpenCopy:
    """A folder with the files of a part, for one process; locked, so that others leave it alone."""

    def __init__(self, folder: Path) -> None:
        """Make an empty one; `folder` and its lock are not there yet."""
        from filelock import FileLock

        self.folder = folder
        self._lock = FileLock(_lock_of(folder), mode=0o600)
        self._lock.acquire()
        folder.mkdir(mode=OWNER_ONLY)

    @classmethod
    def of(cls, part: Path, seals: Seals) -> Self:
        """Copy or link the files of a part; raise EngineUnavailable if one is damaged.

        The copy lies beside the part, or, where that is not possible, with the temporary files.
        """
        beside = part.parent
        if is_writable(beside) and os.access(beside, os.W_OK):
            with suppress(OSError):
                return cls._made(beside, COPY, part, seals)
        return cls._made(Path(tempfile.gettempdir()), ELSEWHERE, part, seals)

    @classmethod
    def _made(cls, place: Path, prefix: str, part: Path, seals: Seals) -> Self:
        _sweep(place, prefix)
        made = cls(place / f"{prefix}{uuid.uuid4().hex}")
        try:
            for name, seal in seals.items():
                made._take(part / name, name, seal)
        except BaseException:
            made.remove()
            raise
        return made

    def remove(self) -> None:
        """Delete the folder and its lock."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _lock_of(self.folder).unlink(missing_ok=True)
        self._lock.release()

    def _take(self, source: Path, name: str, seal: Seal) -> None:
        target = self.folder / name
        target.parent.mkdir(mode=OWNER_ONLY, exist_ok=True)
        copied = source.suffix == WRITTEN_TO or seal.size < SMALL
        if copied or not _linked(source, target):
            shutil.copyfile(source, target)
            target.chmod(FILE_MODE)
        if not seal.fits_file(target):
            raise unavailable(NAME, Message("%(file)s is damaged", file=str(source)))


def _linked(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        return False
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _sweep(place: Path, prefix: str) -> None:
    """Remove what processes that were killed have left."""
    from filelock import FileLock, Timeout

    for path in place.glob(f"{prefix}*.lock"):
        with suppress(OSError, Timeout), FileLock(path, timeout=0, mode=0o600):
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink()
