"""One sealed part of the vector index: a Chroma directory, written once and then only read."""

import io
import threading
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.message import Message
from backfile.archive.store.vectors import Vectors
from backfile.index.model.arrays import Floats, Rows, load_array
from backfile.index.seams.failures import translated, unavailable
from backfile.index.vector.part_files import NAME, OpenCopy, damages, read_seals, seal_part

COLLECTION = "passages"
ROWS = "rows.npy"
OPENING = threading.Lock()  # Chroma's registry of clients is global and not thread-safe
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
# Whatever was added is in the graph's files when a part is closed, so Chroma, when it opens them,
# has nothing to add, and writes to its database alone. A part of one row is the exception.
ALL_WRITTEN = {"batch_size": 2, "sync_threshold": 2}


class ChromaPart:
    """One sealed Chroma directory. `open` imports Chroma, which takes 0.8 s."""

    def __init__(self, path: Path) -> None:
        """Read the rows of a part; raise EngineUnavailable if they or the seals are damaged."""
        self.path = path
        self._opened: Any = None
        with translated(NAME):
            self._seals = read_seals(path)
            self.rows: Rows = _rows_in(path, self._seals)

    @property
    def is_sealed(self) -> bool:
        """Whether the part has seals; one of an earlier release has none, and is not opened."""
        return self._seals is not None

    def nearest(self, vector: Floats, limit: int) -> Rows:
        """The nearest rows by Chroma's HNSW graph, at most `limit`; the part must be open."""
        with translated(NAME):
            found = self._opened.query(
                query_embeddings=[vector], n_results=min(limit, len(self.rows)), include=[]
            )
            return np.array([int(name) for name in found["ids"][0]], np.int64)

    def check(self) -> None:
        """Read all files; raise EngineUnavailable if one is damaged or Chroma lacks vectors."""
        if self._seals is None:
            return
        with translated(NAME):
            if found := list(damages(self.path, self._seals)):
                raise unavailable(NAME, ", ".join(found))
            self.open()
            count = self._opened.count()
        if count != len(self.rows):
            raise unavailable(NAME, f"{self.path.name} holds {count} of {len(self.rows)} passages")

    def open(self) -> None:
        """Open a copy; raise EngineUnavailable. It is closed with the last reference."""
        with OPENING, translated(NAME):
            if self._opened is None and self._seals:
                copy = OpenCopy.of(self.path, self._seals)
                weakref.finalize(self, copy.remove)
                client = _client(copy.folder)
                weakref.finalize(self, client.close)  # before the copy is removed
                self._opened = client.get_collection(COLLECTION, embedding_function=None)

    @property
    def is_open(self) -> bool:
        return self._opened is not None


def write_part(path: Path, rows: Rows, vectors: Vectors) -> None:
    """Write a part into an empty directory, and seal it.

    `rows` are in ascending order; `vectors` (n_rows, dimension) are indexed by row.
    """
    with translated(NAME):
        with OPENING:
            client = _client(path)
        with closing(client):
            collection = client.create_collection(
                COLLECTION, embedding_function=None, configuration={"hnsw": HNSW | ALL_WRITTEN}
            )
            at_once = client.get_max_batch_size()
            for start in range(0, len(rows), at_once):
                some = rows[start : start + at_once]
                collection.add(
                    ids=[str(row) for row in some.tolist()],
                    embeddings=vectors[some].astype(np.float32),
                )
        np.save(path / ROWS, rows)
        seal_part(path)


def _rows_in(path: Path, seals: Any) -> Rows:
    content = (path / ROWS).read_bytes()
    if seals is not None and not seals[ROWS].fits(content):
        raise unavailable(NAME, Message("%(file)s is damaged", file=f"{path.name}/{ROWS}"))
    rows = load_array(io.BytesIO(content))
    if rows.ndim != 1 or rows.dtype != np.int64 or (np.diff(rows, prepend=0) <= 0).any():
        raise ValueError(f"{ROWS} holds something else than rows")
    found: Rows = rows
    return found


def _client(path: Path) -> Any:
    import chromadb  # 0.8 s; a keyword search does not need it
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))
