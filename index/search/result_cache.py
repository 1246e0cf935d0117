"""Keeps what a query found, so that its pages are cut from one and the same answer.

An archive that is being indexed changes every few seconds, and with it totals, scores and places.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from backfile.archive.model.article import Article
from backfile.archive.store.catalog import Catalog
from backfile.archive.workers import batches
from backfile.index.answers.hits import Hits
from backfile.index.model.arrays import Rows
from backfile.index.model.query import DEFAULT_HITS, Cursor, Query
from backfile.index.model.results import Results

MOST_KEPT = 16  # answers, each with a score for every passage of the archive
ARTICLES_AT_ONCE = 500
SECONDS_KEPT = 1_800.0  # since it was last turned over


class ScoredArticle(NamedTuple):
    """An article that was found, and its score."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """All that a query found, in order, and all that is said of it on every page."""

    answer: Results  # without hits
    hits: Hits
    ordered: Rows  # articles, by their places

    def page(self, query: Query, catalog: Catalog) -> Results:
        """Cut out the page that the query's cursor and limit name."""
        begin = query.cursor.offset if query.cursor else 0
        end = begin + query.limit
        hits = self.hits.fetch(self.ordered[begin:end], catalog)
        more = Cursor(self.answer.generation, end) if end < len(self.ordered) else None
        return replace(self.answer, query=query, hits=hits, next=more)

    def articles(self, catalog: Catalog, most: int | None = None) -> Iterator[ScoredArticle]:
        """Walk what was found, in order, all or `most` of it, some at a time from the catalogue.

        What was removed since is passed over.
        """
        table, scores = self.hits.table, self.hits.scores
        for places in batches(self.ordered[:most].tolist(), ARTICLES_AT_ONCE):
            rows = dict(zip(table.first_rows[places].tolist(), places, strict=True))
            stored = {found.row: found.article for found in catalog.stored(list(rows))}
            for row, place in rows.items():
                if row in stored:
                    yield ScoredArticle(stored[row], float(scores[place]))


class ResultCache:
    """What was found by queries that had more than one page, the latest ones; for all threads."""

    def __init__(self, *, most: int = MOST_KEPT, seconds: float = SECONDS_KEPT) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Found, float]] = OrderedDict()

    def keep(self, found: Found, query: Query) -> None:
        """Keep an answer for the pages that follow; the ones turned over longest ago go."""
        with self._lock:
            now = time.monotonic()
            key = _key(query, found.answer.generation)
            self._kept[key] = found, now
            self._kept.move_to_end(key)
            while len(self._kept) > self._most or now - self._oldest() > self._seconds:
                self._kept.popitem(last=False)

    def of(self, query: Query) -> Found | None:
        """Look up what the query found in the generation that its cursor names."""
        if query.cursor is None:
            return None
        with self._lock:
            found, _ = self._kept.get(_key(query, query.cursor.generation), (None, 0.0))
            return found

    def _oldest(self) -> float:
        return next(iter(self._kept.values()))[1]


def _key(query: Query, generation: int) -> Hashable:
    return generation, replace(query, cursor=None, limit=DEFAULT_HITS)
