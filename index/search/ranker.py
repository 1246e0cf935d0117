"""Ranks a query: matches with both engines, fuses the scores, and decides the answer quality."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.index.asking.reader import ReadQuery
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.candidates import Candidates, Nearness
from backfile.index.model.expression import Phrase, Words, requires_words
from backfile.index.model.groups import BY_MEANING, BY_WORDS, Group, Groups
from backfile.index.model.matches import Matches, Occurrences
from backfile.index.model.noise import Evidence, noise_of
from backfile.index.model.query import Mode
from backfile.index.model.results import Loosened, Verdict
from backfile.index.model.whole import Reduced, any_of_each, both, result_of
from backfile.index.seams.protocols import Embedder
from backfile.index.search.answer_quality import Findings, findings, judge
from backfile.index.search.clock import Clock
from backfile.index.search.closeness import assumed_closeness, close_to, within
from backfile.index.search.query_embedding import Embedding, embedding_of
from backfile.index.search.ranking import (
    ByWords,
    RankingOptions,
    article_scores,
    fuse,
    least_closeness,
    matching,
    select,
)
from backfile.index.search.snapshot import NoWords, Snapshot

MOST_KEYWORDS = 8  # plain words; more are prose


@dataclass(frozen=True, slots=True)
class Ranked:
    """The matches and candidates of one query and their quality, before ordering and counting.

    `article_mask` (n_articles,) marks the articles that pass the filters. `scores` (n_articles,)
    are those of matching articles. `occurrences` are those of the whole. `groups` are those of the
    answer: empty if the verdict is NONE, unless the query asks for a group. `no_words` and
    `no_meaning` are the reasons why the search by words or by meaning failed. `is_barred` if no
    article of the whole meets the requirements and the filters; `is_empty` if none matches.
    `strict` is the ranking of the query as it was asked, if it was relaxed as that found nothing.
    """

    asked: ReadQuery
    article_mask: Bools
    matches: Matches
    occurrences: Reduced[Occurrences]
    candidates: Candidates
    scores: Floats
    groups: Groups
    evidence: Evidence
    verdict: Verdict
    no_words: str | None
    no_meaning: str | None
    is_barred: bool
    is_empty: bool
    strict: "Ranked | None" = None
    beside: Mapping[str, Groups] = field(default_factory=dict)
    """By filtered facet: the groups of the answer without the filters of that facet."""

    @property
    def counted(self) -> Group | None:
        """The last group that is counted: the one that is asked for, or the first with articles."""
        return self.asked.query.match or self.groups.first


class Ranker:
    """Ranks the passages of a snapshot, for any number of threads."""

    def __init__(self, embedder: Embedder, options: RankingOptions) -> None:
        self._embedder = embedder
        self._options = options

    def rank(self, asked: ReadQuery, snapshot: Snapshot, clock: Clock) -> Ranked:
        """Rank a query.

        If the model or the vectors are unavailable, a hybrid query is ranked by words alone, and a
        semantic query raises EngineUnavailable. If the words are, it is ranked by meaning alone;
        a keyword query, and one that requires words, raise EngineUnavailable.
        """
        table, filters, whole = snapshot.table, asked.filters, snapshot.whole
        article_mask = table.select(filters, whole)
        wide_masks = {
            name: table.select(filters.without(name), whole) for name in filters.filtered_facets
        }
        embedding = embedding_of(asked.meaning, self._embedder, snapshot)
        with clock.stage("words"):
            asked = _bound(asked, snapshot)
            matches, no_words = _match(asked, snapshot, clock)
        masks = (article_mask, *wide_masks.values())
        own = np.array([(matches.eligible & mask).any() for mask in masks], np.bool_)
        # What follows from the words is given before anything is read.
        unbarred = whole.reduced(own, any_of_each)
        occurrences = whole.reduced(matches.occurrences(), Occurrences.of_all)
        words = self._words(asked, snapshot, matches, article_mask, no_words)
        nearness, no_meaning = None, None
        may_skip = asked.query.mode is Mode.HYBRID and not no_words
        if own.any() or not may_skip or whole.is_divided:
            with clock.stage("meaning"):
                n_words = math.inf if no_words else matches.n_words
                nearness, no_meaning = self._nearness(asked, snapshot, embedding, n_words, clock)
        passing = unbarred.value()
        if may_skip and not passing.any():
            nearness, no_meaning = None, None
        if no_words and not nearness:
            raise no_words
        mode = Mode.SEMANTIC if no_words else _answering(asked, nearness)
        found = _Matched(snapshot, matches, nearness, mode)
        with clock.stage("rank"):
            candidates = self._candidates(found, article_mask, words)
        with clock.stage("judge"):
            judged = self._judged(asked, found, candidates, article_mask, wide_masks)
        return Ranked(
            asked,
            article_mask,
            matches,
            occurrences,
            candidates,
            judged.scores,
            judged.groups,
            judged.found.evidence,
            judged.verdict,
            no_words.message if no_words else None,
            no_meaning,
            is_barred=not passing[0],
            is_empty=not judged.found.some,
            beside=judged.beside,
        )

    def _judged(
        self,
        asked: ReadQuery,
        found: "_Matched",
        candidates: Candidates,
        article_mask: Bools,
        wide_masks: Mapping[str, Bools],
    ) -> "_Judged":
        """Group and judge the answer; without its own filters, group it for each of these facets.

        A filtered answer without quality of its own is WEAK if the unfiltered one has some.
        """
        own = [
            _groups(asked, found, candidates.by_words, candidates.by_meaning),
            *(_groups(asked, found, *found.matching(mask)) for mask in wide_masks.values()),
        ]
        table, whole = found.snapshot.table, found.snapshot.whole
        given = whole.reduced([each.own_best for each in own], _least_of_each)
        share = self._options.passage_share
        judged, scores = result_of(
            both(
                findings(candidates, found.matches, whole),
                article_scores(table, candidates, found.matches, share, whole),
            )
        )
        bests = zip(own, given.value(), strict=True)
        counted = [replace(each, best=best) for each, best in bests]
        groups, beside = counted[0], dict(zip(wide_masks, counted[1:], strict=True))
        verdict = unfiltered = self._verdict(asked, found, article_mask, judged)
        if verdict is Verdict.NONE and asked.filters and any(each.first for each in counted):
            every = np.ones_like(article_mask)
            all_found = result_of(findings(self._candidates(found, every), found.matches, whole))
            unfiltered = self._verdict(asked, found, every, all_found)
            verdict = _filtered_verdict(unfiltered) if groups.first else Verdict.NONE
        if asked.relaxed and verdict is Verdict.STRONG:
            verdict = Verdict.WEAK
        if not asked.query.match:
            groups = groups.none() if verdict is Verdict.NONE else groups
            beside = {} if unfiltered is Verdict.NONE else beside
        return _Judged(groups, beside, verdict, judged, scores)

    def _nearness(
        self,
        asked: ReadQuery,
        snapshot: Snapshot,
        embedding: Embedding,
        n_words: float,
        clock: Clock,
    ) -> tuple[Nearness | None, str | None]:
        """Find the rows near a query, without its filters, or the reason why it failed.

        A row's nearness does not depend on filters, so a facet's count equals the total of the
        query with that facet's value. Beside a few words, it must be above noise. None if the query
        has no meaning or nothing is embedded.
        """
        if not asked.meaning or not snapshot.statistics.embedded:
            return None, None
        if asked.query.mode is not Mode.SEMANTIC and clock.is_over():
            return None, Message("there was no time to search by meaning")
        try:
            if not snapshot.whole.is_divided and snapshot.no_vectors:
                raise snapshot.no_vectors
            vector = embedding()
            with snapshot.whole.alone():
                if snapshot.vectors is None:
                    raise EngineUnavailable("Chroma", Message("it is not open"))
                near = within(snapshot, snapshot.vectors, vector, self._options.floor)
            if asked.query.mode is Mode.HYBRID and n_words <= MOST_KEYWORDS:
                usual = noise_of(int(n_words), snapshot.noise).mean.meaning
                floor = least_closeness(near, usual, self._options.floor, snapshot.whole)
                near = near.above(floor)
        except EngineUnavailable as exc:
            if asked.query.mode is Mode.SEMANTIC:
                raise
            return None, exc.message
        return near, None

    def _words(
        self,
        asked: ReadQuery,
        snapshot: Snapshot,
        matches: Matches,
        article_mask: Bools,
        no_words: EngineUnavailable | None,
    ) -> ByWords:
        """The rows of the masked articles that match by words; none in a search by meaning."""
        by_meaning = no_words or (asked.meaning and asked.query.mode is Mode.SEMANTIC)
        by_words = matches.matching & article_mask & (not by_meaning)
        has_meaning = asked.meaning and snapshot.statistics.embedded
        depth = self._options.lexical_depth if has_meaning else 0
        filtered = bool(asked.filters)
        return ByWords.of(
            snapshot.table, matches, by_words, depth, snapshot.whole, is_filtered=filtered
        )

    def _candidates(
        self, found: "_Matched", article_mask: Bools, words: ByWords | None = None
    ) -> Candidates:
        """Select candidates among the masked articles, compute their closeness, and fuse.

        `words` are the rows of these articles that match by words, if they are known.
        """
        snapshot, matches, nearness, mode = found
        depth, whole = self._options.lexical_depth, snapshot.whole
        if words is None:
            by_words = matches.matching & article_mask & (mode is not Mode.SEMANTIC)
            words_depth = depth if nearness else 0
            words = ByWords.of(
                snapshot.table, matches, by_words, words_depth, whole, is_filtered=True
            )
        selection = select(words, found.near_rows(article_mask), article_mask, mode)
        with whole.alone():
            close = close_to(snapshot, nearness, selection.rows)
        assumed = assumed_closeness(close.closeness, nearness, snapshot.statistics, whole)
        return fuse(selection, matches, close, mode, assumed, self._options, whole)

    def _verdict(
        self, asked: ReadQuery, found: "_Matched", article_mask: Bools, judged: Findings
    ) -> Verdict:
        """Judge what was found; hybrid search is NONE only if search by words alone is, too."""
        snapshot, matches, _, mode = found
        verdict = judge(judged, matches.n_words, mode, snapshot.noise)
        if verdict is not Verdict.NONE or mode is not Mode.HYBRID or not judged.some:
            return verdict
        matches, _ = _match(asked.in_mode(Mode.KEYWORD), snapshot, Clock(whole=snapshot.whole))
        alone = self._candidates(_Matched(snapshot, matches, None, Mode.KEYWORD), article_mask)
        by_words = result_of(findings(alone, matches, snapshot.whole))
        return judge(by_words, matches.n_words, Mode.KEYWORD, snapshot.noise)


def _least_of_each(shards: Sequence[Sequence[int]]) -> list[int]:
    return [min(each) for each in zip(*shards, strict=True)]


class _Judged(NamedTuple):
    """The groups of an answer, those without each filtered facet, the verdict and its reasons.

    `scores` (n_articles,) are those of matching articles.
    """

    groups: Groups
    beside: Mapping[str, Groups]
    verdict: Verdict
    found: Findings
    scores: Floats


class _Matched(NamedTuple):
    """What a query matches in a snapshot, whatever its filters."""

    snapshot: Snapshot
    matches: Matches
    nearness: Nearness | None
    mode: Mode

    def near_rows(self, article_mask: Bools) -> Rows | None:
        """The near rows of the masked articles that are eligible; None without meaning."""
        if not self.nearness:
            return None
        rows = self.nearness.rows
        eligible = article_mask & self.matches.eligible
        near: Rows = rows[eligible[self.snapshot.table.article_of[rows]]]
        return near

    def matching(self, article_mask: Bools) -> tuple[Bools, Bools]:
        """Article masks of the masked articles that match by words, and by meaning."""
        table, near_rows = self.snapshot.table, self.near_rows(article_mask)
        return matching(table, self.matches, near_rows, article_mask, self.mode)


def _bound(asked: ReadQuery, snapshot: Snapshot) -> ReadQuery:
    """Read a query of stop words alone as a phrase, if some article has it: The Who."""
    expression = asked.expression
    if not isinstance(expression, Words) or len(expression.plain) < 2:
        return asked
    words = [word.text for word in expression.plain]
    languages = snapshot.lexical.languages
    if expression.required or not languages.are_stop_words(words):
        return asked
    phrase = Phrase(" ".join(words))
    with suppress(EngineUnavailable):
        if snapshot.whole.any(snapshot.lexical.match(phrase).matching.any()):
            return asked.in_other_words(phrase)
    return asked


def _match(
    asked: ReadQuery, snapshot: Snapshot, clock: Clock
) -> tuple[Matches, EngineUnavailable | None]:
    """Match the words; where they cannot be read, say why, and match none of them.

    Without meaning, rare words have more weight.
    """
    table, expression = snapshot.table, asked.expression
    if expression is None:
        scores = np.zeros(table.n_rows, np.float32)
        mask = np.full(table.n_articles, not asked.text)
        return Matches(scores, mask, mask, mask, mask, mask), None
    idf = Idf.WHOOSH if asked.meaning and snapshot.statistics.embedded else Idf.LUCENE
    try:
        if snapshot.no_words:
            raise snapshot.no_words
        return snapshot.lexical.match(expression, idf=idf, is_late=clock.is_over), None
    except EngineUnavailable as exc:
        if not asked.meaning or requires_words(expression):
            raise
        return LexicalSearch(NoWords(), table).match(expression, idf=idf), exc


def _answering(asked: ReadQuery, nearness: Nearness | None) -> Mode:
    """The mode of the answer: KEYWORD if the query has no meaning or its search failed."""
    if not asked.meaning:
        return Mode.KEYWORD
    return asked.query.mode if nearness or asked.query.mode is Mode.SEMANTIC else Mode.KEYWORD


def _groups(asked: ReadQuery, found: _Matched, by_words: Bools, by_meaning: Bools) -> Groups:
    """Group the matching articles; related ones answer a question before those with some words."""
    matches = found.matches
    whole = not (asked.relaxed and asked.relaxed.to is Loosened.NEAR)  # else most words of a phrase
    masks = {
        Group.ALL: by_words & matches.holds_all & whole,
        Group.MOST: by_words & matches.holds_most,
        Group.SOME: by_words,
        Group.RELATED: by_meaning,
    }
    prose = asked.is_question or matches.n_words > MOST_KEYWORDS
    return Groups.of_masks(masks, BY_MEANING if prose and found.mode is Mode.HYBRID else BY_WORDS)


def _filtered_verdict(whole: Verdict) -> Verdict:
    """The verdict of a filtered answer that is poor by itself, from the unfiltered verdict.

    A facet of the unfiltered answer counted these articles, so its link must show them.
    """
    return Verdict.NONE if whole is Verdict.NONE else Verdict.WEAK
