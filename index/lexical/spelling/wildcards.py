"""Words with wildcards, alone and within phrases: `?` is one letter, `*` any number of letters."""

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from itertools import groupby

from backfile.index.lexical.analysis.stemming import fold

ANY_WORD = "*"  # alone
WILD = re.compile(r"([*?])")


def split_wild(text: str) -> Iterator[tuple[bool, str]]:
    """Walk a text in pieces: words with wildcards one by one, marked True, and what is between.

    >>> list(split_wild("the oil pipel* leak"))
    [(False, 'the oil'), (True, 'pipel*'), (False, 'leak')]
    """
    for is_wild, words in groupby(text.split(), lambda word: WILD.search(word) is not None):
        if is_wild:
            yield from ((True, word) for word in words)
        else:
            yield False, " ".join(words)


def beginning_of(pattern: str) -> str:
    """What stands in front of the first wildcard, folded."""
    return fold(WILD.split(pattern, maxsplit=1)[0])


def is_match(pattern: str) -> Callable[[str], bool]:
    """A test whether a word, in any case and with any accents, is of a pattern.

    >>> list(map(is_match("Joh?n*"), ["johann", "JOHNNY", "john"]))
    [True, True, False]
    """
    folded = "".join(part if part in "*?" else fold(part) for part in WILD.split(pattern))
    wanted = re.compile(translate(folded))  # it never backtracks, however many stars there are
    return lambda word: wanted.match(fold(word)) is not None
