"""Ranks what a query finds: reads it, asks both engines, merges, and judges the answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.index.asking.reader import ReadQuery, read_query, undated
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.model.arrays import Bools
from backfile.index.model.candidates import Candidates, Nearness
from backfile.index.model.expression import wanted
from backfile.index.model.matches import Matches
from backfile.index.model.noise import Evidence
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Verdict
from backfile.index.seams.engines import Engines, Snapshot, Snapshots
from backfile.index.search.answer_quality import evidence, judge
from backfile.index.search.ranking import RankingOptions, rank


class Clock:
    """Takes the time of each stage, in milliseconds."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages[name] = round(1000 * (time.perf_counter() - began), 2)

    @property
    def took_ms(self) -> dict[str, float]:
        return {**self._stages, "all": round(1000 * (time.perf_counter() - self._started), 2)}


class Ranked(NamedTuple):
    """What one query found and whether it is any good, before it is ordered and counted."""

    read: ReadQuery
    snapshot: Snapshot
    matches: Matches
    candidates: Candidates
    evidence: Evidence
    verdict: Verdict
    failure: EngineUnavailable | None


class Ranker:
    """Ranks the articles of one archive, for any number of threads."""

    def __init__(
        self,
        engines: Engines,
        snapshots: Snapshots,
        options: RankingOptions,
        today: Callable[[], date],
    ) -> None:
        self._catalog = engines.catalog
        self._embedder = engines.embedder
        self._snapshots = snapshots
        self._options = options
        self._today = today

    def read(self, query: Query) -> ReadQuery:
        """Say how a query is read, without asking it."""
        return read_query(query, self._today())

    def rank(self, query: Query, clock: Clock, without: Sequence[str] = ()) -> Ranked:
        """Rank what a query finds, as if the archive were without some articles."""
        with clock.stage("read"):
            read = self.read(query)
        meaning = meaning_of(read) if query.mode is not Mode.KEYWORD else ""
        with clock.stage("open"):
            snapshot = self._snapshots.current(with_vectors=bool(meaning))
        table = snapshot.table
        chosen = table.select(read.filters)
        if without:
            chosen &= ~table.articles_with(self._catalog.rows_of(without))
        with clock.stage("words"):
            matches = _matches(read, snapshot, with_meaning=bool(meaning))
        with clock.stage("meaning"):
            nearness, failure = self._nearness(query, meaning, snapshot, chosen & matches.admitted)
        with clock.stage("rank"):
            mode = query.mode if nearness or query.mode is Mode.SEMANTIC else Mode.KEYWORD
            mode = mode if meaning else Mode.KEYWORD
            candidates = rank(table, matches, nearness, chosen, mode, self._options)
        with clock.stage("judge"):
            found = evidence(candidates, matches)
            verdict = judge(found, candidates, matches, mode, snapshot.noise)
            if verdict is Verdict.NONE and read.filters and candidates.articles.any():
                verdict = self._judge_unfiltered(undated(query, read), without)
        return Ranked(read, snapshot, matches, candidates, found, verdict, failure)

    def _judge_unfiltered(self, query: Query, without: Sequence[str]) -> Verdict:
        """Judge what passes the filters by the whole answer: a facet has counted it."""
        whole = self.rank(query, Clock(), without)
        return Verdict.NONE if whole.verdict is Verdict.NONE else Verdict.WEAK

    def _nearness(
        self, query: Query, meaning: str, snapshot: Snapshot, allowed: Bools
    ) -> tuple[Nearness | None, EngineUnavailable | None]:
        """Ask the vectors; hybrid search goes on with words alone where they cannot answer.

        What is near is settled by the question alone, and then chosen from: so a facet counts what
        a click on it gives.
        """
        if not meaning or not snapshot.table.coverage:
            return None, None
        try:
            if snapshot.unavailable or snapshot.vectors is None:
                raise snapshot.unavailable or EngineUnavailable("Chroma", Message("it is not open"))
            vector = self._embedder.embed_query(meaning)
            near = snapshot.vectors.within(vector, self._options.floor).rows
        except EngineUnavailable as exc:
            if query.mode is Mode.SEMANTIC:
                raise
            return None, exc
        near = near[allowed[snapshot.table.article_of[near]]]
        return Nearness(vector, snapshot.vectors, near), None


def meaning_of(read: ReadQuery) -> str:
    """What to embed: the words that are wanted, without operators and exclusions."""
    return " ".join(leaf.text for leaf in wanted(read.expression)) if read.expression else ""


def _matches(read: ReadQuery, snapshot: Snapshot, *, with_meaning: bool) -> Matches:
    """Match the words; where nothing is asked of meaning, rare ones count for more."""
    if read.expression is not None:
        merged = with_meaning and snapshot.table.coverage
        idf = Idf.WHOOSH if merged else Idf.LUCENE
        return snapshot.lexical.match(read.expression, snapshot.table, idf=idf)
    nothing = np.zeros(snapshot.table.n_rows, np.float32)
    everyone = np.full(snapshot.table.n_articles, not read.text)
    return Matches(nothing, everyone, everyone, everyone)
