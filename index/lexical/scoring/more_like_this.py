"""Finds passages that share an article's key terms.

A key term is frequent in the article and rare in the archive: tf-idf, as in Salton and Buckley,
"Term-weighting approaches in automatic text retrieval", 1988.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

from backfile.archive.model.article import Article
from backfile.index.lexical.analysis.analyser import term_spans
from backfile.index.lexical.analysis.ngrams import KANA, has_run
from backfile.index.lexical.analysis.stemming import is_stop_word, reading
from backfile.index.lexical.scoring.collection import Collection
from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.expression import Field
from backfile.index.model.matches import ScoredPostings
from backfile.index.model.whole import UNDIVIDED, Whole

MOST_WORDS = 25
LOOKED_AT = 150  # terms, the most frequent; the posting list of each is read
LONGEST = 100_000  # characters of the article that are read
IN_TITLE = 3  # occurrences that a word of the title counts for
SHORTEST = 2  # characters of a word
TOGETHER = 0.5  # share of an article's words, by score, that its best passage is taken to hold


@dataclass(frozen=True, slots=True)
class ScoredWord:
    """A word in its first written form, and its scores in passages."""

    text: str
    found: ScoredPostings


@dataclass(frozen=True, slots=True)
class MoreLikeThis:
    """The key terms of one article, and how much of them each passage holds.

    `shares` (n_rows,) is the score of a passage as a share of that of the article's own best
    passage, 0 to 1.
    """

    words: tuple[ScoredWord, ...]
    shares: Floats


def more_like_this(
    collection: Collection, article: Article, own: Rows, whole: Whole = UNDIVIDED
) -> MoreLikeThis:
    """Score all passages by an article's key terms; `own` are the article's own rows.

    Passages, not whole articles: a round-up of the day's news contains any words somewhere. In a
    shard that does not hold the article, there are no own rows.
    """
    scores = np.zeros(collection.table.n_rows, np.float32)
    words: list[ScoredWord] = []
    reachable = 0.0  # the score of a passage that held every word as often as any own passage does
    for word in _key_words(collection, article, whole):
        before = scores[own]
        np.add.at(scores, word.found.rows, word.found.scores)
        reachable += float((scores[own] - before).max(initial=0))
        words.append(word)
    # In a round-up the words are scattered over passages; a few of them are no likeness.
    most = whole.max(max(float(scores[own].max(initial=0)), TOGETHER * reachable))
    shares = np.minimum(scores / most, 1) if most else scores
    return MoreLikeThis(tuple(words), shares.astype(np.float32))


def _key_words(collection: Collection, article: Article, whole: Whole) -> Iterator[ScoredWord]:
    """Walk the words with the highest tf-idf, of those that other articles contain too."""
    written: dict[str, str] = {}
    counts: Counter[str] = Counter()
    language = reading(article.language)
    for text, times in ((article.given_title, IN_TITLE), (article.text[:LONGEST], 1)):
        for term, start, end, *_ in term_spans(text, language):
            word = text[start:end]
            if len(word) >= SHORTEST and _is_content_word(word, language):
                written.setdefault(term, word)
                counts[term] += times
    frequencies = {term: 1 + log(n) for term, n in counts.most_common(LOOKED_AT)}
    alike = {term: collection.languages.terms(written[term])[0] for term in frequencies}
    held = {term: collection.scored_postings(Field.ANY, alike[term]) for term in frequencies}
    own = [(len(each.rows), len(each.articles)) for each in held.values()]
    of_all = whole.sums(np.array(own, np.int64).reshape(-1, 2)).tolist()
    in_whole: dict[str, tuple[int, int]] = dict(zip(frequencies, of_all, strict=True))
    tf_idf = {term: tf * collection.idf(in_whole[term][0]) for term, tf in frequencies.items()}
    found = 0
    for term in sorted(tf_idf, key=lambda term: -tf_idf[term]):
        passages, articles = in_whole[term]
        if articles > 1:
            frequency = passages if whole.is_divided else None
            postings = collection.scored_postings(Field.ANY, alike[term], frequency=frequency)
            scores = np.float32(frequencies[term]) * postings.scores
            yield ScoredWord(written[term], postings._replace(scores=scores))
            found += 1
        if found == MOST_WORDS:
            return


def _is_content_word(word: str, language: str) -> bool:
    """Whether a word is no stop word; words with hiragana are mostly grammar."""
    return not is_stop_word(word, language) and not (has_run(word) and KANA.search(word))
