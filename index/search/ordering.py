"""Orders what a query has found, and places the first hits of a shard among those of the whole.

Nobody knows which hits are on a page before the shards have compared theirs. So each gives what may
be asked for all that may be on it, at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.index.answers.hits import Hits, RankedPassages
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Rows
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.model.results import Hit
from backfile.index.model.whole import UNDIVIDED, Later, Stage, Whole
from backfile.index.search.ranker import Ranked
from backfile.index.search.ranking import in_order, order_keys
from backfile.index.search.snapshot import Snapshot

Keys = np.ndarray[Any, Any]


class _First(NamedTuple):
    """The first hits of a shard: what sorts them, and their passages in both rankings.

    `clusters` are those of the hits, -1 where a hit has no copies.
    """

    keys: tuple[Keys, ...]
    passages: Sequence[RankedPassages]
    clusters: Rows


@dataclass(frozen=True, slots=True)
class Placing:
    """The first hits of a shard, as ordinals with their best rows, which were given to the others.

    The page has the hits of the whole from `begin` to before `end`.
    """

    hits: Hits
    best: Mapping[int, Sequence[int]]
    begin: int
    end: int
    whole: Whole
    given: Later[_First]

    @classmethod
    def of(cls, hits: Hits, ordered: Rows, query: Query, whole: Whole = UNDIVIDED) -> Self:
        """Those that may be on the page of a query, of all hits in their order."""
        begin = query.cursor.offset if query.cursor else 0
        end = begin + query.limit
        first = ordered[0 if whole.is_divided else begin : end]
        best = hits.best_rows(first)
        keys = order_keys(hits.table, first, hits.scores, query.sort) if whole.is_divided else ()
        clusters = hits.table.cluster[first].astype(np.int64)
        given = whole.later(_First(keys, hits.ranked(list(best.values())), clusters))
        return cls(hits, best, begin, end, whole, given)

    def page(self, catalog: Catalog) -> dict[int, Hit]:
        """The own hits on the page, by their place in the whole.

        Those that were removed since the snapshot was opened are left out.
        """
        shards = self.given.values()
        if self.whole.is_divided:
            keys = [each.keys for each in shards]
            before = self.whole.owners_of_first(keys, self.begin)
            owners = self.whole.owners_of_first(keys, self.end)
            firsts, ends = (
                np.bincount(each, minlength=len(shards)).tolist() for each in (before, owners)
            )
            places = np.flatnonzero(owners == self.whole.place)[firsts[self.whole.place] :]
        else:
            firsts, ends = [0], [len(self.best)]
            places = np.arange(self.begin, self.begin + len(self.best))
        wanted = [
            [ranked.of_hits(first, end) for ranked in shard.passages]
            for shard, first, end in zip(shards, firsts, ends, strict=True)
        ]
        asked = {
            int(cluster)
            for shard, first, end in zip(shards, firsts, ends, strict=True)
            for cluster in shard.clusters[first:end]
        } & self.hits.crossing
        own = slice(firsts[self.whole.place], ends[self.whole.place])
        best = dict(list(self.best.items())[own])
        ranking = self.hits.ranks(wanted, self.whole)
        found = self.hits.fetch(best, ranking, asked, catalog, self.whole)
        hits = {
            place: found[ordinal]
            for place, ordinal in zip(places.tolist(), best, strict=True)
            if ordinal in found
        }
        if self.whole.is_divided:  # texts would be most of what is sent
            return {place: hit.without_text() for place, hit in hits.items()}
        return hits


def merged_hits(own: Mapping[int, Hit], whole: Whole) -> tuple[Hit, ...]:
    """The hits of all shards, in the order of their places; the first shard has them."""
    hits = {place: hit for shard in whole.collected(own).values() for place, hit in shard.items()}
    return tuple(hits[place] for place in sorted(hits))


@dataclass(frozen=True, slots=True)
class Ordered:
    """The hits of a query as ordinals, in order, and the reranker's note for the reader.

    `total` is the number of hits in the whole, and `placing` those that may be on the page.
    """

    ordinals: Rows
    hits: Hits
    note: Message | None = None
    total: int = 0
    placing: Placing | None = None

    def first(self, query: Query, catalog: Catalog, whole: Whole) -> tuple[Hit, ...]:
        """The hits on the page of a query; the first shard has those of all."""
        placing = self.placing or Placing.of(self.hits, self.ordinals, query, whole)
        return merged_hits(placing.page(catalog), whole)


def listed_articles(ranked: Ranked, *, counted: bool) -> Bools:
    """Article mask of what is listed: all that is found, or the group that is counted.

    That is so for a list by relevance of no certain group, unless only the `counted` are wanted.
    """
    query = ranked.asked.query
    one_list = query.sort is Sort.RELEVANCE and not query.match and not counted
    return ranked.groups.articles if one_list else ranked.groups.up_to(ranked.counted)


def in_their_order(
    ranked: Ranked, snapshot: Snapshot, listed: Bools, passage_share: float
) -> Stage[Ordered]:
    """Fold the copies of the listed articles under their leads, and sort."""
    table, query = snapshot.table, ranked.asked.query
    scores, groups, folded, leads = ranked.scores, ranked.groups, None, listed
    if query.copies is Copies.FOLD:
        folded = Folding.of(table, listed)
        scores, groups = folded.best(scores), folded.grouped(groups)
        folded, scores, groups = yield from snapshot.crossing.folded(folded, scores, groups)
        leads = folded.leads
    ordinals = in_order(table, leads, scores, query.sort)
    hits = Hits(
        table,
        ranked.matches,
        ranked.candidates.among(listed),
        scores,
        groups,
        ranked.asked.expression,
        passage_share,
        folded,
        crossing=snapshot.statistics.crossing,
        languages=snapshot.lexical.languages,
    )
    return Ordered(ordinals, hits)
