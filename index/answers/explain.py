"""Explains hits: the share of each word and of meaning in a score, and why in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backfile.archive.model.message import Message
from backfile.index.lexical.scoring.collection import term_scores
from backfile.index.model.arrays import Rows
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
    Stretch,
    written,
)
from backfile.index.model.matches import Matches
from backfile.index.model.results import Part, PartKind, PassageHit, Ranks, Reread, Why

MOST_NAMED = 6  # words in a list
CLOSE = 0.5  # a cosine; the nearest passage lies above it for nearly every news-quiz question
FAIRLY_CLOSE = 0.3  # two passages drawn by chance seldom reach it


@dataclass(frozen=True, slots=True)
class Grounds:
    """What speaks for a hit.

    `held` stand in the passage, `elsewhere` in others of its article only, `columns` in its source,
    section, language, author or date; `wordless` says that words count and none is held. The
    cosine, None where meaning was not asked, may be `assumed`. `below` all candidates only words
    count.
    """

    held: tuple[Leaf, ...]
    elsewhere: tuple[Leaf, ...]
    table: tuple[Leaf, ...]
    wordless: bool
    cosine: float | None
    assumed: bool
    ranks: Ranks
    below: bool


def clauses(grounds: Grounds) -> Iterator[Message]:
    """Say why, in parts to be divided by semicolons; nothing where nothing was asked.

    >>> from backfile.index.model.expression import Word
    >>> held = (Word("bank"), Word("rescue", Field.TITLE))
    >>> list(clauses(Grounds(held, (), (), False, 0.714, False, Ranks(3, 1), False)))[:2]
    ['holds "bank" and "rescue" in the title', 'close in meaning (0.71)']
    """
    if grounds.held:
        yield Message("holds %(words)s", words=listed([_named(leaf) for leaf in grounds.held]))
    elif grounds.wordless:
        yield Message("holds none of the words")
    if grounds.elsewhere:
        words = listed([_named(leaf) for leaf in grounds.elsewhere])
        yield Message("elsewhere in the article %(words)s", words=words)
    yield from map(_in_column, grounds.table)
    if grounds.cosine is not None:
        yield nearness(grounds.cosine, assumed=grounds.assumed)
    yield from _places(grounds.ranks)
    if grounds.below:
        yield Message("by words alone, below the best")


def ordinal(number: int) -> Message:
    """Write a place.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 103, 113)]
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
    """Choose names to be listed; of many only the first are named.

    >>> listed(["a", "b"]), listed(list("abcdefghi"))
    (('a', 'b'), ('a', 'b', 'c', 'd', 'e', 'f', '3 more'))
    """
    if (left := len(names) - MOST_NAMED) <= 0:
        return tuple(names)
    return (*names[:MOST_NAMED], Message.counted("%(number)s more", "%(number)s more", left))


def _places(ranks: Ranks) -> Iterator[Message]:
    """Say the places in the rankings, in one part."""
    match ranks:
        case Ranks(int(words), int(meaning)):
            places = {"words": ordinal(words), "meaning": ordinal(meaning)}
            yield Message("%(words)s by words, %(meaning)s by meaning", **places)
        case Ranks(int(words), None):
            yield Message("%(place)s by words", place=ordinal(words))
        case Ranks(None, int(meaning)):
            yield Message("%(place)s by meaning", place=ordinal(meaning))


def nearness(cosine: float, *, assumed: bool = False) -> Message:
    """Say how close in meaning something is.

    >>> nearness(0.62), nearness(0.1)
    ('close in meaning (0.62)', 'not close in meaning (0.10)')
    """
    if assumed:
        return Message(
            "not embedded yet, taken to be as close in meaning as others (%(cosine)s)",
            cosine=cosine,
        )
    if cosine >= CLOSE:
        return Message("close in meaning (%(cosine)s)", cosine=cosine)
    if cosine >= FAIRLY_CLOSE:
        return Message("fairly close in meaning (%(cosine)s)", cosine=cosine)
    return Message("not close in meaning (%(cosine)s)", cosine=cosine)


def _named(leaf: Leaf) -> Message:
    match leaf.field:
        case Field.TITLE:
            return Message("%(word)s in the title", word=_quoted(leaf))
        case Field.TEXT:
            return Message("%(word)s in the text", word=_quoted(leaf))
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
    return Message("no date")


def _quoted(leaf: Leaf) -> Message:
    match leaf:
        case Phrase(text, _, slop) if slop > 1:
            return Message('"%(text)s" within %(number)s words', text=text, number=slop)
        case Prefix(text):
            return Message('"%(text)s…"', text=text)
        case Fuzzy(text):
            return Message('a word spelt much like "%(text)s"', text=text)
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


LEAST_MORE = 1e-6  # of a score


@dataclass(frozen=True)
class Explainer:
    """Explains hits of one search; `rows` (n,) are the passages that will be asked about."""

    table: ArticleTable
    matches: Matches
    candidates: Candidates
    rows: Rows
    passage_share: float = 0.0

    def passage(self, row: int, score: float, ranks: Ranks) -> Why:
        """Take the score of a passage apart; of one that was no candidate it is of words alone."""
        i = self._place.get(row)
        due = score if i is None else float(self.candidates.worded[i])
        parts = (*self._columns(row), *self._words(row, due), *self._meaning(i))
        return Why(tuple(clauses(self._grounds(row, ranks))), parts)

    def article(
        self, row: int, passages: tuple[PassageHit, ...], ranks: Ranks, best: float | None
    ) -> Why:
        """Take an article's score apart: that of its best passage, at `row`, and shares of more.

        With copies folded under it, it has the `best` score of them all.
        """
        parts, share = passages[0].why.parts, self.passage_share
        if self.passage_share and self._place.get(row) is not None:
            parts += tuple(
                Part(PartKind.PASSAGE, more.passage.id, more.score, share * more.score)
                for more in passages[1:]
            )
        more = best - sum(part.score for part in parts) if best is not None else 0.0
        if more > LEAST_MORE:
            parts += (Part(PartKind.COPY, "", more, more),)
        return Why(tuple(clauses(self._grounds(row, ranks, whole=True))), parts)

    def _grounds(self, row: int, ranks: Ranks, *, whole: bool = False) -> Grounds:
        i, held, standing = self._place.get(row), self._held[row], self._standing[row]
        counted = whole and self._words_count
        return Grounds(
            held=tuple(held),
            elsewhere=tuple(
                leaf
                for leaf in standing
                if counted and leaf not in held and leaf.field not in COLUMNS
            ),
            table=tuple(leaf for leaf in standing if leaf.field in COLUMNS),
            wordless=self._words_count and not held,
            cosine=self._cosine(i),
            assumed=self._is_assumed(i),
            ranks=ranks,
            below=i is None and bool(held),
        )

    def _columns(self, row: int) -> Iterator[Part]:
        for leaf in self._standing[row]:
            if leaf.field in COLUMNS:
                yield Part(PartKind.COLUMN, written(leaf), 0.0, 0.0)

    def _words(self, row: int, due: float) -> Iterator[Part]:
        """Share what is due to words among them, by what each scored."""
        held = self._held[row]
        total = sum(held.values())
        for leaf, score in held.items():
            yield Part(_kind(leaf), written(leaf), score, due * score / total)

    def _meaning(self, i: int | None) -> Iterator[Part]:
        if i is not None and (cosine := self._cosine(i)) is not None:
            kind = PartKind.ASSUMED if self._is_assumed(i) else PartKind.MEANING
            rest = float(self.candidates.fused[i]) - float(self.candidates.worded[i])
            yield Part(kind, "", cosine, rest)

    def _cosine(self, i: int | None) -> float | None:
        """How near a candidate was taken to be, None where meaning was not asked."""
        if i is None or np.isnan(self._typical):
            return None
        return self._typical if self._is_assumed(i) else float(self.candidates.cosines[i])

    def _is_assumed(self, i: int | None) -> bool:
        return i is not None and bool(np.isnan(self.candidates.cosines[i]))

    @cached_property
    def _typical(self) -> float:
        """The cosine of a passage that is not embedded yet, as ranking assumes it."""
        known = self.candidates.cosines[~np.isnan(self.candidates.cosines)]
        return float(np.median(known)) if len(known) else np.nan

    @cached_property
    def _words_count(self) -> bool:
        asked = any(found.leaf.field not in COLUMNS for found in self.matches.leaves)
        return asked and bool(self.candidates.worded.any())

    @cached_property
    def _place(self) -> dict[int, int]:
        """The place of each passage among the candidates; of one that is none of them, none."""
        _, mine, places = np.intersect1d(
            self.rows, self.candidates.rows, assume_unique=True, return_indices=True
        )
        return dict(zip(self.rows[mine].tolist(), places.tolist(), strict=True))

    @cached_property
    def _held(self) -> dict[int, dict[Leaf, float]]:
        """What each leaf scored in each passage; none where words did not count."""
        held: dict[int, dict[Leaf, float]] = {row: {} for row in self.rows.tolist()}
        lists = [found.lists for found in self.matches.leaves]
        scores = term_scores(self.rows, lists, self.table.n_rows)
        for at, place in zip(*(found.tolist() for found in np.nonzero(scores)), strict=True):
            row, leaf = int(self.rows[at]), self.matches.leaves[place].leaf
            if row not in self._place or self.candidates.worded[self._place[row]]:
                held[row][leaf] = held[row].get(leaf, 0.0) + float(scores[at, place])
        return held

    @cached_property
    def _standing(self) -> dict[int, dict[Leaf, None]]:
        """The leaves that stand anywhere in the article of each passage."""
        owners = self.table.article_of[self.rows]
        standing: dict[int, dict[Leaf, None]] = {row: {} for row in self.rows.tolist()}
        for found in self.matches.leaves:
            for row in self.rows[found.articles[owners]].tolist():
                standing[row][found.leaf] = None
        return standing


def with_rereading(why: Why, reread: Reread) -> Why:
    """Add to why an article was found what a reranker has made of it."""
    more = reread.score - sum(part.score for part in why.parts)
    part = Part(PartKind.RERANKED, "", reread.given, more)
    said = Message(
        "%(given)s of 1 where read together with the question", given=float(reread.given)
    )
    return Why((*why.clauses, said), (*why.parts, part))


def _kind(leaf: Leaf) -> PartKind:
    match leaf:
        case Phrase():
            return PartKind.PHRASE
        case Prefix():
            return PartKind.PREFIX
        case Fuzzy():
            return PartKind.FUZZY
        case Near():
            return PartKind.NEAR
    return PartKind.WORD
