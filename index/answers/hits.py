"""Builds the hits of a page: fetches the best passages, highlights and explains them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from backfile.archive.store.catalog import Catalog, StoredPassage
from backfile.archive.store.clusters import COPIES_LISTED, Copy, OtherCopies
from backfile.index.answers.explain import Explainer, with_reranking
from backfile.index.answers.forms import Forms
from backfile.index.duplicates.folding import Folding
from backfile.index.lexical.analysis.alignment import LEAST_SHARE, Alignment
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.model.arrays import Bools, Floats, Rows, places_of
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates, Tail
from backfile.index.model.expression import (
    COLUMNS,
    Expression,
    Field,
    Quotation,
    positive_leaves,
)
from backfile.index.model.groups import Groups
from backfile.index.model.matches import Matches
from backfile.index.model.results import (
    UNRANKED,
    Hit,
    PassageHit,
    RerankScore,
    Wording,
)

PASSAGES_A_HIT = 3
RankedCopy = tuple[int, Copy]
Copies = tuple[list[RankedCopy], int]
"""The first copies of an article, with their ranks, and the number of all."""


class Fetched(NamedTuple):
    """A hit without ranks and copies in other shards, and the rows of its passages."""

    hit: Hit
    rows: Sequence[int]


class RankedPassages(NamedTuple):
    """Passages of some hits in one ranking, (n,) each: their rows, scores, and whose they are.

    `hits` are the indices of their hits among those of the shard.
    """

    rows: Rows
    scores: Floats
    hits: Rows

    def of_hits(self, first: int, end: int) -> "RankedPassages":
        """Those of the hits from `first` to before `end`."""
        mask: Bools = (self.hits >= first) & (self.hits < end)
        return RankedPassages(self.rows[mask], self.scores[mask], self.hits[mask])


@dataclass(frozen=True)
class Hits:
    """The state of one search, from which the hits of any page are built."""

    table: ArticleTable
    matches: Matches
    candidates: Candidates
    scores: Floats  # what articles are sorted by; of a lead, the best of its cluster
    groups: Groups  # the same
    expression: Expression | None
    passage_share: float = 0.0
    folding: Folding | None = None  # None if copies are shown
    crossing: frozenset[int] = frozenset()  # folded clusters that lie in several shards
    languages: Languages = Languages()
    reranked: Mapping[int, RerankScore] = field(default_factory=dict)  # by ordinal
    tail: Tail = Tail()

    def none(self) -> "Hits":
        """The same without hits."""
        no_articles = np.zeros(self.table.n_articles, np.bool_)
        folding = Folding.of(self.table, no_articles) if self.folding else None
        return replace(self, candidates=self.candidates.among(no_articles), folding=folding)

    def shown_scores(self, ordinals: Rows) -> Floats:
        """The scores of articles, (n,)."""
        return self.tail.scores(self.scores[ordinals])

    def _score(self, ordinal: int) -> float:
        return float(self.tail.scores(self.scores[ordinal : ordinal + 1])[0])

    def fetch(
        self, best: Mapping[int, Sequence[int]], catalog: Catalog, *, words_are_scored: bool
    ) -> dict[int, Fetched]:
        """Fetch hits, given by ordinals with their `best_rows`, in their order.

        `words_are_scored` as in Explainer. Articles that were removed since the snapshot was opened
        are left out.
        """
        rows = [row for some in best.values() for row in some]
        stored = {found.row: found for found in catalog.stored(rows)}
        highlighter = Highlighter(self.expression, self.languages)
        forms = Forms(self.expression, self.languages)
        explainer = Explainer(
            self.table,
            self.matches,
            self.candidates,
            np.array(sorted(rows), np.int64),
            self.passage_share,
            words_are_scored=words_are_scored and self._has_words,
        )
        copies = self._copies(best, catalog)
        hits = {}
        for ordinal, some in best.items():
            there = [row for row in some if row in stored]
            passages = tuple(
                self._passage_hit(stored[row], highlighter, explainer, forms) for row in there
            )
            if passages:  # else the article was removed since the snapshot was opened
                article = stored[there[0]].article
                title = highlighter.mark(article.title, article.language)
                score = self._score(ordinal)
                folded = score if copies[ordinal].total or self._is_shared(ordinal) else None
                why = explainer.article(some[0], passages, folded)
                marked = _parts(article.title, title)
                marked += [m for p in passages for m in _parts(p.passage.text, p.highlights)]
                why = forms.add(why, marked)
                if reranked := self.reranked.get(ordinal):
                    why, score = with_reranking(why, reranked), reranked.score
                group = self.groups.order[self.groups.of[ordinal]]
                added = self.table.added_at(ordinal)
                listed = copies[ordinal]
                hit = Hit(article, title, score, UNRANKED, passages, why, group, listed, added)
                hits[ordinal] = Fetched(hit, there)
        return hits

    @property
    def _has_words(self) -> bool:
        """Whether the query asks for words in articles."""
        return any(found.leaf.field not in COLUMNS for found in self.matches.leaves)

    def best_row(self, ordinal: int) -> int:
        """The row of an article's best passage."""
        return self._best_rows(ordinal)[0]

    def copies_here(self, clusters: Set[int], catalog: Catalog) -> dict[int, Copies]:
        """The articles of crossing clusters in this shard that are copies of a lead."""
        if self.folding is None or not clusters:
            return {}
        members = self.folding.members[~self.folding.leads[self.folding.members]]
        of = self.table.cluster[members]
        own = {cluster: members[of == cluster] for cluster in clusters}
        listed = self._listed(own, catalog)
        return {cluster: (listed[cluster], len(some)) for cluster, some in own.items()}

    def _copies(self, page: Iterable[int], catalog: Catalog) -> dict[int, OtherCopies]:
        """The first COPIES_LISTED copies of each article in this shard, and their number."""
        if self.folding is None:
            return dict.fromkeys(page, OtherCopies())
        others = {ordinal: self.folding.copies_of(ordinal) for ordinal in page}
        listed = self._listed(others, catalog)
        return {each: other_copies((listed[each], len(some))) for each, some in others.items()}

    def _is_shared(self, ordinal: int) -> bool:
        return self.folding is not None and ordinal in self.folding.shared

    def _listed(self, some: Mapping[int, Rows], catalog: Catalog) -> dict[int, list[RankedCopy]]:
        """The first COPIES_LISTED of each of these lists of copies, with their ranks."""
        first = {key: ordinals[:COPIES_LISTED] for key, ordinals in some.items()}
        rows = {key: self.table.first_rows[each].tolist() for key, each in first.items()}
        known = catalog.clusters.at_rows([row for each in rows.values() for row in each])
        return {
            key: [
                (rank, known[row])
                for rank, row in zip(self.table.cluster_rank[each].tolist(), rows[key], strict=True)
                if row in known
            ]
            for key, each in first.items()
        }

    def best_rows(self, ordinals: Rows) -> dict[int, list[int]]:
        """The rows of each article's best passages."""
        return {ordinal: self._best_rows(ordinal) for ordinal in ordinals.tolist()}

    def _best_rows(self, ordinal: int) -> list[int]:
        """The rows of an article's best passages; its first row if none has a score."""
        rows = self.table.rows_of_article(ordinal)
        places, there = places_of(rows, self.candidates.rows)
        if there.any():
            mine = places[there]
            order = np.argsort(-self.candidates.fused[mine], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in self.candidates.rows[mine[order]]]
        scored = rows[self.matches.scores[rows] > 0]
        if len(scored):
            order = np.argsort(-self.matches.scores[scored], kind="stable")[:PASSAGES_A_HIT]
            return [int(row) for row in scored[order]]
        return [int(row) for row in rows[:1]]

    def _passage_hit(
        self,
        found: StoredPassage,
        highlighter: Highlighter,
        explainer: Explainer,
        forms: Forms,
    ) -> PassageHit:
        i, row = self._candidate(found.row), found.row
        if i is None:
            score, cosine = self._score_below(row), np.nan
        else:
            score, cosine = float(self.candidates.fused[i]), float(self.candidates.cosines[i])
        highlights = highlighter.mark(found.passage.text, found.article.language)
        marked = _parts(found.passage.text, highlights)
        return PassageHit(
            passage=found.passage,
            score=score,
            ranks=UNRANKED,
            cosine=None if np.isnan(cosine) else cosine,
            highlights=highlights,
            why=forms.add(explainer.passage(row, score), marked),
            heading_highlights=highlighter.mark(found.passage.heading, found.article.language),
            wordings=tuple(wordings(self._quotations, found)),
        )

    def _candidate(self, row: int) -> int | None:
        """The index of a row among the candidates, None if it is none."""
        rows = self.candidates.rows
        i = int(np.searchsorted(rows, row))
        return i if i < len(rows) and rows[i] == row else None

    def ranked(self, best: Sequence[Sequence[int]]) -> list[RankedPassages]:
        """The best passages of hits in both rankings: those that are candidates, in these."""
        rows = np.array([row for some in best for row in some], np.int64)
        hits = np.repeat(np.arange(len(best)), list(map(len, best)))
        places, there = places_of(rows, self.candidates.rows)
        rankings = (
            (self._by_words, self.candidates.lexical),
            (self.candidates.near, self.candidates.closeness),
        )
        found = []
        for among, scores in rankings:
            mask = there.copy()
            mask[there] = among[places[there]]
            found.append(RankedPassages(rows[mask], scores[places[mask]], hits[mask]))
        return found

    def above(self, wanted: Sequence[Floats]) -> list[Rows | int]:
        """How many passages are above each of the wanted scores, for each ranking.

        That is (n,), or 0 if none is ranked, so that it says nothing of what is wanted.
        """
        rankings = (self._lexical, self._near)
        return [
            above(scores, asked) if len(scores) else 0
            for scores, asked in zip(rankings, wanted, strict=True)
        ]

    def _score_below(self, row: int) -> float:
        """The score of a passage that was no candidate: a share of its article's, by BM25F."""
        ordinal = self.table.article_of[row]
        best = float(self.matches.scores[self.table.rows_of_article(ordinal)].max())
        return self._score(ordinal) * float(self.matches.scores[row]) / best if best else 0.0

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


def other_copies(copies: Copies) -> OtherCopies:
    """The first COPIES_LISTED copies, by rank, and the number of all."""
    listed, total = copies
    first = sorted(listed, key=lambda pair: pair[0])[:COPIES_LISTED]
    return OtherCopies(tuple(copy for _, copy in first), total)


def above(scores: Floats, wanted: Floats) -> Rows:
    """How many scores are above each of the wanted ones, (n,).

    >>> above(np.array([0.9, 0.5, 0.5]), np.array([0.5, 0.1]))
    array([1, 3])
    """
    return np.array([np.count_nonzero(scores > each) for each in wanted], np.int64)


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
