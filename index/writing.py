"""Opens an archive for writing, by one process at a time; puts a lost record aside before."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from backfile.archive.model.errors import EngineUnavailable, RecordLost, shortage_of
from backfile.archive.model.settings import Settings
from backfile.archive.passages import SPLITTER
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.database import bring_up
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import mark_record, require_record
from backfile.archive.store.salvage import problem_in, renew_catalog
from backfile.archive.store.sharding import begin_writing, is_untouched
from backfile.archive.store.trust import require_trusted
from backfile.archive.workers import Workers
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Progress
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import Embedder
from backfile.index.wiring import (
    WORDS,
    clear_caches,
    last_cached_row,
    new_archive,
    open_engines,
    searcher_over,
    tokenizer_of,
)

MOST_WORKERS = 4  # the one process that writes the catalogue cannot feed more
LEAST_PRIORITY = 19  # a value of `nice`


@dataclass(frozen=True, slots=True)
class Writing:
    """An archive that is locked for writing by this process."""

    engines: Engines
    indexer: Indexer
    workers: Workers
    earlier: Path | None = None  # where a catalogue lies that was replaced at opening


@contextmanager
def open_for_writing(
    settings: Settings,
    progress: Progress,
    *,
    create: bool = False,
    rebuilding: bool = False,
    prepare: Callable[[ArchiveDirectory], Path | None] | None = None,
    embedder: Embedder | None = None,
    aside: Workers | None = None,
    elsewhere: Workers | None = None,
) -> Iterator[Writing]:
    """Open an archive for writing; `create` makes a new one if it does not exist.

    `prepare` may put another catalogue in the place of a damaged one before it is opened, and says
    where that lies now; then the caller recovers what the record lacks. `embedder` is one that was
    opened before, with an equal manifest; `aside` is a process that embeds and is not closed,
    `elsewhere` are processes that cut articles in the place of its own. At the end of the context,
    the article table is written and the archive is calibrated. Raises
    ArchiveBusy if another process has it open for writing, and ArchiveUntrusted if another user can
    write to it.
    """
    directory = ArchiveDirectory(settings.archive)
    if create:
        directory.create()
    else:
        directory.require()
    require_trusted(directory.root, trust=settings.trust)
    several = settings.worker_threads > 1
    with (
        _naming_a_shortage(),
        directory.writing(),
        Workers(min(settings.worker_threads, MOST_WORKERS) if several else 0) as workers,
        nullcontext(aside)
        if aside
        else Workers(1 if several else 0, niceness=LEAST_PRIORITY) as embedding,
    ):
        if not directory.exists():
            new_archive(settings, directory)
        earlier = None
        if prepare:
            with suppress(EngineUnavailable):  # it is damaged, and `prepare` sees to that
                bring_up(directory.catalog)
                with closing(Catalog(directory.catalog)) as catalog:
                    catalog.touched.note_writer()
            earlier = prepare(directory)
        bring_up(directory.catalog)
        engines = open_engines(
            settings,
            rebuilding=rebuilding,
            recovering=bool(prepare),
            workers=workers,
            embedder=embedder,
        )
        try:
            require_record(Manifest.read(directory.manifest), engines.catalog, counted=True)
            if not prepare:
                engines.catalog.touched.note_writer()
            indexer = Indexer(
                engines,
                tokenizer_of(settings),
                progress,
                workers=workers,
                aside=embedding,
                elsewhere=elsewhere,
                furniture=settings.furniture,
            )
            if not rebuilding and Manifest.read(directory.manifest).analyser != WORDS:
                rebuild_words(settings, indexer)
            yield Writing(engines, indexer, workers, earlier)
            engines.table.bring_up(engines.catalog)
            _calibrate(engines, settings, has_embedded=indexer.has_embedded)
            _note_splitter(directory, engines.catalog)
            if indexer.has_embedded:
                _note_engine(directory, engines.embedder)
            mark_record(directory, engines.catalog)
        finally:
            engines.catalog.close()


def _calibrate(engines: Engines, settings: Settings, *, has_embedded: bool) -> None:
    if engines.noise.is_of_almost(engines.catalog):
        return
    counts = engines.catalog.counts()
    if not engines.noise.is_of(counts):
        from backfile.index.indexing.calibration import calibrate  # with all of a search: 0.1 s

        calibrate(engines, searcher_over(engines, settings), has_embedded=has_embedded)
    if engines.noise.is_of(counts):
        engines.noise.note(engines.catalog)


def _note_splitter(directory: ArchiveDirectory, catalog: Catalog) -> None:
    """Set the splitter in the manifest once all articles of an earlier release are cut again."""
    manifest = Manifest.read(directory.manifest)
    if manifest.splitter != SPLITTER and not catalog.recurring.count_uncut():
        replace(manifest, splitter=SPLITTER).write(directory.manifest)


def _note_engine(directory: ArchiveDirectory, embedder: Embedder) -> None:
    """Set in the manifest what has embedded the passages of this run."""
    manifest = Manifest.read(directory.manifest)
    noted = replace(manifest, engine=embedder.engine, precision=embedder.precision)
    if noted != manifest:
        noted.write(directory.manifest)


@contextmanager
def _naming_a_shortage() -> Iterator[None]:
    """Raise a Shortage in place of the errors that mean the same."""
    try:
        yield
    except (OSError, MemoryError, ImportError) as exc:
        if shortage := shortage_of(exc):
            raise shortage from exc
        raise


def rebuild_words(settings: Settings, indexer: Indexer) -> None:
    """Rebuild the lexical index with the current analyser, and set it in the manifest."""
    indexer.lexical.rebuild()
    path = ArchiveDirectory(settings.archive).manifest
    replace(Manifest.read(path), analyser=WORDS).write(path)


def salvage_record(directory: ArchiveDirectory) -> Path | None:
    """Copy what can be read of a catalogue that SQLite finds damaged.

    Returns the folder of the damaged one, None where it is sound and was left alone. A shard that
    no other command has changed is noted to be written to: what a repair changes is no news to be
    kept.
    """
    if not directory.catalog.exists():
        return None
    earlier, may_be_changed = None, is_untouched(directory)
    if problem_in(directory.catalog):
        earlier = renew_catalog(directory, copy=True, last_row=last_cached_row(directory))
    if may_be_changed:
        begin_writing(directory)
    return earlier


def refill_record(directory: ArchiveDirectory) -> Path | None:
    """Make a new catalogue, without caches, where the record is lost.

    Returns the folder of the lost one; None if there was none, or if it is the archive's record and
    was left alone.
    """
    try:
        with closing(Catalog(directory.catalog)) as catalog:
            require_record(Manifest.read(directory.manifest), catalog, counted=True)
            return None
    except RecordLost:
        earlier = renew_catalog(directory, copy=False)
        clear_caches(directory)
        with closing(Catalog(directory.catalog)) as catalog:
            mark_record(directory, catalog)
        return earlier
