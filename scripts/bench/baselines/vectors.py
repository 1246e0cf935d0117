"""Baselines in search by meaning with a date filter: Chroma's own filter, and plain numpy."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from backfile.index.model.arrays import Floats, Rows
from backfile.index.vector.chroma_part import HNSW
from backfile.index.vector.exact_scan import GATHERED, top

Halves = npt.NDArray[np.float16]
Days = npt.NDArray[np.integer[Any]]


class VectorBaseline(Protocol):
    """A stock engine that finds the nearest passages of a day or later."""

    name: str

    @property
    def folder(self) -> Path | None:
        """The folder that it writes to; None if it keeps everything in memory."""
        ...

    def build(self, rows: Rows, vectors: Halves, days: Days) -> None:
        """Index vectors of length 1 (n, dimension), with rows and days (n,), as ordinals."""
        ...

    def nearest(self, vector: Floats, since: int | None, limit: int) -> Rows:
        """List the nearest rows to a vector (dimension,) of length 1, the nearest first."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...


class ChromaWhere:
    """One Chroma collection with our settings of its graph, filtered by a `where` on the day."""

    name = "Chroma"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._client: Any = None
        self._collection: Any = None

    def build(self, rows: Rows, vectors: Halves, days: Days) -> None:
        import chromadb  # late, as in index/vector/chroma_part.py: 0.8 s
        from chromadb.config import Settings

        self._client = chromadb.PersistentClient(
            str(self.folder), settings=Settings(anonymized_telemetry=False)
        )
        self._collection = self._client.create_collection(
            "passages", embedding_function=None, configuration={"hnsw": HNSW}
        )
        at_once = self._client.get_max_batch_size()
        for start in range(0, len(rows), at_once):
            some = slice(start, start + at_once)
            self._collection.add(
                ids=[str(row) for row in rows[some].tolist()],
                embeddings=vectors[some].astype(np.float32),
                metadatas=[{"day": day} for day in days[some].tolist()],
            )

    def nearest(self, vector: Floats, since: int | None, limit: int) -> Rows:
        found = self._collection.query(
            query_embeddings=[vector],
            n_results=limit,
            where=None if since is None else {"day": {"$gte": since}},
            include=[],
        )
        return np.array([int(name) for name in found["ids"][0]], np.int64)

    def close(self) -> None:
        if self._client:
            self._client.close()


class ExactNumpy:
    """An exact scan of all vectors in memory as float32: a mask, a product, a partition."""

    name = "numpy"
    folder = None

    def __init__(self) -> None:
        self._rows: Rows = np.empty(0, np.int64)
        self._vectors: Floats = np.empty((0, 0), np.float32)
        self._days: Days = np.empty(0, np.int64)

    def build(self, rows: Rows, vectors: Halves, days: Days) -> None:
        self._rows, self._vectors, self._days = rows, vectors.astype(np.float32), days

    def nearest(self, vector: Floats, since: int | None, limit: int) -> Rows:
        if since is None:
            return top(self._rows, self._vectors @ vector, limit).rows
        wanted = np.flatnonzero(self._days >= since)
        if len(wanted) > GATHERED * len(self._rows):
            similar = (self._vectors @ vector)[wanted]
        else:
            similar = self._vectors[wanted] @ vector
        return top(self._rows[wanted], similar, limit).rows

    def close(self) -> None:
        self._vectors = np.empty((0, 0), np.float32)
