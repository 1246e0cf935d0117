"""Ranks a query: matches with both engines, selects candidates, and fuses the scores."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
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
from backfile.index.model.filtering import (
    NO_KNOWN,
    KnownNames,
    known_in_whole,
    known_names,
    passing_articles,
)
from backfile.index.model.groups import BY_MEANING, BY_WORDS, Group, Groups
from backfile.index.model.matches import Matches, Occurrences
from backfile.index.model.noise import noise_of
from backfile.index.model.query import Mode
from backfile.index.model.results import Loosened
from backfile.index.model.whole import Reduced, any_of_each
from backfile.index.seams.protocols import Embedder
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


class Matched(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Ranked:
    """The matches and candidates of one query, before they are judged, ordered and counted.

    `article_mask` (n_articles,) marks the articles that pass the filters; names in these are
    `known` if an article of the whole has them. `scores` (n_articles,) sort matching articles.
    `occurrences` are those of the whole. `groups` are those of the own articles, and `beside` the
    same by filtered facet, without the filters of that facet. `no_words` and `no_meaning` are the
    reasons why the search by words or by meaning failed. `is_barred` if no article of the whole
    meets the requirements and the filters. `strict` is the ranking of the query as it was asked, if
    it was relaxed as that found nothing.
    """

    asked: ReadQuery
    matched: Matched
    article_mask: Bools
    known: KnownNames
    occurrences: Reduced[Occurrences]
    candidates: Candidates
    scores: Floats
    groups: Groups
    beside: Mapping[str, Groups]
    no_words: str | None
    no_meaning: str | None
    is_barred: bool
    strict: "Ranked | None" = None

    @property
    def matches(self) -> Matches:
        return self.matched.matches

    @property
    def counted(self) -> Group | None:
        """The last group that is counted: the one that is asked for, or the first with articles."""
        return self.asked.query.match or self.groups.first

    def rank_of(self, groups: Groups) -> int:
        """The rank of a shard with these groups: only those that have the best group count it."""
        return 0 if self.asked.query.match else groups.own_best


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
        if whole.is_divided:
            whole.note((asked.query.of_any_day(), asked.relaxed))
        faceted = filters.filtered_facets
        # What needs nothing of the whole is given before anything is read.
        names = whole.reduced(known_names(table, filters), known_in_whole) if faceted else None
        embedding = embedding_of(asked.meaning, self._embedder, snapshot)
        with clock.stage("words"):
            asked = _bound(asked, snapshot)
            matches, no_words = match_words(asked, snapshot, clock)
        known = names.value() if names else NO_KNOWN
        article_mask = passing_articles(table, filters, known)
        wide_masks = {
            name: passing_articles(table, filters.without(name), known) for name in faceted
        }
        masks = (article_mask, *wide_masks.values())
        own = np.array([(matches.eligible & mask).any() for mask in masks], np.bool_)
        # So is what follows from the words.
        unbarred = whole.reduced(own, any_of_each)
        occurrences = whole.reduced(matches.occurrences(), Occurrences.of_all)
        words = self._words(asked, snapshot, matches, article_mask, no_words)
        nearness, no_meaning = None, None
        may_skip = asked.query.mode is Mode.HYBRID and not no_words
        if own.any() or not may_skip or whole.is_divided:
            with clock.stage("meaning"):
                n_words = math.inf if no_words else matches.n_words
                nearness, no_meaning = self._nearness(asked, snapshot, embedding, n_words, clock)
        has_any = unbarred.value()
        if may_skip and not has_any.any():
            nearness, no_meaning = None, None
        if no_words and not nearness:
            raise no_words
        mode = Mode.SEMANTIC if no_words else _answering(asked, nearness)
        matched = Matched(snapshot, matches, nearness, mode)
        share = self._options.passage_share
        with clock.stage("rank"):
            candidates = self.candidates(matched, article_mask, words)
            scores = article_scores(table, candidates, matches, share)
            groups = _groups(asked, matched, candidates.by_words, candidates.by_meaning)
            beside = {
                name: _groups(asked, matched, *matched.matching(mask))
                for name, mask in wide_masks.items()
            }
        return Ranked(
            asked,
            matched,
            article_mask,
            known,
            occurrences,
            candidates,
            scores,
            groups,
            beside,
            no_words.message if no_words else None,
            no_meaning,
            is_barred=not has_any[0],
        )

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

    def candidates(
        self, matched: Matched, article_mask: Bools, words: ByWords | None = None
    ) -> Candidates:
        """Select candidates among the masked articles, compute their closeness, and fuse.

        `words` are the rows of these articles that match by words, if they are known.
        """
        snapshot, matches, nearness, mode = matched
        depth, whole = self._options.lexical_depth, snapshot.whole
        if words is None:
            by_words = matches.matching & article_mask & (mode is not Mode.SEMANTIC)
            words_depth = depth if nearness else 0
            words = ByWords.of(
                snapshot.table, matches, by_words, words_depth, whole, is_filtered=True
            )
        selection = select(words, matched.near_rows(article_mask), article_mask, mode)
        with whole.alone():
            close = close_to(snapshot, nearness, selection.rows)
        assumed = assumed_closeness(close.closeness, nearness, snapshot.statistics, whole)
        return fuse(selection, matches, close, mode, assumed, self._options, whole)


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


def match_words(
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


def _groups(asked: ReadQuery, matched: Matched, by_words: Bools, by_meaning: Bools) -> Groups:
    """Group the matching articles; related ones answer a question before those with some words."""
    matches = matched.matches
    whole = not (asked.relaxed and asked.relaxed.to is Loosened.NEAR)  # else most words of a phrase
    masks = {
        Group.ALL: by_words & matches.holds_all & whole,
        Group.MOST: by_words & matches.holds_most,
        Group.SOME: by_words,
        Group.RELATED: by_meaning,
    }
    prose = asked.is_question or matches.n_words > MOST_KEYWORDS
    return Groups.of_masks(masks, BY_MEANING if prose and matched.mode is Mode.HYBRID else BY_WORDS)
