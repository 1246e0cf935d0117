"""Puts a new file or folder in the place of an earlier one, in one step where the system can."""

import ctypes
import errno
import os
from pathlib import Path

EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
CALLS = ("renameat2", "renameatx_np")  # of Linux and of macOS; their arguments are the same
NOT_SUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def switch(new: Path, place: Path) -> None:
    """Put `new` at `place`; what was there, if anything, is at `new` afterwards.

    Both stand in one folder. A kill leaves the earlier one or the new one at `place`. A file system
    that cannot exchange two names is the exception: there a kill may leave nothing at `place`.
    `present` then names the earlier one, and `settle_switch` brings it back.
    """
    if not place.exists():
        new.rename(place)
    elif not _exchange(new, place):
        aside = _aside(place)
        place.rename(aside)
        new.rename(place)
        aside.rename(new)


def settle_switch(new: Path, place: Path) -> None:
    """Undo what a killed `switch` of these two has begun, or finish it."""
    if (aside := _aside(place)).exists():
        aside.rename(new if place.exists() else place)


def present(place: Path) -> Path:
    """Where that lies which a killed `switch` has left for `place`: there, or aside."""
    return _aside(place) if not place.exists() and _aside(place).exists() else place


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.backfile-aside")


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names; return False if the system or the file system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    call = next((getattr(library, name) for name in CALLS if hasattr(library, name)), None)
    if call is None:
        return False
    # Absolute paths, so that both arguments for a folder are without effect.
    if call(0, os.fsencode(one.absolute()), 0, os.fsencode(other.absolute()), EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in NOT_SUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))
