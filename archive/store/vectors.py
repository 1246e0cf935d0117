"""The embeddings of all passages: one memory-mapped float16 matrix, one row for each passage.

A file beside it has a checksum of each row, the CRC-32 of its bytes. A row of an archive that was
made before there were checksums gets its own at the next writing; until then it is taken as it is.
"""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float16]
Rows = npt.NDArray[np.int64]
ROWS_AT_ONCE = 50_000
UNKNOWN = 0  # in the place of a checksum


Checksums = npt.NDArray[np.uint32]


def checksums_of(path: Path) -> Path:
    """The file with the checksums of the vectors in a file."""
    return path.with_name(f"{path.name}.sums")


class VectorFile:
    """The embeddings of an archive, (n_rows, dimension) float16; row 0 is never used.

    The catalogue knows which rows hold an embedding; it is written after the rows are on disk.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self._checksums_path = checksums_of(path)
        self.dimension = dimension
        self._mapped: Vectors = np.empty((0, dimension), np.float16)

    def write(self, rows: Rows, vectors: npt.NDArray[np.float32]) -> None:
        """Write (n, dimension) vectors to their rows, and wait until they are on disk."""
        stored = vectors.astype(np.float16)
        write_lines(self.path, rows, stored)
        self._note(rows, stored)

    def blank(self, rows: Rows) -> None:
        """Overwrite rows with zeros; rows beyond the end of the file are skipped."""
        if len(written := rows[rows < self._n_rows]):
            self.write(written, np.zeros((len(written), self.dimension), np.float32))

    def read(self, n_rows: int) -> Vectors:
        """Map the first n_rows rows for reading, or as many as the file has."""
        if n_rows > len(self._mapped) and (whole := min(n_rows, self._n_rows)):
            shape = (whole, self.dimension)
            self._mapped = np.memmap(self.path, np.float16, "r", shape=shape)
        return self._mapped[:n_rows]

    def damaged(self, rows: Rows) -> Rows:
        """Those of the rows that the file lacks, or whose bytes do not fit their checksum."""
        within = rows[rows < self._n_rows]
        expected = self.checksums()[within]
        vectors = self.read(self._n_rows)
        found = np.concatenate(
            [_checksums(vectors[some]) for some in some_at_once(within)] or [expected]
        )
        differ = (expected != UNKNOWN) & (found != expected)
        return np.concatenate([within[differ], rows[rows >= self._n_rows]])

    def filled_beside(self, known: Rows) -> Rows:
        """The rows that hold a vector and are not among these."""
        vectors = self.read(self._n_rows)
        others = np.setdiff1d(np.arange(self._n_rows), known, assume_unique=True)
        filled = [rows[vectors[rows].any(axis=1)] for rows in some_at_once(others)]
        return np.concatenate([others[:0], *filled])

    def checksums(self) -> Checksums:
        """The checksums of all rows, (n_rows,) uint32; UNKNOWN where none is noted."""
        found = np.full(self._n_rows, UNKNOWN, "<u4")
        if self._checksums_path.exists():
            stored = self._checksums_path.read_bytes()
            noted = np.frombuffer(stored, "<u4", min(len(stored) // 4, len(found)))
            found[: len(noted)] = noted
        return found

    def _note(self, rows: Rows, stored: Vectors) -> None:
        """Note the checksums of rows that were written, and of all others that have none."""
        known = self.checksums()
        known[rows] = _checksums(stored)
        unknown = np.flatnonzero(known == UNKNOWN)
        vectors = self.read(self._n_rows)
        for some in some_at_once(unknown):
            known[some] = _checksums(vectors[some])
        noted = np.sort(np.concatenate([rows, unknown]))
        write_lines(self._checksums_path, noted, known[noted, None])

    @property
    def _n_rows(self) -> int:
        return self.path.stat().st_size // self._row_bytes if self.path.exists() else 0

    @property
    def _row_bytes(self) -> int:
        return self.dimension * 2


def some_at_once(rows: Rows) -> Sequence[Rows]:
    """Divide rows into lots whose vectors fit into memory."""
    return [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]


def _checksums(vectors: Vectors) -> Checksums:
    """The CRC-32 of the bytes of each vector, (n,), but never UNKNOWN."""
    return np.fromiter((zlib.crc32(row) or 1 for row in vectors), "<u4", len(vectors))


def write_lines(path: Path, rows: Rows, lines: npt.NDArray[Any]) -> None:
    """Write lines of one length to their rows in a file, and wait until they are on disk."""
    path.touch(mode=0o600)
    order = np.argsort(rows)
    runs = np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1)
    # Not in a mapped file: where the disk is full, that would end the process (SIGBUS).
    with path.open("r+b") as stream:
        for run in runs:
            stream.seek(int(rows[run[0]]) * lines[0].nbytes)
            stream.write(lines[run].tobytes())
        stream.flush()
        os.fsync(stream.fileno())
