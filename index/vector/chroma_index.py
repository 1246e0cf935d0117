"""The vector index in Chroma: sealed parts that are written once, and an exact scan of newer rows.

Chroma's files must not be written by one process while another has them open (chroma-core/chroma
issues 3792 and 7090). So a part is built in a draft directory, from the vector file, and renamed;
it never changes after that, as Chroma opens a copy of it (part_files.py). New parts absorb smaller
ones, as in a log-structured merge tree, so their number grows with the logarithm of the archive.
Rows in no part are scanned, and so are all rows before `warm` is called: a single search ends
before Chroma would be imported. The rows of a part that is damaged, or was made before there were
seals, are scanned as if it were not there.
"""

import logging
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backfile.archive.model.errors import EngineUnavailable, Shortage
from backfile.archive.store.trust import FILE_MODE, make_private, make_private_folder
from backfile.archive.store.vectors import VectorFile
from backfile.index.model.arrays import Bools, Rows, distinct
from backfile.index.vector.chroma_part import ChromaPart, write_part
from backfile.index.vector.chroma_snapshot import ROWS_A_NEIGHBOUR, ChromaSnapshot, require_rows
from backfile.index.vector.codes import CodeFile

log = logging.getLogger(__name__)
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
        self._codes = CodeFile(vectors)
        self._known: dict[Path, ChromaPart] = {}
        self._warm = False

    def seal(self, embedded: Rows) -> None:
        """Build a part from the rows in no part; it absorbs small and partly dead parts.

        It absorbs parts without seals, too, and takes the place of those that cannot be read.
        """
        self._sweep()
        parts = self._readable()
        living = _living(parts, embedded)
        fresh = np.setdiff1d(
            embedded, np.concatenate([*living.values(), NO_ROWS]), assume_unique=True
        )
        absorbed = [
            part
            for part, rows in living.items()
            if len(rows) < (1 - MOST_DEAD) * len(part.rows) or not part.is_sealed
        ]
        growing = len(fresh) + sum(len(living[part]) for part in absorbed)
        for part in sorted(living, key=lambda part: len(living[part])):
            if part not in absorbed and 0 < len(living[part]) <= 2 * growing:
                absorbed.append(part)
                growing += len(living[part])
        retiring = [part.path for part in absorbed]
        retiring += set(self._parts()) - {part.path for part in parts}
        if growing:
            self._build(np.sort(np.concatenate([fresh, *(living[part] for part in absorbed)])))
        for path in retiring:
            (path / RETIRED).touch(mode=FILE_MODE)
        self._codes.bring_up(embedded)

    def rebuild(self, embedded: Rows) -> None:
        """Build one part of all rows; the earlier parts, damaged or not, retire after that."""
        self._sweep()
        earlier = self._parts()
        if len(embedded):
            self._build(embedded)
        for part in earlier:
            (part / RETIRED).touch(mode=FILE_MODE)
        self._codes.clear()
        self._codes.bring_up(embedded)

    def files(self) -> list[Path]:
        """List the files of all parts; none of them is ever written to again."""
        return sorted(file for part in self._parts() for file in part.rglob("*") if file.is_file())

    def rows(self) -> Rows:
        return distinct(np.concatenate([NO_ROWS, *(part.rows for part in self._readable())]))

    def is_behind(self, embedded: Rows) -> bool:
        differing = np.setxor1d(embedded, self.rows(), assume_unique=True)
        return len(differing) > 0 or self._codes.is_behind(embedded)

    def snapshot(self, embedded: Bools) -> "ChromaSnapshot":
        parts = [part for part in self._readable() if part.is_sealed]
        self._known = {part.path: part for part in parts}
        if self._warm:
            parts = [part for part in parts if _opens(part)]
        codes = self._codes.read(len(embedded))
        return ChromaSnapshot(parts, self._vectors, codes, embedded, self._rows_a_neighbour)

    def warm(self) -> None:
        self._warm = True

    def check(self) -> None:
        for path in self._parts():
            ChromaPart(path).check()
        self._codes.check()

    def clear(self) -> None:
        self._codes.clear()
        shutil.rmtree(self._path, ignore_errors=True)

    def _parts(self) -> list[Path]:
        found = sorted(self._path.glob(f"{PART}*"))
        return [part for part in found if not (part / RETIRED).exists()]

    def _readable(self) -> list[ChromaPart]:
        """The parts whose rows can be read; those that are known already are not read again."""
        found = []
        for path in self._parts():
            try:
                found.append(self._known.get(path) or ChromaPart(path))
            except EngineUnavailable as exc:
                log.warning("%s; its passages are compared one by one", exc)
        return found

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
        vectors = self._vectors.read(int(rows[-1]) + 1)
        require_rows(vectors, rows)
        name = uuid.uuid4().hex
        draft = self._path / f"{DRAFT}{name}"
        make_private_folder(draft)
        write_part(draft, rows, vectors)
        make_private(draft)  # Chroma makes files as the umask is
        draft.rename(self._path / f"{PART}{name}")


def _living(parts: Sequence[ChromaPart], embedded: Rows) -> dict[ChromaPart, Rows]:
    """The living rows of each part, each row in the largest part that has it."""
    living: dict[ChromaPart, Rows] = {}
    left = embedded
    for part in sorted(parts, key=lambda part: len(part.rows), reverse=True):
        living[part] = np.intersect1d(distinct(part.rows), left, assume_unique=True)
        left = np.setdiff1d(left, living[part], assume_unique=True)
    return living


def _opens(part: ChromaPart) -> bool:
    """Open a part; return False if that fails."""
    try:
        part.open()
    except (EngineUnavailable, Shortage) as exc:
        log.warning("%s; its passages are compared one by one", exc)
    return part.is_open
