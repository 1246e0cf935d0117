"""Finds, in the best passage of each hit, the sentence that is nearest in meaning to the question.

Embedding the sentences of ten hits takes 0.4 s of one core (63 sentences, 7 ms each): too long to
wait for, so it is done where it is asked for, hit by hit while time is left, and kept by passage.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache

from backfile.archive.model.article import Passage
from backfile.archive.model.message import Message
from backfile.archive.passages import Span, embedded_sentence, sentences_of
from backfile.index.model.arrays import Floats
from backfile.index.model.results import Hit
from backfile.index.model.scale import USUAL_SCALE, Spread
from backfile.index.seams.protocols import Embedder

USUAL = USUAL_SCALE.queries
MOST_SECONDS = 1.0  # for an answer; ten hits take a third of it on a quiet core
MOST_SENTENCES = 12  # of a passage; of 3,894 passages of news 98.5% have no more
MOST_KEPT = 1_000  # passages, about 10 MB


class Marked(NamedTuple):
    """Hits, and how many of them there was no time for."""

    hits: tuple[Hit, ...]
    left: int


class Nearest:
    """Marks the nearest sentence of each hit; keeps the latest embeddings. Thread-safe."""

    def __init__(self, embedder: Embedder, floor: float, *, seconds: float = MOST_SECONDS) -> None:
        """Mark sentences of at least a closeness of `floor`, an answer within `seconds`."""
        self._seconds = seconds
        self._embedder = embedder
        self._floor = floor
        self._lock = threading.Lock()
        self._sentences: LRUCache[tuple[str, str], _Sentences] = LRUCache(MOST_KEPT)

    def mark(self, question: Floats, hits: Sequence[Hit], spread: Spread = USUAL) -> Marked:
        """Mark the best passage of each hit, in their order; raise EngineUnavailable.

        `spread` is that of the cosines of queries and passages.
        """
        floor = spread.cosine(self._floor)
        over = time.monotonic() + self._seconds
        marked = []
        for hit in hits:
            if time.monotonic() > over:
                break
            first, *others = hit.passages
            span = self._nearest(question, first.passage, hit.article.language, floor)
            marked.append(replace(hit, passages=(replace(first, nearest=span), *others)))
        left = len(hits) - len(marked)
        return Marked((*marked, *hits[len(marked) :]), left)

    def _nearest(
        self, question: Floats, passage: Passage, language: str, floor: float
    ) -> Span | None:
        sentences = self._sentences_of(passage, language)
        cosines = sentences.vectors @ question
        best = int(np.argmax(cosines)) if len(cosines) else 0
        return sentences.spans[best] if len(cosines) and cosines[best] >= floor else None

    def _sentences_of(self, passage: Passage, language: str) -> "_Sentences":
        key = passage.id, passage.text
        with self._lock:
            known = self._sentences.get(key)
        if known is None:
            known = self._embedded(passage, language)  # without the lock: it takes a while
            with self._lock:
                self._sentences[key] = known
        return known

    def _embedded(self, passage: Passage, language: str) -> "_Sentences":
        spans = list(sentences_of(passage, language))[:MOST_SENTENCES]
        if not spans:
            return _Sentences([], np.zeros((0, 0), np.float32))
        texts = [embedded_sentence(passage.text[span.start : span.end]) for span in spans]
        return _Sentences(spans, self._embedder.embed_sentences(texts))


class _Sentences(NamedTuple):
    """Where the sentences of a passage are in it, and their embeddings, aligned."""

    spans: list[Span]
    vectors: Floats


def unmarked(left: int) -> Message:
    """The note on a page of which the last hits were not marked."""
    return Message.counted(
        "there was no time to mark sentences in the last %(number)s results",
        "there was no time to mark sentences in the last %(number)s results",
        left,
    )
