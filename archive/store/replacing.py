"""What may be replaced by another archive, and what becomes of it: for `restore` and `reembed`."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backfile.archive.model.errors import ArchiveUnwritable, shortage_of
from backfile.archive.store.backup_files import is_passing
from backfile.archive.store.backup_list import CACHES, RECORD
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.draft import FILE_MODE, reason_of, remove_path
from backfile.archive.store.trust import make_private_folder


@contextmanager
def said_of(root: Path, outcome: str = "") -> Iterator[None]:
    """Raise a Shortage or ArchiveUnwritable for an error of the system; its text ends in `outcome`.

    The archive at `root` is as it was.
    """
    try:
        yield
    except OSError as exc:
        if shortage := shortage_of(exc):
            raise shortage from exc
        raise ArchiveUnwritable(root, f"{reason_of(exc)}{outcome}") from exc


def require_replaceable(directory: ArchiveDirectory) -> None:
    """Raise ArchiveUnwritable unless there is an archive, a part of one, or nothing."""
    root = directory.root
    if not root.exists():
        return
    if not root.is_dir():
        raise ArchiveUnwritable(root, "it is a file")
    if os.path.ismount(root):
        raise ArchiveUnwritable(root, "it is a mount point, which cannot be replaced")
    if directory.backup_list.exists():
        raise ArchiveUnwritable(root, "it is a backup")
    there = {path.name for path in root.iterdir()}
    if there and not there & {*RECORD, *CACHES}:
        raise ArchiveUnwritable(root, "it holds files that are no archive")


def remove_replaced(replaced: Path, taken: Collection[str] = ()) -> Path | None:
    """Remove an archive; return its folder if more was in it than belongs to an archive.

    `taken` names what else the archive in its place has.
    """
    for path in list(replaced.iterdir()):
        if path.name in (*RECORD, *CACHES, *taken) or is_passing(path.name):
            remove_path(path)
    if any(replaced.iterdir()):
        return replaced
    replaced.rmdir()
    return None


def share_file(path: Path, target: Path) -> None:
    """Have a file at another path, too: the same one, or a copy where links are impossible."""
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:
        copy_file(path, target)


def copy_file(path: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    draft = target.with_name(f"{target.name}.copying")
    shutil.copyfile(path, draft)
    draft.chmod(FILE_MODE)
    draft.replace(target)


def share_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Have these files below a folder, and no others, below another one; they never change."""
    wanted = set(names)
    for name in sorted(wanted):
        if not (target / name).exists():
            make_private_folder((target / name).parent)
            share_file(source / name, target / name)
    for path in list(target.rglob("*")):
        if path.is_file() and path.relative_to(target).as_posix() not in wanted:
            path.unlink()
