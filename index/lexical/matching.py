"""Answers an expression from posting lists: which articles match, how well each passage does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np

from index.columns import Bools, Category, Columns
from index.expression import And, Expression, Field, Not, Or, Phrase, Prefix, Word, Words
from index.lexical.analysis import fold, terms, weighty, words_of
from index.lexical.scoring import (
    K1,
    Floats,
    Postings,
    Rows,
    bm25,
    inverse_document_frequency,
    length_norms,
    merged,
)

ALL_WORDS = 3  # up to so many words an article has to hold them all
LEAST_SHARE = 0.15  # of the words' total idf that an article has to hold, of more words
TITLE_WEIGHT = 1.0
INDEXED = (Field.TITLE, Field.TEXT)


class PostingLists(Protocol):
    """What matching needs of an index."""

    def postings(self, field: Field, term: str) -> Postings:
        """The rows that hold a term in a field; none for a term that is nowhere."""
        ...

    def phrase(self, field: Field, words: Sequence[str], slop: int) -> Rows:
        """The rows that hold the terms in this order."""
        ...

    def vocabulary(self, field: Field, prefix: str) -> Sequence[str]:
        """The terms of a field that begin so."""
        ...

    def lengths(self, field: Field) -> Floats:
        """The number of words in the field, for each row, as exactly as scoring needs it."""
        ...

    def word_counts(self, field: Field) -> Floats:
        """The exact number of words in the field, for each row: what the mean is made of."""
        ...


@dataclass(frozen=True, slots=True)
class Matches:
    """What words found.

    `scores` (n_rows,) is above zero where any word stands; `held` (n_articles,) marks the articles
    that match; `admitted` those that break no requirement (a phrase, AND, NOT, a field), which
    meaning must respect too; `relaxed` is true where no article held enough of the words. `most`
    is what a passage would score that held nothing but the words, absent ones included.
    """

    scores: Floats
    held: Bools
    admitted: Bools
    most: float = 0.0
    relaxed: bool = False


class Part(NamedTuple):
    """The answer to one node: scores of rows, and the articles that hold it."""

    scores: Floats
    held: Bools


@dataclass(frozen=True, slots=True)
class Statistics:
    """What scoring takes from the collection as a whole: the norm of each row's length, by field.

    Only living passages count, so that an archive scores as one built from scratch would.
    """

    norms: dict[Field, Floats]

    @classmethod
    def of(cls, lists: PostingLists, columns: Columns) -> Self:
        """Take the statistics of one snapshot of both; they serve all its queries."""
        alive, n_alive = columns.alive, max(1, columns.n_passages)
        norms = {}
        for field in INDEXED:
            mean = float(_fitted(lists.word_counts(field), alive).sum(dtype=np.float64)) / n_alive
            norms[field] = length_norms(_fitted(lists.lengths(field), alive), mean)
        return cls(norms)


class Matcher:
    """Matches one expression against one snapshot of an index."""

    def __init__(self, lists: PostingLists, columns: Columns, statistics: Statistics) -> None:
        self._lists = lists
        self._columns = columns
        self._norms = statistics.norms
        self._relaxed = False
        self._most = 0.0

    def match(self, expression: Expression) -> Matches:
        """Answer a whole query."""
        if isinstance(expression, Words):
            part, admitted = self._words(expression, strict=False)
            return Matches(part.scores, part.held, admitted, self._most, self._relaxed)
        part = self._part(expression)
        return Matches(part.scores, part.held, part.held, self._most, self._relaxed)

    def _part(self, expression: Expression) -> Part:
        match expression:
            case Word(text, field) | Phrase(text, field) | Prefix(text, field) if field not in (
                *INDEXED,
                Field.ANY,
            ):
                held = self._category(field).mentioning(words_of(text), words_of)
                return Part(self._nothing(), held)
            case Word(text, field) if len(terms(text)) > 1:
                return self._phrase(Phrase(text, field))
            case Word(text, field):
                return self._scored(terms(text), field)
            case Prefix(text, field):
                return self._scored(self._expanded(text), field)
            case Phrase():
                return self._phrase(expression)
            case Not(part):
                return Part(self._nothing(), ~self._part(part).held)
            case And(parts):
                found = [self._part(part) for part in parts]
                held = np.logical_and.reduce([part.held for part in found])
                return Part(_total(found), held)
            case Or(parts):
                found = [self._part(part) for part in parts]
                held = np.logical_or.reduce([part.held for part in found])
                return Part(_total(found), held)
            case Words():
                return self._words(expression, strict=True)[0]

    def _words(self, group: Words, *, strict: bool) -> tuple[Part, Bools]:
        """Answer parts side by side; return also which articles the required parts admit.

        Strictly, as within AND, OR and NOT, an article has to hold all the words; else enough.
        """
        admitted = np.ones(self._columns.n_articles, np.bool_)
        found = [self._part(part) for part in group.required]
        for part in found:
            admitted &= part.held
        plain = weighty([word.text for word in group.plain])
        said = dict.fromkeys(tuple(terms(word)) for word in plain)
        scores = _total(found) if found else self._nothing()
        if not said:
            return Part(scores, admitted), admitted
        marks = [self._add_word(word, scores) for word in said]
        every: Bools = np.logical_and.reduce(marks)
        held = every if strict else self._enough(marks, list(said), admitted)
        return Part(scores, held & admitted), admitted

    def _add_word(self, word: tuple[str, ...], scores: Floats) -> Bools:
        """Add the scores of one word; of several terms (`covid-19`), where they stand together."""
        if len(word) == 1:
            return self._add(list(word), Field.ANY, scores)
        part = self._phrase(Phrase(" ".join(word)), list(word))
        scores += part.scores
        return part.held

    def _enough(self, marks: list[Bools], said: list[tuple[str, ...]], admitted: Bools) -> Bools:
        """Mark the articles that hold all of a few words, or enough of the weight of many."""
        present = [(mark, word) for mark, word in zip(marks, said, strict=True) if mark.any()]
        if not present:
            return np.zeros_like(admitted)
        weights = np.array([sum(map(self._idf, word)) for _, word in present], np.float32)
        carried = weights @ np.array([mark for mark, _ in present])
        whole = float(weights.sum())
        needed = whole if len(said) <= ALL_WORDS else LEAST_SHARE * whole
        best = float(carried[admitted].max(initial=0))
        missing = len(said) <= ALL_WORDS and len(present) < len(said)
        if missing or best < needed * 0.999:
            self._relaxed = True
            needed = min(needed, best)
        held: Bools = (carried >= needed * 0.999) & (carried > 0)
        return held

    def _scored(self, terms_alike: list[str], field: Field) -> Part:
        """Score interchangeable terms as one."""
        scores = self._nothing()
        return Part(scores, self._add(terms_alike, field, scores))

    def _add(self, terms_alike: list[str], field: Field, scores: Floats) -> Bools:
        """Add to the scores of the rows that hold any of the terms; mark the articles."""
        held = np.zeros(self._columns.n_articles, np.bool_)
        self._most += (K1 + 1) * max((self._idf(term) for term in terms_alike), default=0.0)
        for place in INDEXED if field is Field.ANY else (field,):
            lists = [self._postings(place, term) for term in terms_alike]
            postings = merged([found for found in lists if len(found.rows)])
            if len(postings.rows):
                scores[postings.rows] += self._weigh(place, postings)
                held[self._columns.article_of[postings.rows]] = True
        return held

    def _phrase(self, phrase: Phrase, words: list[str] | None = None) -> Part:
        words = terms(phrase.text) if words is None else words
        if len(words) < 2:
            return self._scored(words, phrase.field)
        scores, held = self._nothing(), np.zeros(self._columns.n_articles, np.bool_)
        for place in INDEXED if phrase.field is Field.ANY else (phrase.field,):
            rows = self._living(self._lists.phrase(place, words, phrase.slop))
            if len(rows):
                held |= self._columns.articles_with(rows)
                for term in dict.fromkeys(words):
                    self._most += (K1 + 1) * self._idf(term)
                    whole = self._nothing()
                    postings = self._postings(place, term)
                    whole[postings.rows] = self._weigh(place, postings)
                    scores[rows] += whole[rows]
        return Part(scores, held)

    def _weigh(self, field: Field, postings: Postings) -> Floats:
        idf = inverse_document_frequency(len(postings.rows), max(1, self._columns.n_passages))
        weight = TITLE_WEIGHT if field is Field.TITLE else 1.0
        return bm25(weight * idf, postings.frequencies, self._norms[field][postings.rows])

    def _idf(self, term: str) -> float:
        in_text = len(self._postings(Field.TEXT, term).rows)
        return inverse_document_frequency(in_text, max(1, self._columns.n_passages))

    def _postings(self, field: Field, term: str) -> Postings:
        rows, frequencies = self._lists.postings(field, term)
        living = (rows < self._columns.n_rows) & (rows >= 0)
        living[living] = self._columns.alive[rows[living]]
        return (
            Postings(rows, frequencies)
            if living.all()
            else Postings(rows[living], frequencies[living])
        )

    def _living(self, rows: Rows) -> Rows:
        rows = rows[rows < self._columns.n_rows]
        living: Rows = rows[self._columns.alive[rows]]
        return living

    def _expanded(self, prefix: str) -> list[str]:
        """The terms a prefix stands for; its own stem too, since the index holds stems."""
        folded = fold(prefix)
        found = {t for place in INDEXED for t in self._lists.vocabulary(place, folded)}
        return sorted(found | set(terms(prefix)))

    def _category(self, field: Field) -> Category:
        category: Category = getattr(self._columns, field.value)
        return category

    def _nothing(self) -> Floats:
        return np.zeros(self._columns.n_rows, np.float32)


def _total(parts: Sequence[Part]) -> Floats:
    total: Floats = np.sum([part.scores for part in parts], axis=0, dtype=np.float32)
    return total


def _fitted(known: Floats, alive: Bools) -> Floats:
    """Fit numbers to the rows of the snapshot, 0 for rows that are gone or not indexed yet."""
    fitted = np.zeros(len(alive), np.float32)
    known = known[: len(alive)]
    fitted[: len(known)] = known
    fitted[~alive] = 0
    return fitted
