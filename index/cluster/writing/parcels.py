"""Parcels: what is to be written into a shard on another machine, as the files of a small archive.

A parcel has the articles of one order as the archive has them, with their vectors and originals,
and the calibration; the machine that holds the shard writes from it as it would from the archive.
"""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import PARCELS, ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.store.sharding import copy_shard
from backfile.archive.store.trust import make_private_folder, open_private
from backfile.index.cluster.writing.shard_writing import calibration_of, differing
from backfile.index.model.arrays import Rows

PIECE_BYTES = 4 << 20


class Piece(NamedTuple):
    """A stretch of a file of a parcel; the name is a path below the folder of the parcel."""

    name: str
    offset: int
    content: bytes


@contextmanager
def parcel_of(
    settings: Settings, numbers: Rows, calibration: Mapping[str, str], *, rest: bool
) -> Iterator[Path]:
    """Make a parcel of the articles of these numbers, for a copy that has this calibration.

    It lies in the archive, so that originals are linked. See `copy_shard` for `rest`; the caller
    holds the writer's lock of the archive.
    """
    source = ArchiveDirectory(settings.archive)
    make_private_folder(source.root / PARCELS)
    with tempfile.TemporaryDirectory(dir=source.root / PARCELS) as folder:
        parcel = ArchiveDirectory(Path(folder))
        manifest = Manifest.read(source.manifest)
        copy_shard(source, parcel, numbers, manifest.dimension, rest=rest)
        own = calibration_of(source)
        for name in own:
            path, copy = source.root / name, parcel.root / name
            if path.is_dir():
                if name in differing(own, calibration):
                    shutil.copytree(path, copy)
            elif path.exists():
                shutil.copyfile(path, copy)
        manifest.write(parcel.manifest)
        yield parcel.root
    with suppress(OSError):  # another one is on its way
        (source.root / PARCELS).rmdir()


def originals_of(parcel: Path) -> Sequence[str]:
    """The paths of the originals in a parcel, below its folder."""
    return _names(parcel, ArchiveDirectory(parcel).originals)


def pieces_of(parcel: Path, without: Collection[str] = ()) -> Iterator[Piece]:
    """All files of a parcel but some, in pieces that can be sent."""
    for name in _names(parcel, parcel):
        if name in without:
            continue
        path = parcel / name
        with path.open("rb") as stream:
            offset = 0
            while (content := stream.read(PIECE_BYTES)) or not offset:
                yield Piece(name, offset, content)
                offset += max(len(content), 1)


def put(piece: Piece, parcel: Path) -> None:
    """Write a piece into a parcel; those of one file come in their order."""
    path = parcel / piece.name
    make_private_folder(path.parent)
    with open(path, "ab", opener=open_private) as stream:
        if stream.tell() != piece.offset:
            raise ValueError(f"a piece of {piece.name} is missing before byte {piece.offset}")
        stream.write(piece.content)


def _names(parcel: Path, folder: Path) -> Sequence[str]:
    """The paths of all files in a folder of a parcel, below that of the parcel."""
    files = (each for each in folder.rglob("*") if each.is_file())
    return sorted(each.relative_to(parcel).as_posix() for each in files)


def delete_parcels(folder: Path) -> None:
    """Delete what a killed run has left."""
    shutil.rmtree(folder / PARCELS, ignore_errors=True)
