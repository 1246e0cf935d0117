"""Finds what an article's own words say of others: its most telling words, and who shares them.

A word tells much that stands often in the article and seldom elsewhere: tf-idf, as in Salton and
Buckley, "Term-weighting approaches in automatic text retrieval", 1988.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

from backfile.archive.model.article import Article
from backfile.index.lexical.analysis.analyser import term_spans
from backfile.index.lexical.analysis.languages import slots
from backfile.index.lexical.analysis.ngrams import KANA, has_run
from backfile.index.lexical.analysis.stemming import is_stop_word, reading
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.expression import Field
from backfile.index.model.matches import ScoredPostings

MOST_WORDS = 25
LOOKED_AT = 150  # terms, the most frequent; each has a list to be read
LONGEST = 100_000  # characters that are looked at
IN_TITLE = 3  # times that a word of the title counts
SHORTEST = 2  # characters of a word
TOGETHER = 0.5  # of an article's words, by weight; what one of its passages holds at least


@dataclass(frozen=True, slots=True)
class ScoredWord:
    """A word as it is first written, and what it scores in which passages."""

    text: str
    found: ScoredPostings


@dataclass(frozen=True, slots=True)
class MoreLikeThis:
    """What the words of one article say of all passages.

    `shares` (n_rows,) is what a passage holds of the words, by weight, beside the article's own
    best passage: 0 to 1.
    """

    words: tuple[ScoredWord, ...]
    shares: Floats


def more_like_this(collection: Collection, article: Article, own: Rows) -> MoreLikeThis:
    """Weigh an article's most telling words against all passages; its own are at `own`.

    Passages and not whole articles, as a round-up of the day's news holds any words somewhere.
    """
    scores = np.zeros(collection.table.n_rows, np.float32)
    words: list[ScoredWord] = []
    reached = 0.0  # what the article's best passage would score if it held what all of them do
    for word in _telling(collection, article):
        before = scores[own]
        np.add.at(scores, word.found.rows, word.found.scores)
        reached += float((scores[own] - before).max(initial=0))
        words.append(word)
    # Where its words are scattered, as in a round-up, one passage with some of them is no likeness.
    most = max(float(scores[own].max(initial=0)), TOGETHER * reached)
    shares = np.minimum(scores / most, 1) if most else scores
    return MoreLikeThis(tuple(words), shares.astype(np.float32))


def _telling(collection: Collection, article: Article) -> Iterator[ScoredWord]:
    """Walk the words that tell most, of those that other articles hold too."""
    written: dict[str, str] = {}
    counts: Counter[str] = Counter()
    language = reading(article.language)
    for some, times in ((article.given_title, IN_TITLE), (article.text[:LONGEST], 1)):
        for term, start, end in term_spans(some, language):
            word = some[start:end]
            if len(word) >= SHORTEST and _tells(word, language):
                written.setdefault(term, word)
                counts[term] += times
    often = {term: 1 + log(n) for term, n in counts.most_common(LOOKED_AT)}
    alike = {term: slots(collection.languages.terms(written[term]))[0] for term in often}
    telling = {term: weight * collection.idf(alike[term]) for term, weight in often.items()}
    found = 0
    for term in sorted(telling, key=lambda term: -telling[term]):
        told = collection.scored_postings(Field.ANY, alike[term])
        if len(told.articles) > 1:
            scores = np.float32(often[term]) * told.scores
            yield ScoredWord(written[term], told._replace(scores=scores))
            found += 1
        if found == MOST_WORDS:
            return


def _tells(word: str, language: str) -> bool:
    """Whether a word says more than how a sentence is built; hiragana seldom does."""
    return not is_stop_word(word, language) and not (has_run(word) and KANA.search(word))
