"""Did you mean: corrects the misspelt words of a query by what stands beside them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations, islice, product
from math import log
from typing import NamedTuple

import numpy as np

from backfile.index.asking.corrections import (
    AN_EDIT,
    LEAST_LETTERS,
    SHORTEST,
    TIMES,
    articles_with,
    commoner,
    likely,
    mistakes,
    near_words,
)
from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.stemming import is_stop_word, spelling_of
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.scoring.holding import ALL_WORDS
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
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
from backfile.index.model.matches import Matches, Occurrences
from backfile.index.model.results import DidYouMean
from backfile.index.model.whole import Stage, Whole, both, in_rounds

MOST_WORDS = 12  # of a query; a longer one was pasted, and is not corrected
MOST_OCCURRENCES = 4  # of misspelt words in one query
MOST_CANDIDATES = 4  # corrections of one word that are compared by what stands beside them
MOST_COMBINATIONS = 32
TOGETHER = 0.5  # of the other words: what an article with the corrections must hold of them
WELL_KNOWN = 100  # least frequency of a correction for a word with a capital, maybe a name
REPEATED = re.compile(r"(.)\1+")
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
    occurrences: Occurrences,
) -> Stage[DidYouMean | None]:
    """Correct words that are nowhere, and rare words spelt nearly like much more frequent ones.

    Of several corrections the one is taken that stands beside the other words of the query. If
    there is none, another spelling of a name is offered that is frequent too.

    `matches` are the query's matches, with the `occurrences` of the whole; `article_mask` are its
    filters; `reads` parses another text with the same filters. None if there is no correction, or
    if no article of the mask contains enough of the corrected words.
    """
    if expression is None or matches.n_words > MOST_WORDS:
        return None
    whole = lexical.whole
    words = yield from _words(matches, occurrences, lexical)
    shortest = LEAST_LETTERS if occurrences.in_full else SHORTEST
    corrected, variants = yield from both(
        in_rounds(_corrections(word, n, lexical, shortest) for word, n in words),
        in_rounds(_other_spellings(word, n, lexical) for word, n in words),
    )
    candidates = {word: found for (word, _), found in zip(words, corrected, strict=True) if found}
    best: tuple[float, Corrections, int] | None = None
    for corrections in _combinations(candidates):
        found = lexical.match(_corrected(expression, corrections))
        if articles := _together(found, corrections, article_mask, whole):
            penalty = _penalty_of(corrections, candidates) - log(articles)
            if best is None or penalty < best[0]:
                best = penalty, corrections, _count(found, article_mask, whole)
    if best:
        return _as_text(text, expression, best[1], best[2], reads) if best[2] else None
    for corrections in chain.from_iterable(variants):
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


def _words(
    matches: Matches, occurrences: Occurrences, lexical: LexicalSearch
) -> Stage[list[tuple[str, int]]]:
    """The words of a query, and of its phrases that are nowhere, with their articles.

    Only those that may be corrected.
    """
    counts = occurrences.articles.tolist()
    typed: list[tuple[str, int]] = []
    nowhere: list[str] = []
    for leaf, n_articles in zip((found.leaf for found in matches.leaves), counts, strict=True):
        if leaf.field not in WORDED or getattr(leaf, "form", Form.ANY) is not Form.ANY:
            continue
        if isinstance(leaf, Word):
            typed.append((leaf.text, n_articles))
        elif isinstance(leaf, Phrase | Near) and not n_articles:
            nowhere += (words := WORD.findall(leaf.text))
            typed += [(word, 0) for word in words]
    alone = yield from articles_with(nowhere, lexical)
    known = {word for word, n in zip(nowhere, alone, strict=True) if n}
    return [(word, n) for word, n in typed if n or word not in known]


def _corrections(
    word: str, n_articles: int, lexical: LexicalSearch, shortest: int
) -> Stage[list[Candidate]]:
    """The corrections of a word, as it is typed, the most probable first.

    `shortest` is the least number of letters of a word that is in the archive.
    """
    languages = lexical.languages
    if not word.isalpha() or word not in (word.lower(), word.capitalize(), word.upper()):
        return []  # a name with capitals inside: BurgerKing
    if n_articles:
        if len(word) < shortest:
            return []
        near = yield from commoner(word, n_articles, lexical, languages)
    else:
        near = yield from likely(word, lexical.spellings(), languages)
        if not word.islower():
            near = [each for each in near if each.spelling.frequency >= WELL_KNOWN]
        if near:
            named = lexical.whole.reduced(_is_a_name(word, lexical.table), any)
            yield
            near = [] if named.value() else near
    near = [each for each in near if not is_stop_word(each.spelling.text)] or near
    found: dict[str, Candidate] = {}
    for each in near:
        text = _as_typed(word, each.spelling.written)
        penalty = AN_EDIT * each.distance
        penalty += min(mistakes(each, spelling_of(word, code)) for code in languages.readings)
        found.setdefault(text, Candidate(text, penalty))
    return list(found.values())[:MOST_CANDIDATES]


def _other_spellings(
    word: str, n_articles: int, lexical: LexicalSearch
) -> Stage[list[Corrections]]:
    """Other spellings of a name in a query that are frequent as well."""
    if not n_articles or not word.isalpha() or len(word) < LEAST_LETTERS:
        return []
    near = yield from near_words(word, lexical.spellings(), lexical.languages)
    frequent = [each.spelling for each in near if TIMES * each.spelling.frequency >= n_articles]
    written = [each.written for each in frequent]  # the articles of rare ones need no counting
    spelt = [each for each in written if each.istitle() and _sound(each) == _sound(word)]
    counts = yield from articles_with(spelt, lexical)
    return [
        {word: _as_typed(word, each)}
        for each, count in zip(spelt, counts, strict=True)
        if TIMES * count >= n_articles
    ]


def _sound(word: str) -> str:
    """A word without repeated letters, and with i for y.

    >>> _sound("Zelenskyy") == _sound("Zelensky") == _sound("Zelenski")
    True
    """
    return REPEATED.sub(r"\1", word.casefold().replace("y", "i"))


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
