"""Finds which machines see one folder, and which have one of their own at the same path."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backfile.archive.model.cluster_errors import HolderLost
from backfile.index.cluster.map.shard_folders import MARK


class Marking(Protocol):
    """A machine that can leave marks in its folder."""

    def mark(self, name: str) -> None:
        """Leave a mark in the folder, if it is there and can be written to."""
        ...

    def marks(self) -> Sequence[str]:
        """The names of the marks that are seen there."""
        ...

    def unmark(self, name: str) -> None:
        """Take a mark away again."""
        ...


class MarkedFolder:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mark(self, name: str) -> None:
        with suppress(OSError):
            (self._folder / f"{MARK}{name}").touch(mode=0o600)

    def marks(self) -> Sequence[str]:
        return [path.name.removeprefix(MARK) for path in self._folder.glob(f"{MARK}*")]

    def unmark(self, name: str) -> None:
        with suppress(OSError):
            (self._folder / f"{MARK}{name}").unlink(missing_ok=True)

    def clean(self) -> None:
        """Take all marks away, which killed processes may have left."""
        for name in self.marks():
            self.unmark(name)


def first_with_folder(machines: Sequence[Marking]) -> Sequence[int | None]:
    """For each machine, the place of the first one that has the same folder; of most, its own.

    None for one that does not answer.
    """
    run = secrets.token_hex(8)
    names = {f"{run}-{place}": place for place in range(len(machines))}
    answering: dict[int, Marking] = {}
    seen: dict[int, Sequence[str]] = {}
    for name, place in names.items():
        with suppress(HolderLost):
            machines[place].mark(name)
            answering[place] = machines[place]
    for place, each in answering.items():
        with suppress(HolderLost):
            seen[place] = each.marks()
    for name, place in names.items():
        with suppress(HolderLost):
            machines[place].unmark(name)
    first: list[int | None] = [None] * len(machines)
    for place, found in seen.items():
        first[place] = min((names[each] for each in found if each in names), default=place)
    return first
