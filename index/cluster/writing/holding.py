"""What one machine holds of the shards of a cluster, and how it is brought up to their archive."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

from backfile.archive.model.cluster_errors import ShardTouched
from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import (
    NOWHERE,
    Upto,
    followed_upto,
    generation_of,
    generation_reached,
    note_followed,
    numbers_in,
)
from backfile.archive.store.trust import require_trusted
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.cluster.map.shard_folders import (
    BEGUN,
    delete_left,
    is_there,
    note_left,
    shard_settings,
)
from backfile.index.cluster.writing.shard_writing import (
    bring_up_calibration,
    calibration_of,
    write_shard,
)
from backfile.index.indexing.stages import Progress
from backfile.index.indexing.verify import verify
from backfile.index.model.arrays import Rows
from backfile.index.wiring import open_engines

HERE = "this machine"


class Held(NamedTuple):
    """A copy of a shard that a machine holds.

    `generation` is its own if it is as it was last written, 0 if that was interrupted; `reached` is
    its own in any case. It has followed its archive up to where `upto` says. `is_touched` means
    that another command has changed it since. `calibration` has the digest of each part of what
    searches are scaled by. A copy that cannot be read has no manifest, and `wrong` says why.
    """

    made_with: Manifest | None
    generation: int = 0
    reached: int = 0
    upto: Upto = NOWHERE
    is_touched: bool = False
    calibration: Mapping[str, str] = {}
    wrong: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether it says by which model it was made and in which generation."""
        return self.made_with is not None and self.reached > 0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written into a copy of a shard, see `write_shard`; `folder` is its name."""

    folder: str
    numbers: Rows
    rest: bool
    changed: Rows | None = None
    after: int = 0


class Holder(Protocol):
    """A machine that holds shards of a cluster, each in a folder of its own below one.

    Shards are known by the names of their folders. Raises HolderLost where the machine does not
    answer, or could not do what was asked.
    """

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def begin(self, cluster: ClusterMap) -> bool:
        """Take over the map that holds, and delete what earlier commands have left.

        A machine without shards is left as it is. Returns whether it may get some: not where
        something else lies in the folder. Raises HolderLost if other shards are there.
        """
        ...

    def held(self, folders: Sequence[str]) -> Sequence[Held | None]:
        """What it has of each shard; None if that is nothing."""
        ...

    def numbers_in(self, folder: str, changed: Rows | None) -> Rows:
        """The numbers of the articles of a shard, of the `changed` ones, which may be all."""
        ...

    def problems(self, folder: str) -> Sequence[str]:
        """What is wrong with a shard, for people."""
        ...

    def prepare(self, folders: Sequence[str]) -> None:
        """Delete what is there of shards that are to be made."""
        ...

    def write(self, order: Order) -> int:
        """Write articles of the archive into a shard; return its generation."""
        ...

    def calibrate(self, folder: str) -> int | None:
        """Give a shard the calibration of the archive if it has another; its generation then."""
        ...

    def settle(self, folder: str, left: int, generation: int, upto: Upto) -> None:
        """Note up to where a shard has followed, see `note_followed`."""
        ...

    def finish(self, cluster: ClusterMap, left: Sequence[str]) -> None:
        """Write the map; note that it has `left` these shards."""
        ...


class LocalHolder:
    """This machine: shards are written from the archive in the settings, below `folder`."""

    place = HERE

    def __init__(self, settings: Settings, folder: Path, progress: Progress) -> None:
        self._settings = settings
        self._folder = folder
        self._progress = progress
        self._archive = ArchiveDirectory(settings.archive)

    def begin(self, cluster: ClusterMap) -> bool:
        delete_left(cluster, self._folder)
        return True

    def held(self, folders: Sequence[str]) -> Sequence[Held | None]:
        """See `Holder`; raise ArchiveUntrusted if other users can write to one."""
        return [self._held(self._shard(each)) for each in folders]

    def _held(self, shard: ArchiveDirectory) -> Held | None:
        if not is_there(shard):
            return None
        require_trusted(shard.root, trust=self._settings.trust)
        reached = generation_reached(shard)
        try:
            made_with = Manifest.read(shard.manifest)
            generation, upto = generation_of(shard), followed_upto(shard)
        except ShardTouched:
            return Held(made_with, 0, reached, is_touched=True, calibration=calibration_of(shard))
        except EngineUnavailable as exc:
            return Held(None, 0, reached, wrong=str(exc))
        return Held(made_with, generation, reached, upto, calibration=calibration_of(shard))

    def numbers_in(self, folder: str, changed: Rows | None) -> Rows:
        return numbers_in(self._shard(folder), changed)

    def problems(self, folder: str) -> Sequence[str]:
        try:
            settings = shard_settings(self._settings, self._shard(folder).root)
            return [str(each) for each in verify(open_engines(settings))]
        except ArchiveError as exc:
            return [str(exc)]

    def prepare(self, folders: Sequence[str]) -> None:
        for each in folders:
            shutil.rmtree(self._shard(each).root, ignore_errors=True)

    def write(self, order: Order) -> int:
        return write_shard(
            self._settings, self._shard(order.folder), order.numbers, self._progress,
            rest=order.rest, changed=order.changed, after=order.after,
        )  # fmt: skip

    def calibrate(self, folder: str) -> int | None:
        return bring_up_calibration(self._archive, self._shard(folder))

    def settle(self, folder: str, left: int, generation: int, upto: Upto) -> None:
        shard = self._shard(folder)
        with shard.writing():
            note_followed(shard, left, generation, upto)

    def finish(self, cluster: ClusterMap, left: Sequence[str]) -> None:
        cluster.write(self._folder)
        (self._folder / BEGUN).unlink(missing_ok=True)
        note_left(self._shard(each).root for each in left)

    def written_from(self, archive: Path) -> "LocalHolder":
        """The same machine, whose shards are written from another archive."""
        return LocalHolder(replace(self._settings, archive=archive), self._folder, self._progress)

    def _shard(self, folder: str) -> ArchiveDirectory:
        return ArchiveDirectory(self._folder / SHARDS / folder)
