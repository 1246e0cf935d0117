"""The embeddings of all passages: one memory-mapped float16 matrix, one row for each passage."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float16]
Rows = npt.NDArray[np.int64]
ROWS_AT_ONCE = 50_000


class VectorFile:
    """The embeddings of an archive, (n_rows, dimension) float16; row 0 is never used.

    The catalogue knows which rows hold an embedding; it is written after the rows are on disk.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self.dimension = dimension
        self._mapped: Vectors = np.empty((0, dimension), np.float16)

    def write(self, rows: Rows, vectors: npt.NDArray[np.float32]) -> None:
        """Write (n, dimension) vectors to their rows, and wait until they are on disk."""
        self._path.touch(mode=0o600)
        order = np.argsort(rows)
        runs = np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1)
        # Not in a mapped file: where the disk is full, that would end the process (SIGBUS).
        with self._path.open("r+b") as stream:
            for run in runs:
                stream.seek(int(rows[run[0]]) * self._row_bytes)
                stream.write(vectors[run].astype(np.float16).tobytes())
            stream.flush()
            os.fsync(stream.fileno())

    def blank(self, rows: Rows) -> None:
        """Overwrite rows with zeros; rows beyond the end of the file are skipped."""
        size = self._path.stat().st_size // self._row_bytes if self._path.exists() else 0
        if len(written := rows[rows < size]):
            self.write(written, np.zeros((len(written), self.dimension), np.float32))

    def read(self, n_rows: int) -> Vectors:
        """Map the first n_rows rows for reading, or as many as the file has."""
        if n_rows > len(self._mapped):
            size = self._path.stat().st_size if self._path.exists() else 0
            whole = min(n_rows, size // self._row_bytes)
            if whole:
                shape = (whole, self.dimension)
                self._mapped = np.memmap(self._path, np.float16, "r", shape=shape)
        return self._mapped[:n_rows]

    def filled_beside(self, known: Rows) -> Rows:
        """The rows that hold a vector and are not among these."""
        size = self._path.stat().st_size // self._row_bytes if self._path.exists() else 0
        vectors = self.read(size)
        others = np.setdiff1d(np.arange(size), known)
        parts = np.split(others, range(ROWS_AT_ONCE, len(others), ROWS_AT_ONCE))
        return np.concatenate([rows[vectors[rows].any(axis=1)] for rows in parts])

    @property
    def _row_bytes(self) -> int:
        return self.dimension * 2
