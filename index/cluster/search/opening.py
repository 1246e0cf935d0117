"""Opens the shards of a divided archive in this process: each when it can be, with one model."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from backfile.archive.model.errors import ArchiveError
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.map.shard_folders import shard_settings
from backfile.index.cluster.search.shards import LocalShard
from backfile.index.model.query import Query
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.search.searcher import Searcher
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
        self._is_closed = False
        self._said = ""
        self._engines: Engines | None = None
        self._searcher: Searcher | None = None
        self._shard: LocalShard | None = None

    @property
    def articles(self) -> int:
        """The number of its articles; of one that is not open, as its manifest has it."""
        if shard := self._shard:
            return shard.articles
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

    @property
    def is_open(self) -> bool:
        return self._shard is not None

    def connect(self) -> Connection | None:
        self.try_to_open()
        shard = self._shard
        return shard.connect() if shard else None

    def try_to_open(self) -> None:
        """Open it, unless it is, or could not be opened a moment ago; log why it cannot be."""
        with self._lock:
            now = self._seconds()
            late = self._tried is None or now - self._tried > SECONDS_BETWEEN_TRIES
            if self._shard is None and late and not self._is_closed:
                self._tried = now
                try:
                    self._open()
                except (ArchiveError, OSError) as exc:
                    self._say(f"the shard {self.name} cannot be opened: {exc}")

    def warm(self) -> None:
        """Load the model and its vectors now, so that the first search does not wait for them."""
        engines, searcher = self._engines, self._searcher
        if engines and searcher:
            engines.neighbours.warm()
            with suppress(ArchiveError):  # searches say so
                searcher.search(Query("news"))

    def close(self) -> None:
        """Close it for good; no search is at work."""
        with self._lock:
            self._is_closed = True
            if self._engines:
                self._engines.catalog.close()
            self._engines = self._searcher = self._shard = None

    def _say(self, problem: str) -> None:
        """Log a problem, but not once more while it stays."""
        if problem != self._said:
            log.warning("%s", problem)
        self._said = problem

    def _open(self) -> None:
        settings = shard_settings(self._settings, self._settings.archive)
        manifest = Manifest.read(ArchiveDirectory(settings.archive).manifest)
        engines = open_engines(settings, embedder=self._model.of(manifest))
        self._model.keep(manifest, engines.embedder)
        self._searcher = searcher_over(engines, settings, serving=self._serving)
        self._said = ""
        self._engines, self._shard = engines, LocalShard(self.name, self._searcher)


def shards_here(
    entries: ClusterMap, folder: Path, settings: Settings, *, serving: bool = False
) -> Sequence[OpenedShard]:
    """The shards of a map, to be opened in this process; `serving`: as a server opens them."""
    model = SharedModel()
    return [
        OpenedShard(entry.name, replace(settings, archive=archive), model, serving=serving)
        for entry, archive in zip(entries.shards, entries.folders(folder), strict=True)
    ]


class ShardsHere:
    """The shards of a map that a server opens in its own process."""

    def __init__(self, entries: ClusterMap, folder: Path, settings: Settings) -> None:
        self.shards = shards_here(entries, folder, settings, serving=True)
        self._warm: set[OpenedShard] = set()

    @property
    def n_open(self) -> int:
        return sum(each.is_open for each in self.shards)

    def bring_up(self) -> None:
        """Open what is not open and can be; load what the first search would wait for."""
        for each in self.shards:
            each.try_to_open()
            if each.is_open and each not in self._warm:
                each.warm()
                self._warm.add(each)

    def close(self) -> None:
        """Close their records; no search is at work."""
        for each in self.shards:
            each.close()


def _without_numbers(manifest: Manifest) -> Manifest:
    return replace(manifest, archive=0, generation=0, articles=0)
