"""Makes hits of ranked articles: their best passages, fetched, marked and explained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from backfile.archive.store.catalog import Catalog, StoredPassage
from backfile.archive.store.clusters import COPIES_LISTED, OtherCopies
from backfile.index.answers.explain import Explainer, with_rereading
from backfile.index.duplicates.folding import Folding
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.expression import Expression
from backfile.index.model.matches import Matches
from backfile.index.model.results import Hit, PassageHit, Ranks, Reread

PASSAGES_A_HIT = 3


@dataclass(frozen=True)
class Hits:
    """All that is known of one search, from which any page of hits can be fetched."""

    table: ArticleTable
    matches: Matches
    candidates: Candidates
    scores: Floats
    expression: Expression | None
    passage_share: float = 0.0
    folding: Folding | None = None  # where copies are folded
    reread: Mapping[int, Reread] = field(default_factory=dict)  # by the places of articles

    def fetch(self, page: Rows, catalog: Catalog) -> tuple[Hit, ...]:
        """Fetch the articles of a page, by their places, in the order given."""
        best = {place: self._best_rows(place) for place in page.tolist()}
        rows = [row for some in best.values() for row in some]
        stored = {found.row: found for found in catalog.stored(rows)}
        highlighter = Highlighter(self.expression, Languages.of(self.table.spoken))
        explainer = self._explainer(rows)
        copies = self._copies(page, catalog)
        hits = []
        for place, some in best.items():
            passages = tuple(
                self._passage_hit(stored[row], highlighter, explainer)
                for row in some
                if row in stored
            )
            if passages:  # else it was removed since the snapshot was taken
                article = stored[next(row for row in some if row in stored)].article
                title = highlighter.mark(article.title, article.language)
                score = float(self.scores[place])
                ranks = _best_ranks(passages)
                folded = score if copies[place].total else None
                why = explainer.article(some[0], passages, ranks, folded)
                if reread := self.reread.get(place):
                    why, score = with_rereading(why, reread), reread.score
                hits.append(Hit(article, title, score, ranks, passages, why, copies[place]))
        return tuple(hits)

    def best_row(self, place: int) -> int:
        """The article's best passage."""
        return self._best_rows(place)[0]

    def _copies(self, page: Rows, catalog: Catalog) -> dict[int, OtherCopies]:
        """Describe the first copies of each lead on the page."""
        if self.folding is None:
            return dict.fromkeys(page.tolist(), OtherCopies())
        others = {place: self.folding.copies_of(place) for place in page.tolist()}
        first = {place: self.table.first_rows[o[:COPIES_LISTED]] for place, o in others.items()}
        known = catalog.clusters.at_rows(np.concatenate([*first.values(), page[:0]]).tolist())
        return {
            place: OtherCopies(tuple(known[row] for row in rows.tolist() if row in known), len(o))
            for (place, o), rows in zip(others.items(), first.values(), strict=True)
        }

    def _best_rows(self, place: int) -> list[int]:
        """The article's best passages; its first one where nothing in it was scored."""
        mine = np.flatnonzero(self.table.article_of[self.candidates.rows] == place)
        if len(mine):
            order = np.argsort(-self.candidates.fused[mine], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in self.candidates.rows[mine[order]]]
        rows = np.flatnonzero(self.table.article_of == place)
        scored = rows[self.matches.scores[rows] > 0]
        if len(scored):
            order = np.argsort(-self.matches.scores[scored], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in scored[order]]
        return [int(row) for row in rows[:1]]

    def _passage_hit(
        self, found: StoredPassage, highlighter: Highlighter, explainer: Explainer
    ) -> PassageHit:
        candidates, row = self.candidates, found.row
        i = int(np.searchsorted(candidates.rows, row))
        if i == len(candidates.rows) or candidates.rows[i] != row:
            score, ranks, cosine = self._score_below(row), Ranks(None, None), np.nan
        else:
            score, cosine = float(candidates.fused[i]), float(candidates.cosines[i])
            ranks = Ranks(
                _rank(self._lexical, candidates.lexical[i]) if self._worded[i] else None,
                _rank(self._near, candidates.cosines[i]) if candidates.near[i] else None,
            )
        return PassageHit(
            passage=found.passage,
            score=score,
            ranks=ranks,
            cosine=None if np.isnan(cosine) else cosine,
            highlights=highlighter.mark(found.passage.text, found.article.language),
            why=explainer.passage(row, score, ranks),
        )

    def _score_below(self, row: int) -> float:
        """Score a passage that was no candidate: by words, as a share of its article's score."""
        place = self.table.article_of[row]
        words = self.matches.scores[self.table.article_of == place]
        best = float(words.max())
        return float(self.scores[place] * self.matches.scores[row] / best) if best else 0.0

    def _explainer(self, rows: list[int]) -> Explainer:
        shown = np.array(sorted(rows), np.int64)
        return Explainer(self.table, self.matches, self.candidates, shown, self.passage_share)

    @cached_property
    def _worded(self) -> Bools:
        """The candidates that hold words, in articles that match by them."""
        owners = self.table.article_of[self.candidates.rows]
        return (self.candidates.lexical > 0) & self.candidates.by_words[owners]

    @cached_property
    def _lexical(self) -> Floats:
        """The scores that are ranked by words."""
        return self.candidates.lexical[self._worded]

    @cached_property
    def _near(self) -> Floats:
        """The scores that are ranked by meaning."""
        return self.candidates.cosines[self.candidates.near]


def _rank(scores: Floats, own: np.float32) -> int:
    """The place of a score, from 1, among these."""
    return 1 + int(np.count_nonzero(scores > own))


def _best_ranks(passages: tuple[PassageHit, ...]) -> Ranks:
    lexical = [p.ranks.lexical for p in passages if p.ranks.lexical is not None]
    vector = [p.ranks.vector for p in passages if p.ranks.vector is not None]
    return Ranks(min(lexical, default=None), min(vector, default=None))
