"""Ranks the archive's words that a misspelt one may stand for, likeliest first."""

from collections.abc import Callable, Sequence
from math import log

from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.analysis.stemming import spelling_of
from backfile.index.lexical.spelling.spellings import Near, Spellings

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


def likely(word: str, spellings: Spellings, languages: Languages) -> Sequence[Near]:
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
) -> Sequence[Near]:
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


def _penalty(near: Near, typed: str) -> float:
    """How unlikely it is that a word was meant, as a logarithm."""
    word = near.spelling.text
    elsewhere = word[:1] != typed[:1]
    chosen = len(typed) > len(word) or (len(typed) == len(word) and sorted(typed) != sorted(word))
    mistakes = AN_EDIT * near.distance + FIRST_LETTER * elsewhere + A_LETTER * chosen
    return mistakes - log(near.spelling.frequency)
