"""Analyses text: cuts it into sentences, and words into terms, stemmed in its language."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from whoosh.analysis import Analyzer, Token

from backfile.archive.passages import breaks_of
from backfile.index.lexical.analysis.ngrams import MARKS, RUN, Piece, has_run, letters, pairs
from backfile.index.lexical.analysis.stemming import ENGLISH, fold, is_stop_word, term_of
from backfile.index.model.expression import Stretch

ANALYSER = "folded-snowball-3"  # recorded in the manifest; every change of terms changes it
# Signs within a word that \w does not match: accents and vowels.
SIGNS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    f"\u0900-\u0963\u0966-\u0dff{MARKS}"
)
WORD = re.compile(rf"\w[\w{SIGNS}]*(?:[.'’]\w[\w{SIGNS}]*)*")


class TermSpan(NamedTuple):
    """A term and the span of its word, in characters."""

    term: str
    start: int
    end: int


def weighty(words: Sequence[str], language: str = ENGLISH) -> Sequence[str]:
    """Drop stop words, unless all words are stop words.

    >>> weighty(["The", "ferry"]), weighty(["to", "be"]), weighty(["die", "Fähre"], "de")
    (['ferry'], ['to', 'be'], ['Fähre'])
    """
    return [word for word in words if not is_stop_word(word, language)] or words


def terms(text: str, language: str = ENGLISH) -> list[str]:
    """List the terms of a text in order.

    >>> terms("The ferries' timetable, and the Ash"), terms("東京の橋")
    (['the', 'ferri', 'timet', 'and', 'the', 'ash'], ['東京', '京の', 'の橋', '橋'])
    """
    return [span.term for span in term_spans(text, language)]


def terms_asked(text: str, language: str = ENGLISH) -> list[str]:
    """List the terms that a passage must hold in this order to contain a searched text.

    In a script that is cut into pairs, the last letter alone is left out: there the text may go on.

    >>> terms_asked("東京"), terms_asked("京")
    (['東京'], ['京'])
    """
    found = list(term_spans(text, language))
    if len(found) > 1 and found[-1].start > found[-2].start and found[-1].end == found[-2].end:
        found.pop()
    return [span.term for span in found]


def words_of(text: str) -> list[str]:
    """List the words of a text, folded but not stemmed.

    >>> words_of("By Zoë O’Dowd-Núñez")
    ['by', 'zoe', "o'dowd", 'nunez']
    """
    return [fold(match.group()) for match in WORD.finditer(text)]


def name_words(text: str) -> list[str]:
    """List the parts by which names are compared: folded words; letters in scripts without spaces.

    >>> name_words("Ana Ruíz"), name_words("田中太郎")
    (['ana', 'ruiz'], ['田', '中', '太', '郎'])
    """
    return [
        each for word in words_of(text) for each in (letters(word) if has_run(word) else [word])
    ]


def term_spans(text: str, language: str = ENGLISH) -> Iterator[TermSpan]:
    """Walk the terms of a text with their spans."""
    for match in WORD.finditer(text):
        word = match.group()
        if not has_run(word):
            yield TermSpan(term_of(word, language), match.start(), match.end())
            continue
        for piece, is_pair in pieces(word, match.start()):
            term = piece.text if is_pair else term_of(piece.text, language)
            yield TermSpan(term, piece.start, piece.end)


def terms_of_run(word: str, language: str = ENGLISH) -> list[str]:
    """List the terms of a word that contains letters of a script that is cut into pairs."""
    return [p.text if is_pair else term_of(p.text, language) for p, is_pair in pieces(word, 0)]


def pieces(word: str, offset: int) -> Iterator[tuple[Piece, bool]]:
    """Walk the pairs of letters in a word, marked True, and the words between them."""
    last = 0
    for run in [*RUN.finditer(word), None]:
        start = run.start() if run else len(word)
        for between in WORD.finditer(word, last, start):
            place = offset + between.start(), offset + between.end()
            yield Piece(between.group(), *place), False
        if run:
            yield from ((piece, True) for piece in pairs(run.group(), offset + run.start()))
            last = run.end()


class NewsAnalyzer(Analyzer):
    """The English terms of a text as Whoosh's tokens. Stop words are kept: phrases need them."""

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
        for position, span in enumerate(term_spans(value), start_pos):
            token.text = span.term
            token.pos = position
            if chars:
                token.startchar = start_char + span.start
                token.endchar = start_char + span.end
            yield token


class CutText(NamedTuple):
    """A text, the starts of its sentences in characters, and which of them open a paragraph."""

    text: str
    starts: list[int]
    opens: list[bool]

    @property
    def sentences(self) -> list[str]:
        """The sentences with the blanks after them; joined, they are the text."""
        ends = [*self.starts[1:], len(self.text)]
        return [self.text[start:end] for start, end in zip(self.starts, ends, strict=True)]

    def starts_of(self, stretch: Stretch) -> list[int]:
        """The starts of the sentences, or of the paragraphs."""
        if stretch is Stretch.SENTENCE:
            return self.starts
        return [start for start, opens in zip(self.starts, self.opens, strict=True) if opens]


def cut_text(text: str, language: str) -> CutText:
    """Cut a text at the starts of sentences, but not within a word (`end.Next`).

    >>> cut = cut_text("It rose. Nobody saw it.\\n\\nA bridge.", "en")
    >>> cut.sentences, cut.opens
    (['It rose. ', 'Nobody saw it.\\n\\n', 'A bridge.'], [True, False, True])
    """
    breaks = breaks_of(text, language)
    opening = {0, *breaks.paragraphs}
    starts = [0, *(each for each in breaks.sentences if _is_between_words(text, each))]
    return CutText(text, starts, [start in opening for start in starts])


def _is_between_words(text: str, place: int) -> bool:
    before = text[place - 1]
    return not (before.isalnum() or before in "_.'’")
