"""The machines that hold shards, asked at once; those that fail are left out."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from backfile.archive.model.cluster_errors import HolderLost
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.writing.holding import Holder, LocalHolder


class OtherHolder(Holder, Protocol):
    """A machine that is not this one."""

    def close(self) -> None:
        """End what is being done there."""
        ...


def raised(exc: HolderLost) -> None:
    """Raise what happened to a machine."""
    raise exc


class Machines:
    """This machine and others. Those that are `free` may get shards, once they have begun."""

    def __init__(
        self,
        here: LocalHolder,
        elsewhere: Sequence[OtherHolder],
        lost: Callable[[HolderLost], None],
    ) -> None:
        """`lost` is called for each machine that fails; it takes no part from then on."""
        self.have_failed = False
        self.here = here
        self.free: Sequence[Holder] = []
        self._others = list(elsewhere)
        self.lost = lost

    @property
    def all(self) -> Sequence[Holder]:
        return [self.here, *self._others]

    def each(self, work: Callable[[Holder], None]) -> None:
        """Do something for all machines at once, for this one in this thread."""
        others = list(self._others)
        with ThreadPoolExecutor(len(others) or 1) as pool:
            doing = [(pool.submit(work, each), each) for each in others]
            try:
                work(self.here)
            except BaseException:
                for each in others:
                    each.close()
                raise
            for future, each in doing:
                try:
                    future.result()
                except HolderLost as exc:
                    self._others.remove(each)
                    self.have_failed = True
                    self.lost(exc)

    def begin(self, cluster: ClusterMap) -> None:
        """Have all take over the map; find which are free."""
        free: set[Holder] = set()

        def begin(holder: Holder) -> None:
            if holder.begin(cluster):
                free.add(holder)

        self.each(begin)
        self.free = [each for each in self.all if each in free]

    def finish(self, cluster: ClusterMap, left: Sequence[str]) -> None:
        """Write the map, here first: the others take it over when they begin."""
        self.here.finish(cluster, left)

        def finish(holder: Holder) -> None:
            if holder is not self.here:
                holder.finish(cluster, left)

        self.each(finish)
