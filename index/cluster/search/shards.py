"""One shard as a coordinator sees it: its name, how much it holds, and where it is open."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Protocol, Self

from backfile.archive.model.errors import ArchiveError
from backfile.index.cluster.search.exchange import take_part
from backfile.index.search.searcher import Searcher


class Replica(Protocol):
    """A process that has a shard open."""

    def connect(self) -> Connection | None:
        """A connection over which it takes part in searches; None if it is not there now."""
        ...


class Shard(Protocol):
    """One shard, wherever it is open."""

    @property
    def name(self) -> str: ...

    @property
    def articles(self) -> int:
        """The number of its articles, as it was last known."""
        ...

    @property
    def replicas(self) -> Sequence[Replica]:
        """Where it is open, or should be; each is one object as long as it is there."""
        ...


class LocalShard:
    """A shard that this process has open; a thread takes part for each connection."""

    def __init__(self, name: str, searcher: Searcher) -> None:
        self.name = name
        self._searcher = searcher
        self._articles = 0

    @property
    def articles(self) -> int:
        with suppress(ArchiveError):  # it is out
            self._articles = self._searcher.table().n_articles
        return self._articles

    @property
    def replicas(self) -> Sequence[Self]:
        return (self,)

    def connect(self) -> Connection | None:
        own, other = Pipe()
        take = threading.Thread(target=take_part, args=(other, self._searcher), daemon=True)
        take.start()
        return own
