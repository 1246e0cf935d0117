"""The vector index in Chroma: sealed parts that are written once, and a scan of what is newer.

Chroma's files must not be written by one process while another has them open (chroma-core/chroma
issues 3792 and 7090). So a part is built aside, from the vectors on record, and moved into place
whole; nothing is ever added to it. New parts absorb the smaller ones, as in a log-structured
merge tree, so their number grows with the logarithm of the archive. Rows that no part holds yet
are compared one by one, and so are all rows until `warm` is called: a process that asks once is
done with the scan before Chroma would be imported.
"""

import shutil
import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from archive.errors import EngineUnavailable
from archive.message import Message
from archive.store.vectors import VectorFile
from index.protocols import Bools, Floats, Ranking, Rows
from index.vector.comparing import above, cosines, rows_read, top

PART = "part-"
DRAFT = "draft-"
COLLECTION = "passages"
ROWS = "rows.npy"
RETIRED = "retired"
NO_ROWS: Rows = np.empty(0, np.int64)
OPENING = threading.Lock()  # Chroma keeps one registry of clients, and races on it
MOST_DEAD = 0.1  # the share of a part's rows that may be gone before it is built again
OVERASKED = 2  # times the limit, and at least as many as LEAST_ASKED: recall@100 .999, recall@200
LEAST_ASKED = 400  # .995 on 77,000 passages of news, against .993 and .979, for 1.5 ms more
FEW_NEAR = 100  # above a floor; where more are, Chroma may miss some, and all rows are compared
ENOUGH = 1.5  # times the limit, of those that pass a filter; with fewer, all that pass are compared
ROWS_A_NEIGHBOUR = 400  # are compared, on two cores, while Chroma finds one more neighbour
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}


class ChromaIndex:
    """Nearest neighbours of an archive: one Chroma directory a part, with `rows.npy` beside it."""

    def __init__(self, path: Path, vectors: VectorFile) -> None:
        self._path = path
        self._vectors = vectors
        self._known: dict[Path, Part] = {}
        self._warm = False

    def seal(self, embedded: Rows) -> None:
        """Build a part of the rows in none, taking smaller and half-dead parts into it."""
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
            (part / RETIRED).touch()

    def rows(self) -> Rows:
        found = [np.load(part / ROWS) for part in self._parts()]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def snapshot(self, embedded: Bools) -> "ChromaSnapshot":
        try:
            parts = [self._known.get(path) or Part(path) for path in self._parts()]
        except (OSError, ValueError) as exc:
            raise _unavailable(exc) from exc
        self._known = {part.path: part for part in parts}
        if self._warm:
            for part in parts:
                part.open()
        return ChromaSnapshot(parts, self._vectors, embedded)

    def warm(self) -> None:
        self._warm = True

    def check(self) -> None:
        for path in self._parts():
            Part(path).check()

    def clear(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)

    def _parts(self) -> list[Path]:
        found = sorted(self._path.glob(f"{PART}*"))
        return [part for part in found if not (part / RETIRED).exists()]

    def _living(self, embedded: Rows) -> dict[Path, Rows]:
        """What each part holds of the archive, and no larger part does."""
        living: dict[Path, Rows] = {}
        wanted = embedded
        for part in sorted(self._parts(), key=_size, reverse=True):
            living[part] = np.intersect1d(np.load(part / ROWS), wanted)
            wanted = np.setdiff1d(wanted, living[part])
        return living

    def _sweep(self) -> None:
        """Remove what a killed writer left, and the parts that the last seal retired.

        A retired part outlives one seal, for readers that have it open.
        """
        for path in self._path.glob("*"):
            if path.name.startswith(DRAFT) or (path / RETIRED).exists():
                shutil.rmtree(path)

    def _build(self, rows: Rows) -> None:
        name = uuid.uuid4().hex
        draft = self._path / f"{DRAFT}{name}"
        draft.mkdir(parents=True, mode=0o700)
        with OPENING:
            client = _client(draft)
        collection = client.create_collection(
            COLLECTION, embedding_function=None, configuration={"hnsw": HNSW}
        )
        vectors = self._vectors.read(int(rows[-1]) + 1)
        at_once = client.get_max_batch_size()
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            collection.add(
                ids=[str(row) for row in some.tolist()],
                embeddings=vectors[some].astype(np.float32),
            )
        client.close()
        np.save(draft / ROWS, rows)
        draft.rename(self._path / f"{PART}{name}")


class Part:
    """One sealed Chroma directory. Opening it takes Chroma's import, 0.8 s."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Any = None
        self.rows: Rows = np.load(path / ROWS)

    def nearest(self, vector: Floats, limit: int) -> Rows:
        """The rows nearest to the vector, as Chroma's graph finds them."""
        with _translated():
            found = self._opened.query(
                query_embeddings=[vector], n_results=min(limit, len(self.rows)), include=[]
            )
        return np.array([int(name) for name in found["ids"][0]], np.int64)

    def check(self) -> None:
        """Raise EngineUnavailable unless Chroma holds the rows of this part."""
        self.open()
        with _translated():
            held = self._opened.count()
        if held != len(self.rows):
            raise _unavailable(f"{self.path.name} holds {held} of {len(self.rows)} passages")

    def open(self) -> None:
        """Open the collection; raise EngineUnavailable. It closes when nobody has the part."""
        with OPENING, _translated():
            if self._opened is None:
                client = _client(self.path)
                weakref.finalize(self, client.close)
                self._opened = client.get_collection(COLLECTION, embedding_function=None)

    @property
    def is_open(self) -> bool:
        return self._opened is not None


class ChromaSnapshot:
    """The parts that were sealed when it was opened, and the rows in none of them."""

    def __init__(self, parts: list[Part], vectors: VectorFile, embedded: Bools) -> None:
        self._vectors = vectors.read(len(embedded))
        self._embedded = embedded[: len(self._vectors)]
        self._n_rows = len(self._embedded)
        self._parts = parts
        self._dead = [int((~self._known(part.rows)).sum()) for part in parts]
        newer = self._embedded.copy()
        for part in parts:
            newer[part.rows[part.rows < len(newer)]] = False
        self._newer = np.flatnonzero(newer)

    def nearest(self, vector: Floats, wanted: Bools | None, limit: int) -> Ranking:
        rows = self._candidates(vector, wanted, limit)
        return top(rows, self.similarities(vector, rows), limit)

    def within(self, vector: Floats, floor: float) -> Ranking:
        rows = np.flatnonzero(self._embedded)
        is_open = all(part.is_open for part in self._parts)
        if is_open and len(rows) and rows_read(rows) > ROWS_A_NEIGHBOUR * LEAST_ASKED:
            near = above(self.nearest(vector, None, FEW_NEAR + 1), floor)
            if len(near.rows) <= FEW_NEAR:
                return near
        near = above(Ranking(rows, self.similarities(vector, rows)), floor)
        return top(*near, len(near.rows))

    def _candidates(self, vector: Floats, wanted: Bools | None, limit: int) -> Rows:
        """The rows to compare: what Chroma proposes where that is quicker, or all that pass."""
        is_open = all(part.is_open for part in self._parts)
        needed = max(OVERASKED * limit, LEAST_ASKED)
        if wanted is None and is_open:
            return self._proposed(vector, needed)
        passing = self._embedded if wanted is None else self._embedded & wanted[: self._n_rows]
        rows = np.flatnonzero(passing)
        if is_open and len(rows):
            asked = int(needed * self._embedded.sum() / len(rows))
            if rows_read(rows) > ROWS_A_NEIGHBOUR * asked:
                proposed = self._proposed(vector, asked)
                proposed = proposed[passing[proposed]]
                if len(proposed) >= ENOUGH * limit:
                    return proposed
        return rows

    def _proposed(self, vector: Floats, limit: int) -> Rows:
        """What Chroma proposes, and what is newer; scores come from the record all the same."""
        found = [
            part.nearest(vector, limit + dead)
            for part, dead in zip(self._parts, self._dead, strict=True)
        ]
        rows = np.unique(np.concatenate([*found, self._newer]))
        return rows[self._known(rows)]

    def similarities(self, vector: Floats, rows: Rows) -> Floats:
        return cosines(self._vectors, rows, vector)

    def _known(self, rows: Rows) -> Bools:
        known = rows < len(self._embedded)
        known[known] = self._embedded[rows[known]]
        return known


@contextmanager
def _translated() -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, OSError, ValueError, KeyError, AttributeError) as exc:
        raise _unavailable(exc) from exc


def _size(part: Path) -> int:
    return len(np.load(part / ROWS, mmap_mode="r"))


def _client(path: Path) -> Any:
    import chromadb  # 0.8 s, which a keyword search never pays
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _unavailable(error: object) -> EngineUnavailable:
    remedy = Message("%(error)s; `backfile rebuild vectors` makes it anew", error=str(error))
    return EngineUnavailable("Chroma", remedy)
