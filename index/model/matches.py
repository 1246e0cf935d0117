"""What words found: in whole articles, and in passages, leaf by leaf."""

from dataclasses import dataclass
from typing import NamedTuple

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.expression import Leaf


class ScoredPostings(NamedTuple):
    """The living rows of a term, and what it scores in each, its rarity included.

    `articles` are the places of those that own the rows, each once.
    """

    rows: Rows
    scores: Floats
    articles: Rows


class LeafMatches(NamedTuple):
    """What one word, phrase or prefix found, as it was written: one list, none of columns.

    `held` (n_articles,) marks the articles it stands in.
    """

    leaf: Leaf
    lists: tuple[ScoredPostings, ...]
    held: Bools


@dataclass(frozen=True, slots=True)
class Matches:
    """What words found.

    `scores` (n_rows,) is above zero where any word stands; `held` (n_articles,) marks the articles
    that match; `admitted` those that break no requirement (a phrase, AND, NOT, a field), which
    meaning must respect too; `asked` those that hold all of a few words, or whatever else of title
    and text was required. `relaxed` is true where no article held enough of the words; `n_words`
    were weighed. `most` is what a passage would score that held nothing but the words, absent ones
    included, of many the weightiest. `leaves` says what each score is made of: it is their sum.
    """

    scores: Floats
    held: Bools
    admitted: Bools
    asked: Bools
    most: float = 0.0
    relaxed: bool = False
    n_words: int = 0
    leaves: tuple[LeafMatches, ...] = ()
