"""Splits compounds into tokens, and joins them: a graph, as in Lucene's WordDelimiterGraphFilter.

`co-operative` is two tokens at two positions, and `cooperative`, a third, covers both. So it is
found as one word and as two, and phrases are right in either spelling. Numbers and abbreviations
are one token however they are written: `1,500` and `1500`, `U.N.` and `UN`. `C++`, `C#`, `AT&T` and
each emoji are one token too.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from backfile.index.lexical.analysis.ngrams import MARKS, RUN, Piece, has_run, pairs

# Signs within a word that \w does not match: accents and vowels.
SIGNS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    f"\u0900-\u0963\u0966-\u0dff{MARKS}"
)
LETTERS = rf"[^\W_][\w{SIGNS}]*"
HYPHENS = "\u2010\u2011-"  # the last in a class of characters
QUOTES = '"\u05f4'  # in Hebrew abbreviations
BLANKS = " \u00a0\u2009\u202f"  # between thousands
JOINT = (
    rf"[.'’{HYPHENS}]|(?<=[א-ת])[{QUOTES}](?=[א-ת])|(?<=\d),(?=\d)"
    rf"|(?<=\d)(?<!\d{{4}})[{BLANKS}](?=\d{{3}}(?!\d))"
)
LETTERED = re.compile(LETTERS)
LANGUAGE = r"(?<!\w)(?:[Cc]\+\+|[CFcf]#)(?![\w+#])"  # for programs
INITIALS = r"(?<![\w&])[^\W\d_]{1,2}&[^\W\d_]{1,2}(?:['’]s)?(?![\w&])"  # AT&T, R&B
FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
TONES = "\U0001f3fb-\U0001f3ff"
PICTURE = (  # of the emoji below U+1F000 those that are no bullets, ticks or arrows
    "[\u231a\u231b\u23f0\u23f3\u2600-\u2604\u260e\u2614\u2615\u2618\u261d\u2620-\u2623\u262a\u262e\u262f"
    "\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f-\u2668\u267b\u2692-\u269c\u26a0\u26a1\u26a7\u26bd\u26be"
    "\u26c4\u26c5\u26c8\u26d4\u26ea\u26f2-\u26f5\u26fa\u26fd\u2705\u2708-\u270d\u2728\u2744\u274c"
    f"\u2753-\u2757\u2763\u2764\u2b50\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
    f"\ufe0f?[{TONES}]?[\U000e0020-\U000e007f]*"
)
EMOJI = f"{FLAG}|{PICTURE}(?:\u200d{PICTURE})*"
WORD = re.compile(  # what begins a rare kind is looked for first: half of the time
    rf"(?=[CFcf][+#]|\w\w?&)(?:{LANGUAGE}|{INITIALS})|{LETTERS}(?:(?:{JOINT}){LETTERS})*|{EMOJI}"
)
SEPARATOR = re.compile(rf"[.'’,_{QUOTES}{BLANKS}{HYPHENS}]")
PART = re.compile(rf"[^_{BLANKS}{HYPHENS}]+")
PIECE = re.compile(r"[^.,]+")
NUMBER = re.compile(
    r"(?P<thousands>[1-9]\d{0,2}(?:(?:,\d{2,3})*,\d{3}|(?:\.\d{3})+|(?:['’]\d{3})+))"
    r"(?:[.,](?P<rest>\d+))?|(?P<whole>\d+)[.,](?P<decimals>\d+)"
)
ABBREVIATION = re.compile(r"(?P<letters>[^\W\d_](?:\.[^\W\d_])+)(?:['’]s)?")
CONTRACTION = re.compile(
    r"(?i:(?P<irregular>can|won|shan)['’]t|(?P<verb>\w+)n['’]t|(?P<subject>\w+)['’](?P<short>re|ve|ll|m))"
)
IRREGULAR = {"can": "can", "won": "will", "shan": "shall"}
SHORT = {"re": "are", "ve": "have", "ll": "will", "m": "am"}
LONGEST_JOINED = 32  # characters
LONGEST_UNIT = 2  # letters behind a number: 9-mm and 9mm, but not 10-day
TITLE = re.compile(r"[^\W\d_]{1,2}\.[^\W\d_]{1,2}")  # Ph.D
COUNTRY = "US"  # in capitals the country, else a pronoun


class Token(NamedTuple):
    """A part of a word: the text to analyse, and where it stands in the word, in characters.

    It covers `length` positions from `position` on. A pair of letters is a term as it is.
    """

    text: str
    start: int
    end: int
    position: int = 0
    length: int = 1
    is_pair: bool = False


def is_compound(word: str) -> bool:
    """Whether a word may be more than one token, or another than itself."""
    return word == COUNTRY or SEPARATOR.search(word) is not None or has_run(word)


def is_common(word: str) -> bool:
    """Whether a word may occur again: what is known of others is not kept, as they have no end.

    >>> is_common("co-operative"), is_common("a" * 33), is_common("東京の橋")
    (True, False, False)
    """
    return len(word) <= LONGEST_JOINED and not has_run(word)


def tokens(word: str) -> tuple[Token, ...]:
    """List the tokens of a word as WORD finds it, in order of position.

    >>> [(token.text, token.position, token.length) for token in tokens("co-operative")]
    [('co', 0, 1), ('co-operative', 0, 2), ('operative', 1, 1)]
    >>> [token.text for word in ("U.N", "1,500", "didn't", "Amazon.com") for token in tokens(word)]
    ['UN', '1500', 'did', 'not', 'Amazon', 'com']
    """
    return _known_tokens(word) if is_common(word) else _cut_word(word)


def _cut_word(word: str) -> tuple[Token, ...]:
    if not is_compound(word):
        return (Token(word, 0, len(word)),)
    found: list[Token] = []
    for part in _parts(word):
        first = len(found)
        found += [each._replace(position=first + each.position) for each in part]
    found += _joined(word, found)
    found += [
        Token("us", each.start, each.end, each.position) for each in found if each.text == COUNTRY
    ]
    return tuple(sorted(found, key=lambda each: (each.position, each.length)))


_known_tokens = lru_cache(maxsize=1 << 16)(_cut_word)


def _parts(word: str) -> Iterator[list[Token]]:
    """Walk the parts between separators: the tokens of each, positions counted from 0."""
    if NUMBER.fullmatch(word):
        yield [Token(_value(word), 0, len(word))]
        return
    for part in PART.finditer(word):
        start, end = part.span()
        if NUMBER.fullmatch(part.group()):
            yield [Token(_value(part.group()), start, end)]
        elif abbreviation := ABBREVIATION.fullmatch(part.group()):
            yield [Token(abbreviation["letters"].replace(".", "").upper(), start, end)]
        else:
            for piece in PIECE.finditer(word, start, end):
                yield _tokens_of(piece.group(), piece.start())


def _tokens_of(piece: str, start: int) -> list[Token]:
    """The tokens of a piece without separators but apostrophes."""
    end = start + len(piece)
    if has_run(piece):
        return [
            Token(each.text, each.start, each.end, place, is_pair=is_pair)
            for place, (each, is_pair) in enumerate(_cut(piece, start))
        ]
    found = CONTRACTION.fullmatch(piece)
    if not found:
        return [Token(piece, start, end)]
    verb = found["verb"] or found["subject"] or IRREGULAR[found["irregular"].lower()]
    other = SHORT[found["short"].lower()] if found["short"] else "not"
    cut = start + found.end(
        "verb" if found["verb"] else "subject" if found["short"] else "irregular"
    )
    return [
        Token(verb, start, cut),
        Token(other, cut, end, position=1),
    ]


def _cut(piece: str, offset: int) -> Iterator[tuple[Piece, bool]]:
    """Walk the pairs of letters in a text, marked True, and the words between them."""
    last = 0
    for run in [*RUN.finditer(piece), None]:
        start = run.start() if run else len(piece)
        for between in LETTERED.finditer(piece, last, start):
            place = offset + between.start(), offset + between.end()
            yield Piece(between.group(), *place), False
        if run:
            yield from ((each, True) for each in pairs(run.group(), offset + run.start()))
            last = run.end()


def _joined(word: str, parts: Sequence[Token]) -> list[Token]:
    """The joined form of a word in two parts, if it is one that is also written as one word."""
    if len(parts) != 2 or len(word) > LONGEST_JOINED or has_run(word):
        return []
    whole = Token(word, 0, len(word), length=2)
    between = word[parts[0].end : parts[1].start]
    counted = parts[0].text.isdigit() and len(parts[1].text) > LONGEST_UNIT
    if between and between in HYPHENS:
        return [] if counted or (parts[1].text.isdigit() and parts[0].text.isdigit()) else [whole]
    if between and between in BLANKS:
        return [whole._replace(text=parts[0].text + parts[1].text)]
    return [whole] if TITLE.fullmatch(word) else []


def is_contraction(word: str) -> bool:
    """Whether a word is a verb with what is joined to it: didn't, you're."""
    return CONTRACTION.fullmatch(word) is not None


def _value(number: str) -> str:
    """A number without separators of thousands, and with a decimal point."""
    found = NUMBER.fullmatch(number)
    if not found:
        return number
    if found["thousands"]:
        whole = re.sub(r"\D", "", found["thousands"])
        return f"{whole}.{found['rest']}" if found["rest"] else whole
    return f"{found['whole']}.{found['decimals']}"
