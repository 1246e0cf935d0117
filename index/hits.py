"""Makes hits of ranked articles: their best passages, fetched, marked and explained."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archive.store.catalog import Catalog, StoredPassage
from index import fusion
from index.columns import Columns
from index.expression import Expression
from index.lexical.highlighting import highlights
from index.lexical.matching import Matches
from index.protocols import Floats, Rows
from index.ranking import Candidates
from index.results import Hit, PassageHit, Ranks

PASSAGES_A_HIT = 3


@dataclass(frozen=True, slots=True)
class Hits:
    """All that is known of one search, from which any page of hits can be fetched."""

    columns: Columns
    matches: Matches
    candidates: Candidates
    scores: Floats

    def fetch(self, page: Rows, catalog: Catalog, expression: Expression | None) -> tuple[Hit, ...]:
        """Fetch the articles of a page, by their places, in the order given."""
        best = {place: self._best_rows(place) for place in page.tolist()}
        rows = [row for some in best.values() for row in some]
        stored = {found.row: found for found in catalog.stored(rows)}
        owners = self.columns.article_of[self.candidates.rows]
        by_words = (self.candidates.lexical > 0) & self.candidates.by_words[owners]
        lexical_ranks = self._ranks(self.candidates.lexical, by_words)
        vector_ranks = self._ranks(self.candidates.cosines, self.candidates.near)
        position = {row: i for i, row in enumerate(self.candidates.rows.tolist())}

        def passage_hit(found: StoredPassage) -> PassageHit:
            marked = highlights(found.passage.text, expression)
            i = position.get(found.row)
            if i is None:
                words = float(self.matches.scores[found.row])
                return PassageHit(found.passage, words, Ranks(None, None), None, marked)
            cosine = float(self.candidates.cosines[i])
            return PassageHit(
                passage=found.passage,
                score=float(self.candidates.fused[i]),
                ranks=Ranks(lexical_ranks.get(i), vector_ranks.get(i)),
                cosine=None if np.isnan(cosine) else cosine,
                highlights=marked,
            )

        hits = []
        for place, some in best.items():
            passages = tuple(passage_hit(stored[row]) for row in some if row in stored)
            if passages:  # else it was removed since the snapshot was taken
                article = stored[next(row for row in some if row in stored)].article
                title = highlights(article.title, expression)
                score = float(self.scores[place])
                hits.append(Hit(article, title, score, _best_ranks(passages), passages))
        return tuple(hits)

    def _best_rows(self, place: int) -> list[int]:
        """The article's best passages; its first one where nothing in it was scored."""
        mine = np.flatnonzero(self.columns.article_of[self.candidates.rows] == place)
        if len(mine):
            order = np.argsort(-self.candidates.fused[mine], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in self.candidates.rows[mine[order]]]
        rows = np.flatnonzero(self.columns.article_of == place)
        scored = rows[self.matches.scores[rows] > 0]
        if len(scored):
            order = np.argsort(-self.matches.scores[scored], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in scored[order]]
        return [int(row) for row in rows[:1]]

    @staticmethod
    def _ranks(scores: Floats, counted: npt.NDArray[np.bool_]) -> dict[int, int]:
        chosen = np.flatnonzero(counted)
        ranked = fusion.ranks(scores[chosen])
        return dict(zip(chosen.tolist(), ranked.tolist(), strict=True))


def _best_ranks(passages: tuple[PassageHit, ...]) -> Ranks:
    lexical = [p.ranks.lexical for p in passages if p.ranks.lexical is not None]
    vector = [p.ranks.vector for p in passages if p.ranks.vector is not None]
    return Ranks(min(lexical, default=None), min(vector, default=None))
