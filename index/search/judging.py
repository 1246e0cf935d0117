"""Judges a ranked query: the quality of its answer, and which groups the answer has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from backfile.index.model.arrays import Bools
from backfile.index.model.candidates import Tail
from backfile.index.model.noise import Evidence
from backfile.index.model.query import Mode
from backfile.index.model.results import Verdict
from backfile.index.model.whole import Stage, both, result_of
from backfile.index.search.answer_quality import Findings, findings, judge
from backfile.index.search.clock import Clock
from backfile.index.search.ranker import Matched, Ranked, Ranker, match_words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """The quality of an answer, and its ranking with the groups that it has.

    They are none if the verdict is NONE, unless the query asks for a group; then it `is_emptied`,
    and what was counted before is not of the answer. `tail` is that of the whole.
    """

    ranked: Ranked
    verdict: Verdict
    evidence: Evidence
    tail: Tail
    is_emptied: bool

    def counts(self, rank: int) -> bool:
        """Whether a shard of this rank (see `Ranked.rank_of`) counts: else others are better."""
        best = self.ranked.groups.best
        return best is None or rank <= best

    @property
    def counted_articles(self) -> Bools:
        """Mask of the own articles that are counted."""
        return self.ranked.groups.up_to(self.ranked.counted)


def judged_of(ranked: Ranked, ranker: Ranker) -> Stage[Judged]:
    """Judge a query; the groups are those of the whole from then on.

    A filtered answer without quality of its own is WEAK if the unfiltered one has some: a facet of
    that counted these articles, so its link must show them.
    """
    matched, whole = ranked.matched, ranked.matched.snapshot.whole
    grouped = {"": ranked.groups, **ranked.beside}
    bests = whole.reduced([each.own_best for each in grouped.values()], _least_of_each)
    tail = whole.reduced(Tail.of(ranked.candidates, ranked.scores), Tail.of_all)
    found = yield from findings(ranked.candidates, ranked.matches, whole)
    best_of = zip(grouped.items(), bests.value(), strict=True)
    beside = {name: replace(groups, best=best) for (name, groups), best in best_of}
    groups = beside.pop("")
    asked, every = ranked.asked, np.ones_like(ranked.article_mask)
    verdict = unfiltered = _verdict(ranked, ranker, ranked.article_mask, found)
    has_any = any(each.first for each in (groups, *beside.values()))
    if verdict is Verdict.NONE and asked.filters and has_any:
        whole.note("without filters")
        candidates = ranker.candidates(matched, every)
        all_found = result_of(findings(candidates, ranked.matches, whole))
        unfiltered = _verdict(ranked, ranker, every, all_found)
        quality = Verdict.NONE if unfiltered is Verdict.NONE else Verdict.WEAK
        verdict = quality if groups.first else Verdict.NONE
    if asked.relaxed and verdict is Verdict.STRONG:
        verdict = Verdict.WEAK
    is_emptied = has_any and unfiltered is Verdict.NONE and not asked.query.match
    if is_emptied:
        groups, beside = groups.none(), {}
    judged = replace(ranked, groups=groups, beside=beside)
    return Judged(judged, verdict, found.evidence, tail.value(), is_emptied)


def judged_and_listed(
    ranked: Ranked, ranker: Ranker, listing: Callable[[Ranked], Stage[T]], clock: Clock
) -> Stage[tuple[Judged, T]]:
    """Judge a query, and list what it found.

    In a shard both are done at once, which saves a round; and it is listed again where that was of
    an answer that has no quality.
    """
    judging = clock.timed("judge", judged_of(ranked, ranker))
    if not clock.whole.is_divided:
        judged = yield from judging
        return judged, (yield from listing(judged.ranked))
    judged, listed = yield from both(judging, listing(ranked))
    if judged.is_emptied:
        listed = yield from listing(judged.ranked)
    return judged, listed


def _verdict(ranked: Ranked, ranker: Ranker, article_mask: Bools, found: Findings) -> Verdict:
    """Judge what was found; hybrid search is NONE only if search by words alone is, too."""
    snapshot, matches, _, mode = ranked.matched
    verdict = judge(found, matches.n_words, mode, snapshot.noise)
    if verdict is not Verdict.NONE or mode is not Mode.HYBRID or not found.some:
        return verdict
    by_words = ranked.asked.in_mode(Mode.KEYWORD)
    matches, _ = match_words(by_words, snapshot, Clock(whole=snapshot.whole))
    alone = ranker.candidates(Matched(snapshot, matches, None, Mode.KEYWORD), article_mask)
    found = result_of(findings(alone, matches, snapshot.whole))
    return judge(found, matches.n_words, Mode.KEYWORD, snapshot.noise)


def _least_of_each(shards: Sequence[Sequence[int]]) -> list[int]:
    return [min(each) for each in zip(*shards, strict=True)]
