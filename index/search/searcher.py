"""Searches an archive: reads, ranks, orders and counts a query, and fetches a page of hits."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Protocol, TypeVar

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog import Catalog, StoredArticle
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.answers.nearest_sentence import MOST_SECONDS, Nearest, unmarked
from backfile.index.asking.autocomplete import Names, Suggester, Suggestion, typed_text
from backfile.index.asking.reader import ReadQuery, read_query
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.groups import Group
from backfile.index.model.query import DEFAULT_HITS, Marking, Mode, Query, Sort
from backfile.index.model.results import Closest, Offer, Results, Verdict
from backfile.index.model.whole import UNDIVIDED, Stage, Whole, both, result_of
from backfile.index.seams.engines import Engines
from backfile.index.search.answering import Counts, answer_of, counts_of
from backfile.index.search.clock import Clock
from backfile.index.search.hints import (
    MOST_FILTERS,
    Hints,
    correction,
    filter_offers,
    is_corrected,
    other_words,
    shows_correction,
)
from backfile.index.search.judging import Judged, judged_and_listed, judged_of
from backfile.index.search.memberships import memberships_of
from backfile.index.search.ordering import Ordered, ordered_hits
from backfile.index.search.overview import Overview
from backfile.index.search.question import AllHits, Question
from backfile.index.search.ranker import Ranked, Ranker
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.readiness import Readiness, ReadinessCheck
from backfile.index.search.related import Related, Relations
from backfile.index.search.relaxing import relaxed
from backfile.index.search.reranking import Reordered, Reranking
from backfile.index.search.result_cache import Found, ResultCache, ScoredArticle
from backfile.index.search.snapshot import Snapshot, Snapshots

MOST_CLOSEST = 3  # hits of each mode
T = TypeVar("T")


class Recorder(Protocol):
    """Takes note of each search, in its thread: for instance to measure a server."""

    def answered(
        self, query: Query, verdict: Verdict, took_ms: Mapping[str, float], *, cut: bool
    ) -> None:
        """Note an answer and the time of its stages; `cut`: the budget left something out."""
        ...

    def failed(self, query: Query, error: Exception) -> None:
        """Note the error that prevented an answer."""
        ...


class Searcher:
    """Searches one archive, from any number of threads."""

    def __init__(
        self,
        engines: Engines,
        options: RankingOptions,
        reranking: Reranking | None = None,
        *,
        today: Callable[[], date] = date.today,
        seconds: Callable[[], float] = time.monotonic,
        cache: ResultCache | None = None,
        seconds_to_mark: float = MOST_SECONDS,
        budget: float = math.inf,
        aside: bool = False,
        recorder: Recorder | None = None,
        synonyms: Synonyms = NO_SYNONYMS,
    ) -> None:
        """Search with these engines; `last week` is relative to `today`.

        A change of the archive is noticed by `seconds`, a clock that is never set back. `cache`
        stores answers for their later pages; marking sentences ends after `seconds_to_mark`. After
        `budget` seconds, a search answers what is known, with a note. `aside`: no search waits
        until a changed archive is opened again. `recorder` takes note of each search. `synonyms`
        are searched with the words that they stand for.
        """
        self.catalog: Catalog = engines.catalog
        self._snapshots = Snapshots(engines, seconds, aside=aside)
        self._readiness = ReadinessCheck(engines, self._snapshots, seconds=seconds)
        self._embedder = engines.embedder
        self._options = options
        self._ranker = Ranker(engines.embedder, options)
        self._reranking = reranking
        self._nearest = Nearest(engines.embedder, options.floor, seconds=seconds_to_mark)
        self._today = today
        self._budget = budget
        self._recorder = recorder
        self._synonyms = synonyms
        self._cache = cache or ResultCache()
        self._names: Names | None = None
        self._memberships = memberships_of(engines.catalog)
        self._relations = Relations(engines.catalog, engines.vectors)

    def search(self, query: Query, *, relaxes: bool = True, whole: Whole = UNDIVIDED) -> Results:
        """Answer a query with one page of hits.

        In a shard, take part in a search of the `whole`. The first shard has its answer; unless
        sentences are marked, all pass on their parts of the page, which complete it.

        If nothing meets its requirements, it is relaxed, unless it is strict or not `relaxes`.

        A keyword query needs no model. A hybrid query is answered by words if the model is
        unavailable, and by meaning if the words are; other queries then raise EngineUnavailable. A
        later page comes from the same answer as the first page, while the cache has it.
        """
        clock = Clock(self._budget, whole)
        with self._failures_noted(query):
            page = self._page(query, clock, relaxes)
        self._note(query, page.verdict, clock)
        return page

    def _page(self, query: Query, clock: Clock, relaxes: bool) -> Results:
        with clock.stage("read"):
            asked = self.read(query)
        found = self._kept(asked.query, clock) or self._offered(asked, clock, relaxes=relaxes)
        with clock.stage("fetch"):
            passes_on = query.mark is not Marking.SENTENCE  # which is done for all in one place
            page = found.page(asked.query, self.catalog, clock.whole, passes_on=passes_on)
        if page.next:
            self._cache.keep(found, asked.query, clock.whole)
        meaning = self.read(page.reading.query).meaning if is_corrected(page) else asked.meaning
        marks = query.mark is Marking.SENTENCE and clock.whole.place == 0
        if marks and meaning and not clock.is_over():
            with clock.stage("mark"):
                page = self._marked(page, meaning)
        return replace(page, took_ms=clock.took_ms)

    def _kept(self, query: Query, clock: Clock) -> Found | None:
        """The answer that a later page is of, if all shards have kept their part of this one."""
        if not query.cursor:
            return None
        found = self._cache.of(query, clock.whole)
        searches = clock.whole.union({found.search if found else None})
        is_kept = found is not None and len(searches) == 1
        if not is_kept or (found and found.required_all):
            clock.whole.require_all()
        return found if is_kept else None

    def find_all(
        self,
        query: Query,
        *,
        relaxes: bool = True,
        corrects: bool = False,
        whole: Whole = UNDIVIDED,
    ) -> Found:
        """Answer a query without a page, but with the ordinals of all its hits.

        They are of the group that is counted, as for a query that is sorted by date. If it
        `corrects`, a misspelt query without hits has those of its correction, as a page has.
        """
        clock = Clock(whole=whole)
        with self._failures_noted(query):
            asked = self.read(query.first_page())
            found = self._find(asked, clock, counted=True, relaxes=relaxes)
            if corrects:
                found = self._corrected(found, clock, counted=True)
        self._note(query, found.answer.verdict, clock)
        return found

    def articles(self, found: Found, most: int | None = None) -> Iterator[ScoredArticle]:
        """Iterate over all hits of an answer, or the first `most`."""
        return found.articles(self.catalog, most)

    def all_hits(
        self,
        query: Query,
        *,
        relaxes: bool = True,
        corrects: bool = False,
        most: int | None = None,
    ) -> AllHits:
        """The answer to a query without a page, and all its hits, or the first `most`."""
        found = self.find_all(query, relaxes=relaxes, corrects=corrects)
        return AllHits(found.without_hits(), self.articles(found, most))

    def ask(self, question: Question[T]) -> T:
        """Answer any other question about this archive."""
        return question.of(self, UNDIVIDED)

    def rank(self, query: Query) -> Judged:
        """Rank and judge a query without ordering or counting its matches."""
        return result_of(judged_of(self._rank(self.read(query), Clock()), self._ranker))

    def read(self, query: Query) -> ReadQuery:
        """Read a query without answering it."""
        return read_query(self._memberships.looked_up(query), self._today(), self._synonyms)

    def suggest(self, text: str, limit: int, *, whole: Whole = UNDIVIDED) -> list[Suggestion]:
        """Suggest completions of a query that is being typed; raise BadQuery."""
        snapshot = self._snapshots.current(with_vectors=False).within(whole)
        if snapshot.no_words:
            raise snapshot.no_words
        names = self._names
        if names is None or not names.is_of(snapshot.table):
            names = self._names = Names(snapshot.table)
        return Suggester(snapshot.lexical, self.catalog, names).suggest(typed_text(text), limit)

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject; raise ArticleNotFound."""
        return self.related_to(self.catalog.stored_article(article_id), limit=limit)

    def related_to(self, stored: StoredArticle, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article that is already fetched."""
        snapshot = self._snapshots.current(with_vectors=True)
        return self._relations.related(stored.article, stored.rows, snapshot, limit)

    def related_in(self, whole: Whole, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Take part in the same search of a whole, one of whose shards may hold the article."""
        article, rows = self._relations.looked_up(article_id, whole)
        snapshot = self._snapshots.current(with_vectors=True).within(whole)
        return self._relations.related(article, rows, snapshot, limit)

    def overview(self) -> Overview:
        """The numbers of the archive as it is searched now."""
        return Overview.of(self.table())

    def snapshot(self) -> Snapshot:
        """The current snapshot; it may lack vectors."""
        return self._snapshots.current(with_vectors=False)

    def look_again(self) -> None:
        """Make the next search check for a new generation; otherwise it may be a second old."""
        self._snapshots.look_again()

    def readiness(self, directory: ArchiveDirectory | None = None) -> Readiness:
        """Test the parts of the archive, which should lie in `directory`; takes a millisecond."""
        return self._readiness.readiness(directory)

    @property
    def generation_age(self) -> float:
        """Seconds since searches switched to the generation that they are in."""
        return self._snapshots.age

    def table(self) -> ArticleTable:
        """The article table of the current snapshot."""
        return self.snapshot().table

    @contextmanager
    def _failures_noted(self, query: Query) -> Iterator[None]:
        try:
            yield
        except Exception as exc:
            if self._recorder:
                self._recorder.failed(query, exc)
            raise

    def _note(self, query: Query, verdict: Verdict, clock: Clock) -> None:
        if self._recorder:
            self._recorder.answered(query, verdict, clock.took_ms, cut=clock.cut)

    def _find(
        self, asked: ReadQuery, clock: Clock, *, counted: bool = False, relaxes: bool = True
    ) -> Found:
        """Compute the whole answer to a query, without a page; or the `counted` group alone."""
        ranked, share = self._rank(asked, clock, relaxes=relaxes), self._options.passage_share

        def listing(ranked: Ranked) -> Stage[tuple[Ordered, Counts]]:
            ordering = ordered_hits(ranked, clock, share, counted=counted)
            return both(ordering, clock.timed("count", counts_of(ranked)))

        judging = judged_and_listed(ranked, self._ranker, listing, clock)
        correcting = correction(ranked, clock, self.read)
        (judged, (ordered, counts)), meant = result_of(both(judging, correcting))
        hints = Hints(result_of(other_words(judged, clock)), meant)
        ordered = self._reranked(asked, ordered.judged(judged), clock)
        answer = answer_of(judged, ordered, counts, hints)
        poor = judged.verdict is Verdict.NONE and not asked.query.match
        if poor and asked.text and not counted and not clock.is_over():
            answer = replace(answer, closest=self._closest(judged.ranked.asked, clock))
        timeline = counts.timeline_of(judged)
        hits, ordinals, placing = ordered.hits, ordered.ordinals, ordered.placing
        whole = clock.whole
        return Found(answer, timeline, hits, ordinals, placing, whole.search, whole.required_all)

    def _offered(self, asked: ReadQuery, clock: Clock, *, relaxes: bool) -> Found:
        """The answer, or that of its correction, with offers of filters for what is named in it."""
        with clock.stage("open"):
            table = self._snapshots.current(with_vectors=bool(asked.meaning)).table
        filters = filter_offers(asked, table, self._today(), clock.whole)
        found = self._find(asked, clock, relaxes=relaxes)
        found = self._corrected(found, clock) if relaxes else found
        offers: list[Offer] = []
        for offer in filters():
            if offer.query and not clock.is_over() and len(offers) < MOST_FILTERS:
                total = self._listed(self.read(offer.query), clock).total
                offers += [replace(offer, articles=total)] if total else []
        answer = replace(found.answer, offers=(*found.answer.offers, *offers))
        return replace(found, answer=answer)

    def _corrected(self, found: Found, clock: Clock, *, counted: bool = False) -> Found:
        """The answer to the corrected query, if only that has hits; else the same answer."""
        answer = found.answer
        meant = answer.did_you_mean
        if not meant or not shows_correction(answer) or clock.is_over():
            return found
        corrected = self.read(replace(answer.query, text=meant.text))
        other = self._find(corrected, clock, counted=counted)
        if not other.answer.total:
            return found
        shown = replace(other.answer, did_you_mean=replace(meant, is_shown=True))
        return replace(other, answer=shown)

    def _rank(self, asked: ReadQuery, clock: Clock, *, relaxes: bool = True) -> Ranked:
        with clock.stage("open"):
            snapshot = self._snapshots.current(with_vectors=bool(asked.meaning))
            snapshot = snapshot.within(clock.whole)
        ranked = self._ranker.rank(asked, snapshot, clock)
        if ranked.is_barred and relaxes and not asked.query.strict and not asked.relaxed:
            ranked = relaxed(ranked, self._ranker, snapshot, self.catalog, clock)
        return ranked

    def _listed(self, asked: ReadQuery, clock: Clock) -> Ordered:
        """The hits of a query alone: nothing is counted, and nothing offered."""
        ranked = self._rank(asked, clock)
        listing = partial(ordered_hits, clock=clock, passage_share=self._options.passage_share)
        judged, ordered = result_of(judged_and_listed(ranked, self._ranker, listing, clock))
        return ordered.judged(judged)

    def _closest(self, asked: ReadQuery, spent: Clock) -> tuple[Closest, ...]:
        """The best hits by words alone and by meaning alone, of the modes that have any."""
        clock = Clock(spent.left, spent.whole)
        found = []
        for mode in (Mode.KEYWORD, Mode.SEMANTIC):
            alone = replace(
                asked.query,
                mode=mode,
                match=Group.RELATED,
                sort=Sort.RELEVANCE,
                mark=Marking.WORDS,
                limit=MOST_CLOSEST,
                cursor=None,
            )
            with suppress(EngineUnavailable):
                asked_alone = asked._replace(query=alone)
                listed = self._reranked(asked_alone, self._listed(asked_alone, clock), clock)
                with clock.whole.alone():
                    hits = listed.first(alone, self.catalog, clock.whole)
                found += [Closest(mode, listed.total, hits)] if hits else []
        return tuple(found)

    def _reranked(self, asked: ReadQuery, ordered: Ordered, clock: Clock) -> Ordered:
        """Rerank the first hits of a query with meaning, if there is a reranker."""
        skipped = not asked.meaning or asked.query.sort is not Sort.RELEVANCE
        if not self._reranking or skipped or clock.whole.is_divided or clock.is_over():
            return ordered
        with clock.stage("rerank"):
            reranked: Reordered = self._reranking.reorder(
                asked.meaning, ordered.hits, ordered.ordinals, self.catalog
            )
        hits = replace(ordered.hits, reranked=reranked.reranked)
        return replace(ordered, ordinals=reranked.ordered, hits=hits, note=reranked.note)

    def _marked(self, page: Results, meaning: str) -> Results:
        """Mark the sentences nearest in meaning, if the model is available."""
        if not page.hits:
            return page
        try:
            spread = self._snapshots.current(with_vectors=True).scale.queries
            hits, left = self._nearest.mark(self._embedder.embed_query(meaning), page.hits, spread)
        except EngineUnavailable:
            return page  # it has a note about the model already
        late = (unmarked(left),) if left else ()
        reading = replace(page.reading, notes=(*page.reading.notes, *late))
        return replace(page, hits=hits, reading=reading)
