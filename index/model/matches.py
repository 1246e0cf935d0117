"""The result of matching words: masks over articles, scores of passages, one entry a leaf."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import FEW, Bools, Floats, Rows, distinct
from backfile.index.model.expression import Leaf


class ScoredPostings(NamedTuple):
    """The living rows that contain a term, and its BM25 score in each, with idf.

    `articles` are the distinct ordinals of the rows' articles.
    """

    rows: Rows
    scores: Floats
    articles: Rows


class LeafMatches(NamedTuple):
    """The matches of one leaf: its scored postings, or none if it searches a column.

    `articles` (n_articles,) marks the articles that match it.
    """

    leaf: Leaf
    lists: tuple[ScoredPostings, ...]
    articles: Bools


class Occurrences(NamedTuple):
    """How many articles match each leaf, (n_leaves,), and whether any holds all words."""

    articles: Rows
    in_full: bool

    @classmethod
    def of_all(cls, shards: Sequence["Occurrences"]) -> "Occurrences":
        """Those of the whole."""
        articles, in_full = zip(*shards, strict=True)
        return cls(np.sum(articles, axis=0), any(in_full))


@dataclass(frozen=True)
class Matches:
    """The matches of an expression by words.

    `scores` (n_rows,) are the sums of the scores in `leaves`, 0 for a passage without any word.
    Masks (n_articles,): `eligible` articles meet every requirement (a phrase, AND, NOT, a field),
    which matching by meaning must respect too. Among them, `matching` articles contain some of the
    plain words, `holds_most` most of them by weight, `holds_all` all of them; without plain words,
    all four are equal. `leading` are the matching articles that are ranked before the others: of a
    few words, those that contain as much as any, which is `most_held` by weight; so they do not
    lead where another shard has more. `required` is true if title or text decide which
    articles are eligible. `n_words` is the number of plain words. `most` is an upper bound of a
    passage's score, from the highest idfs of the words, absent words included. `left_out` is the
    number of plain words that do not count because there are too many. `unread` is true if time ran
    out before all parts were matched.
    """

    scores: Floats
    eligible: Bools
    matching: Bools
    leading: Bools
    holds_most: Bools
    holds_all: Bools
    required: bool = False
    most_held: float = 0.0
    most: float = 0.0
    n_words: int = 0
    leaves: tuple[LeafMatches, ...] = ()
    left_out: int = 0
    unread: bool = False

    @cached_property
    def scored(self) -> Rows:
        """The rows with a score, ascending."""
        lists = [found.rows for leaf in self.leaves for found in leaf.lists]
        if sum(map(len, lists)) * FEW < len(self.scores):
            rows = distinct(np.concatenate([np.empty(0, np.int64), *lists]))
            return rows.compress(self.scores.take(rows) > 0)
        return np.flatnonzero(self.scores > 0)  # ten times as fast as of the scores themselves

    def occurrences(self) -> Occurrences:
        """Those among these articles."""
        articles = np.array([each.articles.sum() for each in self.leaves], np.int64)
        return Occurrences(articles, bool(self.holds_all.any()))
