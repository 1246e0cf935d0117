"""Did you mean: corrects misspelt words of a query, and ranks the corrections of a word."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice, product
from math import log
from typing import NamedTuple

import numpy as np

from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import is_stop_word, spelling_of
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.scoring.holding import ALL_WORDS
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.shared_spellings import AnySpellings
from backfile.index.lexical.spelling.spellings import NearSpelling
from backfile.index.model.arrays import Bools
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import (
    And,
    Expression,
    Field,
    Form,
    Near,
    Or,
    Phrase,
    Word,
    Words,
)
from backfile.index.model.matches import Matches
from backfile.index.model.results import DidYouMean
from backfile.index.model.whole import Whole

MOST_WORDS = 12  # of a query; a longer one was pasted, and is not corrected
MOST_OCCURRENCES = 4  # of misspelt words in one query
MOST_CANDIDATES = 4  # corrections of one word that are compared by what stands beside them
MOST_COMBINATIONS = 32
TOGETHER = 0.5  # of the other words: what an article with the corrections must hold of them
WELL_KNOWN = 100  # least frequency of a correction for a word with a capital, maybe a name
TIMES = 10  # as many articles hold a correction as a misspelt word that is in the archive
WORDED = (Field.ANY, Field.TITLE, Field.TEXT)
Corrections = Mapping[str, str]


class Candidate(NamedTuple):
    """A correction of a word, and the penalty of the mistakes that it takes."""

    text: str
    penalty: float


def did_you_mean(
    text: str,
    expression: Expression | None,
    matches: Matches,
    lexical: LexicalSearch,
    reads: Callable[[str], Expression | None],
    article_mask: Bools,
) -> DidYouMean | None:
    """Correct words that are nowhere, and rare words spelt nearly like much more frequent ones.

    Of several corrections the one is taken that stands beside the other words of the query. If
    there is none, another spelling of a name is offered that is frequent too.

    `matches` are the query's matches, `article_mask` its filters; `reads` parses another text with
    the same filters. None if there is no correction, or if no article of the mask contains enough
    of the corrected words.
    """
    if expression is None or matches.n_words > MOST_WORDS:
        return None
    whole = lexical.whole
    full = whole.later(bool(matches.holds_all.any()))
    words = list(_words(matches, lexical))
    shortest = LEAST_LETTERS if any(full.values()) else SHORTEST
    candidates = dict(_candidates(words, lexical, shortest))
    best: tuple[float, Corrections, int] | None = None
    for corrections in _combinations(candidates):
        found = lexical.match(_corrected(expression, corrections))
        if articles := _together(found, corrections, article_mask, whole):
            penalty = _penalty_of(corrections, candidates) - log(articles)
            if best is None or penalty < best[0]:
                best = penalty, corrections, _count(found, article_mask, whole)
    if best:
        return _as_text(text, expression, best[1], best[2], reads) if best[2] else None
    for corrections in _other_spellings(words, lexical):
        found = lexical.match(_corrected(expression, corrections))
        if count := whole.sum((found.holds_all & article_mask).sum()):
            offer = _as_text(text, expression, corrections, count, reads)
            return replace(offer, is_variant=True) if offer else None
    return None


def _as_text(
    text: str,
    expression: Expression,
    corrections: Corrections,
    articles: int,
    reads: Callable[[str], Expression | None],
) -> DidYouMean | None:
    target = _corrected(expression, corrections)
    occurrences = _occurrences(text, corrections, lambda other: reads(other) == target)
    if not occurrences:
        return None
    corrected, marks = _replaced(text, occurrences, corrections)
    return DidYouMean(corrected, articles, marks)


def _count(found: Matches, article_mask: Bools, whole: Whole) -> int:
    """The number of articles that hold all words, or else most; of many words, or else some."""
    masks = (found.holds_all, found.holds_most, found.matching)[: 2 + (found.n_words > ALL_WORDS)]
    counts = whole.sums(np.array([(mask & article_mask).sum() for mask in masks]))
    return next(filter(None, counts.tolist()), 0)


def _together(found: Matches, corrections: Corrections, article_mask: Bools, whole: Whole) -> int:
    """The number of articles with the corrections and as many of the other plain words as any.

    Words that are nowhere do not count; 0 if too few of the others stand beside the corrections.
    """
    if not found.n_words:
        return whole.sum((found.matching & article_mask).sum())
    mask = found.eligible & article_mask
    plain = found.leaves[-found.n_words :]
    for each in plain:
        if each.leaf.text in corrections.values():
            mask = mask & each.articles
    known = whole.any_of_each(np.array([each.articles.any() for each in plain], np.bool_))
    others = [
        each.articles
        for each, is_known in zip(plain, known.tolist(), strict=True)
        if is_known and each.leaf.text not in corrections.values()
    ]
    held = np.sum(others, axis=0)[mask] if others else np.zeros(mask.sum(), np.int64)
    most = int(whole.max(held.max(initial=0)))
    return whole.sum((held == most).sum()) if most >= TOGETHER * len(others) else 0


def _combinations(candidates: Mapping[str, Sequence[Candidate]]) -> Iterator[Corrections]:
    """Iterate over the ways to correct all misspelt words, the most probable corrections first."""
    if candidates:
        ways = product(*candidates.values())
        for way in islice(ways, MOST_COMBINATIONS):
            yield dict(zip(candidates, (each.text for each in way), strict=True))


def _penalty_of(corrections: Corrections, candidates: Mapping[str, Sequence[Candidate]]) -> float:
    """The sum of the penalties of corrections; how frequent they are is counted in context."""
    return sum(
        each.penalty
        for word, text in corrections.items()
        for each in candidates[word]
        if each.text == text
    )


def _candidates(
    words: Sequence[tuple[str, int]], lexical: LexicalSearch, shortest: int
) -> Iterator[tuple[str, Sequence[Candidate]]]:
    """Iterate over the misspelt words of a query with their corrections, the likeliest first."""
    for word, n_articles in words:
        if found := _corrections(word, n_articles, lexical, shortest):
            yield word, found


def _words(matches: Matches, lexical: LexicalSearch) -> Iterator[tuple[str, int]]:
    """Iterate over the words of a query, and of its phrases that are nowhere, with their articles.

    Only those that may be corrected.
    """
    own = np.array([found.articles.sum() for found in matches.leaves], np.int64)
    counts = lexical.whole.sums(own).tolist()
    for leaf, n_articles in zip((found.leaf for found in matches.leaves), counts, strict=True):
        if leaf.field not in WORDED or getattr(leaf, "form", Form.ANY) is not Form.ANY:
            continue
        if isinstance(leaf, Word):
            yield leaf.text, n_articles
        elif isinstance(leaf, Phrase | Near) and not n_articles:
            for word in WORD.findall(leaf.text):
                if not (alone := _articles_with(word, lexical)):
                    yield word, alone


def _corrections(
    word: str, n_articles: int, lexical: LexicalSearch, shortest: int
) -> list[Candidate]:
    """The corrections of a word, as it is typed, the most probable first.

    `shortest` is the least number of letters of a word that is in the archive.
    """
    languages = lexical.languages
    if not word.isalpha() or word not in (word.lower(), word.capitalize(), word.upper()):
        return []  # a name with capitals inside: BurgerKing
    if n_articles:
        if len(word) < shortest:
            return []
        near = commoner(word, n_articles, lexical, languages)
    else:
        near = likely(word, lexical.spellings(), languages)
        if not word.islower():
            near = [each for each in near if each.spelling.frequency >= WELL_KNOWN]
        if near and lexical.whole.any(_is_a_name(word, lexical.table)):
            return []
    near = [each for each in near if not is_stop_word(each.spelling.text)] or near
    found: dict[str, Candidate] = {}
    for each in near:
        text = _as_typed(word, each.spelling.written)
        penalty = AN_EDIT * each.distance
        penalty += min(_mistakes(each, spelling_of(word, code)) for code in languages.readings)
        found.setdefault(text, Candidate(text, penalty))
    return list(found.values())[:MOST_CANDIDATES]


def _other_spellings(
    words: Sequence[tuple[str, int]], lexical: LexicalSearch
) -> Iterator[Corrections]:
    """Iterate over other spellings of the names in a query that are frequent as well."""
    languages = lexical.languages
    for word, n_articles in words:
        if n_articles and word.isalpha() and len(word) >= LEAST_LETTERS:
            for each in _near(word, lexical.spellings(), languages):
                spelt = each.spelling.written
                if (
                    spelt.istitle()
                    and _sound(spelt) == _sound(word)
                    and (TIMES * _articles_with(spelt, lexical) >= n_articles)
                ):
                    yield {word: _as_typed(word, spelt)}


def _sound(word: str) -> str:
    """A word without repeated letters, and with i for y.

    >>> _sound("Zelenskyy") == _sound("Zelensky") == _sound("Zelenski")
    True
    """
    return REPEATED.sub(r"\1", word.casefold().replace("y", "i"))


def _articles_with(word: str, lexical: LexicalSearch) -> int:
    return lexical.whole.sum(lexical.match(Word(word)).matching.sum())


def _is_a_name(word: str, table: ArticleTable) -> bool:
    """Whether the word occurs in the name of a source, a section or an author."""
    names = (table.source, table.section, table.author)
    return any(category.mentioning(words_of(word), words_of).any() for category in names)


def _as_typed(typed: str, written: str) -> str:
    """Write a correction in the case in which the word is typed.

    >>> _as_typed("Brigde", "bridge"), _as_typed("trupm", "Trump"), _as_typed("UKRIANE", "Ukraine")
    ('Bridge', 'trump', 'UKRAINE')
    """
    if typed.islower():
        return written.lower()
    if typed.isupper():
        return written.upper()
    return written.capitalize() if written.islower() else written


def _corrected(expression: Expression, corrections: Mapping[str, str]) -> Expression:
    """Replace the misspelt words of an expression, except below a Not."""

    def words(text: str) -> str:
        return WORD.sub(lambda found: corrections.get(found.group(), found.group()), text)

    match expression:
        case And(parts) | Or(parts) | Words(parts):
            return type(expression)(tuple(_corrected(part, corrections) for part in parts))
        case Word(text, field) | Phrase(text, field) if field in WORDED:
            return replace(expression, text=words(text))
        case Near(first, second):
            return replace(expression, first=words(first), second=words(second))
    return expression


def _occurrences(
    text: str, corrections: Mapping[str, str], fits: Callable[[str], bool]
) -> list[re.Match[str]]:
    """The largest set of occurrences whose replacement `fits`; none if there are too many."""
    found = [each for each in WORD.finditer(text) if each.group() in corrections]
    if len(found) <= MOST_OCCURRENCES:
        for count in range(len(found), 0, -1):
            for some in combinations(found, count):
                if fits(_replaced(text, list(some), corrections)[0]):
                    return list(some)
    return []


def _replaced(
    text: str, occurrences: list[re.Match[str]], corrections: Mapping[str, str]
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Replace occurrences by their corrections; return the text, and the span of each in it."""
    pieces, marks, last, length = [], [], 0, 0
    for occurrence in occurrences:
        before, word = text[last : occurrence.start()], corrections[occurrence.group()]
        start = length + len(before)
        length, last = start + len(word), occurrence.end()
        pieces += [before, word]
        marks.append((start, length))
    return "".join([*pieces, text[last:]]), tuple(marks)


SHORTEST = 4  # letters of a word that is corrected, as in Elasticsearch
TWO_EDITS = 7  # letters of a word that is corrected by up to two edits
AN_EDIT = 12.0  # penalty of an edit, on the scale of log frequencies
LEAST_LETTERS = 6  # of a word in the archive that may be misspelt
RARE = 2  # articles of such a word, at most, unless it seems to be a name
RARE_SHARE = 0.02  # of the articles, for a name
REPEATED = re.compile(r"(.)\1+")
FIRST_LETTER = 2.0  # penalty of another first letter: people seldom get it wrong
# Penalty of an inserted or substituted letter, which may be any of 26; a deletion or transposition
# can happen in one way only. Kernighan, Church and Gale, "A spelling correction program based on a
# noisy channel model", 1990.
A_LETTER = log(26)


def likely(word: str, spellings: AnySpellings, languages: Languages) -> Sequence[NearSpelling]:
    """Rank the corrections of an out-of-vocabulary word, the most probable first.

    None for words shorter than SHORTEST or with digits.
    """
    spelt = {spelling_of(word, language) for language in languages.readings}
    edits = 2 if len(word) >= TWO_EDITS else 1
    if len(word) < SHORTEST or any(map(str.isdigit, word)):
        return []
    near = {
        found.spelling.text: (_penalty(found, each), found.spelling.text, found)
        for each in spelt
        for found in spellings.near(each, edits)
        if found.spelling.living
    }
    return [found for _, _, found in sorted(near.values(), key=lambda ranked: ranked[:2])]


def commoner(
    word: str, n_articles: int, lexical: LexicalSearch, languages: Languages
) -> Sequence[NearSpelling]:
    """Find corrections of a rare word: one edit away, and in TIMES as many articles.

    A word in more than RARE articles must be spelt like a name, or it is another word: statue, not
    state.
    """
    if n_articles > max(RARE, RARE_SHARE * lexical.statistics.articles):
        return []
    near = _near(word, lexical.spellings(), languages)
    return [
        each
        for each in near
        if (n_articles <= RARE or each.spelling.written.istitle())
        and _articles_with(each.spelling.text, lexical) >= TIMES * n_articles
    ]


def _near(word: str, spellings: AnySpellings, languages: Languages) -> list[NearSpelling]:
    """The words one edit from a word, with the same first letter, the most frequent first.

    None of them is a form of the word itself.
    """
    own = {term for places in languages.terms(word) for term in places}
    near = {
        found.spelling.text: found
        for each in {spelling_of(word, language) for language in languages.readings}
        for found in spellings.near(each, 1)
        if found.distance and found.spelling.text[:1] == each[:1] and found.spelling.living
    }
    return [each for each in near.values() if own.isdisjoint(each.spelling.terms)]


def _penalty(near: NearSpelling, typed: str) -> float:
    """The negative log probability of a correction, up to a constant."""
    return AN_EDIT * near.distance + _mistakes(near, typed) - log(near.spelling.frequency)


def _mistakes(near: NearSpelling, typed: str) -> float:
    """The penalty of the kinds of mistakes."""
    word = near.spelling.text
    other_first = word[:1] != typed[:1]
    inserted = len(typed) > len(word) or (len(typed) == len(word) and sorted(typed) != sorted(word))
    return FIRST_LETTER * other_first + A_LETTER * inserted
