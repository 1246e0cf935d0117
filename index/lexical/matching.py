"""Answers an expression from posting lists: which articles match, how well each passage does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from index.columns import Bools, Category
from index.expression import And, Expression, Field, Not, Or, Phrase, Prefix, Word, Words
from index.lexical.analysis import fold, terms, weighty, words_of
from index.lexical.blocks import best_rows
from index.lexical.collection import INDEXED, Collection
from index.lexical.scoring import K1, Floats

ALL_WORDS = 3  # up to so many words an article has to hold them all
LEAST_SHARE = 0.15  # of the words' total idf that an article has to hold, of more words
BEST_PASSAGES = 20  # of many words; their articles match, however few of the words they hold
WEIGHTIEST = 10  # of a query's words, as many as a passage can be expected to hold


@dataclass(frozen=True, slots=True)
class Matches:
    """What words found.

    `scores` (n_rows,) is above zero where any word stands; `held` (n_articles,) marks the articles
    that match; `admitted` those that break no requirement (a phrase, AND, NOT, a field), which
    meaning must respect too; `relaxed` is true where no article held enough of the words. `most`
    is what a passage would score that held nothing but the words, absent ones included, of many
    the weightiest.
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


class Matcher:
    """Matches one expression against one collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._columns = collection.columns
        self._rarity = collection.rarity
        self._relaxed = False
        self._rarities: list[float] = []

    def match(self, expression: Expression) -> Matches:
        """Answer a whole query."""
        if isinstance(expression, Words):
            part, admitted = self._words(expression, strict=False)
        else:
            part = self._part(expression)
            admitted = part.held
        most = (K1 + 1) * sum(sorted(self._rarities)[-WEIGHTIEST:])
        return Matches(part.scores, part.held, admitted, most, self._relaxed)

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
        if not strict and len(said) > ALL_WORDS:
            held |= self._owners_of_best(scores, admitted)
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
        weights = np.array([sum(map(self._rarity, word)) for _, word in present], np.float32)
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

    def _owners_of_best(self, scores: Floats, admitted: Bools) -> Bools:
        """Mark the articles of the best passages, before any filter: counts must agree with it."""
        owners = self._columns.article_of
        rows = best_rows(scores, BEST_PASSAGES, lambda rows: admitted[owners[rows]])
        best = rows[np.lexsort((rows, -scores[rows]))[:BEST_PASSAGES]]
        return self._columns.articles_with(best)

    def _scored(self, terms_alike: list[str], field: Field) -> Part:
        """Score interchangeable terms as one."""
        scores = self._nothing()
        return Part(scores, self._add(terms_alike, field, scores))

    def _add(self, terms_alike: list[str], field: Field, scores: Floats) -> Bools:
        """Add to the scores of the rows that hold any of the terms; mark the articles."""
        held = np.zeros(self._columns.n_articles, np.bool_)
        self._rarities.append(max((self._rarity(term) for term in terms_alike), default=0.0))
        rows, weights = self._collection.weighed(field, terms_alike)
        np.add.at(scores, rows, weights)  # no row stands twice; this is the quickest form
        held[self._columns.article_of[rows]] = True
        return held

    def _phrase(self, phrase: Phrase, words: list[str] | None = None) -> Part:
        words = terms(phrase.text) if words is None else words
        if len(words) < 2:
            return self._scored(words, phrase.field)
        scores = self._nothing()
        rows = self._collection.phrase(phrase.field, words, phrase.slop)
        for term in dict.fromkeys(words) if len(rows) else ():
            self._rarities.append(self._rarity(term))
            whole = self._nothing()
            found = self._collection.weighed(phrase.field, [term])
            whole[found.rows] = found.scores
            scores[rows] += whole[rows]
        return Part(scores, self._columns.articles_with(rows))

    def _expanded(self, prefix: str) -> list[str]:
        """The terms a prefix stands for; its own stem too, since the index holds stems."""
        folded = fold(prefix)
        found = {t for place in INDEXED for t in self._collection.lists.vocabulary(place, folded)}
        return sorted(found | set(terms(prefix)))

    def _category(self, field: Field) -> Category:
        category: Category = getattr(self._columns, field.value)
        return category

    def _nothing(self) -> Floats:
        return np.zeros(self._columns.n_rows, np.float32)


def _total(parts: Sequence[Part]) -> Floats:
    total: Floats = np.sum([part.scores for part in parts], axis=0, dtype=np.float32)
    return total
