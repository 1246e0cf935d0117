"""One sealed part of the vector index: a Chroma directory, written once and then only read."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.vectors import Vectors
from backfile.index.model.arrays import Floats, Rows

COLLECTION = "passages"
ROWS = "rows.npy"
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
        """Raise EngineUnavailable unless Chroma has as many vectors as this part has rows."""
        self.open()
        with _translated():
            count = self._opened.count()
        if count != len(self.rows):
            raise unavailable(f"{self.path.name} holds {count} of {len(self.rows)} passages")

    def open(self) -> None:
        """Open the collection; raise EngineUnavailable. It is closed with the last reference."""
        with OPENING, _translated():
            if self._opened is None:
                client = _client(self.path)
                weakref.finalize(self, client.close)
                self._opened = client.get_collection(COLLECTION, embedding_function=None)

    @property
    def is_open(self) -> bool:
        return self._opened is not None


def write_part(path: Path, rows: Rows, vectors: Vectors) -> None:
    """Write a part into an empty directory.

    `rows` are in ascending order; `vectors` (n_rows, dimension) are indexed by row.
    """
    with OPENING:
        client = _client(path)
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
    client.close()
    np.save(path / ROWS, rows)


@contextmanager
def _translated() -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError, KeyError, AttributeError) as exc:
        raise unavailable(exc) from exc


def _client(path: Path) -> Any:
    import chromadb  # 0.8 s; a keyword search does not need it
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def unavailable(error: object) -> EngineUnavailable:
    """An error of Chroma as EngineUnavailable, with the remedy."""
    remedy = Message("%(error)s; `backfile rebuild vectors` makes it anew", error=str(error))
    return EngineUnavailable("Chroma", remedy)
