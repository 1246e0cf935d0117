"""One sealed part of the vector index: a Chroma directory, written once and then only read."""

import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from backfile.archive.model.errors import DiskFull, EngineUnavailable, means_full
from backfile.archive.model.message import Message
from backfile.archive.store.vectors import Vectors
from backfile.index.model.arrays import Floats, Rows

COLLECTION = "passages"
ROWS = "rows.npy"
DATABASE = "chroma.sqlite3"
LEAST_ROOM = 1 << 20  # bytes; once Chroma failed to open a folder, this process cannot try again
OPENING = threading.Lock()  # Chroma's registry of clients is global and not thread-safe
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}


class ChromaPart:
    """One sealed Chroma directory. `open` imports Chroma, which takes 0.8 s."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Any = None
        self.rows: Rows = np.load(path / ROWS)

    def nearest(self, vector: Floats, limit: int) -> Rows:
        """The nearest rows by Chroma's HNSW graph, at most `limit`; the part must be open."""
        with _translated():
            found = self._opened.query(
                query_embeddings=[vector], n_results=min(limit, len(self.rows)), include=[]
            )
        return np.array([int(name) for name in found["ids"][0]], np.int64)

    def check(self) -> None:
        """Raise EngineUnavailable unless Chroma has as many vectors as this part has rows.

        Chroma writes to the files that it opens; where it cannot, a copy of them is checked.
        """
        if self.is_writable:
            with suppress(DiskFull):
                return self._require_rows()
        with TemporaryDirectory(prefix="backfile-") as folder:
            copy = Path(folder) / self.path.name
            for path in self.path.rglob("*"):
                if path.is_file():
                    target = copy / path.relative_to(self.path)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
            return ChromaPart(copy)._require_rows()

    def _require_rows(self) -> None:
        self.open()
        with _translated():
            count = self._opened.count()
        if count != len(self.rows):
            raise unavailable(f"{self.path.name} holds {count} of {len(self.rows)} passages")

    def open(self) -> None:
        """Open the collection; raise EngineUnavailable or DiskFull.

        It is closed with the last reference.
        """
        with OPENING, _translated():
            if self._opened is None:
                client = _client(self.path)
                weakref.finalize(self, client.close)
                self._opened = client.get_collection(COLLECTION, embedding_function=None)

    @property
    def is_writable(self) -> bool:
        """Whether Chroma may write to its files, which it does when it opens them."""
        allowed = os.access(self.path, os.W_OK) and os.access(self.path / DATABASE, os.W_OK)
        return allowed and shutil.disk_usage(self.path).free >= LEAST_ROOM

    @property
    def is_open(self) -> bool:
        return self._opened is not None


def write_part(path: Path, rows: Rows, vectors: Vectors) -> None:
    """Write a part into an empty directory.

    `rows` are in ascending order; `vectors` (n_rows, dimension) are indexed by row.
    """
    with _translated():
        with OPENING:
            client = _client(path)
        with closing(client):
            collection = client.create_collection(
                COLLECTION, embedding_function=None, configuration={"hnsw": HNSW}
            )
            at_once = client.get_max_batch_size()
            for start in range(0, len(rows), at_once):
                some = rows[start : start + at_once]
                collection.add(
                    ids=[str(row) for row in some.tolist()],
                    embeddings=vectors[some].astype(np.float32),
                )
        np.save(path / ROWS, rows)


@contextmanager
def _translated() -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError, KeyError, AttributeError) as exc:
        if "disk is full" in str(exc) or (isinstance(exc, OSError) and means_full(exc)):
            raise DiskFull from exc
        raise unavailable(exc) from exc


def _client(path: Path) -> Any:
    import chromadb  # 0.8 s; a keyword search does not need it
    from chromadb.config import Settings

    if not path.is_dir():  # Chroma would create it, if the archive was moved
        raise unavailable(f"{path} is not there")
    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def unavailable(error: object) -> EngineUnavailable:
    """An error of Chroma as EngineUnavailable, with the remedy."""
    remedy = Message("%(error)s; `backfile rebuild vectors` makes it anew", error=str(error))
    return EngineUnavailable("Chroma", remedy)
