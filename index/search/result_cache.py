"""Keeps answers, so that all pages of a query are cut from the same answer.

An archive that is being indexed changes every few seconds: its totals, scores and ranks change too.
"""

import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from cachetools import TTLCache

from backfile.archive.model.article import Article
from backfile.archive.store.catalog import Catalog
from backfile.archive.workers import batches
from backfile.index.answers.hits import Hits
from backfile.index.answers.page_parts import PagePart, completed
from backfile.index.answers.timeline import TimelinePart, merged_timeline
from backfile.index.model.arrays import Rows
from backfile.index.model.query import DEFAULT_HITS, Cursor, Query
from backfile.index.model.results import Results
from backfile.index.model.whole import UNDIVIDED, Whole
from backfile.index.search.ordering import Placing
from backfile.index.search.ranking import order_keys

MOST_KEPT = 64 << 20  # bytes of the arrays of all answers; the last one is kept whatever it has
LEAST = 4 << 20  # bytes that an answer counts at least, for what is no array
ARTICLES_AT_ONCE = 500
SECONDS_KEPT = 1_800.0  # since its last page was read


class ScoredArticle(NamedTuple):
    """An article that was found, and its score."""

    article: Article
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """The whole answer to a query, from which its pages are cut.

    Of a divided archive, each shard has its part of it; all parts have the number of its `search`.
    If that `required_all`, shards that the days of the query rule out have a part, too.
    """

    answer: Results  # without hits and timeline
    timeline: TimelinePart
    hits: Hits
    ordered: Rows  # ordinals of articles, best first
    placing: Placing | None = None  # of the page of this search, which shards place beforehand
    search: int = 0
    required_all: bool = False

    def page(
        self,
        query: Query,
        catalog: Catalog,
        whole: Whole = UNDIVIDED,
        *,
        passes_on: bool = False,
    ) -> Results:
        """Cut the page that the query's cursor and limit select.

        The first shard gets the parts of all, and completes it; but if it `passes_on`, each shard
        passes its own part on to the coordinator, which does (see `completed`).
        """
        placing = self.placing or Placing.of(self.hits, self.ordered, query, whole)
        own = PagePart(placing.part(catalog), self.timeline)
        is_last = placing.end >= self.answer.total
        more = None if is_last else Cursor(self.answer.generation, placing.end)
        answer = replace(self.answer, query=query, next=more)
        if whole.exchange and passes_on:
            whole.exchange.pass_on(own)
            return answer
        whole.require_all()  # the periods of a timeline follow from what others find
        return completed(answer, whole.collected(own).values())

    def without_hits(self, whole: Whole = UNDIVIDED) -> Results:
        """The answer with its timeline, and without a page; the first shard has that of all."""
        whole.require_all()
        timeline = merged_timeline(whole.collected(self.timeline).values())
        return replace(self.answer, timeline=timeline)

    def articles(self, catalog: Catalog, most: int | None = None) -> Iterator[ScoredArticle]:
        """Yield the articles in order, all or the first `most`; the catalogue is read in batches.

        Articles that were removed in the meantime are skipped.
        """
        table = self.hits.table
        for ordinals in batches(self.ordered[:most].tolist(), ARTICLES_AT_ONCE):
            rows = dict(zip(table.first_rows[ordinals].tolist(), ordinals, strict=True))
            stored = {found.row: found.article for found in catalog.stored(list(rows))}
            scores = self.hits.shown_scores(np.array(ordinals, np.int64)).tolist()
            for row, score in zip(rows, scores, strict=True):
                if row in stored:
                    yield ScoredArticle(stored[row], score)

    def batches(
        self, catalog: Catalog, whole: Whole, most: int | None = None
    ) -> Iterator[list[ScoredArticle]]:
        """Iterate over the articles of a whole in order, all or the first `most`, in batches.

        The first shard has them.

        All shards iterate together, to the end.
        """
        ordinals, scores = self.ordered, self.hits.scores
        keys = order_keys(self.hits.table, ordinals, scores, self.answer.query.sort)
        total = self.answer.total if most is None else min(most, self.answer.total)
        places = whole.places(keys, total)
        own = self.articles(catalog)
        for begin in range(0, total, ARTICLES_AT_ONCE):
            mine = places[(places >= begin) & (places < begin + ARTICLES_AT_ONCE)].tolist()
            found = dict(zip(mine, own, strict=False))
            shards = whole.collected(found).values()
            merged = {place: each for shard in shards for place, each in shard.items()}
            yield [merged[place] for place in sorted(merged)]


class ResultCache:
    """The latest answers that have more than one page, up to so many bytes. Thread-safe."""

    def __init__(self, *, most: int = MOST_KEPT, seconds: float = SECONDS_KEPT) -> None:
        self._lock = threading.Lock()
        self._answers: TTLCache[Hashable, Found] = TTLCache(
            most, seconds, getsizeof=lambda found: min(most, max(LEAST, bytes_of(found)))
        )

    def keep(self, found: Found, query: Query, whole: Whole = UNDIVIDED) -> None:
        """Keep an answer for its next pages; the least recently used answer is dropped."""
        with self._lock:
            key = _key(query, found.answer.generation, whole)
            self._answers[key] = replace(found, placing=None)

    def of(self, query: Query, whole: Whole = UNDIVIDED) -> Found | None:
        """The answer that the cursor of the query belongs to; None if it is no longer kept.

        In a shard, it is of a search with as many shards, in which this one had the same place: the
        first alone has the counts of all.
        """
        if query.cursor is None:
            return None
        with self._lock:
            return self._answers.get(_key(query, query.cursor.generation, whole))


def bytes_of(found: Found) -> int:
    """The bytes of the arrays that an answer holds, but for the article table.

    That is mostly the current one, which all share.
    """
    hits = found.hits
    lists = [each for leaf in hits.matches.leaves for each in (leaf, *leaf.lists)]
    arrays = [each for some in lists for each in some if isinstance(each, np.ndarray)]
    for part in (hits, hits.candidates, hits.matches, hits.groups, hits.folding):
        held = (getattr(part, each.name) for each in fields(part)) if part else ()
        arrays += [each for each in held if isinstance(each, np.ndarray)]
    arrays += [found.ordered, hits.matches.scored]
    return sum(each.nbytes for each in arrays)


def _key(query: Query, generation: int, whole: Whole) -> Hashable:
    standing = whole.place, whole.n_shards
    return generation, standing, replace(query, cursor=None, limit=DEFAULT_HITS)
