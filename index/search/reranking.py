"""Reranks the first articles of an answer with a model that reads question and passage together.

The model is slow, so it reads the first DEPTH articles only, within a time limit. The articles that
it has read come first, in its order.
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
from backfile.index.model.results import RerankScore
from backfile.index.seams.protocols import Reranker

DEPTH = 30  # articles, each by its best passage
AT_ONCE = 5  # passages between two checks of the time limit


class Reordered(NamedTuple):
    """Ordinals in their new order, the new scores by ordinal, and a note for the reader."""

    ordered: Rows
    reranked: Mapping[int, RerankScore]
    note: Message | None


@dataclass(frozen=True)
class Reranking:
    """A reranker, and its time limit for an answer, in seconds."""

    reranker: Reranker
    seconds: float = float("inf")

    def reorder(self, question: str, hits: Hits, ordered: Rows, catalog: Catalog) -> Reordered:
        """Rerank the first articles; if the model is unavailable, keep the order and add a note."""
        best = {hits.best_row(ordinal): ordinal for ordinal in ordered[:DEPTH].tolist()}
        stored = {found.row: found for found in catalog.stored(list(best))}
        texts = {
            ordinal: embedded_text(stored[row].passage, stored[row].article.given_title)
            for row, ordinal in best.items()
            if row in stored  # else the article was removed since the snapshot was opened
        }
        try:
            given = self._read(question, texts)
        except EngineUnavailable as exc:
            return Reordered(ordered, {}, Message("not reranked: %(failure)s", failure=exc.message))
        note = None
        if len(given) < len(texts):
            note = Message(
                "the reranker read the first %(read)s of %(all)s results in its %(allowed)s ms",
                read=len(given),
                all=len(texts),
                allowed=round(1000 * self.seconds),
            )
        return _reordered(ordered, hits, given)._replace(note=note)

    def _read(self, question: str, texts: Mapping[int, str]) -> dict[int, float]:
        """Score texts in their order until the time limit, but at least AT_ONCE; by ordinal."""
        self.reranker.load()
        given: dict[int, float] = {}
        ordinals, longest, began = list(texts), 0.0, time.perf_counter()
        for start in range(0, len(ordinals), AT_ONCE):
            before = time.perf_counter()
            if start and before - began + longest > self.seconds:
                break
            some = ordinals[start : start + AT_ONCE]
            scores = self.reranker.scores(question, [texts[ordinal] for ordinal in some])
            given.update(zip(some, scores.tolist(), strict=True))
            longest = max(longest, time.perf_counter() - before)
        return given


def _reordered(ordered: Rows, hits: Hits, given: Mapping[int, float]) -> Reordered:
    """Put the read articles first; their score is the best of the rest plus the model's."""
    was_read = np.isin(ordered, list(given))
    read, rest = ordered[was_read], ordered[~was_read]
    base = max(0.0, float(hits.shown_scores(rest).max())) if len(rest) else 0.0
    scores = np.array([given[ordinal] for ordinal in read.tolist()])
    read = read[np.argsort(-scores, kind="stable")]
    reranked = {
        ordinal: RerankScore(given[ordinal], base + given[ordinal]) for ordinal in read.tolist()
    }
    return Reordered(np.concatenate([read, rest]), reranked, None)
