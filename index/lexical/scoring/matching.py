"""Answers an expression from posting lists: which articles match, how well each passage does."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from backfile.index.lexical.analysis.analyser import name_words
from backfile.index.lexical.analysis.languages import Reading, slots
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.analysis.stemming import fold, spelling_of
from backfile.index.lexical.scoring.bm25 import K1, Idf, best_rows
from backfile.index.lexical.scoring.collection import INDEXED, Collection
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import Category
from backfile.index.model.expression import (
    And,
    Expression,
    Field,
    Fuzzy,
    Leaf,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    Words,
    wanted,
)
from backfile.index.model.matches import LeafMatches, Matches, ScoredPostings

ALL_WORDS = 3  # up to so many words an article has to hold them all
MOST_SPELLINGS = 50  # terms that one fuzzy word stands for, the nearest and commonest of all
LEAST_SHARE = 0.15  # of the words' total idf that an article has to hold, of more words
BEST_PASSAGES = 20  # of many words; their articles match, however few of the words they hold
WEIGHTIEST = 10  # of a query's words, as many as a passage can be expected to hold


class Part(NamedTuple):
    """The answer to one node: scores of rows, and the articles that hold it."""

    scores: Floats
    held: Bools


class Group(NamedTuple):
    """The answer to parts side by side; `admitted` and `asked` as in Matches."""

    part: Part
    admitted: Bools
    asked: Bools


class Matcher:
    """Matches one expression against one collection."""

    def __init__(self, collection: Collection, idf: Idf = Idf.WHOOSH) -> None:
        """Take the lists, and how rare words count; which articles match does not go by that."""
        self._collection = collection
        self._columns = collection.table
        self._languages = collection.languages
        self._idf = partial(collection.idf, idf=idf)
        self._scored_postings = partial(collection.scored_postings, idf=idf)
        self._relaxed = False
        self._idfs: list[float] = []
        self._n_words = 0
        self._leaves: list[LeafMatches] = []

    def match(self, expression: Expression) -> Matches:
        """Answer a whole query."""
        if isinstance(expression, Words):
            part, admitted, asked = self._words(expression, strict=False)
        else:
            part = self._part(expression)
            admitted = asked = part.held
        return Matches(
            part.scores,
            part.held,
            admitted,
            asked,
            most=(K1 + 1) * sum(sorted(self._idfs)[-WEIGHTIEST:]),
            relaxed=self._relaxed,
            n_words=self._n_words,
            leaves=tuple(self._leaves),
        )

    def _part(self, expression: Expression) -> Part:
        match expression:
            case Word() | Phrase() | Prefix() | Fuzzy() | Near() if expression.field not in (
                *INDEXED,
                Field.ANY,
            ):
                held = self._in_column(expression.field, expression.text)
                self._leaves.append(LeafMatches(expression, (), held))
                return Part(self._nothing(), held)
            case Prefix(text) if not has_run(text):
                scores = self._nothing()
                return Part(scores, self._add_begun(self._expanded(text), expression, scores))
            case Fuzzy(text, _, edits) if not has_run(text):
                scores = self._nothing()
                return Part(scores, self._add_begun(self._spelt(text, edits), expression, scores))
            case Near():
                scores = self._nothing()
                return Part(scores, self._add_near(expression, scores))
            case Word(text) | Phrase(text) | Prefix(text) | Fuzzy(text):
                scores = self._nothing()
                readings = self._languages.terms(text)
                return Part(scores, self._add_word(readings, expression, scores))
            case Not(part):  # what is excluded adds nothing to scores and bounds
                return Part(self._nothing(), ~Matcher(self._collection)._part(part).held)
            case And(parts):
                found = [self._part(part) for part in parts]
                held = np.logical_and.reduce([part.held for part in found])
                return Part(_total(found), held)
            case Or(parts):
                found = [self._part(part) for part in parts]
                held = np.logical_or.reduce([part.held for part in found])
                return Part(_total(found), held)
            case Words():
                return self._words(expression, strict=True).part

    def _words(self, group: Words, *, strict: bool) -> Group:
        """Answer parts side by side.

        Strictly, as within AND, OR and NOT, an article has to hold all the words; else enough.
        """
        admitted = np.ones(self._columns.n_articles, np.bool_)
        found = [self._part(part) for part in group.required]
        for part in found:
            admitted &= part.held
        plain = self._languages.weighty([word.text for word in group.plain])
        said: dict[tuple[Reading, ...], Word] = {}
        for text in plain:
            said.setdefault(self._languages.terms(text), Word(text))
        scores = _total(found) if found else self._nothing()
        if not said:
            return Group(Part(scores, admitted), admitted, admitted)
        marks = [self._add_word(readings, leaf, scores) for readings, leaf in said.items()]
        self._n_words += len(said)
        few = len(said) <= ALL_WORDS
        if few or strict:
            every: Bools = np.logical_and.reduce(marks)
            held = every if strict else self._enough(marks, list(said), admitted)
        else:
            held = self._enough(marks, list(said), admitted)
            held |= self._owners_of_best(scores, admitted)
        required = any(True for part in group.required for _ in wanted(part))
        asked = admitted & (every if few else np.array(required))
        return Group(Part(scores, held & admitted), admitted, asked)

    def _add_word(self, readings: Sequence[Reading], leaf: Leaf, scores: Floats) -> Bools:
        """Add the scores of one word; of several terms (`covid-19`), where they stand together."""
        places = slots(readings)
        if len(places) > 1:
            return self._add_phrase(readings, leaf, scores)
        if len(letters(leaf.text)) == 1 and has_run(leaf.text):  # it may begin any pair
            return self._add_begun(self._expanded(leaf.text), leaf, scores)
        terms_alike = places[0] if places else ()
        return self._add(terms_alike, leaf, scores, self._idf(terms_alike))

    def _enough(
        self, marks: list[Bools], said: list[tuple[Reading, ...]], admitted: Bools
    ) -> Bools:
        """Mark the articles that hold all of a few words, or enough of the weight of many."""
        present = [(mark, word) for mark, word in zip(marks, said, strict=True) if mark.any()]
        if not present:
            return np.zeros_like(admitted)
        idf = self._collection.idf
        idfs = [sum(map(idf, slots(readings))) for _, readings in present]
        weights = np.array(idfs, np.float32)
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

    def _add_begun(self, terms_alike: Sequence[str], leaf: Leaf, scores: Floats) -> Bools:
        """Add the scores of all that begins alike, as one; it is as rare as the rarest."""
        idf = max((self._idf([term]) for term in terms_alike), default=0.0)
        return self._add(terms_alike, leaf, scores, idf)

    def _add(self, terms_alike: Sequence[str], leaf: Leaf, scores: Floats, idf: float) -> Bools:
        """Add to the scores of the rows that hold any of the terms; mark the articles."""
        held = np.zeros(self._columns.n_articles, np.bool_)
        self._idfs.append(idf)
        found = self._scored_postings(leaf.field, terms_alike)
        np.add.at(scores, found.rows, found.scores)  # no row stands twice; the quickest form
        held[found.articles] = True
        self._leaves.append(LeafMatches(leaf, (found,), held))
        return held

    def _add_phrase(self, readings: Sequence[Reading], leaf: Leaf, scores: Floats) -> Bools:
        """Add the scores of terms where they follow each other, as one of the languages has them.

        A passage is in one language, so no row is found twice.
        """
        slop = leaf.slop if isinstance(leaf, Phrase) else 1
        found = [
            self._collection.phrase(leaf.field, each, [slop] * (len(each) - 1)) for each in readings
        ]
        return self._add_together(np.concatenate(found), slots(readings), leaf, scores)

    def _add_near(self, leaf: Near, scores: Floats) -> Bools:
        """Add the scores of words and phrases where one stands near the other."""
        sides = self._languages.terms_of_sides(leaf.first, leaf.second)
        orders = [pair for first, second in sides for pair in ((first, second), (second, first))]
        found = [
            self._collection.phrase(leaf.field, (*before, *behind), gaps)
            for before, behind in orders[:: 2 if leaf.ordered else 1]
            if before and behind
            for gaps in [(*[1] * (len(before) - 1), leaf.within, *[1] * (len(behind) - 1))]
        ]
        rows = np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
        places = [place for side in zip(*sides, strict=True) for place in slots(side)]
        return self._add_together(rows, places, leaf, scores)

    def _add_together(
        self, rows: Rows, places: Sequence[tuple[str, ...]], leaf: Leaf, scores: Floats
    ) -> Bools:
        """Add the scores of terms in the rows where they stand together."""
        together = np.zeros(len(rows), np.float32)
        for terms_alike in dict.fromkeys(places) if len(rows) else ():
            self._idfs.append(self._idf(terms_alike))
            whole = self._nothing()
            scored_postings = self._scored_postings(leaf.field, terms_alike)
            whole[scored_postings.rows] = scored_postings.scores
            together += whole[rows]
        scores[rows] += together
        held = self._columns.articles_with(rows)
        self._leaves.append(
            LeafMatches(leaf, (ScoredPostings(rows, together, np.flatnonzero(held)),), held)
        )
        return held

    def _expanded(self, prefix: str) -> list[str]:
        """The terms a prefix stands for; its own stem too, of a letter the pairs that it begins."""
        folded = fold(prefix)
        if has_run(prefix):
            lists = self._collection.lists
            found = {term for place in INDEXED for term in lists.terms(place, folded)}
        else:
            found = self._collection.spellings().terms_beginning(folded)
        return sorted(found.union(*self._languages.terms(prefix)))

    def _spelt(self, text: str, edits: int) -> list[str]:
        """The terms of words that are spelt much like this; of many the nearest and commonest."""
        spellings = self._collection.spellings()
        asked = {spelling_of(text, language) for language in self._languages.readings}
        near = sorted(
            (found for each in asked for found in spellings.near(each, edits)),
            key=lambda found: (found.distance, -found.spelling.frequency, found.spelling.text),
        )
        terms = dict.fromkeys(term for found in near for term in found.spelling.terms)
        return list(terms)[:MOST_SPELLINGS]

    def _in_column(self, field: Field, text: str) -> Bools:
        if field is Field.DATE:
            return self._columns.undated
        category: Category = getattr(self._columns, field.value)
        return category.mentioning(name_words(text), name_words)

    def _nothing(self) -> Floats:
        return np.zeros(self._columns.n_rows, np.float32)


def _total(parts: Sequence[Part]) -> Floats:
    total: Floats = np.sum([part.scores for part in parts], axis=0, dtype=np.float32)
    return total
