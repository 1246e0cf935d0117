"""The codes of vectors: one byte a value, which show the rows whose cosine may reach a floor.

A vector is `scale * code`, rounded, where `scale` is its greatest absolute value divided by 127. So
a cosine by codes differs from the exact one by a known amount at most, and only rows that may reach
the floor are compared exactly (vector_scan.py). Both files are a cache beside the file of vectors:
the codes, one line a row, and for each row the checksum of the vector that its code was made from,
with the scale. A row whose checksum is another than that of its vector has no code.
"""

import logging
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backfile.archive.model.message import Message
from backfile.archive.store.vectors import (
    UNKNOWN,
    Checksums,
    VectorFile,
    Vectors,
    some_at_once,
    write_lines,
)
from backfile.index.model.arrays import Bools, Floats, Rows, SmallInts
from backfile.index.seams.failures import unavailable

log = logging.getLogger(__name__)
NAME = Message("the file of codes")
GREATEST = 127
NOTE = np.dtype([("sum", "<u4"), ("scale", "<f4")])
UNFINISHED = np.array((UNKNOWN, np.nan), NOTE)  # the note of a code that is being written
LENGTH_TOLERANCE = 0.05  # of a vector's length from 1; a longer one has no scale
ROUNDING = 1e-4  # of a cosine, in float32, and of the sums here
SAMPLE = 64  # codes that are compared with their vectors when they are opened
MOST_BROKEN = 0.1  # share of the sample
Notes = npt.NDArray[np.void]


class Rounded(NamedTuple):
    """Codes (n, dimension) and scales (n,); a vector that is not finite has the scale NaN."""

    codes: SmallInts
    scales: Floats

    @classmethod
    def of(cls, vectors: Vectors | Floats) -> Self:
        """Round vectors (n, dimension)."""
        values = vectors.astype(np.float32)
        scales = np.abs(values).max(axis=1, initial=0.0) / np.float32(GREATEST)
        scales[~np.isfinite(scales)] = np.nan
        values /= np.where(scales > 0, scales, 1)[:, None]
        values[np.isnan(scales)] = 0
        return cls(np.rint(values).astype(np.int8), scales)


class CodedQuery(NamedTuple):
    """A vector to compare with codes: its own code, (1, dimension), and what makes a bound of that.

    The cosine of a row with the vector is at most
    `scale * (step * dot + by_scale) + anyway`, where `dot` is the product of both codes.
    """

    code: SmallInts
    step: np.float32
    by_scale: np.float32
    anyway: np.float32

    @classmethod
    def of(cls, vector: Floats) -> Self:
        """Round a vector, (dimension,), as it is compared exactly: in float16.

        With v = s c + e and q = t d + f, the error of s t (c d) is e (t d) + v f. No value of e is
        above s / 2, and no v is much longer than 1 (Cauchy and Schwarz).
        """
        asked = vector.astype(np.float16).astype(np.float32)
        code, (step,) = Rounded.of(asked[None])
        rounded = step * code[0].astype(np.float32)
        length, error = np.linalg.norm(rounded), np.linalg.norm(asked - rounded)
        anyway = (1 + LENGTH_TOLERANCE) * error + ROUNDING * (length + error)
        by_scale = np.sqrt(np.float32(len(asked))) / 2 * length
        return cls(code, step, np.float32(by_scale), np.float32(anyway))

    def most(self, dots: Floats, scales: Floats) -> Floats:
        """The greatest cosines that rows can have, (n,), by the products of their codes."""
        found: Floats = (dots * self.step + self.by_scale) * scales + self.anyway
        return found


class Codes(NamedTuple):
    """The codes of the first rows, (n, dimension), mapped; their scales, (n,); which are valid."""

    codes: SmallInts
    scales: Floats
    valid: Bools

    def part(self, rows: slice | Rows) -> "Codes":
        """Those of some rows."""
        return Codes(self.codes[rows], self.scales[rows], self.valid[rows])


class CodeFile:
    """The codes of the vectors of one archive; those of rows that lack theirs are not needed."""

    def __init__(self, vectors: VectorFile) -> None:
        self._vectors = vectors
        self._path = vectors.path.with_name(f"{vectors.path.name}.codes")
        self._notes_path = vectors.path.with_name(f"{vectors.path.name}.codes.notes")

    def is_behind(self, embedded: Rows) -> bool:
        """Whether some embedded rows lack their code, or other rows have one."""
        return len(self._stale(self._expected(embedded))) > 0

    def bring_up(self, embedded: Rows) -> None:
        """Make the codes of embedded rows that lack theirs, and blank those of other rows.

        A kill leaves each row with its code, without, or marked as to be written again. A row whose
        vector is damaged gets none.
        """
        expected = self._expected(embedded)
        for rows in some_at_once(self._stale(expected)):
            with_code = rows[expected[rows] != UNKNOWN]
            damaged = self._vectors.damaged(with_code)
            with_code = np.setdiff1d(with_code, damaged, assume_unique=True)
            vectors = self._vectors.read(int(rows[-1]) + 1)
            codes = np.zeros((len(rows), self._vectors.dimension), np.int8)
            notes = np.zeros(len(rows), NOTE)
            filled = np.isin(rows, with_code)
            codes[filled], scales = _scaled(vectors[with_code])
            notes["sum"][filled], notes["scale"][filled] = expected[with_code], scales
            # A vector may come back as it was: then an old note must not fit a code that is gone.
            write_lines(self._notes_path, rows, np.full((len(rows), 1), UNFINISHED))
            write_lines(self._path, rows, codes)
            write_lines(self._notes_path, rows, notes[:, None])

    def read(self, n_rows: int) -> Codes:
        """Map the codes of the first rows, or of as many as there are.

        None if they are damaged, or made again at this moment.
        """
        try:
            return self._read(n_rows)
        except (OSError, ValueError) as exc:
            log.warning("%s cannot be read; all passages are compared exactly: %s", NAME, exc)
            return Codes(self._mapped(0), np.empty(0, np.float32), np.empty(0, np.bool_))

    def _read(self, n_rows: int) -> Codes:
        notes = self._notes()[:n_rows]
        known = self._vectors.checksums()[: len(notes)]
        notes = notes[: len(known)]
        valid = (notes["sum"] == known) & (known != UNKNOWN) & np.isfinite(notes["scale"])
        scales = np.where(valid, notes["scale"], np.float32(0))  # others may be any bytes
        found = Codes(self._mapped(len(notes)), scales, valid)
        rows = np.flatnonzero(valid)
        sample = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(int)]
        if len(self._differing(found, sample)) > MOST_BROKEN * len(sample):
            log.warning("%s is damaged; all passages are compared exactly", NAME)
            return found.part(slice(0))
        return found

    def check(self) -> None:
        """Raise EngineUnavailable if codes are not what their vectors give."""
        notes = self._notes()
        found = Codes(self._mapped(len(notes)), notes["scale"], notes["sum"] != UNKNOWN)
        known = self._vectors.checksums()
        rows = np.flatnonzero(found.valid[: len(known)])
        rows = rows[notes["sum"][rows] == known[rows]]
        found_bad = [self._differing(found, some) for some in some_at_once(rows)]
        differing = np.concatenate([rows[:0], *found_bad])
        if count := len(np.setdiff1d(differing, self._vectors.damaged(differing))):
            raise unavailable(NAME, Message("%(number)s of them are damaged", number=count))

    def clear(self) -> None:
        """Remove the files; who has them open keeps them."""
        self._path.unlink(missing_ok=True)  # first: notes without codes count as none
        self._notes_path.unlink(missing_ok=True)

    def _expected(self, embedded: Rows) -> Checksums:
        """The checksum that each row is to have here, (n,); UNKNOWN for none."""
        known = self._vectors.checksums()
        expected = np.zeros(max(len(known), len(self._notes())), known.dtype)
        rows = embedded[embedded < len(known)]
        expected[rows] = known[rows]
        return expected

    def _stale(self, expected: Checksums) -> Rows:
        notes = self._notes()
        sums = np.zeros(len(expected), expected.dtype)
        sums[: len(notes)] = notes["sum"]
        stale = sums != expected
        stale[: len(notes)] |= (notes["sum"] == UNKNOWN) & np.isnan(notes["scale"])
        return np.flatnonzero(stale)

    def _differing(self, found: Codes, rows: Rows) -> Rows:
        """Those of the rows whose code or scale is not what the vector gives."""
        made = _scaled(self._vectors.read(int(rows.max(initial=-1)) + 1)[rows])
        same_scale = (made.scales == found.scales[rows]) | np.isnan(made.scales)
        differs: Rows = rows[~same_scale | (made.codes != found.codes[rows]).any(axis=1)]
        return differs

    def _notes(self) -> Notes:
        """The notes of the rows that both files have."""
        if not (self._path.exists() and self._notes_path.exists()):
            return np.empty(0, NOTE)
        stored = self._notes_path.read_bytes()
        n_codes = self._path.stat().st_size // self._vectors.dimension
        return np.frombuffer(stored, NOTE, min(len(stored) // NOTE.itemsize, n_codes))

    def _mapped(self, n_rows: int) -> SmallInts:
        shape = (n_rows, self._vectors.dimension)
        return np.memmap(self._path, np.int8, "r", shape=shape) if n_rows else np.empty(shape, "i1")


def _scaled(vectors: Vectors) -> Rounded:
    """Round vectors; one that has not the length 1 gets the scale NaN, as no bound holds for it."""
    rounded = Rounded.of(vectors)
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    rounded.scales[~(np.abs(lengths - 1) <= LENGTH_TOLERANCE)] = np.nan
    return rounded
