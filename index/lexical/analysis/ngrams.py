"""Cuts scripts without spaces between words into pairs of letters, each a term.

Each letter of a run begins one term: the pair with the next letter; the last letter is a term
alone. Two letters or more are found as consecutive pairs, one letter as the beginning of a pair.
Korean has spaces, but its words take endings; it is cut too, as in Lucene's CJKBigramFilter.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MARKS = (  # signs that belong to the letter before, in the scripts that are cut into pairs
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"  # Thai, Lao
    "\u102b-\u103e\u1056-\u1059\u105e-\u1060\u17b4-\u17d3"  # Burmese, Khmer
    "\u3099\u309a\uff9e\uff9f"  # the voicing of kana
)
LETTERS = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
STRETCHES = re.compile(f"[{LETTERS}]+|[^{LETTERS}]+")
RUN = re.compile(f"[{LETTERS}]+")
LETTER = re.compile(f"[^{MARKS}][{MARKS}]*|[{MARKS}]+")
KANA = re.compile("[\u3041-\u309f]")
SCRIPTS = re.compile("[\u3041-\u309f]+|[\u30a0-\u30ff]+|[^\u3041-\u309f\u30a0-\u30ff]+")
KATAKANA = re.compile("[\u30a0-\u30ff]")
LONGEST_WORD = 4  # letters
LONGEST_ASKED = 8  # letters of a run that are searched as a whole; a longer run is a sentence


class Piece(NamedTuple):
    """A span of a text, in characters, and the term or word it holds."""

    text: str
    start: int
    end: int


def has_run(word: str) -> bool:
    """Whether a word has letters of a script that is cut into pairs."""
    return not word.isascii() and RUN.search(word) is not None


def normal(text: str) -> str:
    """Normalise the width of letters (NFKC): `ｶﾞ` becomes `ガ`, its voicing kept.

    >>> normal("ﾊﾟﾘ")
    'パリ'
    """
    return unicodedata.normalize("NFKC", text)


def pairs(run: str, offset: int = 0) -> Iterator[Piece]:
    """Walk the pairs of a run and its last letter.

    >>> [piece.text for piece in pairs("再開橋")]
    ['再開', '開橋', '橋']
    """
    found = list(LETTER.finditer(run))
    for letter, following in zip(found, found[1:] + found[-1:], strict=True):
        start, end = letter.start(), following.end()
        yield Piece(normal(run[start:end]), offset + start, offset + end)


def letters(text: str) -> list[str]:
    """List the letters of a text, each with its signs."""
    return LETTER.findall(text)


def asked(word: str) -> list[str]:
    """List the words to search for a given word: itself, or the likely words of a sentence.

    Content words are in Chinese characters or katakana; a short run of these is taken as one word.

    >>> asked("橋の再開"), asked("フェリーはいつ再開しますか")
    (['橋の再開'], ['フェリー', '再開'])
    """
    if len(word) <= LONGEST_ASKED or not has_run(word):
        return [word]
    found: list[str] = []
    for stretch in STRETCHES.findall(word):
        found += _content(stretch) if RUN.match(stretch) else [stretch]
    return found or [piece.text for piece in pairs(word)][:-1]


def _content(run: str) -> list[str]:
    """The parts of a run that may be content words; hiragana is mostly grammar."""
    if len(letters(run)) <= LONGEST_ASKED:
        return [run]
    found: list[str] = []
    for stretch in SCRIPTS.findall(run):
        if KANA.match(stretch):
            continue
        short = KATAKANA.match(stretch) or len(stretch) <= LONGEST_WORD
        found += [stretch] if short else [p.text for p in pairs(stretch)][:-1]
    return found
