"""Answers a query: reads it, asks both engines, merges, and fetches the page of hits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.clusters import OtherCopies
from backfile.archive.store.reader import Versions, versions_of
from backfile.archive.store.runs import Run
from backfile.index.answers.facets import facets, totals_of
from backfile.index.answers.hits import COPIES_LISTED, Hits
from backfile.index.answers.nearest_sentence import Nearest
from backfile.index.answers.notes import cautions, offers_for
from backfile.index.answers.timeline import span, timeline
from backfile.index.asking.autocomplete import Suggester, Suggestion, typed_text
from backfile.index.asking.dates import take_days
from backfile.index.asking.did_you_mean import Vocabularies, did_you_mean
from backfile.index.asking.reader import ReadQuery
from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.expression import Expression
from backfile.index.model.noise import Evidence
from backfile.index.model.query import DEFAULT_HITS, Copies, Marking, Mode, Query, Sort
from backfile.index.model.results import DidYouMean, Offer, Reading, Results, Verdict
from backfile.index.seams.engines import Engines, Snapshots
from backfile.index.search.ranker import Clock, Ranked, Ranker, meaning_of
from backfile.index.search.ranking import RankingOptions, article_scores, in_order
from backfile.index.search.related import Related, Relations
from backfile.index.search.reranking import Reordered, Reranking
from backfile.index.search.result_cache import Found, ResultCache, ScoredArticle


class Searcher:
    """Searches one archive, from any number of threads."""

    def __init__(
        self,
        engines: Engines,
        options: RankingOptions,
        reranking: Reranking | None = None,
        *,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Search what the engines hold; `today` is what `last week` is told from."""
        self._catalog = engines.catalog
        self._snapshots = Snapshots(engines)
        self._embedder = engines.embedder
        self._options = options
        self._ranker = Ranker(engines, self._snapshots, options, today)
        self._reranking = reranking
        self._nearest = Nearest(engines.embedder, options.floor)
        self._today = today
        self._lately = ResultCache()
        self._suggester: Suggester | None = None
        self._relations = Relations(engines.catalog, engines.vectors)

    def search(self, query: Query) -> Results:
        """Answer a query. Keyword answers need no model; hybrid ones do without if it is absent.

        A cursor's page is cut from what its first page was cut from, for as long as that is kept.
        """
        clock = Clock()
        query = self._default_sort(query)
        found = self._lately.of(query) or self._find(query, clock)
        with clock.stage("fetch"):
            page = found.page(query, self._catalog)
        if page.next:
            self._lately.keep(found, query)
        if query.mark is Marking.SENTENCE and query.mode is not Mode.KEYWORD:
            with clock.stage("mark"):
                page = self._marked(page)
        return replace(page, took_ms=clock.took_ms)

    def _marked(self, page: Results) -> Results:
        """Mark the sentences nearest in meaning, if there is a meaning and a model for it."""
        meaning = meaning_of(self.read(page.query))
        if not meaning or not page.hits:
            return page
        try:
            hits, left = self._nearest.mark(self._embedder.embed_query(meaning), page.hits)
        except EngineUnavailable:
            return page  # a caution says so already
        late = (_unmarked(left),) if left else ()
        reading = replace(page.reading, notes=(*page.reading.notes, *late))
        return replace(page, hits=hits, reading=reading)

    def iter_all(
        self, query: Query, *, most: int | None = None
    ) -> tuple[Results, Iterator[ScoredArticle]]:
        """Answer a query with all articles that are hits, or the first `most`, without a page."""
        query = self._default_sort(query.first_page())
        found = self._find(query, Clock())
        return found.answer, found.articles(self._catalog, most)

    def evidence(self, query: Query) -> tuple[Evidence, bool]:
        """What vouches for the answer, and whether an article holds all that is asked for."""
        ranked = self._ranker.rank(query, Clock())
        asked = ranked.matches.asked & ranked.candidates.by_words
        return ranked.evidence, bool(asked.any())

    def judge(self, query: Query, *, without: Sequence[str] = ()) -> Verdict:
        """Judge what is found, or would be if the archive were without these articles."""
        return self._ranker.rank(query, Clock(), without).verdict

    def _default_sort(self, query: Query) -> Query:
        """Where nothing is asked but days, the archive is looked through, newest first."""
        if query.sort is not Sort.RELEVANCE or take_days(query.text, self._today()).text:
            return query
        return replace(query, sort=Sort.NEWEST)

    def _find(self, query: Query, clock: Clock) -> Found:
        ranked = self._ranker.rank(query, clock)
        table, matches, candidates = ranked.snapshot.table, ranked.matches, ranked.candidates
        offers: tuple[Offer, ...] = ()
        if ranked.verdict is Verdict.NONE:
            candidates = candidates.without_articles()
            with clock.stage("offer"):
                lexical = ranked.snapshot.lexical
                offers = offers_for(ranked.read.expression, lexical, table)
        with clock.stage("spelling"):
            meant = self._meant(query, ranked)
        with clock.stage("order"):
            scores = article_scores(table, candidates, matches, self._options.passage_share)
            folding = Folding.of(table, candidates.articles)
            folded = folding if query.copies is Copies.FOLD else None
            scores = folded.best(scores) if folded else scores
            listed = folded.leads if folded else candidates.articles
            ordered = in_order(table, listed, scores, query.sort)
        share = self._options.passage_share
        hits = Hits(table, matches, candidates, scores, ranked.read.expression, share, folded)
        reordered = self._rerank(query, ranked, hits, ordered, clock)
        with clock.stage("count"):
            faceted = facets(table, candidates.articles, query.copies)
            answer = Results(
                query=query,
                reading=_reading(ranked, candidates, query, reordered.note),
                hits=(),
                totals=totals_of(candidates, folding, query.copies),
                facets=faceted.counts,
                facets_total=faceted.totals,
                timeline=timeline(table, candidates.articles, query.copies),
                span=span(table, candidates.articles),
                coverage=table.coverage,
                words_coverage=ranked.snapshot.words_coverage,
                verdict=ranked.verdict,
                offers=offers,
                did_you_mean=meant,
                generation=table.generation,
                next=None,
                took_ms={},
            )
        return Found(answer, replace(hits, reread=reordered.reread), reordered.ordered)

    def _meant(self, query: Query, ranked: Ranked) -> DidYouMean | None:
        """Correct what seems misspelt, as long as that changes nothing else in the query."""

        def reads(text: str) -> Expression | None:
            other = self.read(replace(query, text=text))
            return other.expression if other.filters == ranked.read.filters else None

        asked = Vocabularies(ranked.snapshot.lexical, ranked.snapshot.table)
        chosen = ranked.snapshot.table.select(ranked.read.filters)
        read = ranked.read.expression
        return did_you_mean(query.text, read, ranked.matches, asked, reads, chosen)

    def _rerank(
        self, query: Query, ranked: Ranked, hits: Hits, ordered: Rows, clock: Clock
    ) -> Reordered:
        """Have the first hits read again, where there is a model for it and meaning was asked."""
        meaning = meaning_of(ranked.read) if query.mode is not Mode.KEYWORD else ""
        if not self._reranking or not meaning or query.sort is not Sort.RELEVANCE:
            return Reordered(ordered, {}, None)
        with clock.stage("rerank"):
            return self._reranking.reorder(meaning, hits, ordered, self._catalog)

    def suggest(self, text: str, limit: int) -> list[Suggestion]:
        """Suggest how a query that is being typed may go on; raise BadQuery."""
        snapshot = self._snapshots.current(with_vectors=False)
        known = self._suggester
        if known is None or not known.is_of(snapshot.table):
            known = Suggester(snapshot.lexical, snapshot.table, self._catalog)
            self._suggester = known
        return known.suggest(typed_text(text), limit)

    def read(self, query: Query) -> ReadQuery:
        """Say how a query is read, without asking it."""
        return self._ranker.read(query)

    def article(self, article_id: str) -> tuple[Article, list[Passage]]:
        """Fetch an article with its passages; raise ArticleNotFound."""
        article = self._catalog.article(article_id)
        return article, self._catalog.passages_of(article)

    def copies(self, article_id: str) -> OtherCopies:
        """The other articles of an article's story, the first of them and how many there are."""
        return self._catalog.stories.of(article_id, COPIES_LISTED)

    def versions(self, article_id: str) -> Versions:
        """What an article says and said before, the latest first; raise ArticleNotFound."""
        return versions_of(self._catalog, article_id)

    def related(self, article_id: str, *, limit: int = DEFAULT_HITS) -> Related:
        """Find earlier and later coverage of an article's subject; raise ArticleNotFound."""
        snapshot = self._snapshots.current(with_vectors=True)
        return self._relations.related(article_id, snapshot, limit)

    def table(self) -> ArticleTable:
        """The columns of the current snapshot, for what the archive holds as a whole."""
        return self._snapshots.current(with_vectors=False).table

    def runs(self, limit: int) -> list[Run]:
        """How the archive was filled: the last runs, the latest first."""
        return self._catalog.runs.latest(limit)


def _reading(ranked: Ranked, shown: Candidates, query: Query, reranked: Message | None) -> Reading:
    read = ranked.read
    notes = list(read.notes)
    if ranked.matches.relaxed and shown.by_words.any():
        notes.append(
            Message("no article holds all these words; shown are those that hold most of them")
        )
    notes += [reranked] if reranked else []
    notes += cautions(query, ranked.snapshot, ranked.failure)
    dated = replace(query, text=read.text, filters=read.filters)
    return Reading(dated, read.description, tuple(notes), read.parts)


def _unmarked(left: int) -> Message:
    return Message.counted(
        "there was no time to mark sentences in the last %(number)s hits",
        "there was no time to mark sentences in the last %(number)s hits",
        left,
    )
