"""Ranking: selects candidates, fuses their scores, and sorts articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np

from backfile.index.lexical.scoring.bm25 import best_rows
from backfile.index.model.arrays import Bools, Floats, Ints, Rows, distinct, is_first
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates, Nearness, Tail
from backfile.index.model.matches import Matches
from backfile.index.model.query import Mode, Sort
from backfile.index.model.whole import UNDIVIDED, Reduced, Whole, owners_of_first
from backfile.index.search import fusion
from backfile.index.search.closeness import Close

Keys = np.ndarray[Any, Any]
BITS = 63  # of an integer, without its sign
RELATED_SHARE = 0.1  # of the way from the usual best closeness to the query's own
LEXICAL_DEPTH = 1_000  # best passages by words, whose cosines are computed too


class Fusion(StrEnum):
    """The function that fuses both rankings."""

    CONVEX = "convex"
    RRF = "rrf"


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """The parameters of ranking; the defaults of `vector_weight` and `floor` were evaluated.

    An article's score is that of its best passage and `passage_share` of each of the next two.
    `floor` is the least closeness of a row found by meaning.
    """

    fusion: Fusion = Fusion.CONVEX
    vector_weight: float = 0.6
    floor: float = 0.3
    passage_share: float = 0.0
    lexical_depth: int = LEXICAL_DEPTH


@dataclass(frozen=True, slots=True)
class Selection:
    """The candidates before fusion: rows in ascending order, and masks.

    `near` (n,) marks the rows that were found by meaning; `by_words` and `by_meaning` (n_articles,)
    mark the articles that match.
    """

    rows: Rows
    near: Bools
    by_words: Bools
    by_meaning: Bools


SortKeys = tuple[Keys, ...]
"""What sorts rows, (n,) each, the first key first."""


class _Own(NamedTuple):
    """What a shard gives of its best rows: what sorts those of leading articles, and of all.

    `most_held` is that of Matches; it is so much that leading articles hold, if any `leads`.
    """

    most_held: float
    leads: bool
    leading: SortKeys
    every: SortKeys


class _OfAll(NamedTuple):
    """How much the leading articles hold; None where none leads.

    Each shard has so many of the best rows of the whole, (n_shards,).
    """

    held: float | None
    n_best: Rows


@dataclass(frozen=True, slots=True)
class ByWords:
    """The rows of one shard that articles which match by words are scored with.

    `every` are the articles that match; `leading` those that are ranked before the others, if the
    whole has none that hold more. Of both, the first rows by score are best, up to the depth of a
    search by meaning, too. Whether the own articles lead is known once the shards have compared
    them: so all give what they have for either.
    """

    table: ArticleTable
    matches: Matches
    every: Bools
    leading: Bools
    best: Rows
    best_leading: Rows
    own: _Own
    whole: Whole
    given: Reduced[_OfAll]

    @classmethod
    def of(
        cls,
        table: ArticleTable,
        matches: Matches,
        by_words: Bools,
        depth: int,
        whole: Whole = UNDIVIDED,
        *,
        is_filtered: bool,
    ) -> Self:
        """Those of the articles `by_words`, to a `depth` of 0 without meaning; they are given.

        Unless it `is_filtered`, some article of a query that matches any leads.
        """
        leading = by_words & matches.leading
        leads = bool(leading.any())
        no_rows = np.empty(0, np.int64)
        best_leading = _best(table, matches, leading, depth) if depth and leads else no_rows
        others_may_lead = whole.is_divided and is_filtered
        needs_every = depth and (not leads or others_may_lead)
        best = _best(table, matches, by_words, depth) if needs_every else no_rows
        keys: list[SortKeys] = [(), ()]
        if whole.is_divided:
            keys = [
                (-matches.scores[rows], table.number[table.article_of[rows]])
                for rows in (best_leading, best)
            ]
        own = _Own(matches.most_held, leads, *keys)
        given = whole.reduced(own, partial(_best_of_all, depth=depth))
        return cls(table, matches, by_words, leading, best, best_leading, own, whole, given)

    def rows(self) -> Rows:
        """All rows with a score."""
        held = self.given.value().held
        if held is None:
            return _scored(self.table, self.matches, self.every)
        if held == self.own.most_held:
            return _scored(self.table, self.matches, self.leading)
        return np.empty(0, np.int64)

    def best_rows(self) -> Rows:
        """The rows with the best scores in the whole."""
        of_all = self.given.value()
        rows = self.best if of_all.held is None else self.best_leading
        return rows[: of_all.n_best[self.whole.place]] if self.whole.is_divided else rows


def _best_of_all(shards: Sequence[_Own], depth: int) -> _OfAll:
    most = max(each.most_held for each in shards)
    held = most if any(each.leads for each in shards if each.most_held == most) else None

    def counted(own: _Own) -> SortKeys:
        if held is None:
            return own.every
        return own.leading if own.most_held == held else tuple(key[:0] for key in own.leading)

    keys = [counted(each) for each in shards]
    owners = owners_of_first(keys, depth) if all(keys) else np.empty(0, np.int64)
    return _OfAll(held, np.bincount(owners, minlength=len(shards)))


def select(
    words: ByWords,
    near_rows: Rows | None,
    article_mask: Bools,
    mode: Mode,
) -> Selection:
    """Select the candidates: the best rows by words, and all rows near in meaning.

    `near_rows` are rows of eligible articles; None if the query has no meaning: then all rows of
    the leading articles are candidates, else the best.
    """
    by_words, by_meaning = matching(words.table, words.matches, near_rows, article_mask, mode)
    if near_rows is None:
        rows = words.rows()
        return Selection(rows, np.zeros(len(rows), np.bool_), by_words, by_meaning)
    rows = distinct(np.concatenate([words.best_rows(), near_rows]))
    return Selection(rows, np.isin(rows, near_rows), by_words, by_meaning)


def matching(
    table: ArticleTable,
    matches: Matches,
    near_rows: Rows | None,
    article_mask: Bools,
    mode: Mode,
) -> tuple[Bools, Bools]:
    """Article masks of the masked articles that match by words, and by meaning."""
    no_articles = np.zeros(table.n_articles, np.bool_)
    by_words = matches.matching & article_mask if mode is not Mode.SEMANTIC else no_articles
    by_meaning = no_articles if near_rows is None else table.articles_with(near_rows)
    return by_words, by_meaning


def fuse(
    selection: Selection,
    matches: Matches,
    nearness: Close,
    mode: Mode,
    assumed: float,
    options: RankingOptions,
    whole: Whole = UNDIVIDED,
) -> Candidates:
    """Fuse the scores of the candidates; what is not embedded is `assumed` to be so close."""
    lexical = matches.scores[selection.rows]
    match mode:
        case Mode.KEYWORD:
            fused, word_share = lexical, lexical
        case Mode.SEMANTIC:
            fused, word_share = nearness.closeness, np.zeros_like(nearness.closeness)
        case Mode.HYBRID if np.isnan(assumed):  # nothing is embedded
            fused, word_share = lexical, lexical
        case Mode.HYBRID:
            close = nearness.closeness
            close = np.where(np.isnan(close), np.float32(assumed), close)
            fused, word_share = _fused(lexical, matches.most, close, options, whole)
    return Candidates(
        rows=selection.rows,
        fused=fused,
        lexical=lexical,
        cosines=nearness.cosines,
        closeness=nearness.closeness,
        near=selection.near,
        by_words=selection.by_words,
        by_meaning=selection.by_meaning,
        word_share=word_share,
        assumed=assumed,
    )


def least_closeness(near: Nearness, usual: float, floor: float, whole: Whole = UNDIVIDED) -> float:
    """The closeness from which passages are related to a query, by the nearest of them.

    `usual` is the best closeness of random words in this archive: what is not clearly nearer than
    that, relative to the best, is near by chance. At least `floor`.
    """
    best = whole.max(near.closeness.max(initial=-1.0))
    return max(floor, usual + RELATED_SHARE * (best - usual))


def article_scores(
    table: ArticleTable, candidates: Candidates, matches: Matches, passage_share: float = 0.0
) -> Floats:
    """What articles are sorted by, the greatest first, (n_articles,); -inf if it does not match.

    That is the score of an article by its best passages. One of the tail has a place below all
    candidates (see `Tail`).
    """
    scores = np.full(table.n_articles, -np.inf, np.float32)
    owners = table.article_of[candidates.rows]
    np.maximum.at(scores, owners, candidates.fused)
    if passage_share:
        np.add.at(scores, *_shares(owners, candidates.fused, passage_share))
    left = candidates.articles & np.isneginf(scores)
    if left.any():
        best = np.zeros(table.n_articles, np.float32)
        rows = _scored(table, matches, left)
        np.maximum.at(best, table.article_of[rows], matches.scores[rows])
        scores[left] = Tail.places(best[left])
    return scores


def in_order(table: ArticleTable, article_mask: Bools, scores: Floats, sort: Sort) -> Rows:
    """Sort the masked articles, as ordinals; ties: the newer first, then the earlier added."""
    ordinals = np.flatnonzero(article_mask)
    if sort is Sort.RELEVANCE:
        return ordinals[_by_score(-scores[ordinals], -table.published[ordinals])]
    ordered: Rows = ordinals[np.lexsort(order_keys(table, ordinals, scores, sort)[::-1])]
    return ordered


def order_keys(table: ArticleTable, ordinals: Rows, scores: Floats, sort: Sort) -> SortKeys:
    """What articles are sorted by, ascending, the first key first; (n,) each.

    The last is their number, so no two are equal, also of different shards.
    """
    published, numbers = table.published[ordinals], table.number[ordinals]
    match sort:
        case Sort.RELEVANCE:
            return (-scores[ordinals], -published, numbers)
        case Sort.NEWEST:
            return (-published, -scores[ordinals], numbers)
        case Sort.OLDEST:  # undated articles are last in both orders of time
            dated = np.where(published > 0, published, np.iinfo(np.int32).max)
            return (dated, -scores[ordinals], numbers)
    return (-numbers,)


def _by_score(scores: Floats, days: Ints) -> Rows:
    """Sort scores, ascending, as indices; equal ones by their day, then as they stand.

    Passages of one length that hold a word once have one score, so most are equal. Sorting one
    integer of rank, day and index takes a fifth of the time of sorting by three keys.
    """
    if not len(scores):
        return np.empty(0, np.int64)
    order = _ascending(scores)
    ranks = np.empty(len(scores), np.int64)
    ranks[order] = np.cumsum(is_first(scores[order]))
    days = days.astype(np.int64) - days.min()
    for_index, for_day = len(scores).bit_length(), int(days.max()).bit_length()
    if for_index + for_day + int(ranks.max()).bit_length() >= BITS:
        return np.lexsort((days, ranks))
    keys = (ranks << (for_index + for_day)) | (days << for_index) | np.arange(len(scores))
    keys.sort()
    return keys & ((1 << for_index) - 1)


def _ascending(scores: Floats) -> Rows:
    """The indices that sort scores, in a quarter of the time of `argsort`.

    The bits of a float, read as an integer, are in its order, but for negative ones, which are in
    the opposite one. So one integer of score and index can be sorted.
    """
    bits = scores.view(np.int32)
    bits = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    keys = (bits.astype(np.int64) << 32) | np.arange(len(scores))
    keys.sort()
    return keys & 0xFFFFFFFF


def _shares(owners: Rows, fused: Floats, share: float) -> tuple[Rows, Floats]:
    """The shares of second and third best passages: ordinals and scores, aligned."""
    order = np.lexsort((-fused, owners))
    owners, fused = owners[order], fused[order]
    rank = np.arange(len(owners)) - np.searchsorted(owners, owners)  # 0 is an article's best
    following = (rank > 0) & (rank <= 2)
    return owners[following], (share * fused[following]).astype(np.float32)


def _scored(table: ArticleTable, matches: Matches, article_mask: Bools) -> Rows:
    """The rows with a BM25F score above 0, in the masked articles."""
    rows = matches.scored
    return rows.compress(article_mask.take(table.article_of.take(rows)))  # a sixth of rows[mask]


def _best(table: ArticleTable, matches: Matches, article_mask: Bools, depth: int) -> Rows:
    """The `depth` rows of the masked articles with the highest scores, the best first."""
    scores = matches.scores
    rows = best_rows(scores, depth, lambda rows: article_mask[table.article_of[rows]])
    if len(rows) > depth:
        least = np.partition(scores[rows], -depth)[-depth]
        rows = rows[scores[rows] >= least]
    best: Rows = rows[np.lexsort((rows, table.article_of[rows], -scores[rows]))[:depth]]
    return best


def _fused(
    lexical: Floats, most: float, closeness: Floats, options: RankingOptions, whole: Whole
) -> tuple[Floats, Floats]:
    """Fuse both scores; return the fused scores and the share of words in them."""
    if options.fusion is Fusion.RRF:
        word_share = fusion.reciprocal_rank_words(lexical, whole)
        return fusion.reciprocal_rank(lexical, closeness, whole), word_share
    word_share = fusion.convex_words(lexical, most, options.vector_weight)
    return fusion.convex(lexical, most, closeness, options.vector_weight), word_share
