"""Opens the shards of a divided archive in this process: each when it can be, with one model."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.cluster.cluster_map import ClusterMap
from backfile.index.cluster.shards import LocalShard
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import open_engines, searcher_over

log = logging.getLogger(__name__)
SECONDS_BETWEEN_TRIES = 5.0  # to open a shard that could not be opened


class SharedModel:
    """The model of the first shard that was opened, for all that were made with the same one."""

    def __init__(self) -> None:
        self._made_with: Manifest | None = None
        self._embedder: Embedder | None = None

    def of(self, manifest: Manifest) -> Embedder | None:
        """The model that is open, if this manifest differs in nothing that it depends on."""
        same = self._made_with == _without_numbers(manifest)
        return self._embedder if same else None

    def keep(self, manifest: Manifest, embedder: Embedder) -> None:
        """Keep the model of the first shard."""
        if self._embedder is None:
            self._made_with, self._embedder = _without_numbers(manifest), embedder


class OpenedShard:
    """A shard that this process opens, and tries to open again while it cannot be opened."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        model: SharedModel,
        *,
        serving: bool = False,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._settings = settings
        self._model = model
        self._serving = serving
        self._seconds = seconds
        self._lock = threading.Lock()
        self._tried: float | None = None
        self._said = ""
        self._engines: Engines | None = None
        self._shard: LocalShard | None = None

    @property
    def articles(self) -> int:
        """The number of its articles; of one that is not open, as its manifest has it."""
        if self._shard:
            return self._shard.articles
        try:
            return Manifest.read(ArchiveDirectory(self._settings.archive).manifest).articles
        except (ArchiveError, OSError):
            return 0

    @property
    def replicas(self) -> Sequence[Self]:
        return (self,)

    def open(self) -> None:
        """Open it, unless it is; raise as `open_engines` does."""
        with self._lock:
            if self._shard is None:
                self._open()

    def connect(self) -> Connection | None:
        with self._lock:
            now = self._seconds()
            late = self._tried is None or now - self._tried > SECONDS_BETWEEN_TRIES
            if self._shard is None and late:
                self._tried = now
                try:
                    self._open()
                except (ArchiveError, OSError) as exc:
                    self._say(f"the shard {self.name} cannot be opened: {exc}")
            return self._shard.connect() if self._shard else None

    def warm(self) -> None:
        """Load its vectors now, so that the first search does not wait for them."""
        if self._engines:
            self._engines.neighbours.warm()

    def close(self) -> None:
        """Close its record; no search is at work."""
        if self._engines:
            self._engines.catalog.close()

    def _say(self, problem: str) -> None:
        """Log a problem, but not once more while it stays."""
        if problem != self._said:
            log.warning("%s", problem)
        self._said = problem

    def _open(self) -> None:
        directory = ArchiveDirectory(self._settings.archive)
        directory.require()
        manifest = Manifest.read(directory.manifest)
        engines = open_engines(self._settings, embedder=self._model.of(manifest))
        self._model.keep(manifest, engines.embedder)
        searcher = searcher_over(engines, self._settings, serving=self._serving)
        self._said = ""
        self._engines, self._shard = engines, LocalShard(self.name, searcher)


def shards_here(
    entries: ClusterMap, folder: Path, settings: Settings, *, serving: bool = False
) -> Sequence[OpenedShard]:
    """The shards of a map, to be opened in this process; `serving`: as a server opens them."""
    model = SharedModel()
    return [
        OpenedShard(entry.name, replace(settings, archive=archive), model, serving=serving)
        for entry, archive in zip(entries.shards, entries.folders(folder), strict=True)
    ]


def _without_numbers(manifest: Manifest) -> Manifest:
    return replace(manifest, archive=0, generation=0, articles=0)
