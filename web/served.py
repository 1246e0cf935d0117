"""Opens what a server serves: one archive, or a divided one."""

import gc
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.model.settings import Settings
from backfile.archive.store.collections import Collections
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.inbox import Inbox
from backfile.archive.store.reader import Reader
from backfile.archive.store.trust import require_trusted
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.ray.actors import join, leave
from backfile.index.cluster.ray.followed_shards import ShardWatch
from backfile.index.cluster.search.map_follower import MapFollower, ShardSet
from backfile.index.cluster.search.opening import ShardsHere
from backfile.index.cluster.search.reading import ClusterReader
from backfile.index.cluster.search.searching import SECONDS_A_ROUND, ClusterSearcher
from backfile.index.followed_archive import FollowedArchive, Opened
from backfile.index.model.query import Query
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.searcher import Recorder
from backfile.index.wiring import open_engines
from backfile.web.parts import note_missing

SECONDS_BETWEEN_LOOKS = 0.5  # at an archive that may have changed, while nobody searches
SECONDS_A_ROUND_HERE = 60.0  # of shards in this process, whose first search may load the model
NO_WRITES = Message(
    "a divided archive takes no articles over HTTP; index them into the archive that it was made "
    "from, and bring its shards up to that"
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves, open.

    `warm` loads what the first search would wait for; `close` is called after the last request.
    Without an `inbox`, nothing can be written over HTTP, and `no_writes` is what to do instead. The
    archive should lie in `directory`.
    """

    searcher: ArchiveSearcher
    reader: Reader
    warm: Callable[[], None]
    close: Callable[[], None]
    directory: ArchiveDirectory | None = None
    inbox: Inbox | None = None
    no_writes: Message | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be served: the archive in the settings, or the divided archive in `cluster`.

    The shards of the latter are opened in this process, unless there is the `address` of the Ray
    cluster in which they are open.
    """

    settings: Settings
    cluster: Path | None = None
    address: str | None = None

    def require(self) -> None:
        """Raise an ArchiveError if it cannot be opened; of a divided archive, any shard can be."""
        if self.cluster is None:
            open_engines(self.settings).catalog.close()
            return
        _first_map(self.cluster, self.settings, self.address)
        if self.address:
            join(self.address)
            leave()

    def open(self, recorder: Recorder) -> Served:
        """Open it; the recorder takes note of each search."""
        if self.cluster is None:
            return _open_archive(self.settings, recorder)
        return _open_cluster(self.settings, self.cluster, self.address, recorder)


def _open_archive(settings: Settings, recorder: Recorder) -> Served:
    directory = ArchiveDirectory(settings.archive)

    def warm(opened: Opened) -> None:
        _warm(opened.searcher, opened.engines, directory)

    archive = FollowedArchive(settings, recorder, warm)
    return Served(
        archive.searcher, archive.reader, archive.warm, archive.close, directory, archive.inbox
    )


def _open_cluster(
    settings: Settings, folder: Path, address: str | None, recorder: Recorder
) -> Served:
    entries = _first_map(folder, settings, address)
    collections = Collections(ArchiveDirectory(folder).collections)

    def open_set(named: ClusterMap) -> ShardSet:
        if address:
            return ShardWatch(named, folder, address)
        return ShardsHere(named, folder, settings)

    read = partial(_map_of, settings=settings)
    follower = MapFollower(entries, folder, open_set, read=read, freed=give_up_memory)
    first = follower.opened
    searcher = ClusterSearcher(
        first.shards,
        budget=settings.budget_ms / 1000,
        seconds_a_round=SECONDS_A_ROUND if address else SECONDS_A_ROUND_HERE,
        synonyms=Synonyms.read(Path(settings.synonyms)) if settings.synonyms else NO_SYNONYMS,
        collections=collections,
        recorder=recorder,
        noticed=note_missing,
        closed=partial(follower.let_go, first),
    )

    def warm() -> None:
        first.bring_up()
        _search(searcher)

    def close() -> None:
        follower.stop()
        searcher.close()

    follower.start(searcher)
    reader = ClusterReader(searcher, collections, entries.archive)
    return Served(searcher, reader, warm, close, no_writes=NO_WRITES)


def _first_map(folder: Path, settings: Settings, address: str | None) -> ClusterMap:
    """The map with which a server starts; raise ClusterElsewhere if it cannot open all shards."""
    entries = _map_of(folder, settings)
    if not address:
        entries.require_here(folder)
    return entries


def _map_of(folder: Path, settings: Settings) -> ClusterMap:
    require_trusted(folder, trust=settings.trust)
    return ClusterMap.read(folder)


def _warm(searcher: ArchiveSearcher, engines: Engines, directory: ArchiveDirectory) -> None:
    """Load the model and Chroma now, so that the first search does not wait for them."""
    engines.neighbours.warm()
    _search(searcher)
    mend_queries(engines.embedder, directory)


def _search(searcher: ArchiveSearcher) -> None:
    try:
        searcher.search(Query("news"))
    except ArchiveError as exc:
        log.error("%s", exc)


def follow_changes(searcher: ArchiveSearcher) -> None:
    """Open each change of the archive while nobody searches, so that the next search is in it."""
    while True:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        with suppress(ArchiveError):  # searches say so
            searcher.overview()


def keep_for_good() -> None:
    """Have what is in memory now not be looked through again: that takes 60 ms of all searches."""
    gc.collect()
    gc.freeze()


def give_up_memory() -> None:
    """Give up what is in use no more of what was to be kept for good."""
    if gc.get_freeze_count():
        gc.unfreeze()
        keep_for_good()


def mend_queries(embedder: Embedder, directory: ArchiveDirectory) -> None:
    """Make what embeds queries quickly again if it is damaged, and nobody else writes."""
    try:
        embedder.check_queries()
    except EngineUnavailable as damage:
        log.warning("%s", damage)
        try:
            with directory.writing():
                embedder.prepare_queries()
        except (ArchiveError, OSError) as exc:
            log.warning("%s", exc)
        else:
            log.warning("the query graph was made again")
