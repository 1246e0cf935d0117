"""Explains hits: the parts of a score by word and by meaning, and clauses in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from backfile.archive.model.message import Message
from backfile.index.lexical.scoring.collection import term_scores
from backfile.index.model.arrays import Rows, places_of
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.expression import (
    COLUMNS,
    Field,
    Fuzzy,
    Leaf,
    Near,
    Phrase,
    Prefix,
    Quotation,
    Stretch,
    Wildcard,
    written,
)
from backfile.index.model.matches import Matches
from backfile.index.model.results import (
    Explanation,
    PassageHit,
    Ranks,
    RerankScore,
    ScorePart,
    ScorePartKind,
)

MOST_NAMED = 6  # words in a list
CLOSE = 0.5  # exceeded by the nearest passage for nearly every news-quiz question
FAIRLY_CLOSE = 0.3  # seldom reached by two random passages


@dataclass(frozen=True, slots=True)
class Grounds:
    """The facts that the clauses of an explanation are written from.

    The leaves of the query match the passage (`in_passage`), only other passages of the article
    (`elsewhere`), or its source, section, language, author or date (`in_columns`). `wordless` is
    true if words are scored and the passage contains none. `closeness` is None if the query has no
    meaning; it is `assumed` for a passage that is not embedded. `below` is true if the passage was
    no candidate: only words are scored then.
    """

    in_passage: tuple[Leaf, ...]
    elsewhere: tuple[Leaf, ...]
    in_columns: tuple[Leaf, ...]
    wordless: bool
    closeness: float | None
    assumed: bool
    below: bool


def clauses(grounds: Grounds) -> Iterator[Message]:
    """Write the clauses of an explanation; none if there are no grounds.

    >>> from backfile.index.model.expression import Word
    >>> leaves = (Word("bank"), Word("rescue", Field.TITLE))
    >>> list(clauses(Grounds(leaves, (), (), False, 0.714, False, False)))
    ['contains "bank" and "rescue" in the title', 'close in meaning (0.71)']
    """
    if grounds.in_passage:
        words = listed([_named(leaf) for leaf in grounds.in_passage])
        yield Message("contains %(words)s", words=words)
    elif grounds.wordless:
        yield Message("contains none of the words")
    if grounds.elsewhere:
        words = listed([_named(leaf) for leaf in grounds.elsewhere])
        yield Message("elsewhere in the article %(words)s", words=words)
    yield from map(_in_column, grounds.in_columns)
    if grounds.closeness is not None:
        yield nearness(grounds.closeness, assumed=grounds.assumed)
    if grounds.below:
        yield Message("by words alone, below the best")


def numeral(number: int) -> Message:
    """Write a rank as an ordinal numeral.

    >>> [numeral(n) for n in (1, 2, 3, 4, 11, 12, 21, 103, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '103rd', '113th']
    """
    match 0 if number % 100 in (11, 12, 13) else number % 10:
        case 1:
            return Message("%(number)sst", number=number)
        case 2:
            return Message("%(number)snd", number=number)
        case 3:
            return Message("%(number)srd", number=number)
    return Message("%(number)sth", number=number)


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """The first MOST_NAMED names, and the number of the others.

    >>> listed(["a", "b"]), listed(list("abcdefghi"))
    (('a', 'b'), ('a', 'b', 'c', 'd', 'e', 'f', '3 more'))
    """
    if (left := len(names) - MOST_NAMED) <= 0:
        return tuple(names)
    return (*names[:MOST_NAMED], Message.counted("%(number)s more", "%(number)s more", left))


def with_ranks(why: Explanation, ranks: Ranks) -> Explanation:
    """Add the ranks in both rankings, as one clause.

    >>> with_ranks(Explanation((), ()), Ranks(3, 1)).clauses
    ('3rd by words, 1st by meaning',)
    """
    match ranks:
        case Ranks(int(words), int(meaning)):
            numerals = {"words": numeral(words), "meaning": numeral(meaning)}
            clause = Message("%(words)s by words, %(meaning)s by meaning", **numerals)
        case Ranks(int(words), None):
            clause = Message("%(place)s by words", place=numeral(words))
        case Ranks(None, int(meaning)):
            clause = Message("%(place)s by meaning", place=numeral(meaning))
        case _:
            return why
    at, said = why.ranks_at, why.clauses
    return replace(why, clauses=(*said[:at], clause, *said[at:]))


def nearness(closeness: float, *, assumed: bool = False) -> Message:
    """Write a closeness as a clause; `assumed` for a passage that is not embedded.

    >>> nearness(0.62), nearness(0.1)
    ('close in meaning (0.62)', 'not close in meaning (0.10)')
    """
    if assumed:
        return Message(
            "not embedded yet, taken to be as close in meaning as others (%(closeness)s)",
            closeness=closeness,
        )
    if closeness >= CLOSE:
        return Message("close in meaning (%(closeness)s)", closeness=closeness)
    if closeness >= FAIRLY_CLOSE:
        return Message("fairly close in meaning (%(closeness)s)", closeness=closeness)
    return Message("not close in meaning (%(closeness)s)", closeness=closeness)


@lru_cache(1024)  # thirty passages of an answer hold the same words
def _named(leaf: Leaf) -> Message:
    match leaf.field:
        case Field.TITLE:
            return Message("%(word)s in the title", word=_quoted(leaf))
        case Field.TEXT:
            return Message("%(word)s in the text", word=_quoted(leaf))
        case Field.LEAD:
            return Message("%(word)s in the title or first paragraph", word=_quoted(leaf))
    return _quoted(leaf)


def _in_column(leaf: Leaf) -> Message:
    match leaf.field:
        case Field.SOURCE:
            return Message("%(word)s in its source", word=_quoted(leaf))
        case Field.SECTION:
            return Message("%(word)s in its section", word=_quoted(leaf))
        case Field.LANGUAGE:
            return Message("%(word)s in its language", word=_quoted(leaf))
        case Field.AUTHOR:
            return Message("%(word)s in its author", word=_quoted(leaf))
        case Field.LENGTH:
            return Message("its length")
    return Message("no date")


def _quoted(leaf: Leaf) -> Message:
    match leaf:
        case Phrase(text, _, slop) if slop > 1:
            return Message('"%(text)s" within %(number)s words', text=text, number=slop)
        case Prefix(text):
            return Message('"%(text)s…"', text=text)
        case Fuzzy(text):
            return Message('a word spelt much like "%(text)s"', text=text)
        case Quotation(text):
            return Message('most of "%(text)s"', text=text)
        case Near():
            return _near(leaf)
    return quoted(leaf.text)


def quoted(word: str) -> Message:
    """Write a word in quotation marks."""
    return Message('"%(text)s"', text=word)


def _near(leaf: Near) -> Message:
    values = {"first": leaf.first, "second": leaf.second}
    if isinstance(leaf.within, Stretch):
        return _together(leaf.within, values, ordered=leaf.ordered)
    if leaf.ordered:
        return Message.counted(
            '"%(first)s" at most %(number)s words before "%(second)s"',
            '"%(first)s" at most %(number)s words before "%(second)s"',
            leaf.within,
            **values,
        )
    return Message.counted(
        '"%(first)s" within %(number)s words of "%(second)s"',
        '"%(first)s" within %(number)s words of "%(second)s"',
        leaf.within,
        **values,
    )


def _together(within: Stretch, values: Mapping[str, str], *, ordered: bool) -> Message:
    match within, ordered:
        case Stretch.SENTENCE, True:
            return Message('"%(first)s" before "%(second)s" in one sentence', **values)
        case Stretch.SENTENCE, False:
            return Message('"%(first)s" and "%(second)s" in one sentence', **values)
        case Stretch.PARAGRAPH, True:
            return Message('"%(first)s" before "%(second)s" in one paragraph', **values)
    return Message('"%(first)s" and "%(second)s" in one paragraph', **values)


LEAST_DIFFERENCE = 1e-6  # of two scores; smaller ones are rounding errors


@dataclass(frozen=True)
class Explainer:
    """Explains the hits of one search; `rows` (n,) are the passages to explain.

    `words_are_scored` if the query has words and some candidate of the whole a score by them.
    """

    table: ArticleTable
    matches: Matches
    candidates: Candidates
    rows: Rows
    passage_share: float = 0.0
    words_are_scored: bool = True

    def passage(self, row: int, score: float) -> Explanation:
        """Explain a passage; the score of a passage that was no candidate is from words only."""
        i = self._candidate_of.get(row)
        word_score = score if i is None else float(self.candidates.word_share[i])
        parts = (*self._columns(row), *self._words(row, word_score), *self._meaning(i))
        return _explanation(self._grounds(row), parts)

    def article(
        self, row: int, passages: tuple[PassageHit, ...], best: float | None
    ) -> Explanation:
        """Explain an article: the score of its best passage, at `row`, and shares of others.

        `best` is the best score among its folded copies, None if it has none.
        """
        parts, share = passages[0].why.parts, self.passage_share
        if self.passage_share and self._candidate_of.get(row) is not None:
            parts += tuple(
                ScorePart(ScorePartKind.PASSAGE, more.passage.id, more.score, share * more.score)
                for more in passages[1:]
            )
        more = best - sum(part.score for part in parts) if best is not None else 0.0
        if more > LEAST_DIFFERENCE:
            parts += (ScorePart(ScorePartKind.COPY, "", more, more),)
        return _explanation(self._grounds(row, whole=True), parts)

    def _grounds(self, row: int, *, whole: bool = False) -> Grounds:
        i, in_passage = self._candidate_of.get(row), self._passage_leaves[row]
        in_article = self._article_leaves[row]
        listed_elsewhere = whole and self.words_are_scored
        return Grounds(
            in_passage=tuple(in_passage),
            elsewhere=tuple(
                leaf
                for leaf in in_article
                if listed_elsewhere and leaf not in in_passage and leaf.field not in COLUMNS
            ),
            in_columns=tuple(leaf for leaf in in_article if leaf.field in COLUMNS),
            wordless=self.words_are_scored and not in_passage,
            closeness=self._closeness(i),
            assumed=self._is_assumed(i),
            below=i is None and bool(in_passage),
        )

    def _columns(self, row: int) -> Iterator[ScorePart]:
        for leaf in self._article_leaves[row]:
            if leaf.field in COLUMNS:
                yield ScorePart(ScorePartKind.COLUMN, written(leaf), 0.0, 0.0)

    def _words(self, row: int, word_score: float) -> Iterator[ScorePart]:
        """Divide the score of words among the leaves, in proportion to their BM25F scores."""
        leaves = self._passage_leaves[row]
        total = sum(leaves.values())
        for leaf, score in leaves.items():
            yield ScorePart(_kind(leaf), written(leaf), score, word_score * score / total)

    def _meaning(self, i: int | None) -> Iterator[ScorePart]:
        if i is not None and (closeness := self._closeness(i)) is not None:
            kind = ScorePartKind.ASSUMED if self._is_assumed(i) else ScorePartKind.MEANING
            rest = float(self.candidates.fused[i]) - float(self.candidates.word_share[i])
            yield ScorePart(kind, "", closeness, rest)

    def _closeness(self, i: int | None) -> float | None:
        """The closeness that a candidate was ranked with; None if the query has no meaning."""
        if i is None or np.isnan(self.candidates.assumed):
            return None
        is_assumed = self._is_assumed(i)
        return self.candidates.assumed if is_assumed else float(self.candidates.closeness[i])

    def _is_assumed(self, i: int | None) -> bool:
        return i is not None and bool(np.isnan(self.candidates.closeness[i]))

    @cached_property
    def _candidate_of(self) -> dict[int, int]:
        """The index of each row among the candidates, without the rows that are no candidates."""
        places, there = places_of(self.rows, self.candidates.rows)
        return dict(zip(self.rows[there].tolist(), places[there].tolist(), strict=True))

    @cached_property
    def _passage_leaves(self) -> dict[int, dict[Leaf, float]]:
        """The BM25F scores of the leaves in each passage, by row; none if words add nothing."""
        leaves: dict[int, dict[Leaf, float]] = {row: {} for row in self.rows.tolist()}
        lists = [found.lists for found in self.matches.leaves]
        scores = term_scores(self.rows, lists, self.table.n_rows)
        for i, j in zip(*(found.tolist() for found in np.nonzero(scores)), strict=True):
            row, leaf = int(self.rows[i]), self.matches.leaves[j].leaf
            if row not in self._candidate_of or self.candidates.word_share[self._candidate_of[row]]:
                leaves[row][leaf] = leaves[row].get(leaf, 0.0) + float(scores[i, j])
        return leaves

    @cached_property
    def _article_leaves(self) -> dict[int, dict[Leaf, None]]:
        """The leaves that match the article of each passage, by row, in the query's order."""
        owners = self.table.article_of[self.rows]
        leaves: dict[int, dict[Leaf, None]] = {row: {} for row in self.rows.tolist()}
        for found in self.matches.leaves:
            for row in self.rows[found.articles[owners]].tolist():
                leaves[row][found.leaf] = None
        return leaves


def with_reranking(why: Explanation, reranked: RerankScore) -> Explanation:
    """Add the reranker's score to the explanation of an article."""
    more = reranked.score - sum(part.score for part in why.parts)
    part = ScorePart(ScorePartKind.RERANKED, "", reranked.given, more)
    clause = Message(
        "%(given)s of 1 where read together with the question", given=float(reranked.given)
    )
    return replace(why, clauses=(*why.clauses, clause), parts=(*why.parts, part))


def _explanation(grounds: Grounds, parts: tuple[ScorePart, ...]) -> Explanation:
    """What is no candidate is in no ranking; so the ranks, if any, follow all clauses."""
    said = tuple(clauses(grounds))
    return Explanation(said, parts, ranks_at=len(said))


def _kind(leaf: Leaf) -> ScorePartKind:
    match leaf:
        case Phrase() | Quotation():
            return ScorePartKind.PHRASE
        case Prefix() | Wildcard():
            return ScorePartKind.PREFIX
        case Fuzzy():
            return ScorePartKind.FUZZY
        case Near():
            return ScorePartKind.NEAR
    return ScorePartKind.WORD
