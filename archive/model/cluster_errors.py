"""The errors of making and writing the shards of a divided archive.

ArchiveError
├── ClusterElsewhere    the shards lie on the machines of a Ray cluster
├── ClusterMissing      no divided archive at this path
├── ClusterRefused      no shards can be made at this path
├── FolderTaken         other shards lie where some are to be
├── HolderLost          a machine that holds shards has failed
├── ClusterUnrelated    shards that were made from another archive
├── ShardAway           no machine that answers has a shard
├── ShardTouched        a shard is lost, or another command has changed it
├── ShardUnknown        a divided archive has no shard of this name
└── ShardUnsplit        a shard cannot be divided in two
"""

from collections.abc import Sequence
from pathlib import Path

from backfile.archive.model.errors import ArchiveError


class ClusterMissing(ArchiveError):
    """The path holds no map of a divided archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"no divided archive at {path.absolute()}; `backfile cluster import` makes one of an "
            "archive, `backfile cluster init` a new one"
        )


class ClusterRefused(ArchiveError):
    """No shards can be made at this path."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"no shards can be made in {path}: {reason}; name a new folder")


class ClusterElsewhere(ArchiveError):
    """The shards lie on the machines of a Ray cluster, which was not named."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"the shards of {path} lie on the machines of a Ray cluster; name it with --address"
        )


class ShardAway(ArchiveError):
    """No machine that answers has a shard."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        super().__init__(
            f"no machine that answers has the shard {name}; start the machine that has it, or "
            f"`backfile cluster update {folder} --all` makes it anew"
        )


class FolderTaken(ArchiveError):
    """Shards of another archive, or of another division of it, lie where some are to be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"other shards lie in {path}, and are left as they are; move them away")


class HolderLost(ArchiveError):
    """A machine that holds shards does not answer, or could not do what was asked."""

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        self.reason = reason
        super().__init__(f"{place}: {reason}")


class ShardUnsplit(ArchiveError):
    """A shard cannot be divided in two."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"the shard {name} is not divided: {reason}")


class ShardTouched(ArchiveError):
    """A shard is lost, or was changed by a command that knows nothing of the other shards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        folder = path.parent.parent
        super().__init__(
            f"the shard {path} is lost, or another command has changed it; `backfile cluster "
            f"update {folder} --all` makes it equal to the archive again, without what was added"
        )


class ClusterUnrelated(ArchiveError):
    """A divided archive was not made from this archive, or not by a release that notes that."""

    def __init__(self, path: Path, archive: Path) -> None:
        self.path = path
        super().__init__(
            f"the shards in {path} were not made from the archive {archive}; name theirs with "
            "--archive, or divide this one into a new folder with `backfile cluster import`"
        )


class ShardUnknown(ArchiveError):
    """A divided archive has no shard of this name."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        self.name = name
        super().__init__(f"no shard is called {name!r}; there are: {', '.join(names)}")
