"""Keeps an archive its owner's alone, and refuses one that somebody else can write to.

What is in an archive is believed: an article is what its record says. So only the user who opens
the archive may be able to write to it, as with git's `safe.directory`. A file can be written by
others only if they reach it: below a folder of mode 0700 its own mode does not matter.
"""

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from backfile.archive.model.errors import ArchiveUntrusted
from backfile.archive.model.settings import caller_of_sudo

FILE_MODE = 0o600
FOLDER_MODE = 0o700
ALL_RIGHTS = 0o7777
OTHERS = 0o077
ORIGINALS = "originals"  # named by digest: who changes a file there gives it a name that is wrong


class Stranger(NamedTuple):
    """Who else can write to a path of an archive, in words, and the command that ends it."""

    path: Path
    reason: str
    remedy: str


def open_private(path: str, flags: int) -> int:
    """Open a file for `open(opener=...)`; a new one is for its owner alone, whatever the umask."""
    return os.open(path, flags, FILE_MODE)


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are not there, each for its owner alone."""
    if not path.is_dir():
        make_private_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private(root: Path) -> None:
    """Take the rights of all others from an archive and what is in it.

    Links are not followed. What belongs to another user is left as it is. The originals may be a
    million files: their folder goes last, and where it is private already, they were done before.
    """
    originals = root / ORIGINALS
    with suppress(FileNotFoundError):
        _narrow(str(root), root.lstat())
        for path, status in _below(root, without=ORIGINALS):
            _narrow(path, status)
        if originals.lstat().st_mode & OTHERS and not originals.is_symlink():
            for path, status in _below(originals):
                _narrow(path, status)
            _narrow(str(originals), originals.lstat())


def require_trusted(root: Path, *, trust: bool) -> None:
    """Raise ArchiveUntrusted if another user can write to what is there, unless that is trusted.

    Where the system knows no users, as on Windows, everything is trusted.
    """
    if trust or not hasattr(os, "geteuid") or not root.is_dir():
        return
    with suppress(FileNotFoundError):
        if found := find_stranger(root, own_users()):
            raise ArchiveUntrusted(root, found.reason, found.remedy)


def own_users() -> set[int]:
    """The ids that this process acts for: its own, and under sudo that of the user who called."""
    own = os.geteuid()
    caller = caller_of_sudo() if own == 0 else None
    return {own} if caller is None else {own, caller}


def find_stranger(root: Path, own: set[int]) -> Stranger | None:
    """The first path of an archive that another user can write to."""
    status = root.stat()
    if found := _stranger(root, root, status, own, is_reached=True):
        return found
    is_open = bool(status.st_mode & (stat.S_IXGRP | stat.S_IXOTH))
    with os.scandir(root) as entries:
        for entry in entries:
            path, is_reached = Path(entry.path), is_open or entry.is_symlink()
            with suppress(FileNotFoundError):  # a log or a draft that is gone again
                found = _stranger(root, path, path.stat(), own, is_reached=is_reached)
                if not found and is_reached and path.is_dir() and path.name != ORIGINALS:
                    found = _stranger_below(root, path, own)
                if found:
                    return found
    return None


def _stranger_below(root: Path, folder: Path, own: set[int]) -> Stranger | None:
    strangers = (
        _stranger(root, Path(path), status, own, is_reached=True)
        for path, status in _below(folder, follow=True)
    )
    return next(filter(None, strangers), None)


def _stranger(
    root: Path, path: Path, status: os.stat_result, own: set[int], *, is_reached: bool
) -> Stranger | None:
    """Say who else can write to a path; `is_reached` says whether others come to it at all."""
    if status.st_uid not in own:
        user = _user(status.st_uid)
        remedy = f"chown -R {_user(max(own))} {shlex.quote(str(root))}"
        return Stranger(path, f"{path} belongs to {user}", remedy)
    writers = {stat.S_IWGRP: "its group", stat.S_IWOTH: "all users"}
    who = [name for right, name in writers.items() if status.st_mode & right]
    if not who or not is_reached:
        return None
    remedy = f"chmod -R go-w {shlex.quote(str(root))}"
    return Stranger(path, f"{path} can be written by {' and '.join(who)}", remedy)


def _user(number: int) -> str:
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _below(
    folder: Path, *, without: str = "", follow: bool = False
) -> Iterator[tuple[str, os.stat_result]]:
    """All that is below a folder; links are left out, or described by what they lead to."""
    folders = [str(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name == without or (entry.is_symlink() and not follow):
                    continue
                with suppress(FileNotFoundError):
                    yield entry.path, entry.stat()
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def _narrow(path: str, status: os.stat_result) -> None:
    allowed = FOLDER_MODE if stat.S_ISDIR(status.st_mode) else FILE_MODE
    if status.st_mode & ALL_RIGHTS & ~allowed:
        with suppress(OSError):  # it is another user's, or gone
            os.chmod(path, status.st_mode & allowed)  # noqa: PTH101, of paths by the thousand
