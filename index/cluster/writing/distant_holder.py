"""Another machine that holds shards: what is asked of it, and the process there that does it."""

import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.cluster_errors import FolderTaken
from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import PARCELS, ArchiveDirectory
from backfile.archive.store.sharding import Upto
from backfile.archive.store.trust import require_trusted
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.map.shard_folders import BEGUN, require_free
from backfile.index.cluster.writing.holding import Held, LocalHolder, Order
from backfile.index.cluster.writing.parcels import (
    Piece,
    delete_parcels,
    originals_of,
    parcel_of,
    pieces_of,
    put,
)
from backfile.index.cluster.writing.shard_writing import calibration_of, differing
from backfile.index.cluster.writing.shared_folders import MarkedFolder
from backfile.index.indexing.stages import silent
from backfile.index.model.arrays import Rows

PIECES_ON_THEIR_WAY = 4
NOTHING: Rows = np.empty(0, np.int64)
Answer = Callable[[], Any]
"""Waits for the answer of another machine; raises HolderLost."""


class HolderServer:
    """A machine that holds shards, in a process of Ray's there."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._own = LocalHolder(settings, folder, silent)
        self._parcel = folder / PARCELS / secrets.token_hex(8)
        self._locked = ExitStack()
        self._has_joined = False

    def mark(self, name: str) -> None:
        MarkedFolder(self._folder).mark(name)

    def marks(self) -> Sequence[str]:
        return MarkedFolder(self._folder).marks()

    def unmark(self, name: str) -> None:
        MarkedFolder(self._folder).unmark(name)

    def begin(self, cluster: ClusterMap) -> bool:
        """Hold the lock of a folder with shards from now on, see `Holder.begin`."""
        if not ClusterMap.is_in(self._folder):
            return self._may_join()
        require_trusted(self._folder, trust=self._settings.trust)
        earlier = ClusterMap.read(self._folder)
        if (earlier.archive, earlier.division) != (cluster.archive, cluster.division):
            raise FolderTaken(self._folder)
        self._take()
        left = {each.folder for each in earlier.shards} - {x.folder for x in cluster.shards}
        self._own.finish(cluster, sorted(left))
        return self._own.begin(cluster)

    def _may_join(self) -> bool:
        """Whether nothing but what a killed run has left lies in the folder."""
        with suppress(ArchiveError, OSError):
            require_trusted(self._folder, trust=self._settings.trust)
            require_free(self._folder, self._settings.archive)
            return True
        return False

    def _take(self) -> None:
        """Lock the folder until this process ends, and delete what an earlier one has left."""
        self._locked.enter_context(ArchiveDirectory(self._folder).locked())
        self._has_joined = True
        MarkedFolder(self._folder).clean()
        delete_parcels(self._folder)

    def prepare(self, folders: Sequence[str]) -> None:
        """Make ready for new shards, also where there was none; see `Holder.prepare`."""
        if not self._has_joined:
            require_free(self._folder, self._settings.archive)
            ArchiveDirectory(self._folder).create()
            self._take()
            (self._folder / BEGUN).touch(mode=0o600)
            shutil.rmtree(self._folder / SHARDS, ignore_errors=True)
        self._own.prepare(folders)

    def held(self, folders: Sequence[str]) -> Sequence[Held | None]:
        is_in = ClusterMap.is_in(self._folder)
        return self._own.held(folders) if is_in else [None] * len(folders)

    def numbers_in(self, folder: str, changed: Rows | None) -> Rows:
        return self._own.numbers_in(folder, changed)

    def problems(self, folder: str) -> Sequence[str]:
        return self._own.problems(folder)

    def lacking(self, folder: str, originals: Sequence[str]) -> Sequence[str]:
        """Which of these originals, by their paths in an archive, a shard does not have."""
        shard = self._folder / SHARDS / folder
        return [each for each in originals if not (shard / each).exists()]

    def put(self, piece: Piece) -> None:
        """Take a piece of a parcel; the next order is written from it."""
        put(piece, self._parcel)

    def write(self, order: Order) -> int:
        with self._arrived() as own:
            return own.write(order)

    def calibrate(self, folder: str) -> int | None:
        with self._arrived() as own:
            return own.calibrate(folder)

    @contextmanager
    def _arrived(self) -> Iterator[LocalHolder]:
        try:
            yield self._own.written_from(self._parcel)
        finally:
            delete_parcels(self._folder)

    def settle(self, folder: str, left: int, generation: int, upto: Upto) -> None:
        self._own.settle(folder, left, generation, upto)

    def finish(self, cluster: ClusterMap, left: Sequence[str]) -> None:
        if self._has_joined:
            self._own.finish(cluster, left)


class DistantHolder:
    """Another machine, whose shards are written from the archive in the settings; a `Holder`."""

    def __init__(
        self, settings: Settings, place: str, ask: Callable[..., Answer], close: Callable[[], None]
    ) -> None:
        """`ask` has a method of the `HolderServer` there called; `close` ends what it does."""
        self.place = place
        self.close = close
        self._settings = settings
        self._ask = ask
        self._calibrations: dict[str, Mapping[str, str]] = {}

    def mark(self, name: str) -> None:
        self._ask("mark", name)()

    def marks(self) -> Sequence[str]:
        found: Sequence[str] = self._ask("marks")()
        return found

    def unmark(self, name: str) -> None:
        self._ask("unmark", name)()

    def begin(self, cluster: ClusterMap) -> bool:
        return bool(self._ask("begin", cluster)())

    def held(self, folders: Sequence[str]) -> Sequence[Held | None]:
        found: Sequence[Held | None] = self._ask("held", folders)()
        pairs = zip(folders, found, strict=True)
        self._calibrations = {folder: each.calibration for folder, each in pairs if each}
        return found

    def numbers_in(self, folder: str, changed: Rows | None) -> Rows:
        found: Rows = self._ask("numbers_in", folder, changed)()
        return found

    def problems(self, folder: str) -> Sequence[str]:
        found: Sequence[str] = self._ask("problems", folder)()
        return found

    def prepare(self, folders: Sequence[str]) -> None:
        self._ask("prepare", folders)()

    def write(self, order: Order) -> int:
        self._send(order.folder, order.numbers, rest=order.rest)
        generation: int = self._ask("write", order)()
        self._calibrations[order.folder] = calibration_of(ArchiveDirectory(self._settings.archive))
        return generation

    def calibrate(self, folder: str) -> int | None:
        own = calibration_of(ArchiveDirectory(self._settings.archive))
        if not differing(own, self._calibrations.get(folder, {})):
            return None
        self._send(folder, NOTHING, rest=False)
        found: int | None = self._ask("calibrate", folder)()
        return found

    def settle(self, folder: str, left: int, generation: int, upto: Upto) -> None:
        self._ask("settle", folder, left, generation, upto)()

    def finish(self, cluster: ClusterMap, left: Sequence[str]) -> None:
        self._ask("finish", cluster, left)()

    def _send(self, folder: str, numbers: Rows, *, rest: bool) -> None:
        calibration = self._calibrations.get(folder, {})
        with parcel_of(self._settings, numbers, calibration, rest=rest) as parcel:
            originals = originals_of(parcel)
            lacking: Sequence[str] = self._ask("lacking", folder, originals)() if originals else ()
            on_their_way: deque[Answer] = deque()
            for piece in pieces_of(parcel, without=set(originals).difference(lacking)):
                on_their_way.append(self._ask("put", piece))
                if len(on_their_way) > PIECES_ON_THEIR_WAY:
                    on_their_way.popleft()()
            for arrived in on_their_way:
                arrived()
