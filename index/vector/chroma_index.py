"""The vector index in Chroma: sealed parts that are written once, and an exact scan of newer rows.

Chroma's files must not be written by one process while another has them open (chroma-core/chroma
issues 3792 and 7090). So a part is built in a draft directory, from the vector file, and renamed;
it never changes after that. New parts absorb smaller ones, as in a log-structured merge tree, so
their number grows with the logarithm of the archive. Rows in no part are scanned, and so are all
rows before `warm` is called: a single search ends before Chroma would be imported.
"""

import shutil
import uuid
from contextlib import suppress
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import DiskFull
from backfile.archive.store.trust import FILE_MODE, make_private, make_private_folder
from backfile.archive.store.vectors import VectorFile
from backfile.index.model.arrays import Bools, Rows
from backfile.index.vector.chroma_part import ROWS, ChromaPart, unavailable, write_part
from backfile.index.vector.chroma_snapshot import ROWS_A_NEIGHBOUR, ChromaSnapshot

PART = "part-"
DRAFT = "draft-"
RETIRED = "retired"
NO_ROWS: Rows = np.empty(0, np.int64)
MOST_DEAD = 0.1  # share of removed rows in a part; with more, the part is rebuilt


class ChromaIndex:
    """The vector index of an archive; each part is a directory of Chroma with a `rows.npy`."""

    def __init__(
        self, path: Path, vectors: VectorFile, *, rows_a_neighbour: float = ROWS_A_NEIGHBOUR
    ) -> None:
        """`rows_a_neighbour`: rows scanned in the time in which Chroma finds one neighbour."""
        self._rows_a_neighbour = rows_a_neighbour
        self._path = path
        self._vectors = vectors
        self._known: dict[Path, ChromaPart] = {}
        self._warm = False

    def seal(self, embedded: Rows) -> None:
        """Build a part from the rows in no part; it absorbs small and partly dead parts."""
        self._sweep()
        living = self._living(embedded)
        fresh = np.setdiff1d(embedded, np.concatenate([*living.values(), NO_ROWS]))
        absorbed = [p for p, rows in living.items() if len(rows) < (1 - MOST_DEAD) * _size(p)]
        growing = len(fresh) + sum(len(living[part]) for part in absorbed)
        for part in sorted(living, key=lambda part: len(living[part])):
            if part not in absorbed and 0 < len(living[part]) <= 2 * growing:
                absorbed.append(part)
                growing += len(living[part])
        if growing:
            self._build(np.sort(np.concatenate([fresh, *(living[part] for part in absorbed)])))
        for part in absorbed:
            (part / RETIRED).touch(mode=FILE_MODE)

    def rebuild(self, embedded: Rows) -> None:
        """Build one part of all rows; the earlier parts, damaged or not, retire after that."""
        self._sweep()
        earlier = self._parts()
        if len(embedded):
            self._build(embedded)
        for part in earlier:
            (part / RETIRED).touch(mode=FILE_MODE)

    def files(self) -> list[Path]:
        """List the files of all parts. Chroma itself writes to some of them when it opens them."""
        return sorted(file for part in self._parts() for file in part.rglob("*") if file.is_file())

    def rows(self) -> Rows:
        found = [np.load(part / ROWS) for part in self._parts()]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def snapshot(self, embedded: Bools) -> "ChromaSnapshot":
        try:
            parts = [self._known.get(path) or ChromaPart(path) for path in self._parts()]
        except (OSError, ValueError) as exc:
            raise unavailable(exc) from exc
        self._known = {part.path: part for part in parts}
        if self._warm:
            for part in parts:
                if part.is_writable:  # else all rows are compared
                    with suppress(DiskFull):
                        part.open()
        return ChromaSnapshot(parts, self._vectors, embedded, self._rows_a_neighbour)

    def warm(self) -> None:
        self._warm = True

    def check(self) -> None:
        for path in self._parts():
            ChromaPart(path).check()

    def clear(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)

    def _parts(self) -> list[Path]:
        found = sorted(self._path.glob(f"{PART}*"))
        return [part for part in found if not (part / RETIRED).exists()]

    def _living(self, embedded: Rows) -> dict[Path, Rows]:
        """The living rows of each part, each row in the largest part that has it."""
        living: dict[Path, Rows] = {}
        left = embedded
        for part in sorted(self._parts(), key=_size, reverse=True):
            living[part] = np.intersect1d(np.load(part / ROWS), left)
            left = np.setdiff1d(left, living[part])
        return living

    def _sweep(self) -> None:
        """Remove the drafts of a killed writer, and the parts that the previous `seal` retired.

        A retired part is deleted one `seal` later, as readers may have it open.
        """
        for path in self._path.glob("*"):
            if (path / RETIRED).exists():  # renamed first: a part never lacks some of its files
                path = path.rename(path.with_name(f"{DRAFT}{path.name}"))
            if path.name.startswith(DRAFT):
                shutil.rmtree(path)

    def _build(self, rows: Rows) -> None:
        name = uuid.uuid4().hex
        draft = self._path / f"{DRAFT}{name}"
        make_private_folder(draft)
        write_part(draft, rows, self._vectors.read(int(rows[-1]) + 1))
        make_private(draft)  # Chroma makes files as the umask is
        draft.rename(self._path / f"{PART}{name}")


def _size(part: Path) -> int:
    return len(np.load(part / ROWS, mmap_mode="r"))
