"""Checks the shards of a cluster on all machines that hold them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from backfile.archive.model.cluster_errors import HolderLost
from backfile.archive.model.settings import Settings
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.writing.following import few_copies
from backfile.index.cluster.writing.holding import HERE, Holder, LocalHolder
from backfile.index.cluster.writing.machines import OtherHolder
from backfile.index.indexing.stages import silent


class CopyProblem(NamedTuple):
    """What is wrong with a shard, or with the copy of it on a machine."""

    name: str
    folder: str
    place: str
    message: str

    def __str__(self) -> str:
        """For people; of this machine without its name."""
        where = "" if self.place == HERE else f" on {self.place}"
        return f"{self.name}{where}: {self.message}"


def problems_of(
    settings: Settings, folder: Path, elsewhere: Sequence[OtherHolder] | None
) -> Sequence[CopyProblem]:
    """What is wrong with the shards in a folder, and with those that others have `elsewhere`.

    With None, no others were looked for, and what is to lie on several machines may be there.
    """
    cluster = ClusterMap.read(folder)
    here = LocalHolder(settings, folder, silent)
    holders: list[Holder] = [here, *(elsewhere or ())]
    found: list[CopyProblem] = []
    there: Counter[str] = Counter()
    for holder in holders:
        try:
            found += _problems(cluster, holder, there)
        except HolderLost as exc:
            found.append(CopyProblem("the shards", "", exc.place, exc.reason))
    for entry in cluster.shards:
        n = there[entry.folder]
        if not cluster.copies:
            lacking = [] if n else here.problems(entry.folder)
            found += (CopyProblem(entry.name, entry.folder, HERE, why) for why in lacking)
        elif elsewhere is not None and n < cluster.copies:
            why = few_copies(n, cluster.copies)
            found.append(CopyProblem(entry.name, "", HERE, why))
    return found


def _problems(cluster: ClusterMap, holder: Holder, there: Counter[str]) -> Iterator[CopyProblem]:
    """What is wrong with the copies of one machine; count those that are `there`."""
    folders = [each.folder for each in cluster.shards]
    for entry, held in zip(cluster.shards, holder.held(folders), strict=True):
        if held:
            there[entry.folder] += 1
            for message in holder.problems(entry.folder):
                yield CopyProblem(entry.name, entry.folder, holder.place, message)
