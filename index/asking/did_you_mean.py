"""Corrects misspelt words: ranks what each may stand for, and offers one corrected query."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from math import log

from backfile.index.lexical.analysis.analyser import WORD, words_of
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import spelling_of
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling.spellings import NearSpelling, Spellings
from backfile.index.model.arrays import Bools
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import And, Expression, Field, Near, Or, Phrase, Word, Words
from backfile.index.model.matches import Matches
from backfile.index.model.results import DidYouMean

MOST_WORDS = 12  # of a query that is corrected
MOST_PLACES = 4  # of a misspelt word within one query
WELL_KNOWN = 100  # times that a word stands for which one in capitals, a name maybe, is mistaken
WORDED = (Field.ANY, Field.TITLE, Field.TEXT)


def did_you_mean(
    text: str,
    expression: Expression | None,
    matches: Matches,
    lexical: LexicalSearch,
    reads: Callable[[str], Expression | None],
    chosen: Bools,
) -> DidYouMean | None:
    """Correct the words of a text that are nowhere, or very rare beside one spelt nearly so.

    `matches` are what it found, `chosen` the articles that pass its filters; `reads` says how
    another text would be read. None where there is nothing to correct, or nothing would be found.
    """
    short = matches.n_words <= MOST_WORDS  # what is longer was pasted, and nobody types it again
    corrections = dict(_corrections(matches, lexical)) if short else {}
    if expression is None or not corrections:
        return None
    wanted = _corrected(expression, corrections)
    spans = _where(text, corrections, lambda other: reads(other) == wanted)
    if not spans:
        return None
    corrected, marks = _replaced(text, spans, corrections)
    found = lexical.match(wanted)
    articles = int((found.matching & chosen).sum())
    return DidYouMean(corrected, articles, marks) if articles and not found.relaxed else None


def _corrections(matches: Matches, lexical: LexicalSearch) -> Iterator[tuple[str, str]]:
    """Walk the misspelt words with what each may stand for."""
    for found in matches.leaves:
        leaf, held = found.leaf, int(found.articles.sum())
        if leaf.field not in WORDED:
            continue
        if isinstance(leaf, Word):
            correction = _correction(leaf.text, held, lexical)
            if correction:
                yield leaf.text, correction
        elif isinstance(leaf, Phrase | Near) and not held:
            for word in WORD.findall(leaf.text):
                alone = int(lexical.match(Word(word)).matching.sum())
                if not alone and (correction := _correction(word, 0, lexical)):
                    yield word, correction


def _correction(word: str, held: int, lexical: LexicalSearch) -> str:
    """The word that was probably meant, as the archive writes it; nothing for one that is right."""
    languages = Languages.of(lexical.table.spoken)
    if not word.isalpha() or word not in (word.lower(), word.capitalize()):
        return ""  # letters that stand for words, or a name of its own making: AHCA, BurgerKing
    if held:
        near = commoner(word, held, lexical.spellings, languages)
    else:
        near = likely(word, lexical.spellings(), languages)
        if near and not word.islower() and near[0].spelling.frequency < WELL_KNOWN:
            return ""
        if near and _is_a_name(word, lexical.table):
            return ""
    return _as_typed(word, near[0].spelling.written) if near else ""


def _is_a_name(word: str, table: ArticleTable) -> bool:
    """Whether it stands in the name of a source, a section or an author."""
    names = (table.source, table.section, table.author)
    return any(category.mentioning(words_of(word), words_of).any() for category in names)


def _as_typed(typed: str, written: str) -> str:
    """Keep capitals that were typed, where the archive has none.

    >>> _as_typed("Brigde", "bridge"), _as_typed("trupm", "Trump")
    ('Bridge', 'Trump')
    """
    return written.capitalize() if typed[:1].isupper() and written.islower() else written


def _corrected(expression: Expression, corrections: Mapping[str, str]) -> Expression:
    """The same with other words; what is excluded stays as it is."""

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


def _where(
    text: str, corrections: Mapping[str, str], fits: Callable[[str], bool]
) -> list[re.Match[str]]:
    """Where the words stand that are to be corrected, so that what is read is what is wanted."""
    places = [found for found in WORD.finditer(text) if found.group() in corrections]
    if len(places) <= MOST_PLACES:
        for count in range(len(places), 0, -1):
            for some in combinations(places, count):
                if fits(_replaced(text, list(some), corrections)[0]):
                    return list(some)
    return []


def _replaced(
    text: str, places: list[re.Match[str]], corrections: Mapping[str, str]
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Put the corrections in their places, and say where they stand then."""
    pieces, marks, last, length = [], [], 0, 0
    for place in places:
        kept, word = text[last : place.start()], corrections[place.group()]
        start = length + len(kept)
        length, last = start + len(word), place.end()
        pieces += [kept, word]
        marks.append((start, length))
    return "".join([*pieces, text[last:]]), tuple(marks)


SHORTEST = 4  # letters of a word that is taken for a misspelling, as in Elasticsearch
TWO_EDITS = 7  # letters of one in which two may be wrong
KNOWN = 10  # times that a word stands which is so far away
AN_EDIT = 12.0  # what an edit has to be made up for by, in the logarithm of how often words stand
RARE = 2  # articles that hold a word that may be misspelt all the same
COMMONER = 500  # times as often stands the word that was meant
FIRST_LETTER = 2.0  # and another first letter, which people seldom get wrong
# And a letter too many or a wrong one, of which there are so many: a letter that is missing, or two
# that changed places, can come about in one way only. Kernighan, Church and Gale, "A spelling
# correction program based on a noisy channel model", 1990.
A_LETTER = log(26)


def likely(word: str, spellings: Spellings, languages: Languages) -> Sequence[NearSpelling]:
    """Rank the words that are spelt like one that is nowhere; none like a short one or a number."""
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
    word: str, held: int, spellings: Callable[[], Spellings], languages: Languages
) -> Sequence[NearSpelling]:
    """Rank the words that are spelt nearly like one that so few articles hold, and far commoner.

    A word in capitals may be a rare name, and no name is corrected that is in the archive.
    """
    if held > RARE or len(word) < TWO_EDITS or not word.islower() or not word.isalpha():
        return []
    spelt = {spelling_of(word, language) for language in languages.readings}
    near = [
        found
        for each in spelt
        for found in spellings().near(each, 1)
        if found.spelling.text[:1] == each[:1] and found.spelling.living
    ]
    stands = sum(found.spelling.frequency for found in near if not found.distance)
    if any(found.spelling.written != word for found in near if not found.distance):
        return []
    least = COMMONER * max(1, stands)
    return [found for found in near if found.distance and found.spelling.frequency >= least]


def _penalty(near: NearSpelling, typed: str) -> float:
    """How unlikely it is that a word was meant, as a logarithm."""
    word = near.spelling.text
    elsewhere = word[:1] != typed[:1]
    chosen = len(typed) > len(word) or (len(typed) == len(word) and sorted(typed) != sorted(word))
    mistakes = AN_EDIT * near.distance + FIRST_LETTER * elsewhere + A_LETTER * chosen
    return mistakes - log(near.spelling.frequency)
