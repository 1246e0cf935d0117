"""Turns text into terms: words, folded for case and accents, stemmed for English."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from whoosh.analysis import Analyzer, Token
from whoosh.lang.porter import stem
from whoosh.lang.stopwords import stoplists

ANALYSER = "folded-porter-2"  # recorded in the manifest; a change in terms changes it
WORD = re.compile(r"\w+(?:[.'’]\w+)*")
STOP_WORDS = frozenset(stoplists["en"])
LONGEST_TERM = 64


class TermSpan(NamedTuple):
    """A term and where its word stands, in characters."""

    term: str
    start: int
    end: int


@lru_cache(maxsize=1 << 17)
def fold(word: str) -> str:
    """Fold case, accents and a possessive.

    >>> [fold(w) for w in ("Zoë's", "O’Dowd", "U.S", "Straße")]
    ['zoe', "o'dowd", 'u.s', 'strasse']
    """
    folded = word.casefold()
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded.replace("’", "'"))
        folded = "".join(c for c in decomposed if not unicodedata.combining(c))
    return folded.removesuffix("'s")[:LONGEST_TERM]


@lru_cache(maxsize=1 << 17)
def term_of(word: str) -> str:
    """Fold a word and take its English stem.

    >>> term_of("Bridges"), term_of("bridge's")
    ('bridg', 'bridg')
    """
    folded = fold(word)
    return stem(folded) if folded.isascii() and folded.isalpha() else folded


def is_stop_word(word: str) -> bool:
    return fold(word) in STOP_WORDS


def weighty(words: Sequence[str]) -> Sequence[str]:
    """Leave out stop words, unless there is nothing else.

    >>> weighty(["The", "ferry"]), weighty(["to", "be"])
    (['ferry'], ['to', 'be'])
    """
    return [word for word in words if not is_stop_word(word)] or words


def terms(text: str) -> list[str]:
    """List the terms of a text in order.

    >>> terms("The ferries' timetable, and the Ash")
    ['the', 'ferri', 'timet', 'and', 'the', 'ash']
    """
    return [term_of(match.group()) for match in WORD.finditer(text)]


def words_of(text: str) -> list[str]:
    """List the words of a text, folded and not stemmed: names are compared by these.

    >>> words_of("By Zoë O’Dowd-Núñez")
    ['by', 'zoe', "o'dowd", 'nunez']
    """
    return [fold(match.group()) for match in WORD.finditer(text)]


def term_spans(text: str) -> Iterator[TermSpan]:
    """Walk the terms of a text with their places in it."""
    for match in WORD.finditer(text):
        yield TermSpan(term_of(match.group()), match.start(), match.end())


class NewsAnalyzer(Analyzer):
    """The same terms, as the tokens Whoosh indexes. Stop words are kept: phrases need them."""

    def __call__(
        self,
        value: str,
        positions: bool = False,
        chars: bool = False,
        removestops: bool = True,
        start_pos: int = 0,
        start_char: int = 0,
        mode: str = "",
        **_: Any,
    ) -> Iterator[Token]:
        token = Token(positions, chars, removestops=removestops, mode=mode)
        token.boost = 1.0
        for position, match in enumerate(WORD.finditer(value), start_pos):
            token.text = term_of(match.group())
            token.pos = position
            if chars:
                token.startchar = start_char + match.start()
                token.endchar = start_char + match.end()
            yield token
