"""Evaluates an expression over posting lists: which articles match, and each passage's score."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from backfile.index.lexical.analysis.analyser import name_words
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.scoring.bm25 import K1, Idf, best_rows
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.lexical.scoring.frequencies import Alike, Frequencies, Terms
from backfile.index.lexical.scoring.holding import ALL_WORDS, NodeMatches, WordMatches, held
from backfile.index.lexical.scoring.slots import Slots, Way
from backfile.index.model.arrays import Bools, Floats, Rows, distinct
from backfile.index.model.category import Category, bare_name
from backfile.index.model.expression import (
    COLUMNS,
    And,
    AtLeast,
    Expression,
    Field,
    Fuzzy,
    Leaf,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Quotation,
    Should,
    Word,
    Words,
    length_range,
    positive_leaves,
)
from backfile.index.model.matches import LeafMatches, Matches, ScoredPostings
from backfile.index.model.whole import UNDIVIDED, Stage, Whole, any_of_each, both, result_of

MOST_WORDS = 64  # plain words of a query; of a longer text those with the highest idf count
BEST_PASSAGES = 20  # for more words; their articles match whatever share they contain
OTHER_FORM = 0.7  # of the score of a word where an article has other forms of it alone
WEIGHTIEST = 10  # words of a query: a passage can be expected to hold as many


Part = TypeVar("Part")
NO_ROWS: Rows = np.empty(0, np.int64)


class Matcher:
    """Matches one expression against one collection."""

    def __init__(
        self,
        collection: Collection,
        idf: Idf = Idf.WHOOSH,
        is_late: Callable[[], bool] = lambda: False,
        whole: Whole = UNDIVIDED,
    ) -> None:
        """Once `is_late`, the parts that are left are not matched.

        The collection may be that of one shard of the `whole`.
        """
        self._is_late = is_late
        self._whole = whole
        self._unread = False
        self._left_out = 0
        self._collection = collection
        self._table = collection.table
        self._languages = collection.languages
        self._slots = Slots(collection, whole)
        self._idf_kind = idf
        self._frequencies = Frequencies(collection, whole)
        self._present: dict[Leaf, bool] = {}  # whether an article of the whole holds it
        self._idfs: list[float] = []
        self._n_words = 0
        self._leaves: list[LeafMatches] = []

    def match(self, expression: Expression) -> Matches:
        """Match a whole query."""
        if isinstance(expression, Words):
            found = self._words(expression)
        else:
            found = WordMatches.of(self._node(expression), required=True)
        return Matches(
            **found._asdict(),
            most=(K1 + 1) * sum(sorted(self._idfs)[-WEIGHTIEST:]),
            n_words=self._n_words,
            leaves=tuple(self._leaves),
            left_out=self._left_out,
            unread=self._unread,
        )

    def _node(self, expression: Expression) -> NodeMatches:
        match expression:
            case And(parts):
                nodes = [self._node(part) for part in self._in_time(parts)]
                nodes = nodes or [NodeMatches(self._zeros(), self._all())]
                return NodeMatches(
                    _total(nodes), np.logical_and.reduce([node.matching for node in nodes])
                )
            case Or(parts):
                nodes = [self._node(part) for part in self._in_time(parts)]
                nodes = nodes or [NodeMatches(self._zeros(), ~self._all())]
                return NodeMatches(
                    _total(nodes), np.logical_or.reduce([node.matching for node in nodes])
                )
            case Not(part):  # an excluded part adds nothing to scores and bounds
                other = Matcher(self._collection, is_late=self._is_late, whole=self._whole)
                excluded = other._node(part)
                return NodeMatches(self._zeros(), ~excluded.matching)
            case AtLeast():
                return self._at_least(expression)
            case Words():  # within AND, OR and NOT, an article must contain all words
                found = self._words(expression)
                return NodeMatches(found.scores, found.holds_all)
            case Should(part):
                return NodeMatches(self._node(part).scores, self._all())
            case _:
                return self._leaf(expression)

    def _leaf(self, leaf: Leaf) -> NodeMatches:
        scores = self._zeros()
        if leaf.field in COLUMNS:
            mask = self._in_column(leaf.field, leaf.text)
            self._leaves.append(LeafMatches(leaf, (), mask))
            return NodeMatches(scores, mask)
        match leaf:
            case _ if leaf.field is Field.LEAD and not isinstance(leaf, Near):
                found = [(self._rows(leaf.field, path, 1), path) for path in self._slots.ways(leaf)]
                return NodeMatches(scores, self._add_together(found, leaf, scores))
            case Prefix(text) if not has_run(text):
                return NodeMatches(
                    scores, self._add_expanded(self._slots.expanded(text), leaf, scores)
                )
            case Fuzzy(text, _, edits) if not has_run(text):
                alike = self._slots.spelt_alike(text, edits)
                return NodeMatches(scores, self._add_expanded(alike, leaf, scores))
            case Near():
                return NodeMatches(scores, self._add_near(leaf, scores))
            case Quotation():
                return NodeMatches(scores, self._add_quotation(leaf, scores))
            case _:
                return NodeMatches(scores, self._add_word(leaf, scores))

    def _words(self, group: Words) -> WordMatches:
        """Match parts without an operator between them: plain words, and what is required."""
        eligible = self._all()
        required = [self._node(part) for part in self._in_time(group.required)]
        for node in required:
            eligible &= node.matching
        searched = any(True for part in group.required for _ in positive_leaves(part))
        words: dict[Terms, Word] = {}
        weighty = set(self._languages.weighty([word.text for word in group.plain]))
        for word in group.plain:
            if word.text in weighty:
                words.setdefault(self._languages.terms(word.text), word)
        self._frequencies.exchange_of_words(words, spelt_too=len(words) <= ALL_WORDS)
        words = self._weightiest(words)
        scores = _total(required) if required else self._zeros()
        few = len(words) <= ALL_WORDS
        each = self._in_time(list(words.values()))
        masks = [self._add_word(leaf, scores, spelt_first=few) for leaf in each]
        if not masks:
            return WordMatches.of(NodeMatches(scores, eligible), required=searched)
        for part in self._in_time(group.weighing):
            scores += self._node(part).scores
        self._n_words += len(masks)
        weights = np.array([self._weight(each) for each in list(words)[: len(masks)]], np.float32)
        present = np.array([self._present[leaf] for leaf in list(words.values())[: len(masks)]])
        required_too = bool(group.required)
        holding = held(
            np.array(masks), present, weights, eligible, self._whole, required=required_too
        )
        shares, best = result_of(both(holding, self._owners_of_best(scores, eligible, few=few)))
        if not few:
            some = shares.matching | best
            shares = shares._replace(matching=some, leading=some)
        return WordMatches(scores, eligible, *shares, searched)

    def _weight(self, terms: Terms) -> float:
        """The weight of a word: the sum of the idf of its terms."""
        return sum(self._idf(alike, Idf.WHOOSH) for alike in terms)

    def _idf(self, alike: Alike, kind: Idf | None = None) -> float:
        """The inverse document frequency of alternative terms in titles and texts."""
        frequency = self._frequencies.of(Field.ANY, alike)
        return self._collection.idf(frequency, kind or self._idf_kind)

    def _scored_postings(self, field: Field, alike: Alike) -> ScoredPostings:
        of_whole = self._of_whole(field, alike)
        return self._collection.scored_postings(field, alike, self._idf_kind, of_whole)

    def _scores_at(self, rows: Rows, field: Field, alike: Alike) -> Floats:
        of_whole = self._of_whole(field, alike)
        return self._collection.scores_at(rows, field, alike, self._idf_kind, of_whole)

    def _of_whole(self, field: Field, alike: Alike) -> int | None:
        """The document frequency of the whole; None for an undivided one, which counts its own."""
        return self._frequencies.of(field, alike) if self._whole.is_divided else None

    def _in_time(self, parts: Sequence[Part]) -> Iterator[Part]:
        """Iterate over parts until it is late."""
        for part in parts:
            if self._is_late():
                self._unread = True
                return
            yield part

    def _weightiest(self, words: dict[Terms, Word]) -> dict[Terms, Word]:
        """Keep the words with the highest idf, in order, if there are more than MOST_WORDS."""
        if len(words) <= MOST_WORDS:
            return words
        weights = {each: self._weight(each) for each in words}
        kept = set(sorted(words, key=lambda each: -weights[each])[:MOST_WORDS])
        self._left_out += len(words) - MOST_WORDS
        return {each: leaf for each, leaf in words.items() if each in kept}

    def _add_word(self, leaf: Leaf, scores: Floats, *, spelt_first: bool = False) -> Bools:
        """Add the scores of a word or phrase; `Amazon.com` is a phrase too.

        If `spelt_first`, articles that have another form of the word alone score less.
        """
        if len(letters(leaf.text)) == 1 and has_run(leaf.text):  # it may begin any pair
            return self._add_expanded(self._slots.expanded(leaf.text), leaf, scores)
        ways = self._slots.ways(leaf)
        if len(ways) == 1 and len(ways[0]) < 2 and not any(slot.accepts for slot in ways[0]):
            terms_alike = tuple(ways[0][0].terms or ()) if ways[0] else ()
            return self._add(terms_alike, leaf, scores, spelt_first=spelt_first)
        slop = leaf.slop if isinstance(leaf, Phrase) else 1
        found = [(self._rows(leaf.field, way, slop), way) for way in ways]
        return self._add_together(found, leaf, scores)

    def _rows(self, field: Field, way: Way, slop: int) -> Rows:
        """The rows that hold what the slots ask for in order, ascending."""
        if not way:
            return NO_ROWS
        if len(way) == 1 and not way[0].accepts and field is not Field.LEAD:
            found = self._collection.scored_postings(field, tuple(way[0].terms or ()))
            return np.sort(found.rows)
        return self._collection.phrase(field, way, [slop] * (len(way) - 1)).rows

    def _at_least(self, expression: AtLeast) -> NodeMatches:
        """Match the articles that hold a word or phrase often enough."""
        part = expression.part
        node = self._leaf(part)
        slop = part.slop if isinstance(part, Phrase) else 1
        counts = np.zeros(self._table.n_articles, np.int64)
        for way in self._slots.ways(part):
            if way:
                found = self._collection.occurrences(way, [slop] * (len(way) - 1), part.field)
                counts = np.maximum(counts, found)
        matching = node.matching & (counts >= expression.number)
        row_mask = self._table.rows_of(matching)
        return NodeMatches(np.where(row_mask, node.scores, np.float32(0)), matching)

    def _owners_of_best(self, scores: Floats, eligible: Bools, *, few: bool) -> Stage[Bools]:
        """Mask of the articles of the best passages, before any filter, so that counts agree.

        Those of a `few` words are not asked for.
        """
        if few:
            return ~self._all()
        owners = self._table.article_of
        rows = best_rows(scores, BEST_PASSAGES, lambda rows: eligible[owners[rows]])
        best = rows[np.lexsort((rows, owners[rows], -scores[rows]))[:BEST_PASSAGES]]
        given = self._whole.owners((-scores[best], self._table.number[owners[best]]), BEST_PASSAGES)
        yield
        n_own = np.count_nonzero(given.value() == self._whole.place)
        return self._table.articles_with(best[:n_own])

    def _add_expanded(self, terms_alike: Sequence[str], leaf: Leaf, scores: Floats) -> Bools:
        """Add the scores of the terms of a prefix or a fuzzy word, merged into one term.

        The bound takes the idf of the rarest of them.
        """
        self._frequencies.exchange((Field.ANY, (term,)) for term in terms_alike)
        idf = max((self._idf((term,)) for term in terms_alike), default=0.0)
        return self._add(tuple(terms_alike), leaf, scores, idf)

    def _add(
        self,
        terms_alike: Alike,
        leaf: Leaf,
        scores: Floats,
        idf: float | None = None,
        *,
        spelt_first: bool = False,
    ) -> Bools:
        """Add the scores of the rows that hold any of the terms; return the mask of articles.

        The bound takes the idf of all of them together, unless another one is given.
        """
        mask = np.zeros(self._table.n_articles, np.bool_)
        found = self._scored_postings(leaf.field, terms_alike)
        self._idfs.append(self._idf(terms_alike) if idf is None else idf)
        self._present[leaf] = self._frequencies.of(leaf.field, terms_alike) > 0
        if spelt_first and self._present[leaf]:
            found = self._spelt_first(found, leaf, terms_alike)
        np.add.at(scores, found.rows, found.scores)  # each row once; this form is the fastest
        mask[found.articles] = True
        self._leaves.append(LeafMatches(leaf, (found,), mask))
        return mask

    def _spelt_first(self, found: ScoredPostings, leaf: Leaf, terms_alike: Alike) -> ScoredPostings:
        """Lower the scores in articles that lack the spelling, if any article has it."""
        spelt = self._collection.spelt(leaf.field, terms_alike, leaf.text)
        n_spelt, n_articles = self._frequencies.spelt(leaf.field, terms_alike, leaf.text)
        if not 0 < n_spelt < n_articles:
            return found
        spelt_so = spelt.take(self._table.article_of.take(found.rows))
        shares = np.where(spelt_so, np.float32(1), np.float32(OTHER_FORM))
        return found._replace(scores=found.scores * shares)

    def _add_near(self, leaf: Near, scores: Floats) -> Bools:
        """Add the scores of two words or phrases where they are near each other."""
        first, second = (self._slots.ways_of_text(side) for side in (leaf.first, leaf.second))
        pairs = [(one, other) for one in first for other in second if one and other]
        if not leaf.ordered:
            pairs += [(other, one) for one, other in pairs]
        found = []
        for before, behind in pairs:
            way = (*before, *behind)
            gaps = (*[1] * (len(before) - 1), leaf.within, *[1] * (len(behind) - 1))
            found.append((self._collection.phrase(leaf.field, way, gaps).rows, way))
        return self._add_together(found, leaf, scores)

    def _add_quotation(self, leaf: Quotation, scores: Floats) -> Bools:
        """Add scores in proportion to the shares of the words; return the articles' mask."""
        idfs = [self._idf(place.terms) for place in self._languages.paths(leaf.text)[-1]]
        self._idfs += idfs
        found = [close for close in leaf.found if self._table.alive[close.row]]
        rows = np.array([close.row for close in found], np.int64)
        shares = np.array([close.share for close in found], np.float32)
        own = (np.float32((K1 + 1) * sum(sorted(idfs)[-WEIGHTIEST:])) * shares).astype(np.float32)
        scores[rows] += own
        mask = self._table.articles_with(rows)
        self._leaves.append(
            LeafMatches(leaf, (ScoredPostings(rows, own, np.flatnonzero(mask)),), mask)
        )
        return mask

    def _add_together(self, found: Sequence[tuple[Rows, Way]], leaf: Leaf, scores: Floats) -> Bools:
        """Add the scores of words in the rows that hold them together; return the articles' mask.

        A row that holds them in several ways has the best of their scores.
        """
        rows = distinct(np.concatenate([NO_ROWS, *(own for own, _ in found)]))
        together = np.zeros(len(rows), np.float32)
        idfs: list[float] = []
        field = Field.ANY if leaf.field is Field.LEAD else leaf.field
        are_there = np.array([len(own) > 0 for own, _ in found], np.bool_)
        given = self._whole.reduced(are_there, any_of_each)
        terms_of = [
            list(dict.fromkeys(tuple(slot.terms) for slot in way if slot.terms)) for _, way in found
        ]
        self._frequencies.exchange(
            (each, alike) for each in {Field.ANY, field} for terms in terms_of for alike in terms
        )
        used = given.value()
        self._present[leaf] = bool(used.any())
        for (own, _), terms, is_used in zip(found, terms_of, used.tolist(), strict=True):
            idfs = max(idfs, [self._idf(each) for each in terms] if is_used else [], key=sum)
            score = np.zeros(len(own), np.float32)
            for terms_alike in terms if is_used else ():
                score += self._scores_at(own, field, terms_alike)
            at = np.searchsorted(rows, own)
            together[at] = np.maximum(together[at], score)
        self._idfs += idfs
        scores[rows] += together
        mask = self._table.articles_with(rows)
        matched = ScoredPostings(rows, together, np.flatnonzero(mask))
        self._leaves.append(LeafMatches(leaf, (matched,), mask))
        return mask

    def _in_column(self, field: Field, text: str) -> Bools:
        if field is Field.DATE:
            return self._table.undated
        if field is Field.LENGTH:
            least, most = length_range(text)
            words = self._collection.article_words()
            return (words >= least) & (words <= (words if most is None else most))
        category: Category = getattr(self._table, field.value)
        typed = name_words(bare_name(text))
        found = category.mentioning(typed, name_words)
        if self._whole.any(found.any()):
            return found
        return category.beginning(typed, name_words)

    def _all(self) -> Bools:
        return np.ones(self._table.n_articles, np.bool_)

    def _zeros(self) -> Floats:
        return np.zeros(self._table.n_rows, np.float32)


def _total(nodes: Sequence[NodeMatches]) -> Floats:
    total: Floats = np.sum([node.scores for node in nodes], axis=0, dtype=np.float32)
    return total
