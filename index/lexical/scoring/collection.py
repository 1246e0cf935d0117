"""Joins a snapshot of the posting lists with the article table, for matching and scoring."""

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import marked
from backfile.index.lexical.scoring.bm25 import (
    NO_POSTINGS,
    Idf,
    Postings,
    added,
    inverse_document_frequency,
    length_norms,
    merged,
    weights,
)
from backfile.index.lexical.scoring.phrases import Gap
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.lexical.storage.postings import PostingsCache
from backfile.index.lexical.storage.vocabulary import Vocabulary
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import Field
from backfile.index.model.matches import ScoredPostings

INDEXED = (Field.TITLE, Field.TEXT)


class PostingLists(Protocol):
    """What matching needs of an index."""

    def postings(self, field: Field, term: str) -> Postings:
        """The rows that hold a term in a field, ascending; none for a term that is nowhere."""
        ...

    def phrase(self, field: Field, words: Sequence[str], gaps: Sequence[Gap]) -> Rows:
        """The rows that hold the terms in this order.

        Each is at most so many places behind the one before, or in one sentence or paragraph with
        it; a title is a single one. There is a gap fewer than terms.
        """
        ...

    def words(self) -> Vocabulary:
        """All words as they are spelt; their witnesses are rows, dead ones too."""
        ...

    def terms(self, field: Field, prefix: str) -> Sequence[str]:
        """The terms of a field that begin so."""
        ...

    def lengths(self, field: Field) -> Floats:
        """The number of words in the field, for each row, as exactly as scoring needs it."""
        ...

    def word_counts(self, field: Field) -> Floats:
        """The exact number of words in the field, for each row: what the mean is made of."""
        ...


class Collection:
    """The living passages: their lists, weighed once and kept for the queries that follow.

    Only living passages count, so that an archive scores as one built from scratch would. It may
    be shared between threads.
    """

    def __init__(self, lists: PostingLists, table: ArticleTable) -> None:
        self.lists = lists
        self.table = table
        self.languages = Languages.of(table.spoken)
        self._n_passages = max(1, table.n_passages)
        self._no_gaps = table.n_passages == table.n_rows - 1  # row 0 is never used
        self._norms = {field: self._norms_of([field]) for field in INDEXED}
        self._norms[Field.ANY] = self._norms_of(INDEXED)
        self._cache: PostingsCache[tuple[Field, tuple[str, ...]], ScoredPostings] = PostingsCache()
        self._lock = threading.Lock()
        self._spellings: Spellings | None = None

    def spellings(self) -> Spellings:
        """The words of living passages; gathered when they are first asked for."""
        with self._lock:
            if self._spellings is None:
                self._spellings = Spellings(self.lists.words(), self.table.alive)
            return self._spellings

    def scored_postings(
        self, field: Field, terms_alike: Sequence[str], idf: Idf = Idf.WHOOSH
    ) -> ScoredPostings:
        """Weigh terms that stand for one another as a single one.

        Title and text are one field where it is ANY: a word in both is saturated once, as in
        Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields", 2004.
        """
        key = field, tuple(terms_alike)
        with self._lock:
            found = self._cache.get(key)
        if found is None:
            found = self._weigh(field, self._joined(field, terms_alike))
            with self._lock:
                self._cache.put(key, found, len(found.rows) + len(found.articles))
        return found if idf is Idf.WHOOSH else self._as_rare(found, idf)

    def phrase(self, field: Field, words: Sequence[str], gaps: Sequence[Gap]) -> Rows:
        """The living rows that hold the terms in this order, in one and the same field."""
        places = INDEXED if field is Field.ANY else (field,)
        found = [self.lists.phrase(place, words, gaps) for place in places]
        rows = found[0] if len(found) == 1 else np.union1d(*found)
        rows = rows[rows < self.table.n_rows]
        living: Rows = rows[self.table.alive[rows]]
        return living

    def idf(self, terms_alike: Sequence[str], idf: Idf = Idf.WHOOSH) -> float:
        """The inverse document frequency, in titles and texts, of terms that are as one."""
        holding = len(self.scored_postings(Field.ANY, terms_alike).rows)
        return inverse_document_frequency(holding, self._n_passages, idf)

    def _weigh(self, field: Field, postings: Postings) -> ScoredPostings:
        rows, frequencies = postings
        idf = inverse_document_frequency(len(rows), self._n_passages)
        scores = weights(frequencies, self._norms[field].take(rows), idf)
        return ScoredPostings(rows, scores, np.flatnonzero(self.table.articles_with(rows)))

    def _as_rare(self, found: ScoredPostings, idf: Idf) -> ScoredPostings:
        """The same list under another idea of rarity; it is the same factor for all its rows."""
        usual, wanted = (
            inverse_document_frequency(len(found.rows), self._n_passages, each)
            for each in (Idf.WHOOSH, idf)
        )
        return found._replace(scores=found.scores * np.float32(wanted / usual))

    def _joined(self, field: Field, terms_alike: Sequence[str]) -> Postings:
        """The living rows of terms that are as one, each once."""
        found = [self._postings(field, term) for term in terms_alike]
        lists = [each for each in found if len(each.rows)]
        if len(lists) < 2:
            return lists[0] if lists else NO_POSTINGS
        if len({marked(term)[1] for term in terms_alike}) == len(terms_alike):
            return Postings(*map(np.concatenate, zip(*lists, strict=True)))  # a passage has one
        return merged(lists)

    def _postings(self, field: Field, term: str) -> Postings:
        """The living rows of a term in a field, or in title and text added up."""
        if field is not Field.ANY:
            return self._living(self.lists.postings(field, term))
        title, text = (self._living(self.lists.postings(place, term)) for place in INDEXED)
        return added(text, title)

    def _living(self, postings: Postings) -> Postings:
        rows, frequencies = postings
        if self._no_gaps and rows[-1:].max(initial=0) < self.table.n_rows:  # they ascend
            return postings
        living = rows < self.table.n_rows
        living[living] = self.table.alive[rows[living]]
        return postings if living.all() else Postings(rows[living], frequencies[living])

    def _norms_of(self, fields: Sequence[Field]) -> Floats:
        alive = self.table.alive
        words = sum(_fitted(self.lists.word_counts(f), alive).sum(dtype=float) for f in fields)
        lengths = [_fitted(self.lists.lengths(field), alive) for field in fields]
        total: Floats = np.sum(lengths, axis=0, dtype=np.float32)
        return length_norms(total, float(words) / self._n_passages)


def _fitted(known: Floats, alive: Bools) -> Floats:
    """Fit numbers to the rows of the snapshot, 0 for rows that are gone or not indexed yet."""
    fitted = np.zeros(len(alive), np.float32)
    known = known[: len(alive)]
    fitted[: len(known)] = known
    fitted[~alive] = 0
    return fitted


def scores_at(rows: Rows, lists: Sequence[Sequence[ScoredPostings]], n_rows: int) -> Floats:
    """Add up, for each of these rows (n,), what each group of lists scores in it: (n, n_groups)."""
    scores = np.zeros((len(lists), len(rows)), np.float32)
    shown = np.zeros(n_rows, np.bool_)
    shown[rows] = True
    order = np.argsort(rows)
    for group, mine in zip(lists, scores, strict=True):
        for found in group:
            places = np.flatnonzero(shown[found.rows])
            columns = order[np.searchsorted(rows, found.rows[places], sorter=order)]
            mine[columns] += found.scores[places]
    return scores.T
