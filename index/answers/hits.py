"""Builds the hits of a page: fetches the best passages, highlights and explains them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from backfile.archive.store.catalog import Catalog, StoredPassage
from backfile.archive.store.clusters import COPIES_LISTED, OtherCopies
from backfile.index.answers.explain import Explainer, with_reranking
from backfile.index.answers.forms import Forms
from backfile.index.duplicates.folding import Folding
from backfile.index.lexical.analysis.alignment import LEAST_SHARE, Alignment
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.expression import (
    Expression,
    Field,
    Quotation,
    positive_leaves,
)
from backfile.index.model.groups import Groups
from backfile.index.model.matches import Matches
from backfile.index.model.results import (
    Hit,
    PassageHit,
    Ranks,
    RerankScore,
    Wording,
)

PASSAGES_A_HIT = 3


@dataclass(frozen=True)
class Hits:
    """The state of one search, from which the hits of any page are built."""

    table: ArticleTable
    matches: Matches
    candidates: Candidates
    scores: Floats
    groups: Groups  # of a lead, the best of its cluster
    expression: Expression | None
    passage_share: float = 0.0
    folding: Folding | None = None  # None if copies are shown
    reranked: Mapping[int, RerankScore] = field(default_factory=dict)  # by ordinal

    def fetch(self, page: Rows, catalog: Catalog) -> tuple[Hit, ...]:
        """Fetch the hits of a page, given by ordinals, in their order.

        Articles that were removed since the snapshot was opened are left out.
        """
        best = {ordinal: self._best_rows(ordinal) for ordinal in page.tolist()}
        rows = [row for some in best.values() for row in some]
        stored = {found.row: found for found in catalog.stored(rows)}
        languages = Languages.of(self.table.languages)
        highlighter = Highlighter(self.expression, languages)
        forms = Forms(self.expression, languages)
        explainer = self._explainer(rows)
        copies = self._copies(page, catalog)
        hits = []
        for ordinal, some in best.items():
            passages = tuple(
                self._passage_hit(stored[row], highlighter, explainer, forms)
                for row in some
                if row in stored
            )
            if passages:  # else the article was removed since the snapshot was opened
                article = stored[next(row for row in some if row in stored)].article
                title = highlighter.mark(article.title, article.language)
                score = float(self.scores[ordinal])
                ranks = _best_ranks(passages)
                folded = score if copies[ordinal].total else None
                why = explainer.article(some[0], passages, ranks, folded)
                marked = _parts(article.title, title)
                marked += [m for p in passages for m in _parts(p.passage.text, p.highlights)]
                why = forms.add(why, marked)
                if reranked := self.reranked.get(ordinal):
                    why, score = with_reranking(why, reranked), reranked.score
                group = self.groups.order[self.groups.of[ordinal]]
                added = self.table.added_at(ordinal)
                hits.append(
                    Hit(article, title, score, ranks, passages, why, group, copies[ordinal], added)
                )
        return tuple(hits)

    def best_row(self, ordinal: int) -> int:
        """The row of an article's best passage."""
        return self._best_rows(ordinal)[0]

    def _copies(self, page: Rows, catalog: Catalog) -> dict[int, OtherCopies]:
        """The first COPIES_LISTED copies of each article on the page, and their number."""
        if self.folding is None:
            return dict.fromkeys(page.tolist(), OtherCopies())
        others = {ordinal: self.folding.copies_of(ordinal) for ordinal in page.tolist()}
        first = {ordinal: self.table.first_rows[o[:COPIES_LISTED]] for ordinal, o in others.items()}
        known = catalog.clusters.at_rows(np.concatenate([*first.values(), page[:0]]).tolist())
        return {
            ordinal: OtherCopies(tuple(known[row] for row in rows.tolist() if row in known), len(o))
            for (ordinal, o), rows in zip(others.items(), first.values(), strict=True)
        }

    def _best_rows(self, ordinal: int) -> list[int]:
        """The rows of an article's best passages; its first row if none has a score."""
        mine = np.flatnonzero(self._owners == ordinal)
        if len(mine):
            order = np.argsort(-self.candidates.fused[mine], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in self.candidates.rows[mine[order]]]
        rows = np.flatnonzero(self.table.article_of == ordinal)
        scored = rows[self.matches.scores[rows] > 0]
        if len(scored):
            order = np.argsort(-self.matches.scores[scored], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in scored[order]]
        return [int(row) for row in rows[:1]]

    def _passage_hit(
        self, found: StoredPassage, highlighter: Highlighter, explainer: Explainer, forms: Forms
    ) -> PassageHit:
        candidates, row = self.candidates, found.row
        i = int(np.searchsorted(candidates.rows, row))
        if i == len(candidates.rows) or candidates.rows[i] != row:
            score, ranks, cosine = self._score_below(row), Ranks(None, None), np.nan
        else:
            score, cosine = float(candidates.fused[i]), float(candidates.cosines[i])
            ranks = Ranks(
                _rank(self._lexical, candidates.lexical[i]) if self._by_words[i] else None,
                _rank(self._near, candidates.closeness[i]) if candidates.near[i] else None,
            )
        highlights = highlighter.mark(found.passage.text, found.article.language)
        marked = _parts(found.passage.text, highlights)
        return PassageHit(
            passage=found.passage,
            score=score,
            ranks=ranks,
            cosine=None if np.isnan(cosine) else cosine,
            highlights=highlights,
            why=forms.add(explainer.passage(row, score, ranks), marked),
            heading_highlights=highlighter.mark(found.passage.heading, found.article.language),
            wordings=tuple(wordings(self._quotations, found)),
        )

    def _score_below(self, row: int) -> float:
        """The score of a passage that was no candidate: a share of its article's, by BM25F."""
        ordinal = self.table.article_of[row]
        words = self.matches.scores[self.table.article_of == ordinal]
        best = float(words.max())
        return float(self.scores[ordinal] * self.matches.scores[row] / best) if best else 0.0

    def _explainer(self, rows: list[int]) -> Explainer:
        shown = np.array(sorted(rows), np.int64)
        return Explainer(self.table, self.matches, self.candidates, shown, self.passage_share)

    @cached_property
    def _by_words(self) -> Bools:
        """Mask of the candidates that contain words, in articles that match by words."""
        return (self.candidates.lexical > 0) & self.candidates.by_words[self._owners]

    @cached_property
    def _owners(self) -> Rows:
        """The article of each candidate, as ordinals."""
        owners: Rows = self.table.article_of[self.candidates.rows]
        return owners

    @cached_property
    def _quotations(self) -> tuple[Quotation, ...]:
        """The quotations that the query asks for."""
        leaves = positive_leaves(self.expression) if self.expression else ()
        return tuple(leaf for leaf in leaves if isinstance(leaf, Quotation))

    @cached_property
    def _lexical(self) -> Floats:
        """The scores of the ranking by words."""
        return self.candidates.lexical[self._by_words]

    @cached_property
    def _near(self) -> Floats:
        """The closeness of the passages that are ranked by meaning."""
        return self.candidates.closeness[self.candidates.near]


def _parts(text: str, spans: Iterable[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def _rank(scores: Floats, own: np.float32) -> int:
    """The rank of a score, from 1, among the scores."""
    return 1 + int(np.count_nonzero(scores > own))


def _best_ranks(passages: tuple[PassageHit, ...]) -> Ranks:
    lexical = [p.ranks.lexical for p in passages if p.ranks.lexical is not None]
    vector = [p.ranks.vector for p in passages if p.ranks.vector is not None]
    return Ranks(min(lexical, default=None), min(vector, default=None))


def wordings(quotations: Iterable[Quotation], stored: StoredPassage) -> Iterator[Wording]:
    """Iterate over the quotations of a query that a passage, or its title, words nearly so."""
    for leaf in quotations:
        if found := _wording(leaf, stored):
            yield found


def _wording(leaf: Quotation, stored: StoredPassage) -> Wording | None:
    """Compare a quotation with the field that holds more of its words, the text before the title.

    None if neither holds LEAST_SHARE of them.
    """
    texts = {Field.TEXT: stored.passage.text, Field.TITLE: stored.article.title}
    found = [
        (text, Alignment.of(leaf.text, text, stored.article.language))
        for field, text in texts.items()
        if leaf.field in (field, Field.ANY)
    ]
    text, best = max(found, key=lambda pair: pair[1].share)
    if best.share < LEAST_SHARE:
        return None
    start, end = best.stretch
    return Wording(leaf.text, best.lacking, text[start:end], best.added)
