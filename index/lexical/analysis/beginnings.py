"""Finds the words of a text that may have one of some terms, by the letters that they begin with.

A stemmer changes the end of a word and not its beginning. So a regular expression skips nearly all
other words, which takes a tenth of the time of reading every word.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import chain

from backfile.index.lexical.analysis.ngrams import has_run
from backfile.index.lexical.analysis.stemming import ENGLISH, fold, marked, term_of
from backfile.index.lexical.analysis.word_delimiter import IRREGULAR, SHORT, WORD

Words = Callable[[str], Iterator[re.Match[str]]]
CHANGED = 2  # at most so many letters at the end of an English stem may differ from its words
COMPARED = 3  # letters
JOINED = frozenset(("not", *IRREGULAR.values(), *SHORT.values()))  # won't has the term of will
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SEVERAL = "\x01"  # stands for a character that is folded to several letters, such as æ
# Where characters stand that are folded to ASCII: Latin, phonetic and letterlike ones, full width.
RANGES = (
    *((0x80, 0x300), (0x1D00, 0x1F00), (0x2070, 0x2190), (0x2C60, 0x2C80), (0xA720, 0xA800)),
    *((0xFB00, 0xFB07), (0xFF21, 0xFF5B)),
)
BEYOND = "\U00010000-\U0010ffff"  # and mathematical letters, among others
FOLDED = re.compile(f"[{''.join(f'{chr(first)}-{chr(end - 1)}' for first, end in RANGES)}{BEYOND}]")
WITHIN_A_WORD = r"(?<![^\W_].)"  # behind a character: a letter or digit stands before it


@lru_cache(maxsize=256)
def words_with(terms: frozenset[str], language: str = ENGLISH) -> Words:
    """A function that walks all words of a text that have one of these terms, and some others.

    >>> [word.group() for word in words_with(frozenset(["bridg"]))("The bridges of Brest, a bus")]
    ['bridges']
    """
    stems = {marked(term)[0] for term in terms}
    joined = {marked(term_of(word, language))[0] for word in JOINED}
    if not all(stem[:1] in LETTERS for stem in stems) or stems & joined:
        return WORD.finditer
    length = COMPARED if language == ENGLISH else 1
    compared = {stem[: max(1, min(length, len(stem) - CHANGED))] for stem in stems}
    firsts = "".join(sorted({each[0] for each in compared}))
    others = "|".join(map(_pattern, sorted(compared)))
    beginning = re.compile(
        rf"[{firsts}{SEVERAL}]{WITHIN_A_WORD}(?:{others}|(?<={SEVERAL}))" if compared else "(?!)"
    )

    def walk(text: str) -> Iterator[re.Match[str]]:
        if has_run(text):  # there a word begins behind any letter
            return WORD.finditer(text)
        return _around(text, (found.start() for found in beginning.finditer(_plain(text))))

    return walk


def _pattern(letters: str) -> str:
    """Matches behind the first letter: the others follow, or what is no letter of ASCII."""
    others = ""
    for letter in reversed(letters[1:]):
        others = f"(?:{re.escape(letter)}{others}|(?![a-z]))"
    return f"(?<={letters[0]}){others}"


def _plain(text: str) -> str:
    """The text in lower case and without accents, as long as it is.

    >>> _plain("Brücke, ÆTHER")
    'brucke, \\x01ther'
    """
    folded = text if text.isascii() else FOLDED.sub(_folded, text)
    return folded.lower()


def _folded(found: re.Match[str]) -> str:
    character = found.group()
    return _letters().get(character, SEVERAL if character >= BEYOND[0] else character)


@cache
def _letters() -> dict[str, str]:
    """The letter of ASCII, or SEVERAL, for each character that is folded to one."""
    found: dict[str, str] = {}
    for character in map(chr, chain.from_iterable(range(*each) for each in RANGES)):
        folded = fold(character) if character.isalnum() else ""
        if folded and fold(folded)[0] in LETTERS:  # what is stemmed is folded twice
            found[character] = folded if len(folded) == 1 and folded in LETTERS else SEVERAL
    return found


def _around(text: str, places: Iterator[int]) -> Iterator[re.Match[str]]:
    """Walk the words that stand at these places, ascending, each once."""
    end = 0
    for place in places:
        if place < end:
            continue
        start = place
        while start > end and not text[start - 1].isspace():
            start -= 1
        for word in WORD.finditer(text, start):
            if word.end() > place:
                yield word
                end = word.end()
                break
