"""The result of matching words: masks over articles, scores of passages, one entry a leaf."""

from dataclasses import dataclass
from typing import NamedTuple

from backfile.index.model.arrays import Bools, Floats, Rows
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


@dataclass(frozen=True, slots=True)
class Matches:
    """The matches of an expression by words.

    `scores` (n_rows,) are the sums of the scores in `leaves`, 0 for a passage without any word.
    Three masks (n_articles,): `matching` articles; `eligible` articles meet every requirement (a
    phrase, AND, NOT, a field), which matching by meaning must respect too; `full_matches` contain
    all plain words if the query has few, or else every required part of title and text. `relaxed`
    is true if no article contains enough of the words. `n_words` is the number of plain words.
    `most` is an upper bound of a passage's score, from the highest idfs of the words, absent words
    included. `left_out` is the number of plain words that do not count because there are too many.
    `unread` is true if time ran out before all parts were matched.
    """

    scores: Floats
    matching: Bools
    eligible: Bools
    full_matches: Bools
    most: float = 0.0
    relaxed: bool = False
    n_words: int = 0
    leaves: tuple[LeafMatches, ...] = ()
    left_out: int = 0
    unread: bool = False
