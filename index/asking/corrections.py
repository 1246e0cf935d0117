"""Ranks the corrections of one word: the words that are spelt nearly like it."""

from collections.abc import Sequence
from math import log

import numpy as np

from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import spelling_of
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.shared_spellings import AnySpellings, near_each
from backfile.index.lexical.spelling.spellings import NearSpelling
from backfile.index.model.expression import Word
from backfile.index.model.whole import Stage, sum_of_each

SHORTEST = 4  # letters of a word that is corrected, as in Elasticsearch
TWO_EDITS = 7  # letters of a word that is corrected by up to two edits
AN_EDIT = 12.0  # penalty of an edit, on the scale of log frequencies
LEAST_LETTERS = 6  # of a word in the archive that may be misspelt
RARE = 2  # articles of such a word, at most, unless it seems to be a name
RARE_SHARE = 0.02  # of the articles, for a name
TIMES = 10  # as many articles hold a correction as a misspelt word that is in the archive
FIRST_LETTER = 2.0  # penalty of another first letter: people seldom get it wrong
# Penalty of an inserted or substituted letter, which may be any of 26; a deletion or transposition
# can happen in one way only. Kernighan, Church and Gale, "A spelling correction program based on a
# noisy channel model", 1990.
A_LETTER = log(26)


def articles_with(words: Sequence[str], lexical: LexicalSearch) -> Stage[list[int]]:
    """How many articles of the whole hold each of these words."""
    if not words:
        return []
    lexical.whole.note(words)
    with lexical.whole.alone():
        found = [lexical.alone().match(Word(word)).matching.sum() for word in words]
    given = lexical.whole.reduced(np.array(found, np.int64), sum_of_each)
    yield
    counts: list[int] = given.value().tolist()
    return counts


def likely(
    word: str, spellings: AnySpellings, languages: Languages
) -> Stage[Sequence[NearSpelling]]:
    """Rank the corrections of an out-of-vocabulary word, the most probable first.

    None for words shorter than SHORTEST or with digits.
    """
    edits = 2 if len(word) >= TWO_EDITS else 1
    if len(word) < SHORTEST or any(map(str.isdigit, word)):
        return []
    found_near = yield from _near_spelt(word, spellings, languages, edits)
    near = {
        found.spelling.text: (_penalty(found, spelt), found.spelling.text, found)
        for spelt, found in found_near
    }
    return [found for _, _, found in sorted(near.values(), key=lambda ranked: ranked[:2])]


def commoner(
    word: str, n_articles: int, lexical: LexicalSearch, languages: Languages
) -> Stage[Sequence[NearSpelling]]:
    """Find corrections of a rare word: one edit away, and in TIMES as many articles.

    A word in more than RARE articles must be spelt like a name, or it is another word: statue, not
    state.
    """
    if n_articles > max(RARE, RARE_SHARE * lexical.statistics.articles):
        return []
    near = yield from near_words(word, lexical.spellings(), languages)
    if n_articles > RARE:
        near = [each for each in near if each.spelling.written.istitle()]
    counts = yield from articles_with([each.spelling.text for each in near], lexical)
    return [each for each, n in zip(near, counts, strict=True) if n >= TIMES * n_articles]


def near_words(
    word: str, spellings: AnySpellings, languages: Languages
) -> Stage[list[NearSpelling]]:
    """The words one edit from a word, with the same first letter, the most frequent first.

    None of them is a form of the word itself.
    """
    own = {term for places in languages.terms(word) for term in places}
    found_near = yield from _near_spelt(word, spellings, languages, 1)
    near = {
        found.spelling.text: found
        for spelt, found in found_near
        if found.distance and found.spelling.text[:1] == spelt[:1]
    }
    return [each for each in near.values() if own.isdisjoint(each.spelling.terms)]


def _near_spelt(
    word: str, spellings: AnySpellings, languages: Languages, edits: int
) -> Stage[list[tuple[str, NearSpelling]]]:
    """The words within so many edits of a word as each language spells it, which comes first."""
    spelt = sorted({spelling_of(word, language) for language in languages.readings})
    found = yield from near_each(spellings, spelt, edits)
    return [
        (each, near)
        for each, some in zip(spelt, found, strict=True)
        for near in some
        if near.spelling.living
    ]


def _penalty(near: NearSpelling, typed: str) -> float:
    """The negative log probability of a correction, up to a constant."""
    return AN_EDIT * near.distance + mistakes(near, typed) - log(near.spelling.frequency)


def mistakes(near: NearSpelling, typed: str) -> float:
    """The penalty of the kinds of mistakes."""
    word = near.spelling.text
    other_first = word[:1] != typed[:1]
    inserted = len(typed) > len(word) or (len(typed) == len(word) and sorted(typed) != sorted(word))
    return FIRST_LETTER * other_first + A_LETTER * inserted
