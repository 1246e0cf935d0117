"""The living passages of one snapshot: scored posting lists, cached, and statistics for scoring."""

import threading
from collections.abc import Sequence

import numpy as np
from cachetools import LRUCache

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import fold, marked
from backfile.index.lexical.scoring.bm25 import (
    Idf,
    added,
    inverse_document_frequency,
    length_norms,
    merged,
    weights,
)
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.lexical.spelling.word_list import Gathered, gathered
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.expression import INDEXED, Field, Gap
from backfile.index.model.matches import ScoredPostings
from backfile.index.model.postings import NO_POSTINGS, Postings, Slot
from backfile.index.seams.protocols import LexicalSnapshot

MOST_SPELT = 1_000_000  # articles of words as they are spelt, 8 bytes each
MOST_POSTINGS = 8_000_000  # 96 MB: a row and a score take 12 bytes, an article, counted too, 8


class Collection:
    """Living passages: those of the snapshot that the table has. Threads may share it.

    Dead passages count nowhere, so the archive scores as one that was built from scratch.
    """

    def __init__(
        self,
        snapshot: LexicalSnapshot,
        table: ArticleTable,
        earlier: "Collection | None" = None,
        whole: CollectionStatistics | None = None,
    ) -> None:
        """`earlier` is one of an earlier snapshot, whose words are used again where they stay.

        `whole` are the statistics of a divided archive, of which this is a shard.
        """
        self.snapshot = snapshot
        self.table = table
        self.statistics = whole or self._own_statistics()
        self.languages = Languages.of(self.statistics.languages)
        self._n_passages = max(1, self.statistics.passages)
        self._no_gaps = table.n_passages == table.n_rows - 1  # row 0 is never used
        self._norms = {field: self._norms_of([field]) for field in INDEXED}
        self._norms[Field.ANY] = self._norms_of(INDEXED)
        self._cache: LRUCache[tuple[Field, tuple[str, ...], int | None], ScoredPostings] = LRUCache(
            MOST_POSTINGS, getsizeof=_size
        )
        self._spelt: LRUCache[tuple[Field, tuple[str, ...], str], Rows] = LRUCache(
            MOST_SPELT, getsizeof=lambda found: len(found) + 1
        )
        self._lock = threading.Lock()
        self._spellings: Spellings | None = None
        self._gathered = earlier.gathered if earlier else None

    def spellings(self) -> Spellings:
        """The words of the snapshot as they are spelt; computed at the first call."""
        with self._lock:
            if self._spellings is None:
                parts = self.snapshot.vocabulary_parts()
                self._gathered = gathered(parts, self.snapshot.vocabulary, self._gathered)
                self._spellings = Spellings(self._gathered.words, self.table.alive)
            return self._spellings

    def within(self, whole: CollectionStatistics) -> "Collection":
        """The same passages as those of a shard of a whole; scores are the whole's."""
        shard = Collection(self.snapshot, self.table, self, whole)
        shard._spellings = self.spellings()
        return shard

    @property
    def gathered(self) -> Gathered | None:
        """The words as they were last gathered, here or in an earlier snapshot."""
        return self._gathered

    def scored_postings(
        self,
        field: Field,
        terms_alike: Sequence[str],
        idf: Idf = Idf.WHOOSH,
        frequency: int | None = None,
    ) -> ScoredPostings:
        """Score alternative terms as a single one; `frequency` is how many rows of the whole do so.

        For ANY, title and text are one field: a word in both is saturated once, as in Robertson,
        Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields", 2004.
        """
        key = field, tuple(terms_alike), frequency
        with self._lock:
            found = self._cache.get(key)
        if found is None:
            found = self._scored(field, self._joined(field, terms_alike), frequency)
            if _size(found) <= MOST_POSTINGS:
                with self._lock:
                    self._cache[key] = found
        return found if idf is Idf.WHOOSH else self._with_idf(found, idf, frequency)

    def phrase(self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap]) -> Postings:
        """The living rows that hold what the slots ask for in order, all in the same field."""
        fields = {Field.ANY: INDEXED, Field.LEAD: (Field.TITLE, Field.LEAD)}.get(field, (field,))
        return merged([self._phrase(each, slots, gaps) for each in fields])

    def _phrase(self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap]) -> Postings:
        """The rows of one field; LEAD is here the first paragraph alone."""
        if field is not Field.LEAD:
            return self._living(self.snapshot.phrase(field, slots, gaps))
        rows, counts = self._living(self.snapshot.phrase(Field.TEXT, slots, gaps, leading=True))
        first = self.table.first_rows[self.table.article_of[rows]] == rows
        return Postings(rows[first], counts[first])

    def spelt(self, field: Field, terms_alike: Sequence[str], word: str) -> Rows:
        """The articles that hold a word as it is typed, but for capitals and accents: ordinals.

        No article where the index cannot tell: an earlier release made it, or it is damaged.
        """
        folded = fold(word)
        key = field, tuple(terms_alike), folded
        with self._lock:
            found = self._spelt.get(key)
        if found is None:
            slot = Slot(tuple(terms_alike), lambda written: fold(written) == folded)
            try:
                rows = self.phrase(field, [slot], []).rows
            except EngineUnavailable:
                return np.empty(0, np.int64)
            found = np.flatnonzero(self.table.articles_with(rows))
            if len(found) <= MOST_SPELT:
                with self._lock:
                    self._spelt[key] = found
        return found

    def occurrences(self, slots: Sequence[Slot], gaps: Sequence[Gap], field: Field) -> Rows:
        """How often each article holds what the slots ask for, (n_articles,).

        A title, which is indexed with each passage, counts once.
        """
        counts = np.zeros(self.table.n_articles, np.int64)
        if field is not Field.TITLE:
            text = Field.LEAD if field is Field.LEAD else Field.TEXT
            rows, frequencies = self._phrase(text, slots, gaps)
            np.add.at(counts, self.table.article_of[rows], frequencies.astype(np.int64))
        if field is not Field.TEXT:
            rows, frequencies = self._phrase(Field.TITLE, slots, gaps)
            in_title = np.zeros(self.table.n_articles, np.int64)
            np.maximum.at(in_title, self.table.article_of[rows], frequencies.astype(np.int64))
            counts += in_title
        return counts

    def article_words(self) -> Rows:
        """The number of words of each article's text, (n_articles,)."""
        counts = _fitted(self.snapshot.word_counts(Field.TEXT), self.table.alive)
        rows = np.flatnonzero(self.table.alive)
        words = np.bincount(
            self.table.article_of[rows], counts[rows], minlength=self.table.n_articles
        )
        return words.astype(np.int64)

    def frequency(self, field: Field, terms_alike: Sequence[str]) -> int:
        """The document frequency of alternative terms here: the living rows that hold one."""
        return len(self.scored_postings(field, terms_alike).rows)

    def idf(self, frequency: int, idf: Idf = Idf.WHOOSH) -> float:
        """The inverse document frequency of what so many passages of the whole hold."""
        return inverse_document_frequency(frequency, self._n_passages, idf)

    def _scored(self, field: Field, postings: Postings, frequency: int | None) -> ScoredPostings:
        rows, frequencies = postings
        idf = self.idf(len(rows) if frequency is None else frequency)
        scores = weights(frequencies, self._norms[field].take(rows), idf)
        return ScoredPostings(rows, scores, np.flatnonzero(self.table.articles_with(rows)))

    def _with_idf(self, found: ScoredPostings, idf: Idf, frequency: int | None) -> ScoredPostings:
        """The list scored with another idf, which is the same factor for all its rows."""
        of = len(found.rows) if frequency is None else frequency
        usual, wanted = (self.idf(of, each) for each in (Idf.WHOOSH, idf))
        return found._replace(scores=found.scores * np.float32(wanted / usual))

    def _joined(self, field: Field, terms_alike: Sequence[str]) -> Postings:
        """The living rows of alternative terms, each row once."""
        found = [self._postings(field, term) for term in terms_alike]
        lists = [each for each in found if len(each.rows)]
        if len(lists) < 2:
            return lists[0] if lists else NO_POSTINGS
        if len({marked(term)[1] for term in terms_alike}) == len(terms_alike):
            # Terms of different languages share no passage, as a passage has one language.
            return Postings(*map(np.concatenate, zip(*lists, strict=True)))
        return merged(lists)

    def _postings(self, field: Field, term: str) -> Postings:
        """The living rows of a term in a field; for ANY, frequencies of title and text added."""
        if field is not Field.ANY:
            return self._living(self.snapshot.postings(field, term))
        title, text = (self._living(self.snapshot.postings(each, term)) for each in INDEXED)
        return added(text, title)

    def _living(self, postings: Postings) -> Postings:
        rows, frequencies = postings
        if self._no_gaps and rows[-1:].max(initial=0) < self.table.n_rows:  # they ascend
            return postings
        living = rows < self.table.n_rows
        living[living] = self.table.alive[rows[living]]
        return postings if living.all() else Postings(rows[living], frequencies[living])

    def _norms_of(self, fields: Sequence[Field]) -> Floats:
        alive, snapshot = self.table.alive, self.snapshot
        words = sum(self.statistics.words[field] for field in fields)
        lengths = [_fitted(snapshot.lengths(field), alive) for field in fields]
        total: Floats = np.sum(lengths, axis=0, dtype=np.float32)
        return length_norms(total, words / self._n_passages)

    def _own_statistics(self) -> CollectionStatistics:
        table, snapshot = self.table, self.snapshot
        counts = {each: _fitted(snapshot.word_counts(each), table.alive) for each in INDEXED}
        words = {each: float(found.sum(dtype=float)) for each, found in counts.items()}
        rows = snapshot.rows()
        indexed = int(table.alive[rows[rows < table.n_rows]].sum())
        return CollectionStatistics.of(table, words, indexed)


def _size(found: ScoredPostings) -> int:
    return len(found.rows) + len(found.articles) + 1  # 1: the number of empty lists is bounded too


def _fitted(known: Floats, alive: Bools) -> Floats:
    """Fit numbers by row to the rows of the table, 0 for rows that are dead or not indexed yet."""
    fitted = np.zeros(len(alive), np.float32)
    known = known[: len(alive)]
    fitted[: len(known)] = known
    fitted[~alive] = 0
    return fitted


def term_scores(rows: Rows, lists: Sequence[Sequence[ScoredPostings]], n_rows: int) -> Floats:
    """The score of each of these rows (n,) in each group of lists: (n, n_groups)."""
    scores = np.zeros((len(lists), len(rows)), np.float32)
    shown = np.zeros(n_rows, np.bool_)
    shown[rows] = True
    order = np.argsort(rows)
    for group, column in zip(lists, scores, strict=True):
        for found in group:
            places = np.flatnonzero(shown[found.rows])
            targets = order[np.searchsorted(rows, found.rows[places], sorter=order)]
            column[targets] += found.scores[places]
    return scores.T
