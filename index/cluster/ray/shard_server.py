"""One replica of a shard, in a process of Ray's: it opens the shard, and takes connections."""

import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.cluster.map.shard_folders import shard_settings
from backfile.index.cluster.ray.actors import Address
from backfile.index.cluster.search.exchange import take_part
from backfile.index.cluster.search.greeting import ShardListener, TimedConnection
from backfile.index.model.query import Query
from backfile.index.search.readiness import Status
from backfile.index.search.searcher import Searcher
from backfile.index.wiring import open_engines, searcher_over

KEY_BYTES = 32


class ShardServer:
    """One replica of a shard, open in a process of Ray's, soon after it has started.

    One that cannot be opened says so when it is asked for its address, and is tried again then.
    """

    def __init__(self, settings: Settings) -> None:
        import ray

        self._settings = settings
        self._lock = threading.Lock()
        self._searcher: Searcher | None = None
        self._coordinators: set[TimedConnection] = set()
        self._key = secrets.token_bytes(KEY_BYTES)
        self._host = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
        self._port = 0
        threading.Thread(target=self._open_early, daemon=True).start()

    def address(self) -> Address:
        """Where it is; raise an ArchiveError if it cannot be opened."""
        articles = self._open().table().n_articles
        return Address(self._host, self._port, self._key, articles, os.getpid())

    def node(self) -> str:
        """The id of its node, be it open or not."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def failures(self) -> Sequence[str]:
        """What is wrong with it; nothing if it can be searched."""
        tested = self._open().readiness(ArchiveDirectory(self._settings.archive))
        failed = [each for each in tested.parts if each.status is Status.FAILED]
        return [f"{each.name}: {each.detail}" for each in failed]

    def quiet(self) -> float | None:
        """Seconds since the last message of a coordinator; None if none is connected."""
        return min((each.quiet for each in self._coordinators.copy()), default=None)

    def _open_early(self) -> None:
        with suppress(ArchiveError, OSError):
            self._open()

    def _open(self) -> Searcher:
        """Open it, unless it is, and let coordinators connect."""
        with self._lock:
            if self._searcher is None:
                searcher = _opened(self._settings)
                take = partial(self._take_part, searcher=searcher)
                self._port = ShardListener(self._host, self._key, take).port
                self._searcher = searcher
            return self._searcher

    def _take_part(self, connection: TimedConnection, searcher: Searcher) -> None:
        self._coordinators.add(connection)
        try:
            take_part(connection, searcher)
        finally:
            self._coordinators.discard(connection)


def _opened(settings: Settings) -> Searcher:
    """Open a shard as a server does: the first search need not wait for the model."""
    settings = shard_settings(settings, settings.archive)
    engines = open_engines(settings)
    searcher = searcher_over(engines, settings, serving=True)
    engines.neighbours.warm()
    with suppress(ArchiveError):  # searches say so
        searcher.search(Query("news"))
    return searcher
