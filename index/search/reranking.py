"""Has the best articles of an answer read again by a model that sees question and passage together.

It is slow, so it reads the first few only, and no longer than it may; what it has read stands above
the rest, in the order it gave.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.passages import embedded_text
from backfile.archive.store.catalog import Catalog
from backfile.index.answers.hits import Hits
from backfile.index.model.arrays import Rows
from backfile.index.model.results import Reread
from backfile.index.seams.protocols import Reranker

DEPTH = 30  # articles, each by its best passage
AT_ONCE = 5  # passages between two looks at the clock


class Reordered(NamedTuple):
    """Articles by their places in a new order, how those that were read again now score, a note."""

    ordered: Rows
    reread: Mapping[int, Reread]
    note: Message | None


@dataclass(frozen=True)
class Reranking:
    """A model that reads again, and the seconds it has for each answer."""

    reranker: Reranker
    seconds: float = float("inf")

    def reorder(self, question: str, hits: Hits, ordered: Rows, catalog: Catalog) -> Reordered:
        """Put the first articles in the order that the model gives; as they were if it cannot."""
        best = {hits.best_row(place): place for place in ordered[:DEPTH].tolist()}
        stored = {found.row: found for found in catalog.stored(list(best))}
        texts = {
            place: embedded_text(stored[row].passage, stored[row].article.given_title)
            for row, place in best.items()
            if row in stored  # else it was removed since the snapshot was taken
        }
        try:
            given = self._read(question, texts)
        except EngineUnavailable as exc:
            return Reordered(ordered, {}, Message("not reranked: %(failure)s", failure=exc.message))
        note = None
        if len(given) < len(texts):
            note = Message(
                "the reranker read the first %(read)s of %(all)s hits in its %(allowed)s ms",
                read=len(given),
                all=len(texts),
                allowed=round(1000 * self.seconds),
            )
        return _reordered(ordered, hits, given)._replace(note=note)

    def _read(self, question: str, texts: Mapping[int, str]) -> dict[int, float]:
        """Read texts in their order until all are read or time is up; the first few always."""
        self.reranker.load()
        given: dict[int, float] = {}
        places, longest, began = list(texts), 0.0, time.perf_counter()
        for start in range(0, len(places), AT_ONCE):
            before = time.perf_counter()
            if start and before - began + longest > self.seconds:
                break
            some = places[start : start + AT_ONCE]
            scores = self.reranker.scores(question, [texts[place] for place in some])
            given.update(zip(some, scores.tolist(), strict=True))
            longest = max(longest, time.perf_counter() - before)
        return given


def _reordered(ordered: Rows, hits: Hits, given: Mapping[int, float]) -> Reordered:
    """Raise what was read above the rest: each by as much as the model gave it."""
    was_read = np.isin(ordered, list(given))
    read, rest = ordered[was_read], ordered[~was_read]
    base = max(0.0, float(hits.scores[rest].max())) if len(rest) else 0.0
    scores = np.array([given[place] for place in read.tolist()])
    read = read[np.argsort(-scores, kind="stable")]
    reread = {place: Reread(given[place], base + given[place]) for place in read.tolist()}
    return Reordered(np.concatenate([read, rest]), reread, None)
