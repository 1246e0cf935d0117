"""Takes scores apart: what each word, and what meaning, has added to a hit."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from archive.message import Message
from index.answers.reasons import Grounds, clauses
from index.columns.columns import Columns
from index.expression import COLUMNS, Fuzzy, Leaf, Near, Phrase, Prefix, written
from index.lexical.matching.attribution import scores_at
from index.lexical.matching.matches import Matches
from index.protocols import Rows
from index.results import Part, PartKind, PassageHit, Ranks, Reread, Why
from index.search.ranking import Candidates

LEAST_MORE = 1e-6  # of a score


@dataclass(frozen=True)
class Explainer:
    """Explains hits of one search; `rows` (n,) are the passages that will be asked about."""

    columns: Columns
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
            columns=tuple(leaf for leaf in standing if leaf.field in COLUMNS),
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
        scores = scores_at(self.rows, lists, self.columns.n_rows)
        for at, place in zip(*(found.tolist() for found in np.nonzero(scores)), strict=True):
            row, leaf = int(self.rows[at]), self.matches.leaves[place].leaf
            if row not in self._place or self.candidates.worded[self._place[row]]:
                held[row][leaf] = held[row].get(leaf, 0.0) + float(scores[at, place])
        return held

    @cached_property
    def _standing(self) -> dict[int, dict[Leaf, None]]:
        """The leaves that stand anywhere in the article of each passage."""
        owners = self.columns.article_of[self.rows]
        standing: dict[int, dict[Leaf, None]] = {row: {} for row in self.rows.tolist()}
        for found in self.matches.leaves:
            for row in self.rows[found.held[owners]].tolist():
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
