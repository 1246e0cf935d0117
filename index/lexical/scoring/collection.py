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
from backfile.index.model.arrays import FEW, Bools, Bytes, Floats, Rows, common, places_of
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.expression import INDEXED, Field, Gap
from backfile.index.model.matches import ScoredPostings
from backfile.index.model.postings import NO_POSTINGS, Postings, Slot
from backfile.index.seams.protocols import LexicalSnapshot

MOST_SPELT = 8_000_000  # bytes; the articles of a word as it is spelt take a bit each
MOST_FREQUENCIES = 10_000  # one number each
SEARCHED = {Field.ANY: INDEXED, Field.LEAD: (Field.TITLE, Field.LEAD)}
"""The fields of which each is searched, for a field that stands for several."""
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
        self._frequencies: LRUCache[tuple[Field, tuple[str, ...]], int] = LRUCache(MOST_FREQUENCIES)
        self._spelt: LRUCache[tuple[Field, tuple[str, ...], str], Bytes] = LRUCache(
            MOST_SPELT, getsizeof=len
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
            with self._lock:
                self._frequencies[key[:2]] = len(found.rows)
                if _size(found) <= MOST_POSTINGS:
                    self._cache[key] = found
        if idf is Idf.WHOOSH:
            return found
        of = len(found.rows) if frequency is None else frequency
        return found._replace(scores=self._with_idf(found.scores, idf, of))

    def scores_at(
        self,
        rows: Rows,
        field: Field,
        terms_alike: Sequence[str],
        idf: Idf = Idf.WHOOSH,
        frequency: int | None = None,
    ) -> Floats:
        """The scores in some living rows (n,) as in `scored_postings`; 0 without the terms."""
        frequencies = np.zeros(len(rows), np.float32)
        for each in SEARCHED.get(field, (field,)):
            for term in terms_alike:
                frequencies += _looked_up(self.snapshot.postings(each, term), rows)
        of = self.frequency(field, terms_alike) if frequency is None else frequency
        scores = weights(frequencies, self._norms[field].take(rows), self.idf(of))
        return scores if idf is Idf.WHOOSH else self._with_idf(scores, idf, of)

    def phrase(self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap]) -> Postings:
        """The living rows that hold what the slots ask for in order, all in the same field."""
        return merged([self._phrase(each, slots, gaps) for each in SEARCHED.get(field, (field,))])

    def _phrase(self, field: Field, slots: Sequence[Slot], gaps: Sequence[Gap]) -> Postings:
        """The rows of one field; LEAD is here the first paragraph alone."""
        if field is not Field.LEAD:
            return self._living(self.snapshot.phrase(field, slots, gaps))
        rows, counts = self._living(self.snapshot.phrase(Field.TEXT, slots, gaps, leading=True))
        first = self.table.first_rows[self.table.article_of[rows]] == rows
        return Postings(rows[first], counts[first])

    def spelt(self, field: Field, terms_alike: Sequence[str], word: str) -> Bools:
        """Article mask of those that hold a word as it is typed, but for capitals and accents.

        No article where the index cannot tell: an earlier release made it, or it is damaged.
        """
        folded = fold(word)
        key = field, tuple(terms_alike), folded
        with self._lock:
            packed = self._spelt.get(key)
        if packed is None:
            slot = Slot(tuple(terms_alike), lambda written: fold(written) == folded)
            fields = SEARCHED.get(field, (field,))
            try:
                rows = [self._phrase(each, [slot], []).rows for each in fields]
            except EngineUnavailable:
                return np.zeros(self.table.n_articles, np.bool_)
            packed = np.packbits(
                np.logical_or.reduce([self.table.articles_with(each) for each in rows])
            )
            if len(packed) <= MOST_SPELT:
                with self._lock:
                    self._spelt[key] = packed
        return np.unpackbits(packed, count=self.table.n_articles).view(np.bool_)

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
        key = field, tuple(terms_alike)
        with self._lock:
            found = self._frequencies.get(key)
        if found is None:
            found = self._count(*key)
            with self._lock:
                self._frequencies[key] = found
        return found

    def idf(self, frequency: int, idf: Idf = Idf.WHOOSH) -> float:
        """The inverse document frequency of what so many passages of the whole hold."""
        return inverse_document_frequency(frequency, self._n_passages, idf)

    def _scored(self, field: Field, postings: Postings, frequency: int | None) -> ScoredPostings:
        rows, frequencies = postings
        idf = self.idf(len(rows) if frequency is None else frequency)
        scores = weights(frequencies, self._norms[field].take(rows), idf)
        return ScoredPostings(rows, scores, np.flatnonzero(self.table.articles_with(rows)))

    def _with_idf(self, scores: Floats, idf: Idf, frequency: int) -> Floats:
        """The scores of a term with another idf, which is the same factor for all of them."""
        usual, wanted = (self.idf(frequency, each) for each in (Idf.WHOOSH, idf))
        return scores * np.float32(wanted / usual)

    def _count(self, field: Field, terms_alike: Sequence[str]) -> int:
        if field is not Field.ANY or not _are_apart(terms_alike):
            return len(self._joined(field, terms_alike).rows)
        count = 0
        for term in terms_alike:
            title, text = (self._living(self.snapshot.postings(each, term)) for each in INDEXED)
            count += len(title.rows) + len(text.rows) - len(common(title.rows, text.rows))
        return count

    def _joined(self, field: Field, terms_alike: Sequence[str]) -> Postings:
        """The living rows of alternative terms, each row once."""
        found = [self._postings(field, term) for term in terms_alike]
        lists = [each for each in found if len(each.rows)]
        if len(lists) < 2:
            return lists[0] if lists else NO_POSTINGS
        if _are_apart(terms_alike):
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
        if rows[-1:].max(initial=0) < self.table.n_rows and (  # they ascend
            self._no_gaps or self.table.alive.take(rows).all()
        ):
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


def _are_apart(terms_alike: Sequence[str]) -> bool:
    """Whether no passage holds two of the terms: each is of a language, which a passage has one of.

    So is a single term.
    """
    return len({marked(term)[1] for term in terms_alike}) == len(terms_alike)


def _looked_up(postings: Postings, rows: Rows) -> Floats:
    """The frequency of a term in each of these rows (n,), 0 for one that is not in its list."""
    if not len(postings.rows):
        return np.zeros(len(rows), np.float32)
    if len(rows) * FEW > len(postings.rows):
        by_row = np.zeros(1 + max(int(postings.rows[-1]), int(rows.max())), np.float32)
        by_row[postings.rows] = postings.frequencies
        return by_row[rows]
    at, there = places_of(rows, postings.rows)
    return np.where(there, postings.frequencies[at], np.float32(0))


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
