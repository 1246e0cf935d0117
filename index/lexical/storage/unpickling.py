"""Reads the pickles in the files of a Whoosh index without running code that they name.

Whoosh pickles the segments of an index into its table of contents. `pickle.loads` imports and calls
whatever a pickle names, so a file from a stranger could run anything. Here a pickle may name only
the classes in `ALLOWED`; the schema, which Whoosh pickles too, is not read but made anew.
"""

import pickle
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.filedb.structfile import StructFile

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.trust import open_private

NAME = Message("the lexical index")
CODEC = "backfile.index.lexical.storage.codec"
ALLOWED = {("whoosh.codec.whoosh3", "W3Segment"), (CODEC, "ArrayCodec")}
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
        return CheckedFile(Path(self._fpath(name)).open("rb"), name=name)
