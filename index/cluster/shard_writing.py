"""Writes one shard: its articles as the archive has them, and the indexes over them."""

import shutil
from contextlib import closing
from dataclasses import replace

from backfile.archive.model.errors import ArchiveMismatch
from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.database import bring_up
from backfile.archive.store.directory import ArchiveDirectory, write_whole
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import mark_record
from backfile.archive.store.sharding import copy_shard, note_written
from backfile.archive.workers import Workers
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.wiring import WORDS, open_engines, tokenizer_of
from backfile.index.writing import rebuild_words

MOST_WORKERS = 4
FILES = ("noise", "ranking")
FOLDERS = ("query_graph", "int8_graph")


def write_shard(
    settings: Settings,
    shard: ArchiveDirectory,
    numbers: Rows,
    progress: Progress,
    *,
    rest: bool,
    changed: Rows | None = None,
) -> None:
    """Write the articles of these numbers, of the `changed` ones, from the archive in the settings.

    See `copy_shard`. The caller holds the writer's lock of the archive. A run that is killed can be
    run again. Raises ArchiveMismatch if the shard was embedded by another model.
    """
    source = ArchiveDirectory(settings.archive)
    shard.root.parent.mkdir(mode=0o700, exist_ok=True)
    shard.create()
    manifest = Manifest.read(source.manifest)
    with shard.writing(), Workers(_workers(settings)) as workers:
        if is_new := not shard.manifest.exists():
            analyser = WORDS
        else:
            earlier = Manifest.read(shard.manifest)
            analyser = earlier.analyser
            _require_model(earlier, manifest)
            bring_up(shard.catalog)
        copy_shard(source, shard, numbers, manifest.dimension, rest=rest, changed=changed)
        copy_calibration(source, shard)
        with closing(Catalog(shard.catalog)) as catalog:
            number = catalog.archive()
        own = replace(manifest, analyser=analyser, archive=number, generation=0, articles=0)
        own.write(shard.manifest)
        _index(replace(settings, archive=shard.root), progress, workers, is_new=is_new)
    note_written(shard)


def copy_calibration(source: ArchiveDirectory, shard: ArchiveDirectory) -> bool:
    """Give a shard what searches of the whole archive are scaled by; whether that has changed."""
    has_changed = False
    for name in FILES:
        path, copy = getattr(source, name), getattr(shard, name)
        if path.exists() and not (copy.exists() and copy.read_bytes() == path.read_bytes()):
            write_whole(copy, path.read_bytes())
            has_changed = True
    for name in FOLDERS:
        if (path := getattr(source, name)).is_dir():
            shutil.copytree(path, getattr(shard, name), dirs_exist_ok=True)
    return has_changed


def _index(settings: Settings, progress: Progress, workers: Workers, *, is_new: bool) -> None:
    """Bring all indexes of a shard up to its catalogue."""
    directory = ArchiveDirectory(settings.archive)
    engines = open_engines(settings, workers=workers)
    with closing(engines.catalog):
        indexer = Indexer(engines, tokenizer_of(settings), progress, workers=workers)
        if not is_new:
            indexer.tidy()
            if Manifest.read(directory.manifest).analyser != WORDS:
                rebuild_words(settings, indexer)
        indexer.lexical.bring_up()
        indexer.lexical.finish()
        indexer.lexical.settle()
        indexer.seal()
        engines.catalog.finish()
        engines.table.bring_up(engines.catalog)
        mark_record(directory, engines.catalog)


def _require_model(shard: Manifest, archive: Manifest) -> None:
    if not shard.has_model_of(archive):
        remedy = "divide the archive into a new folder with `backfile cluster import`"
        raise ArchiveMismatch(f"the model {shard.model}", f"the model {archive.model}", remedy)


def _workers(settings: Settings) -> int:
    return min(settings.worker_threads, MOST_WORKERS) if settings.worker_threads > 1 else 0
