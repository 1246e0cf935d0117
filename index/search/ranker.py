"""Ranks a query: matches with both engines, fuses the scores, and decides the answer quality."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.index.asking.reader import ReadQuery
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.candidates import Candidates, Nearness
from backfile.index.model.expression import requires_words
from backfile.index.model.matches import Matches
from backfile.index.model.noise import Evidence
from backfile.index.model.query import Mode
from backfile.index.model.results import Verdict
from backfile.index.seams.protocols import Embedder
from backfile.index.search.answer_quality import evidence, judge
from backfile.index.search.ranking import RankingOptions, fuse, select
from backfile.index.search.snapshot import NoWords, Snapshot


class Clock:
    """Measures the time of each stage, in milliseconds, and says when `seconds` have passed."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}
        self._cut = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(1000 * (time.perf_counter() - began), 2)

    def is_over(self) -> bool:
        """Whether the time is over that this query may take; then something is to be left out."""
        over = time.perf_counter() - self._started > self._seconds
        self._cut = self._cut or over
        return over

    @property
    def cut(self) -> bool:
        """Whether something was left out because the time was over."""
        return self._cut

    @property
    def left(self) -> float:
        """The seconds that are left, at least 0."""
        return max(0.0, self._seconds - (time.perf_counter() - self._started))

    @property
    def took_ms(self) -> dict[str, float]:
        return {**self._stages, "all": round(1000 * (time.perf_counter() - self._started), 2)}


@dataclass(frozen=True, slots=True)
class Ranked:
    """The matches and candidates of one query and their quality, before ordering and counting.

    `article_mask` (n_articles,) marks the articles that pass the filters; `no_words` and
    `no_meaning` are the reasons why the search by words or by meaning failed.
    """

    asked: ReadQuery
    article_mask: Bools
    matches: Matches
    candidates: Candidates
    evidence: Evidence
    verdict: Verdict
    no_words: str | None
    no_meaning: str | None

    @property
    def shown(self) -> Candidates:
        """The candidates of the answer; they have no matching articles if the verdict is NONE."""
        nothing = self.verdict is Verdict.NONE
        return self.candidates.without_articles() if nothing else self.candidates


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
        article_mask = snapshot.table.select(asked.filters)
        with clock.stage("words"):
            matches, no_words = _match(asked, snapshot, clock)
        with clock.stage("meaning"):
            nearness, no_meaning = self._nearness(asked, snapshot, clock)
        if no_words and not nearness:
            raise no_words
        with clock.stage("rank"):
            mode = Mode.SEMANTIC if no_words else _answering(asked, nearness)
            candidates = self._candidates(snapshot, matches, nearness, article_mask, mode)
        with clock.stage("judge"):
            found = evidence(candidates, matches)
            verdict = judge(found, candidates, matches, mode, snapshot.noise)
            if verdict is Verdict.NONE and asked.filters and candidates.articles.any():
                whole = self._candidates(
                    snapshot, matches, nearness, np.ones_like(article_mask), mode
                )
                verdict = _filtered_verdict(
                    judge(evidence(whole, matches), whole, matches, mode, snapshot.noise)
                )
        reason = no_words.message if no_words else None
        return Ranked(asked, article_mask, matches, candidates, found, verdict, reason, no_meaning)

    def _nearness(
        self, asked: ReadQuery, snapshot: Snapshot, clock: Clock
    ) -> tuple[Nearness | None, str | None]:
        """Find the rows near a query, without its filters, or the reason why it failed.

        A row's nearness does not depend on filters, so a facet's count equals the total of the
        query with that facet's value. None if the query has no meaning or nothing is embedded.
        """
        if not asked.meaning or not snapshot.table.coverage:
            return None, None
        if asked.query.mode is not Mode.SEMANTIC and clock.is_over():
            return None, Message("there was no time to search by meaning")
        try:
            if snapshot.no_vectors or snapshot.vectors is None:
                raise snapshot.no_vectors or EngineUnavailable("Chroma", Message("it is not open"))
            vector = self._embedder.embed_query(asked.meaning)
            rows = snapshot.vectors.within(vector, self._options.floor).rows
        except EngineUnavailable as exc:
            if asked.query.mode is Mode.SEMANTIC:
                raise
            return None, exc.message
        return Nearness(vector, rows), None

    def _candidates(
        self,
        snapshot: Snapshot,
        matches: Matches,
        nearness: Nearness | None,
        article_mask: Bools,
        mode: Mode,
    ) -> Candidates:
        """Select candidates among the masked articles, compute their cosines, and fuse."""
        near_rows = None
        if nearness:
            eligible = article_mask & matches.eligible
            near_rows = nearness.rows[eligible[snapshot.table.article_of[nearness.rows]]]
        selection = select(
            snapshot.table, matches, near_rows, article_mask, mode, self._options.lexical_depth
        )
        cosines = _cosines(snapshot, nearness, selection.rows)
        return fuse(selection, matches, cosines, mode, self._options)


def _match(
    asked: ReadQuery, snapshot: Snapshot, clock: Clock
) -> tuple[Matches, EngineUnavailable | None]:
    """Match the words; where they cannot be read, say why, and match none of them.

    Without meaning, they are matched with the idf that gives rare words more weight.
    """
    table, expression = snapshot.table, asked.expression
    if expression is None:
        nothing = np.zeros(table.n_rows, np.float32)
        all_articles = np.full(table.n_articles, not asked.text)
        return Matches(nothing, all_articles, all_articles, all_articles), None
    idf = Idf.WHOOSH if asked.meaning and table.coverage else Idf.LUCENE
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


def _cosines(snapshot: Snapshot, nearness: Nearness | None, rows: Rows) -> Floats:
    """The cosine of each row (n,) with the query, NaN if it is not embedded."""
    cosines = np.full(len(rows), np.nan, np.float32)
    if nearness and snapshot.vectors:
        embedded = snapshot.table.embedded[rows]
        cosines[embedded] = snapshot.vectors.similarities(nearness.vector, rows[embedded])
    return cosines


def _filtered_verdict(whole: Verdict) -> Verdict:
    """The verdict of a filtered answer that is poor by itself, from the unfiltered verdict.

    A facet of the unfiltered answer counted these articles, so its link must show them.
    """
    return Verdict.NONE if whole is Verdict.NONE else Verdict.WEAK
