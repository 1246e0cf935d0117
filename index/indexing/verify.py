"""Checks the parts of an archive against each other, and repairs them from the catalogue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.damage import find_damage, find_damaged_versions
from backfile.index.indexing.indexer import Indexer
from backfile.index.model.arrays import Rows, distinct
from backfile.index.seams.engines import Engines

ROWS_AT_ONCE = 2_000
TRIES = 5
NAMED = 5  # damaged embeddings
LENGTH_TOLERANCE = 0.01  # of an embedding's length, which is 1, in float16


class Part(StrEnum):
    """The part of an archive that has a problem."""

    CATALOG = "catalogue"
    ORIGINALS = "originals"
    INBOX = "inbox"
    COLLECTIONS = "collections"
    COLUMNS = "columns"
    LEXICAL = "lexical"
    VECTORS = "vectors"
    NEIGHBOURS = "chroma"
    NOISE = "calibration"
    GRAPH = "query graph"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one part, described for a person.

    `is_unfinished` marks work that a process may still have to do, or a killed one has left.
    """

    part: Part
    message: str
    is_unfinished: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.part.value}: {self.message}"


def verify(
    engines: Engines, *, is_written_to: Callable[[], bool] = lambda: False
) -> Iterator[Problem]:
    """Check the catalogue, the originals and the vectors, and compare all caches with them.

    `is_written_to` says whether another process writes to the archive at this moment: what that
    process has still to do is no problem.
    """
    yield from (Problem(Part.CATALOG, message) for message in engines.catalog.problems())
    yield from _texts(engines)
    for digest in engines.catalog.originals.damaged():
        message = f"{digest[:12]} is missing or damaged; `backfile index` again copies its file"
        yield Problem(Part.ORIGINALS, message)
    for job in engines.catalog.inbox.damaged():
        yield Problem(Part.INBOX, f"the file of job {job.number} is damaged")
    for message in engines.catalog.collections.problems():
        yield Problem(Part.COLLECTIONS, message)
    if engines.table.is_damaged():
        yield Problem(Part.COLUMNS, "the file is damaged")
    elif not engines.table.agrees(engines.catalog):
        yield Problem(Part.COLUMNS, "dates, sources or the like are not what the catalogue says")
    if engines.noise.is_damaged():
        yield Problem(Part.NOISE, "the file is damaged")
    try:
        engines.embedder.check_queries()
    except EngineUnavailable as exc:
        yield Problem(Part.GRAPH, str(exc))
    if count := len(engines.catalog.names.damaged()):
        yield Problem(Part.CATALOG, f"the names of {count} articles are damaged")
    for compare in (_furniture, _words, _vectors, _neighbours):
        yield from _lasting(engines, compare, is_written_to)


def count_received(engines: Engines) -> int:
    """How many passages came in over HTTP that a server has still to embed, or to seal.

    They are work that goes on, or waits until the server runs again, and no problem. The caches
    are sound.
    """
    if not (first := engines.catalog.inbox.embed_from()):
        return 0
    rows = engines.catalog.rows_after(first - 1)
    return len(np.setdiff1d(rows, engines.neighbours.rows(), assume_unique=True))


def repair(engines: Engines, indexer: Indexer) -> None:
    """Repair the caches and the vectors from the catalogue; sound parts are left alone.

    Damaged originals are deleted, and copied again when their files are next read. Damaged
    collections are set aside. A damaged calibration is deleted; the caller calibrates. Embedding
    exports the query graph again.
    """
    engines.catalog.collections.set_aside()
    engines.catalog.originals.forget(list(engines.catalog.originals.damaged()))
    if engines.table.is_damaged() or not engines.table.agrees(engines.catalog):
        engines.table.clear()
        engines.table.bring_up(engines.catalog)
    if engines.noise.is_damaged():
        engines.noise.clear()
    if any(_words(engines)):
        indexer.lexical.rebuild()
    indexer.tidy(anyway=True)
    indexer.recut()
    indexer.lexical.finish()
    if len(bad := _broken(engines)):
        engines.catalog.embedded.forget(bad)
    if len(bad) or any(_neighbours(engines)):
        indexer.rebuild_neighbours()  # without the bad rows, which are then new ones
    indexer.embed()
    if damaged := engines.catalog.names.damaged():
        engines.catalog.names.forget(damaged)
    indexer.read_names()
    indexer.finish()


def _lasting(
    engines: Engines,
    compare: Callable[[Engines], Iterator[Problem]],
    is_written_to: Callable[[], bool],
) -> list[Problem]:
    """The problems that a comparison with the catalogue finds, and no writer is at work on."""
    found: list[Problem] = []
    for _ in range(TRIES):
        generation = engines.catalog.generation()
        found = list(compare(engines))
        if found and is_written_to():
            found = [problem for problem in found if not problem.is_unfinished]
        if not found or engines.catalog.generation() == generation:
            break
    return found


def _texts(engines: Engines) -> Iterator[Problem]:
    """Check that each article has its digest, and that each passage is within its article."""
    path = engines.catalog.path
    try:
        yield from (Problem(Part.CATALOG, str(each)) for each in find_damage(path))
        yield from (Problem(Part.CATALOG, str(each)) for each in find_damaged_versions(path))
    except EngineUnavailable as exc:
        yield Problem(Part.CATALOG, str(exc))


def _furniture(engines: Engines) -> Iterator[Problem]:
    """Check that all articles are cut without what is furniture now."""
    if count := engines.catalog.recurring.count_uncut():
        message = f"{count} articles are to be cut again, as what is furniture has changed"
        yield Problem(Part.CATALOG, message, True)


def _words(engines: Engines) -> Iterator[Problem]:
    """Check that the lexical index holds the passages of the catalogue, each once."""
    rows = engines.catalog.rows_after(0)
    try:
        indexed = engines.lexical.rows()
        engines.lexical.snapshot().close()
        engines.lexical.check()
    except EngineUnavailable as exc:
        yield Problem(Part.LEXICAL, str(exc))
        return
    if len(missing := np.setdiff1d(rows, indexed, assume_unique=True)):
        yield Problem(Part.LEXICAL, f"{len(missing)} passages cannot be found by words", True)
    if len(surplus := np.setdiff1d(indexed, rows, assume_unique=True)):
        yield Problem(Part.LEXICAL, f"{len(surplus)} passages are indexed that are gone", True)
    if len(indexed) != len(distinct(indexed)):
        yield Problem(Part.LEXICAL, "some passages are indexed twice")


def _vectors(engines: Engines) -> Iterator[Problem]:
    """Check that each embedded passage has a sound vector, and removed ones have none."""
    if len(bad := _broken(engines)):
        stored = engines.catalog.stored(bad[:NAMED].tolist())
        named = ", ".join(dict.fromkeys(repr(each.article.id) for each in stored))
        more = ", …" if len(bad) > NAMED else ""
        message = f"{len(bad)} passages have no sound embedding, of the articles {named}{more}"
        yield Problem(Part.VECTORS, message)
    if len(left := engines.vectors.filled_beside(engines.catalog.rows_after(0))):
        message = f"the embeddings of {len(left)} passages that are gone are still there"
        yield Problem(Part.VECTORS, message, True)


def _broken(engines: Engines) -> Rows:
    """The embedded rows whose embedding is damaged, or not a vector of length 1."""
    embedded = _embedded(engines)
    damaged = engines.vectors.damaged(embedded)
    vectors = engines.vectors.read(int(embedded.max(initial=0)) + 1)
    whole = np.setdiff1d(embedded, damaged, assume_unique=True)
    bad = [damaged]
    for start in range(0, len(whole), ROWS_AT_ONCE):
        some = whole[start : start + ROWS_AT_ONCE]
        lengths = np.linalg.norm(vectors[some].astype(np.float32), axis=1)
        bad.append(some[~(np.abs(lengths - 1) <= LENGTH_TOLERANCE)])
    return np.sort(np.concatenate(bad))


def _neighbours(engines: Engines) -> Iterator[Problem]:
    """Check that Chroma holds all embedded passages and answers.

    What came in over HTTP and is not sealed yet is left out: see `count_received`.
    """
    first, embedded = engines.catalog.inbox.embed_from(), _embedded(engines)
    if first:
        embedded = embedded[embedded < first]
    try:
        indexed = engines.neighbours.rows()
        engines.neighbours.check()
    except (EngineUnavailable, OSError, ValueError) as exc:
        yield Problem(Part.NEIGHBOURS, str(exc))
        return
    if len(missing := np.setdiff1d(embedded, indexed, assume_unique=True)):
        yield Problem(Part.NEIGHBOURS, f"{len(missing)} embedded passages are in no part", True)


def _embedded(engines: Engines) -> Rows:
    table = engines.catalog.passage_table()
    rows: Rows = table[table[:, 2] != 0, 0]
    return rows
