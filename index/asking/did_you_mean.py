"""Did you mean: corrects misspelt words of a query, and ranks the corrections of a word."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import log

from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import spelling_of
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.scoring.matching import ALL_WORDS
from backfile.index.lexical.spelling.spellings import NearSpelling, Spellings
from backfile.index.model.arrays import Bools
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import And, Expression, Field, Near, Or, Phrase, Word, Words
from backfile.index.model.matches import Matches
from backfile.index.model.results import DidYouMean

MOST_WORDS = 12  # of a query; a longer one was pasted, and is not corrected
MOST_OCCURRENCES = 4  # of misspelt words in one query
WELL_KNOWN = 100  # least frequency of a correction for a word with a capital, maybe a name
WORDED = (Field.ANY, Field.TITLE, Field.TEXT)


def did_you_mean(
    text: str,
    expression: Expression | None,
    matches: Matches,
    lexical: LexicalSearch,
    reads: Callable[[str], Expression | None],
    article_mask: Bools,
) -> DidYouMean | None:
    """Correct the out-of-vocabulary words of a query, and rare words like a much more frequent one.

    `matches` are the query's matches, `article_mask` its filters; `reads` parses another text with
    the same filters. None if there is no correction, or if no article of the mask contains enough
    of the corrected words.
    """
    short = matches.n_words <= MOST_WORDS
    corrections = dict(_corrections(matches, lexical)) if short else {}
    if expression is None or not corrections:
        return None
    target = _corrected(expression, corrections)
    occurrences = _occurrences(text, corrections, lambda other: reads(other) == target)
    if not occurrences:
        return None
    corrected, marks = _replaced(text, occurrences, corrections)
    found = lexical.match(target)
    articles = _count(found, article_mask)
    return DidYouMean(corrected, articles, marks) if articles else None


def _count(found: Matches, article_mask: Bools) -> int:
    """The number of articles that hold all words, or else most; of many words, or else some."""
    masks = (found.holds_all, found.holds_most, found.matching)[: 2 + (found.n_words > ALL_WORDS)]
    return next(filter(None, (int((mask & article_mask).sum()) for mask in masks)), 0)


def _corrections(matches: Matches, lexical: LexicalSearch) -> Iterator[tuple[str, str]]:
    """Iterate over the misspelt words of a query with their corrections."""
    for found in matches.leaves:
        leaf, n_articles = found.leaf, int(found.articles.sum())
        if leaf.field not in WORDED:
            continue
        if isinstance(leaf, Word):
            correction = _correction(leaf.text, n_articles, lexical)
            if correction:
                yield leaf.text, correction
        elif isinstance(leaf, Phrase | Near) and not n_articles:
            for word in WORD.findall(leaf.text):
                alone = int(lexical.match(Word(word)).matching.sum())
                if not alone and (correction := _correction(word, 0, lexical)):
                    yield word, correction


def _correction(word: str, n_articles: int, lexical: LexicalSearch) -> str:
    """The best correction of a word, in its most frequent written form; empty if there is none."""
    languages = Languages.of(lexical.table.languages)
    if not word.isalpha() or word not in (word.lower(), word.capitalize()):
        return ""  # an acronym or a name with capitals inside: AHCA, BurgerKing
    if n_articles:
        near = commoner(word, n_articles, lexical.spellings, languages)
    else:
        near = likely(word, lexical.spellings(), languages)
        if near and not word.islower() and near[0].spelling.frequency < WELL_KNOWN:
            return ""
        if near and _is_a_name(word, lexical.table):
            return ""
    return _as_typed(word, near[0].spelling.written) if near else ""


def _is_a_name(word: str, table: ArticleTable) -> bool:
    """Whether the word occurs in the name of a source, a section or an author."""
    names = (table.source, table.section, table.author)
    return any(category.mentioning(words_of(word), words_of).any() for category in names)


def _as_typed(typed: str, written: str) -> str:
    """Capitalise a lower-case correction if the typed word is capitalised.

    >>> _as_typed("Brigde", "bridge"), _as_typed("trupm", "Trump")
    ('Bridge', 'Trump')
    """
    return written.capitalize() if typed[:1].isupper() and written.islower() else written


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
RARE = 2  # articles of a known word that may be misspelt, at most
COMMONER = 500  # ratio of frequencies of the correction and such a word, at least
FIRST_LETTER = 2.0  # penalty of another first letter: people seldom get it wrong
# Penalty of an inserted or substituted letter, which may be any of 26; a deletion or transposition
# can happen in one way only. Kernighan, Church and Gale, "A spelling correction program based on a
# noisy channel model", 1990.
A_LETTER = log(26)


def likely(word: str, spellings: Spellings, languages: Languages) -> Sequence[NearSpelling]:
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
    word: str, n_articles: int, spellings: Callable[[], Spellings], languages: Languages
) -> Sequence[NearSpelling]:
    """Find corrections of a known but rare word: one edit away, and far more frequent.

    None for a word in more than RARE articles, or with a capital: it may be a rare name.
    """
    if n_articles > RARE or len(word) < TWO_EDITS or not word.islower() or not word.isalpha():
        return []
    spelt = {spelling_of(word, language) for language in languages.readings}
    near = [
        found
        for each in spelt
        for found in spellings().near(each, 1)
        if found.spelling.text[:1] == each[:1] and found.spelling.living
    ]
    frequency = sum(found.spelling.frequency for found in near if not found.distance)
    if any(found.spelling.written != word for found in near if not found.distance):
        return []
    least = COMMONER * max(1, frequency)
    return [found for found in near if found.distance and found.spelling.frequency >= least]


def _penalty(near: NearSpelling, typed: str) -> float:
    """The negative log probability of a correction, up to a constant."""
    word = near.spelling.text
    other_first = word[:1] != typed[:1]
    inserted = len(typed) > len(word) or (len(typed) == len(word) and sorted(typed) != sorted(word))
    mistakes = AN_EDIT * near.distance + FIRST_LETTER * other_first + A_LETTER * inserted
    return mistakes - log(near.spelling.frequency)
