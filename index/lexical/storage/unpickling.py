"""Reads the files of a Whoosh index: as they were sealed, and without running code that they name.

The table of contents holds the seals of all files of each segment, and ends with its own digest.
An index that was made before there were seals is read as it is, and sealed at its next commit.

Whoosh pickles the segments of an index into its table of contents. `pickle.loads` imports and calls
whatever a pickle names, so a file from a stranger could run anything. Here a pickle may name only
the classes in `ALLOWED`; the schema, which Whoosh pickles too, is not read but made anew.
"""

import io
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import StructFile

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.sealing import Seal, new_digest
from backfile.archive.store.trust import open_private
from backfile.index.seams.failures import unavailable

NAME = Message("the lexical index")
CODEC = "backfile.index.lexical.storage.codec"
ALLOWED = {("whoosh.codec.whoosh3", "W3Segment"), (CODEC, "ArrayCodec")}
CONTENTS = ".toc"
MARK = b"BLAKE2b "  # at the end of a table of contents, with the digest of all bytes before
DIGEST = new_digest().digest_size
MOVED = {"index.lexical.storage.codec": CODEC}  # former name of a module: its name now


class _Unpickler(pickle.Unpickler):
    """Finds the allowed classes, under their former names too."""

    def find_class(self, module: str, name: str) -> Any:
        module = MOVED.get(module, module)
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise refused(f"{module}.{name}")


def refused(name: str) -> EngineUnavailable:
    """The error of an index whose files name, or hold, what could run code."""
    reason = Message(
        "its files name %(name)s, which is no part of an index; "
        "`backfile rebuild lexical` makes it anew",
        name=name,
    )
    return EngineUnavailable(NAME, reason)


class CheckedFile(StructFile):
    """A file of an index; its pickles are read by the allowed classes alone."""

    def read_pickle(self) -> Any:
        """Read a pickled object; raise EngineUnavailable where it names any other class."""
        try:
            return _Unpickler(self.file).load()
        except Exception:
            self.close()  # as Whoosh does not where a file cannot be read
            raise


class IndexFolder(FileStorage):
    """The folder of an index, whose pickles are read by the allowed classes alone."""

    def create_file(self, name: str, *_: Any, mode: str = "wb", **__: Any) -> StructFile:
        """Create a file for its owner alone."""
        return StructFile(open(self._fpath(name), mode, opener=open_private), name=name)

    def open_file(self, name: str, *_: Any, **__: Any) -> CheckedFile:
        """Open a file; raise EngineUnavailable for a table of contents that is damaged."""
        path = Path(self._fpath(name))
        if name.endswith(CONTENTS):
            return CheckedFile(io.BytesIO(_contents(path)[0]), name=name)
        return CheckedFile(path.open("rb"), name=name)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        """Rename a file; a table of contents, which is complete then, gets its digest before."""
        path = Path(self._fpath(oldname))
        if newname.endswith(CONTENTS):
            with path.open("r+b") as stream:
                content = stream.read()
                stream.write(MARK + new_digest(content).digest())
                stream.flush()
                os.fsync(stream.fileno())
        super().rename_file(oldname, newname, safe)

    def has_digest(self, contents: str) -> bool:
        """Whether a table of contents, by its name, ends with its digest."""
        return _contents(Path(self._fpath(contents)))[1]


def seal_segment(segment: Any, folder: Path) -> None:
    """Seal all files of a segment, which lie in this folder; the seals are pickled with it."""
    paths = sorted(folder.glob(f"{segment.segment_id()}.*"))
    segment.seals = {path.name: tuple(Seal.of(path)) for path in paths}


def seals_of(segment: Any) -> dict[str, Seal]:
    """The seals of a segment's files, by name; none for a segment that is not sealed yet."""
    return {name: Seal(*seal) for name, seal in getattr(segment, "seals", {}).items()}


def seal_of(segment: Any, name: str) -> Seal | None:
    """The seal of one file of a segment, if there is one."""
    found = getattr(segment, "seals", {}).get(name)
    return Seal(*found) if found else None


def different_files(segment: Any, folder: Path) -> Iterator[str]:
    """Name the files of a segment that are missing, or have another size than was sealed."""
    for name, seal in seals_of(segment).items():
        try:
            fits = (folder / name).stat().st_size == seal.size
        except OSError:
            fits = False
        if not fits:
            yield name


def damaged(name: str) -> EngineUnavailable:
    """The error of a file that is not as it was sealed."""
    return unavailable(NAME, Message("%(file)s is damaged", file=name))


def _contents(path: Path) -> tuple[bytes, bool]:
    """Read a table of contents without its digest, and whether it has one; check it if so."""
    stored = path.read_bytes()
    body, mark, digest = stored.rpartition(MARK)
    if len(digest) != DIGEST or not mark:
        return stored, False
    if new_digest(body).digest() != digest:
        raise damaged(path.name)
    return body, True
