"""Divides an archive into shards by day: nothing is embedded again, and the archive stays as it is.

Each shard is an archive by itself, with the calibration of the whole.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import ClusterRefused
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory, write_whole
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import mark_record
from backfile.archive.store.sharding import copy_shard, require_current
from backfile.archive.workers import Workers
from backfile.index.cluster.cluster_map import DRAFT, SHARDS, ClusterMap
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.wiring import WORDS, open_engines, tokenizer_of

MOST_WORKERS = 4
BEGUN = "import.begun"  # in the folder of a cluster until its map is written
Made = Callable[[str, int], None]
"""Is called with the name of each shard that was made, and the number of its articles."""


def divide(
    settings: Settings, folder: Path, n_shards: int, progress: Progress, made: Made
) -> ClusterMap:
    """Divide the archive in the settings into shards below `folder`, which is new or empty.

    The map is written last: without it, what a killed run has left is made anew. Raises
    ClusterRefused if something else is in the folder, or the archive itself, and ArchiveMismatch if
    another release made the archive.
    """
    directory = ArchiveDirectory(settings.archive)
    directory.require()
    with directory.writing(), closing(open_engines(settings).catalog) as catalog:
        require_current(directory)
        _prepare(folder, settings.archive)
        table = ArticleTable.load(catalog, catalog.generation())
        sizes = np.bincount(table.article_of[table.alive], minlength=table.n_articles)
        cluster = ClusterMap.of_days(table.published, sizes, n_shards)
        places = cluster.place_of(table.published)
        for place, target in enumerate(cluster.folders(folder)):
            numbers = table.number[places == place]
            _make_shard(settings, ArchiveDirectory(target), numbers, progress, rest=not place)
            made(target.name, len(numbers))
    cluster.write(folder)
    (folder / BEGUN).unlink()
    return cluster


def split(
    settings: Settings, folder: Path, name: str, progress: Progress, made: Made
) -> ClusterMap:
    """Divide one shard of a cluster by day into two of about equal sizes, in its place.

    The map is replaced once both are whole, and the folder of the earlier shard is deleted after.
    Raises ShardUnknown, and ClusterRefused if its news are all of one day, or undated.
    """
    cluster = ClusterMap.read(folder)
    place = cluster.place_named(name)
    archive = cluster.folders(folder)[place]
    settings = replace(settings, archive=archive)
    with ArchiveDirectory(archive).writing(), closing(open_engines(settings).catalog) as catalog:
        table = ArticleTable.load(catalog, catalog.generation())
        sizes = np.bincount(table.article_of[table.alive], minlength=table.n_articles)
        halves = cluster.split(place, table.published, sizes)
        if halves is None:
            raise ClusterRefused(archive, "its news are of one day, or undated")
        places = halves.place_of(table.published)
        for half in (place, place + 1):
            target = ArchiveDirectory(halves.folders(folder)[half])
            shutil.rmtree(target.root, ignore_errors=True)  # of a killed run
            numbers = table.number[places == half]
            _make_shard(settings, target, numbers, progress, rest=half == place)
            made(target.root.name, len(numbers))
        halves.write(folder)
    shutil.rmtree(archive)
    return halves


def _prepare(folder: Path, archive: Path) -> None:
    """Make the folder of a cluster; what a killed run has left there is deleted.

    A file says that a run has begun there: shards without it and without a map may be all that is
    left of an archive.
    """
    others = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    left = {SHARDS, BEGUN, DRAFT} if BEGUN in others else set[str]()
    if (folder.exists() and not folder.is_dir()) or others - left:
        raise ClusterRefused(folder, "it is not empty")
    if archive.resolve().is_relative_to(folder.resolve()):
        raise ClusterRefused(folder, "the archive that is to be divided lies there")
    ArchiveDirectory(folder).create()
    try:
        (folder / BEGUN).touch(mode=0o600)
        if SHARDS in others:
            shutil.rmtree(folder / SHARDS)
    except OSError as exc:
        raise ClusterRefused(folder, exc.strerror or str(exc)) from exc


def _make_shard(
    settings: Settings,
    shard: ArchiveDirectory,
    numbers: Rows,
    progress: Progress,
    *,
    rest: bool,
) -> None:
    """Make a shard of the articles of these numbers, and index their words."""
    source = ArchiveDirectory(settings.archive)
    shard.root.parent.mkdir(mode=0o700, exist_ok=True)
    shard.create()
    manifest = Manifest.read(source.manifest)
    with shard.writing(), Workers(_workers(settings)) as workers:
        number = copy_shard(source, shard, numbers, manifest.dimension, rest=rest)
        for name in ("noise", "ranking"):
            if (path := getattr(source, name)).exists():
                write_whole(getattr(shard, name), path.read_bytes())
        for name in ("query_graph", "int8_graph"):
            if (path := getattr(source, name)).is_dir():
                shutil.copytree(path, getattr(shard, name), dirs_exist_ok=True)
        own = replace(manifest, analyser=WORDS, archive=number, generation=0, articles=0)
        own.write(shard.manifest)
        settings = replace(settings, archive=shard.root)
        engines = open_engines(settings, workers=workers)
        with closing(engines.catalog):
            indexer = Indexer(engines, tokenizer_of(settings), progress, workers=workers)
            indexer.lexical.bring_up()
            indexer.lexical.finish()
            indexer.lexical.settle()
            indexer.seal()
            engines.table.bring_up(engines.catalog)
            mark_record(shard, engines.catalog)


def _workers(settings: Settings) -> int:
    return min(settings.worker_threads, MOST_WORKERS) if settings.worker_threads > 1 else 0
