"""Puts a page together from what each shard adds to it, at the end of a search.

Only then is it known which hits are on the page. Their ranks, and their copies in other shards,
need all shards once more, but no shard needs them to go on; so each says what it has beside its own
hits, and the answer adds that up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from backfile.index.answers.explain import with_ranks
from backfile.index.answers.hits import Copies, RankedPassages, other_copies
from backfile.index.answers.timeline import TimelinePart, merged_timeline
from backfile.index.model.arrays import Rows
from backfile.index.model.results import Hit, Ranks, Results

At = tuple[int | None, int | None]
"""Where a passage stands among those of the page by words, and by meaning; None if it does not."""
NOWHERE: At = (None, None)


class PlacedHit(NamedTuple):
    """A hit without ranks; where its passages stand; and its cluster, if that crosses shards."""

    hit: Hit
    passages: Sequence[At]
    cluster: int | None


class HitsPart(NamedTuple):
    """What one shard adds to the hits of a page: its own, by their places in the whole.

    `above` are the numbers of its passages above each one on the page, by words and by meaning,
    (n,) each, or 0. `copies` are those that it has of the crossing clusters on the page.
    """

    hits: Mapping[int, PlacedHit]
    above: Sequence[Rows | int]
    copies: Mapping[int, Copies]


class PagePart(NamedTuple):
    """What one shard adds to a page."""

    hits: HitsPart
    timeline: TimelinePart


def completed(answer: Results, parts: Sequence[PagePart]) -> Results:
    """The page of all shards, from the answer that they share."""
    hits = merged_hits([each.hits for each in parts])
    timeline = merged_timeline([each.timeline for each in parts])
    return replace(answer, hits=hits, timeline=timeline)


def standing(own: Sequence[RankedPassages], begins: Sequence[int]) -> dict[int, At]:
    """Where the passages of a shard stand, by row: its own begin there in both rankings."""
    by_words, by_meaning = (
        dict(zip(ranked.rows.tolist(), range(begin, begin + len(ranked.rows)), strict=True))
        for ranked, begin in zip(own, begins, strict=True)
    )
    return {row: (by_words.get(row), by_meaning.get(row)) for row in by_words | by_meaning}


def merged_hits(parts: Sequence[HitsPart]) -> tuple[Hit, ...]:
    """The hits of all shards, in the order of their places, with their ranks and all copies."""
    every = zip(*(each.above for each in parts), strict=True)
    above = [np.atleast_1d(sum(np.broadcast_arrays(*each))).tolist() for each in every]
    copies = _copies_of_all([each.copies for each in parts])
    hits = {place: hit for part in parts for place, hit in part.hits.items()}
    return tuple(_hit(hits[place], above, copies) for place in sorted(hits))


def _hit(placed: PlacedHit, above: Sequence[Sequence[int]], copies: Mapping[int, Copies]) -> Hit:
    hit, ranks = placed.hit, [_ranks(at, above) for at in placed.passages]
    passages = tuple(
        replace(passage, ranks=each, why=with_ranks(passage.why, each))
        for passage, each in zip(hit.passages, ranks, strict=True)
    )
    best = _best(ranks)
    hit = replace(hit, ranks=best, why=with_ranks(hit.why, best), passages=passages)
    if placed.cluster is None:
        return hit
    return replace(hit, copies=other_copies(copies[placed.cluster]))


def _ranks(at: At, above: Sequence[Sequence[int]]) -> Ranks:
    return Ranks(
        *(None if i is None else 1 + counts[i] for i, counts in zip(at, above, strict=True))
    )


def _best(ranks: Sequence[Ranks]) -> Ranks:
    """The best rank of an article's passages in each ranking."""
    lexical = [each.lexical for each in ranks if each.lexical is not None]
    vector = [each.vector for each in ranks if each.vector is not None]
    return Ranks(min(lexical, default=None), min(vector, default=None))


def _copies_of_all(shards: Sequence[Mapping[int, Copies]]) -> dict[int, Copies]:
    found: dict[int, Copies] = {}
    for shard in shards:
        for cluster, (more, n_more) in shard.items():
            listed, total = found.get(cluster, ([], 0))
            found[cluster] = [*listed, *more], total + n_more
    return found
