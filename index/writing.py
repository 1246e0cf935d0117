"""Opens an archive for the one process that may write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.workers import Workers
from backfile.index.indexing.calibration import calibrate
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Progress
from backfile.index.seams.engines import Engines
from backfile.index.wiring import WORDS, new_manifest, open_engines, searcher_over, tokenizer_of

MOST_WORKERS = 4  # one process reads and writes the catalogue, and can feed no more
LEAST_PRIORITY = 19  # as of `nice`


@dataclass(frozen=True, slots=True)
class Writing:
    """An archive that only this process may write to, until the context ends."""

    engines: Engines
    indexer: Indexer
    workers: Workers


@contextmanager
def open_for_writing(
    settings: Settings,
    progress: Progress,
    *,
    create: bool = False,
    rebuilding: bool = False,
) -> Iterator[Writing]:
    """Open an archive for writing; raise ArchiveBusy. `create` makes one if there is none."""
    directory = ArchiveDirectory(settings.archive)
    if create:
        directory.create()
    else:
        directory.require()
    several = settings.worker_threads > 1
    with (
        directory.writing(),
        Workers(min(settings.worker_threads, MOST_WORKERS) if several else 0) as workers,
        Workers(1 if several else 0, niceness=LEAST_PRIORITY) as aside,
    ):
        if not directory.exists():
            new_manifest(settings).write(directory.manifest)
        engines = open_engines(settings, rebuilding=rebuilding, workers=workers)
        try:
            indexer = Indexer(
                engines, tokenizer_of(settings), progress, workers=workers, aside=aside
            )
            yield Writing(engines, indexer, workers)
            engines.table.bring_up(engines.catalog)
            calibrate(engines, searcher_over(engines, settings))
        finally:
            engines.catalog.close()


def rebuild_words(settings: Settings, indexer: Indexer) -> None:
    """Make the lexical index anew, with the present analyser, and note this in the manifest."""
    indexer.lexical.rebuild()
    path = ArchiveDirectory(settings.archive).manifest
    replace(Manifest.read(path), analyser=WORDS).write(path)
