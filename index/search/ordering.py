"""Orders what a query has found, and places the first hits of a shard among those of the whole.

Nobody knows which hits are on a page before the shards have compared theirs. So each gives what may
be asked for all that may be on it, at once.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np

from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.index.answers.hits import Hits, RankedPassages
from backfile.index.answers.page_parts import NOWHERE, HitsPart, PlacedHit, merged_hits, standing
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Floats, Ints, Rows
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.model.results import Hit
from backfile.index.model.whole import UNDIVIDED, Reduced, Stage, Whole, owners_of_first
from backfile.index.search.clock import Clock
from backfile.index.search.judging import Judged
from backfile.index.search.ranker import Ranked
from backfile.index.search.ranking import in_order, order_keys

Keys = np.ndarray[Any, Any]


class _First(NamedTuple):
    """The first hits of a shard: what sorts them, and their passages in both rankings.

    `clusters` are those of the hits, -1 where a hit has no copies. `words_are_scored` if some
    candidate has a score by words. Only the hits of the shards with the least `rank` count.
    """

    keys: tuple[Keys, ...]
    passages: Sequence[RankedPassages]
    clusters: Rows
    words_are_scored: bool
    rank: int

    def none(self) -> "_First":
        """The same without hits."""
        keys = tuple(key[:0] for key in self.keys)
        passages = [each.of_hits(0, 0) for each in self.passages]
        return self._replace(keys=keys, passages=passages, clusters=self.clusters[:0])


class _Page(NamedTuple):
    """The page of the whole, and what each shard needs to know of the hits of others on it.

    `owners` are the places of the shards that have the hits up to its end; each has so many of them
    up to the first and the last of the page: `firsts` and `ends` (n_shards,). `scores` are those of
    the passages on the page in both rankings; `begins` (n_shards, 2) says where each shard's begin.
    `clusters` are those of the hits. `words_are_scored` if some candidate has a score by words.
    """

    owners: Ints
    firsts: Rows
    ends: Rows
    scores: Sequence[Floats]
    begins: Rows
    clusters: AbstractSet[int]
    words_are_scored: bool

    @classmethod
    def of_all(cls, shards: Sequence[_First], begin: int, end: int) -> "_Page":
        """The hits from `begin` to before `end`."""
        best = min(each.rank for each in shards)
        shards = [each if each.rank == best else each.none() for each in shards]
        owners = owners_of_first([each.keys for each in shards], end)
        firsts, ends = (
            np.bincount(each, minlength=len(shards)) for each in (owners[:begin], owners)
        )
        scores: tuple[list[Floats], list[Floats]] = ([], [])
        clusters: set[int] = set()
        for shard, first, last in zip(shards, firsts.tolist(), ends.tolist(), strict=True):
            clusters.update(shard.clusters[first:last].tolist())
            for ranking, passages in zip(scores, shard.passages, strict=True):
                ranking.append(passages.of_hits(first, last).scores)
        begins = [np.cumsum([0, *map(len, ranking[:-1])]) for ranking in scores]
        of_all = [np.concatenate(ranking) for ranking in scores]
        scored = any(each.words_are_scored for each in shards)
        return cls(owners, firsts, ends, of_all, np.transpose(begins), clusters, scored)


@dataclass(frozen=True, slots=True)
class Placing:
    """The first hits of a shard, as ordinals with their best rows, which were given to the others.

    `passages` are these rows in both rankings. The page has the hits before `end`. Of an archive
    that is not divided, those before the page are `skipped`.
    """

    hits: Hits
    best: Mapping[int, Sequence[int]]
    passages: Sequence[RankedPassages]
    skipped: int
    end: int
    whole: Whole
    given: Reduced[_Page]

    @classmethod
    def of(
        cls, hits: Hits, ordered: Rows, query: Query, whole: Whole = UNDIVIDED, rank: int = 0
    ) -> Self:
        """Those that may be on the page of a query, of all hits in their order.

        Only those of the shards with the least `rank` count.
        """
        begin = query.cursor.offset if query.cursor else 0
        skipped, end = 0 if whole.is_divided else begin, begin + query.limit
        first = ordered[skipped:end]
        best = hits.best_rows(first)
        keys = order_keys(hits.table, first, hits.scores, query.sort)
        clusters = hits.table.cluster[first].astype(np.int64)
        passages = hits.ranked(list(best.values()))
        page_of_all = partial(_Page.of_all, begin=begin - skipped, end=end - skipped)
        words_are_scored = bool(hits.candidates.word_share.any())
        own = _First(keys, passages, clusters, words_are_scored, rank)
        given = whole.reduced(own, page_of_all)
        return cls(hits, best, passages, skipped, end, whole, given)

    def part(self, catalog: Catalog) -> HitsPart:
        """What this shard adds to the page.

        Hits that were removed since the snapshot was opened are left out.
        """
        page, place, hits = self.given.value(), self.whole.place, self.hits
        first, end = int(page.firsts[place]), int(page.ends[place])
        places = self.skipped + np.flatnonzero(page.owners == place)[first:]
        own = [ranked.of_hits(first, end) for ranked in self.passages]
        stands = standing(own, page.begins[place].tolist())
        best = dict(list(self.best.items())[first:end])
        crossing = page.clusters & hits.crossing
        found = hits.fetch(best, catalog, words_are_scored=page.words_are_scored)
        on_page = {}
        for at, ordinal in zip(places.tolist(), best, strict=True):
            if fetched := found.get(ordinal):
                cluster, hit = int(hits.table.cluster[ordinal]), fetched.hit
                if self.whole.is_divided:  # texts would be most of what is sent
                    hit = hit.without_text()
                passages = [stands.get(row, NOWHERE) for row in fetched.rows]
                on_page[at] = PlacedHit(hit, passages, cluster if cluster in crossing else None)
        above = hits.above(page.scores)
        return HitsPart(on_page, above, hits.copies_here(crossing, catalog))


@dataclass(frozen=True, slots=True)
class Ordered:
    """The hits of a query as ordinals, in order, and the reranker's note for the reader.

    Those of the shards with the least `rank` count. `total` is their number in the whole, and
    `placing` those that may be on the page.
    """

    ordinals: Rows
    hits: Hits
    rank: int = 0
    note: Message | None = None
    total: int = 0
    placing: Placing | None = None

    def judged(self, judged: Judged) -> "Ordered":
        """The same with the scores of the whole; without hits if other shards have better ones."""
        hits, ordinals = self.hits, self.ordinals
        if not judged.counts(self.rank):
            hits, ordinals = hits.none(), ordinals[:0]
        hits = replace(hits, tail=judged.tail)
        placing = replace(self.placing, hits=hits) if self.placing else None
        return replace(self, ordinals=ordinals, hits=hits, placing=placing)

    def first(self, query: Query, catalog: Catalog, whole: Whole) -> tuple[Hit, ...]:
        """The hits on the page of a query; the first shard has those of all."""
        placing = self.placing or Placing.of(self.hits, self.ordinals, query, whole)
        return merged_hits(whole.collected(placing.part(catalog)).values())


class _Listed(NamedTuple):
    """Article mask of what is listed, in the shards with the least rank."""

    articles: Bools
    rank: int

    @classmethod
    def of(cls, ranked: Ranked, *, counted: bool) -> "_Listed":
        """All that is found, or the group that is counted.

        That is so for a list by relevance of no certain group, unless only the `counted` are
        wanted.
        """
        query, groups = ranked.asked.query, ranked.groups
        if query.sort is Sort.RELEVANCE and not query.match and not counted:
            return cls(groups.articles, 0)
        return cls(groups.up_to(ranked.counted), ranked.rank_of(groups))


def ordered_hits(
    ranked: Ranked, clock: Clock, passage_share: float, *, counted: bool = False
) -> Stage[Ordered]:
    """Order the hits, count them, and place those of a shard that may be on the page.

    Only those of the group that is `counted`, if that is asked for.
    """
    whole, listed = clock.whole, _Listed.of(ranked, counted=counted)
    ordered = yield from clock.timed("order", _in_order(ranked, listed, passage_share))
    total = whole.of_best(listed.rank).reduced(len(ordered.ordinals), sum)
    placing = None
    if whole.is_divided and not counted:
        query = ranked.asked.query
        placing = Placing.of(ordered.hits, ordered.ordinals, query, whole, listed.rank)
    yield
    return replace(ordered, total=total.value(), placing=placing)


def _in_order(ranked: Ranked, listed: _Listed, passage_share: float) -> Stage[Ordered]:
    """Fold the copies of the listed articles under their leads, and sort."""
    snapshot, query, (listed_mask, rank) = ranked.matched.snapshot, ranked.asked.query, listed
    table, crossing = snapshot.table, snapshot.crossing.of_best(rank)
    scores, groups, folded, leads = ranked.scores, ranked.groups, None, listed_mask
    if query.copies is Copies.FOLD:
        folded = Folding.of(table, listed_mask)
        scores, groups = folded.best(scores), folded.grouped(groups)
        folded, scores, groups = yield from crossing.folded(folded, scores, groups)
        leads = folded.leads
    ordinals = in_order(table, leads, scores, query.sort)
    hits = Hits(
        table,
        ranked.matches,
        ranked.candidates.among(listed_mask),
        scores,
        groups,
        ranked.asked.expression,
        passage_share,
        folded,
        crossing=snapshot.statistics.crossing if folded else frozenset(),
        languages=snapshot.lexical.languages,
    )
    return Ordered(ordinals, hits, rank)
