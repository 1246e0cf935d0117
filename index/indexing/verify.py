"""Checks the parts of an archive against each other, and repairs them from the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.workers import batches
from backfile.index.indexing.indexer import Indexer
from backfile.index.model.arrays import Rows
from backfile.index.seams.engines import Engines

ROWS_AT_ONCE = 2_000
LENGTH_TOLERANCE = 0.01  # of an embedding's length, which is 1, in float16


class Part(StrEnum):
    """The part of an archive that has a problem."""

    CATALOG = "catalogue"
    ORIGINALS = "originals"
    COLUMNS = "columns"
    LEXICAL = "lexical"
    VECTORS = "vectors"
    NEIGHBOURS = "chroma"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one part, described for a person."""

    part: Part
    message: str

    def __str__(self) -> str:
        return f"{self.part.value}: {self.message}"


def verify(engines: Engines) -> Iterator[Problem]:
    """Check the catalogue, the originals and the vectors, and compare all caches with them."""
    yield from (Problem(Part.CATALOG, message) for message in engines.catalog.problems())
    yield from _texts(engines)
    for digest in engines.catalog.originals.damaged():
        message = f"{digest[:12]} is missing or damaged; `backfile index` again copies its file"
        yield Problem(Part.ORIGINALS, message)
    if not engines.table.agrees(engines.catalog):
        yield Problem(Part.COLUMNS, "dates, sources or the like are not what the catalogue says")
    table = engines.catalog.passage_table()
    yield from _words(engines, table[:, 0])
    embedded = table[table[:, 2] != 0, 0]
    for bad in _broken(engines, embedded):
        yield Problem(Part.VECTORS, f"{len(bad)} passages have no sound embedding")
    yield from _neighbours(engines, embedded)


def repair(engines: Engines, indexer: Indexer) -> None:
    """Repair the caches and the vectors from the catalogue; sound parts are left alone.

    Damaged originals are deleted, and copied again when their files are next read.
    """
    engines.catalog.originals.forget(list(engines.catalog.originals.damaged()))
    if not engines.table.agrees(engines.catalog):
        engines.table.clear()
        engines.table.bring_up(engines.catalog)
    table = engines.catalog.passage_table()
    if any(_words(engines, table[:, 0])):
        indexer.lexical.rebuild()
    broken = list(_broken(engines, table[table[:, 2] != 0, 0]))
    for rows in broken:
        engines.catalog.embedded.forget(rows)
    table = engines.catalog.passage_table()
    embedded = table[table[:, 2] != 0, 0]
    if broken or any(_neighbours(engines, embedded)):
        indexer.rebuild_neighbours()  # without the broken rows, which are then new ones
    indexer.embed()


def _texts(engines: Engines) -> Iterator[Problem]:
    """Check that each article has its digest, and that each passage is within its article."""
    for article, digest in engines.catalog.digests():
        if article.digest != digest:
            yield Problem(Part.CATALOG, f"the article {article.id!r} is not what was read")
    rows = engines.catalog.rows_after(0)
    for some in batches(rows.tolist(), ROWS_AT_ONCE):
        for found in engines.catalog.stored(some):
            if not 0 <= found.passage.start < found.passage.end <= len(found.article.text):
                yield Problem(Part.CATALOG, f"the passage {found.passage.id!r} is out of bounds")


def _words(engines: Engines, rows: Rows) -> Iterator[Problem]:
    try:
        indexed = engines.lexical.rows()
        engines.lexical.snapshot().close()
        engines.lexical.check()
    except EngineUnavailable as exc:
        yield Problem(Part.LEXICAL, str(exc))
        return
    if len(missing := np.setdiff1d(rows, indexed)):
        yield Problem(Part.LEXICAL, f"{len(missing)} passages cannot be found by words")
    if len(surplus := np.setdiff1d(indexed, rows)):
        yield Problem(Part.LEXICAL, f"{len(surplus)} passages are indexed that are gone")
    if len(indexed) != len(np.unique(indexed)):
        yield Problem(Part.LEXICAL, "some passages are indexed twice")


def _broken(engines: Engines, embedded: Rows) -> Iterator[Rows]:
    """Yield the rows, if any, whose embedding is not a vector of length 1."""
    if not len(embedded):
        return
    vectors = engines.vectors.read(int(embedded[-1]) + 1)
    bad = [embedded[embedded >= len(vectors)]]
    within = embedded[embedded < len(vectors)]
    for start in range(0, len(within), ROWS_AT_ONCE):
        some = within[start : start + ROWS_AT_ONCE]
        lengths = np.linalg.norm(vectors[some].astype(np.float32), axis=1)
        bad.append(some[~(np.abs(lengths - 1) <= LENGTH_TOLERANCE)])
    if len(found := np.concatenate(bad)):
        yield found


def _neighbours(engines: Engines, embedded: Rows) -> Iterator[Problem]:
    """Check that Chroma holds all embedded passages and answers."""
    try:
        indexed = engines.neighbours.rows()
        engines.neighbours.check()
    except (EngineUnavailable, OSError, ValueError) as exc:
        yield Problem(Part.NEIGHBOURS, str(exc))
        return
    if len(missing := np.setdiff1d(embedded, indexed)):
        yield Problem(Part.NEIGHBOURS, f"{len(missing)} embedded passages are in no part")
