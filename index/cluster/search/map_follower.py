"""Follows the map of a divided archive: searches go over to its shards once these are open."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from backfile.archive.model.errors import ArchiveError
from backfile.index.cluster.map.cluster_map import FILE, ClusterMap
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shards import Shard

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 1.0


class ShardSet(Protocol):
    """All shards that one map names, open as far as they can be."""

    @property
    def shards(self) -> Sequence[Shard]: ...

    @property
    def n_open(self) -> int:
        """How many can be searched now."""
        ...

    def bring_up(self) -> None:
        """Do what can be done to have all of them open, and warm."""
        ...

    def close(self) -> None:
        """Let them go; no search is at work."""
        ...


class _Coming(NamedTuple):
    """Shards that are being opened, and the names of their folders."""

    folders: Sequence[str]
    shards: ShardSet


def _nothing() -> None:
    """Leave the memory of closed shards to Python."""


class MapFollower:
    """The shards of a divided archive as its map names them, and those that it named before.

    The shards of a changed map are opened aside. A searcher goes over to them when all are open,
    or a greater share of them than of the earlier ones: those may be lost, and so may one of these.
    """

    def __init__(
        self,
        entries: ClusterMap,
        folder: Path,
        open_set: Callable[[ClusterMap], ShardSet],
        *,
        read: Callable[[Path], ClusterMap] = ClusterMap.read,
        freed: Callable[[], None] = _nothing,
    ) -> None:
        """Open the shards of the map `entries`, which was found in the folder.

        `read` reads it again, and raises an ArchiveError if it cannot be read, or not be trusted.
        `freed` is called after shards were closed that no search needs any more.
        """
        self._folder = folder
        self._open_set = open_set
        self._read = read
        self._freed = freed
        self._mark: object = None
        self._said = ""
        self._folders = _folders_of(entries)
        self._coming: _Coming | None = None
        self._has_closed = threading.Event()
        self._ends = threading.Event()
        self.opened = open_set(entries)

    def start(self, searcher: ClusterSearcher) -> None:
        """Look at the map once a second, in a thread, until `stop`; it searches `opened` now."""
        threading.Thread(target=self._run, args=(searcher,), daemon=True).start()

    def stop(self) -> None:
        """Follow no more; shards that are open stay open."""
        self._ends.set()

    def let_go(self, opened: ShardSet) -> None:
        """Close shards that no search needs any more."""
        opened.close()
        self._has_closed.set()

    def look(self, searcher: ClusterSearcher) -> None:
        """Look at the map once, and at the shards that are being opened."""
        if self._has_closed.is_set():
            self._has_closed.clear()
            self._freed()
        self._look_at_map()
        if not (coming := self._coming):
            return
        coming.shards.bring_up()
        if _is_due(coming.shards, searcher):
            self._coming = None
            self._folders, self.opened = coming.folders, coming.shards
            searcher.switch(self.opened.shards, partial(self.let_go, self.opened))
            log.info("searches are in the shards that the map names since it was changed")

    def _run(self, searcher: ClusterSearcher) -> None:
        while not self._ends.wait(SECONDS_BETWEEN_LOOKS):
            self.look(searcher)
        self._forget_coming()

    def _look_at_map(self) -> None:
        """Begin to open the shards of a changed map; one that cannot be read changes nothing."""
        try:
            status = (self._folder / FILE).stat()
            mark = status.st_ino, status.st_mtime_ns, status.st_size
            if mark == self._mark:
                return
            self._begin_to_open(self._read(self._folder))
        except (ArchiveError, OSError) as exc:
            self._say(f"searches go on in the shards that are known: {exc}")
        else:
            self._said, self._mark = "", mark

    def _begin_to_open(self, entries: ClusterMap) -> None:
        folders = _folders_of(entries)
        if self._coming and self._coming.folders != folders:
            self._forget_coming()
        if folders != self._folders and not self._coming:
            self._coming = _Coming(folders, self._open_set(entries))

    def _forget_coming(self) -> None:
        if self._coming:
            self._coming.shards.close()
            self._coming = None

    def _say(self, problem: str) -> None:
        """Log a problem, but not once more while it stays."""
        if problem != self._said:
            log.warning("%s", problem)
        self._said = problem


def _folders_of(entries: ClusterMap) -> Sequence[str]:
    return [each.folder for each in entries.shards]


def _is_due(coming: ShardSet, searcher: ClusterSearcher) -> bool:
    """Whether searches are to go over to these shards."""
    n_open, n_shards = coming.n_open, len(coming.shards)
    return n_open == n_shards or n_open / n_shards > searcher.share_answering()
