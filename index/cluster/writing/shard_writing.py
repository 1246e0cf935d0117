"""Writes one shard: its articles as the archive has them, and the indexes over them."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from backfile.archive.model.settings import Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.database import bring_up
from backfile.archive.store.directory import ArchiveDirectory, write_whole
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.record import mark_record
from backfile.archive.store.sharding import begin_writing, copy_shard, note_written
from backfile.archive.workers import Workers
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Progress
from backfile.index.model.arrays import Rows
from backfile.index.wiring import WORDS, open_engines, tokenizer_of
from backfile.index.writing import rebuild_words

MOST_WORKERS = 4
FILES = ("noise", "ranking")
FOLDERS = ("query_graph", "int8_graph")
LARGE = 1 << 20  # bytes


def write_shard(
    settings: Settings,
    shard: ArchiveDirectory,
    numbers: Rows,
    progress: Progress,
    *,
    rest: bool,
    changed: Rows | None = None,
    after: int = 0,
) -> int:
    """Write the articles of these numbers, of the `changed` ones, from the archive in the settings.

    Returns the shard's generation. See `copy_shard`. The caller holds the writer's lock of the
    archive; a shard that is there was made with the same model. A run that is killed can be run
    again.
    """
    source = ArchiveDirectory(settings.archive)
    shard.root.parent.mkdir(mode=0o700, exist_ok=True)
    shard.create()
    manifest = Manifest.read(source.manifest)
    with shard.writing(), Workers(_workers(settings)) as workers:
        if is_new := not shard.manifest.exists():
            analyser = WORDS
        else:
            analyser = Manifest.read(shard.manifest).analyser
            bring_up(shard.catalog)
        copy_shard(
            source, shard, numbers, manifest.dimension, rest=rest, changed=changed, after=after
        )
        _copy_calibration(source, shard)
        with closing(Catalog(shard.catalog)) as catalog:
            number = catalog.archive()
        own = replace(manifest, analyser=analyser, archive=number, generation=0, articles=0)
        own.write(shard.manifest)
        _index(replace(settings, archive=shard.root), progress, workers, is_new=is_new)
        return note_written(shard)


def bring_up_calibration(source: ArchiveDirectory, shard: ArchiveDirectory) -> int | None:
    """Give a shard the calibration of its archive if it has another; return its generation then."""
    if not _differing(source, shard):
        return None
    with shard.writing(), closing(Catalog(shard.catalog)) as catalog:
        begin_writing(shard)
        _copy_calibration(source, shard)
        catalog.announce()
        return note_written(shard)


def _copy_calibration(source: ArchiveDirectory, shard: ArchiveDirectory) -> None:
    """Copy what searches of the whole archive are scaled by, and the graphs of its model."""
    for name in _differing(source, shard):
        path, copy = source.root / name, shard.root / name
        if path.is_dir():
            draft = copy.with_name(f"{name}.copying")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(path, draft)
            shutil.rmtree(copy, ignore_errors=True)
            draft.rename(copy)  # who has the former one open keeps it
        elif path.exists():
            write_whole(copy, path.read_bytes())
        else:
            copy.unlink(missing_ok=True)


def calibration_of(archive: ArchiveDirectory) -> Mapping[str, str]:
    """The digest of each part of an archive's calibration, by name; of a file that is not there "".

    A folder is known by its small files, among them a contract with the seal of the large one.
    """
    files = [getattr(archive, name) for name in FILES]
    folders = [path for name in FOLDERS if (path := getattr(archive, name)).is_dir()]
    digests = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else ""
        for each in files
    }
    return digests | {each.name: _digest_of_folder(each) for each in folders}


def differing(own: Mapping[str, str], others: Mapping[str, str]) -> Sequence[str]:
    """The parts of a calibration that others have otherwise, or not at all."""
    return [name for name, digest in own.items() if others.get(name, "") != digest]


def _differing(source: ArchiveDirectory, shard: ArchiveDirectory) -> Sequence[str]:
    return differing(calibration_of(source), calibration_of(shard))


def _digest_of_folder(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        size = path.stat().st_size
        content = path.read_bytes() if size < LARGE else b""
        found.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode() + content)
    return found.hexdigest()


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


def _workers(settings: Settings) -> int:
    return min(settings.worker_threads, MOST_WORKERS) if settings.worker_threads > 1 else 0
