"""Reads lost and damaged articles again from the originals that the archive keeps."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backfile.archive.store.catalog import Catalog
from backfile.archive.store.damage import Damage, DamagedVersion
from backfile.archive.store.directory import ArchiveDirectory, write_whole
from backfile.archive.store.rereading import Rereading
from backfile.index.indexing.indexer import Indexer
from backfile.index.seams.engines import Engines

DAMAGED = "articles.jsonl"
VERSIONS = "versions.jsonl"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of damaged articles, and of originals without an article.

    `restored` and `lost` are damaged articles; `read` counts articles that were not in the record
    before. `unread` are the places of originals that gave no article. What is lost or unread lies
    in the folder `aside`, None where there is nothing.
    """

    restored: Sequence[Damage]
    lost: Sequence[Damage]
    read: int
    unread: Sequence[str]
    aside: Path | None


def recover(
    directory: ArchiveDirectory, engines: Engines, indexer: Indexer, damaged: Sequence[Damage]
) -> Recovered:
    """Take damaged articles out, and read all that the record lacks again from the originals.

    A killed recovery leaves the record unfinished; the next one goes on.
    """
    catalog = engines.catalog
    only = None if catalog.is_unfinished() else {each.origin.digest for each in damaged}
    aside = directory.new_set_aside()
    _write(aside / DAMAGED, damaged)
    indexer.discard(catalog.discard([each.number for each in damaged]))
    report = indexer.index(Rereading(catalog, recovering=True, only=only))
    there = catalog.identities.at([each.origin for each in damaged])
    restored = [each for each in damaged if each.origin in there]
    lost = [each for each in damaged if each.origin not in there]
    _write(aside / DAMAGED, lost)
    read = report.new + report.changed - len(restored)
    return replace(end_recovery(catalog, aside), restored=restored, lost=lost, read=read)


def set_versions_aside(
    directory: ArchiveDirectory, catalog: Catalog, damaged: Sequence[DamagedVersion]
) -> Path:
    """Move damaged versions out of the record to a folder that is kept for people; return it."""
    aside = directory.new_set_aside()
    lines = "".join(json.dumps(each._asdict(), ensure_ascii=False) + "\n" for each in damaged)
    write_whole(aside / VERSIONS, lines.encode())
    catalog.discard_versions(damaged)
    return aside


def end_recovery(catalog: Catalog, aside: Path) -> Recovered:
    """End a recovery once the originals were read; those without an article go to `aside`."""
    unread = catalog.end_recovery(aside)
    empty = not any(aside.iterdir())
    if empty:
        aside.rmdir()
    return Recovered([], [], 0, unread, None if empty else aside)


def _write(path: Path, damaged: Sequence[Damage]) -> None:
    """Write what is left of damaged articles as JSON lines; no file if there are none."""
    lines = "".join(json.dumps(each.left, ensure_ascii=False) + "\n" for each in damaged)
    path.unlink(missing_ok=True)
    if lines:
        write_whole(path, lines.encode())
