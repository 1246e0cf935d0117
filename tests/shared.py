"""Folders that are made once for all processes of pytest-xdist."""

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def made_once(tmp_path_factory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of this name that all processes share; the first that asks makes it.

    No test may change it.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, draft = shared / name, shared / f"{name}-draft"
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            make(draft)
            draft.rename(folder)
    return folder
