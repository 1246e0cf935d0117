"""Ranks: which passages are candidates, what each scores, and in which order articles stand."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from backfile.index.lexical.scoring.bm25 import best_rows
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.candidates import Candidates
from backfile.index.model.matches import Matches
from backfile.index.model.query import Mode, Sort
from backfile.index.search import fusion
from backfile.index.vector.exact_scan import top

LEXICAL_DEPTH = 1_000  # passages by words whose nearness in meaning is computed too


class Fusion(StrEnum):
    """How both rankings are merged."""

    CONVEX = "convex"
    RRF = "rrf"


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """What can be tuned. `vector_weight` and `floor` come from `backfile evaluate`.

    An article scores as its best passage and `passage_share` of each of the next two.
    """

    fusion: Fusion = Fusion.CONVEX
    vector_weight: float = 0.6
    floor: float = 0.3
    passage_share: float = 0.0
    lexical_depth: int = LEXICAL_DEPTH


@dataclass(frozen=True, slots=True)
class Selection:
    """The passages that compete, before they are scored: rows ascending, and masks.

    `near` (n,) marks the rows that were found by meaning; `by_words` and `by_meaning` (n_articles,)
    mark the articles that match.
    """

    rows: Rows
    near: Bools
    by_words: Bools
    by_meaning: Bools


def select(
    table: ArticleTable,
    matches: Matches,
    near_rows: Rows | None,
    article_mask: Bools,
    mode: Mode,
    depth: int = LEXICAL_DEPTH,
) -> Selection:
    """Select the passages that compete: the best by words, and all that are near in meaning.

    Where meaning was asked, at most `depth` passages come by words. `near_rows` are those of
    eligible articles; None where meaning was not asked.
    """
    nobody = np.zeros(table.n_articles, np.bool_)
    by_words = matches.matching & article_mask if mode is not Mode.SEMANTIC else nobody
    if near_rows is None:
        rows = _scored(table, matches, by_words)
        return Selection(rows, np.zeros(len(rows), np.bool_), by_words, nobody)
    rows = np.union1d(_best(table, matches, by_words, depth), near_rows)
    return Selection(rows, np.isin(rows, near_rows), by_words, table.articles_with(near_rows))


def fuse(
    selection: Selection, matches: Matches, cosines: Floats, mode: Mode, options: RankingOptions
) -> Candidates:
    """Score the selected passages; `cosines` (n,) are NaN where a passage is not embedded."""
    lexical = matches.scores[selection.rows]
    match mode:
        case Mode.KEYWORD:
            fused, worded = lexical, lexical
        case Mode.SEMANTIC:
            fused, worded = cosines, np.zeros_like(cosines)
        case Mode.HYBRID:
            fused, worded = _fused(lexical, matches.most, cosines, options)
    return Candidates(
        rows=selection.rows,
        fused=fused,
        lexical=lexical,
        cosines=cosines,
        near=selection.near,
        by_words=selection.by_words,
        by_meaning=selection.by_meaning,
        worded=worded,
    )


def article_scores(
    table: ArticleTable,
    candidates: Candidates,
    matches: Matches,
    passage_share: float = 0.0,
) -> Floats:
    """Score articles by their best passages; what was no candidate stands below, by words alone."""
    scores = np.full(table.n_articles, -np.inf, np.float32)
    owners = table.article_of[candidates.rows]
    np.maximum.at(scores, owners, candidates.fused)
    if passage_share:
        np.add.at(scores, *_shares(owners, candidates.fused, passage_share))
    left = candidates.articles & np.isneginf(scores)
    if left.any():
        rows = _scored(table, matches, left)
        tail = np.zeros(table.n_articles, np.float32)
        np.maximum.at(tail, table.article_of[rows], matches.scores[rows])
        lowest = float(candidates.fused.min()) if len(candidates.fused) else 0.0
        scores[left] = lowest * tail[left] / max(float(tail.max()), 1e-9)
    return scores


def in_order(table: ArticleTable, articles: Bools, scores: Floats, sort: Sort) -> Rows:
    """Put the marked articles in order; ties go to the newer, then to the earlier added."""
    places = np.flatnonzero(articles)
    published = table.published[places]
    keys: list[np.ndarray[Any, Any]]
    match sort:
        case Sort.RELEVANCE:
            keys = [places, -published, -scores[places]]
        case Sort.NEWEST:
            keys = [places, -scores[places], -published]
        case Sort.OLDEST:  # undated articles stand last in either direction of time
            dated = np.where(published > 0, published, np.iinfo(np.int32).max)
            keys = [places, -scores[places], dated]
        case Sort.ADDED:
            keys = [-places]
    ordered: Rows = places[np.lexsort(keys)]
    return ordered


def _shares(owners: Rows, fused: Floats, share: float) -> tuple[Rows, Floats]:
    """What the second and third best passage add to their articles, aligned."""
    order = np.lexsort((-fused, owners))
    owners, fused = owners[order], fused[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)  # 0 is an article's best
    following = (place > 0) & (place <= 2)
    return owners[following], (share * fused[following]).astype(np.float32)


def _scored(table: ArticleTable, matches: Matches, articles: Bools) -> Rows:
    """The rows that hold words, in these articles."""
    rows = np.flatnonzero(matches.scores > 0)  # ten times as fast as of the scores themselves
    chosen: Rows = rows[articles[table.article_of[rows]]]
    return chosen


def _best(table: ArticleTable, matches: Matches, articles: Bools, depth: int) -> Rows:
    """The best of the rows that hold words, in these articles."""
    scores = matches.scores
    rows = best_rows(scores, depth, lambda rows: articles[table.article_of[rows]])
    return top(rows, scores[rows], depth).rows


def _fused(
    lexical: Floats, most: float, cosines: Floats, options: RankingOptions
) -> tuple[Floats, Floats]:
    """Merge both scores; return also what of it is due to words."""
    known = ~np.isnan(cosines)
    if not known.any():
        return lexical, lexical
    # A passage that is not embedded yet is taken to be as near as the others are: the median.
    cosines = np.where(known, cosines, np.median(cosines[known])).astype(np.float32)
    if options.fusion is Fusion.RRF:
        worded = fusion.reciprocal_rank_words(lexical)
        return fusion.reciprocal_rank(lexical, cosines), worded
    worded = fusion.convex_words(lexical, most, options.vector_weight)
    return fusion.convex(lexical, most, cosines, options.vector_weight), worded
