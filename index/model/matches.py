"""The result of matching words: masks over articles, scores of passages, one entry a leaf."""

from dataclasses import dataclass
from typing import NamedTuple

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.expression import Leaf


class ScoredPostings(NamedTuple):
    """The living rows that hold a term, with its score in each, idf included.

    `articles` are the ordinals of the articles that own the rows, each once.
    """

    rows: Rows
    scores: Floats
    articles: Rows


class LeafMatches(NamedTuple):
    """What one leaf of the expression matched: one list, or none for a column of articles.

    `articles` (n_articles,) marks the articles that contain it.
    """

    leaf: Leaf
    lists: tuple[ScoredPostings, ...]
    articles: Bools


@dataclass(frozen=True, slots=True)
class Matches:
    """What an expression matched by words.

    `scores` (n_rows,) is above 0 for passages that hold any of the words: the sum of the scores in
    `leaves`. Three masks (n_articles,): `matching` articles; `eligible` articles meet every
    requirement (a phrase, AND, NOT, a field), which matching by meaning must respect too;
    `full_matches` contain all plain words where there are few, or else every required part of title
    and text. `relaxed` is true if no article contains enough of the words. `n_words` is the number
    of plain words. `most` bounds the score of a passage: that of one which holds nothing but the
    words, absent ones included; of many words, the ones with the highest idf.
    """

    scores: Floats
    matching: Bools
    eligible: Bools
    full_matches: Bools
    most: float = 0.0
    relaxed: bool = False
    n_words: int = 0
    leaves: tuple[LeafMatches, ...] = ()
