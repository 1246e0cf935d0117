"""Analyses text: cuts it into sentences, and words into terms, stemmed in its language."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from whoosh.analysis import Analyzer
from whoosh.analysis import Token as WhooshToken

from backfile.archive.passages import breaks_of
from backfile.index.lexical.analysis.ngrams import has_run, letters
from backfile.index.lexical.analysis.stemming import ENGLISH, fold, is_stop_word, term_of
from backfile.index.lexical.analysis.word_delimiter import HYPHENS, WORD, is_common, tokens
from backfile.index.model.expression import Stretch

ANALYSER = "folded-snowball-4"  # recorded in the manifest; every change of terms changes it


class TermSpan(NamedTuple):
    """A term, the span of its word, in characters, and the positions that it covers."""

    term: str
    start: int
    end: int
    position: int
    length: int = 1


def weighty(words: Sequence[str], language: str = ENGLISH) -> Sequence[str]:
    """Drop stop words, unless all words are stop words.

    >>> weighty(["The", "ferry"]), weighty(["to", "be"]), weighty(["die", "Fähre"], "de")
    (['ferry'], ['to', 'be'], ['Fähre'])
    """
    return [word for word in words if not is_stop_word(word, language)] or words


def terms(text: str, language: str = ENGLISH) -> list[str]:
    """List the terms of a text in order, without the joined forms of compounds.

    >>> terms("The ferries' timetable, and the Ash"), terms("東京の橋")
    (['the', 'ferri', 'timet', 'and', 'the', 'ash'], ['東京', '京の', 'の橋', '橋'])
    """
    return [span.term for span in _path(term_spans(text, language), apart=True)]


def asked(text: str, language: str = ENGLISH, *, apart: bool = False) -> list[TermSpan]:
    """List the terms that a passage must hold in this order to contain a searched text.

    Compounds are one joined term, or their parts if `apart`. In a script that is cut into pairs,
    the last letter alone is left out: there the text may go on.

    >>> [[span.term for span in asked("co-operative bank", apart=apart)] for apart in (False, True)]
    [['cooper', 'bank'], ['co', 'oper', 'bank']]
    >>> [span.term for span in asked("東京")], [span.term for span in asked("京")]
    (['東京'], ['京'])
    """
    found = list(_path(term_spans(text, language), apart=apart))
    if len(found) > 1 and found[-1].start > found[-2].start and found[-1].end == found[-2].end:
        found.pop()
    return found


def _path(spans: Iterable[TermSpan], *, apart: bool) -> Iterator[TermSpan]:
    """Walk terms that cover each position once: those that cover the most, or parts alone."""
    longest: dict[int, TermSpan] = {}
    for span in spans:
        known = longest.get(span.position)
        if not (apart and span.length > 1) and (known is None or span.length > known.length):
            longest[span.position] = span
    end = 0
    for position, span in longest.items():
        if position >= end:
            yield span
            end = position + span.length


def words_of(text: str) -> list[str]:
    """List the words of a text, folded but not stemmed.

    >>> words_of("By Zoë O’Dowd-Núñez")
    ['by', 'zoe', 'odowd', 'nunez']
    """
    found = (match.group() for match in WORD.finditer(text))
    return [
        fold(part)
        for word in found
        for part in ([word] if has_run(word) else [t.text for t in tokens(word) if t.length == 1])
    ]


def name_words(text: str) -> list[str]:
    """List the parts by which names are compared: folded words; letters in scripts without spaces.

    >>> name_words("Ana Ruíz"), name_words("田中太郎")
    (['ana', 'ruiz'], ['田', '中', '太', '郎'])
    """
    return [
        each for word in words_of(text) for each in (letters(word) if has_run(word) else [word])
    ]


def term_spans(text: str, language: str = ENGLISH) -> Iterator[TermSpan]:
    """Walk the terms of a text with their spans, in order of position."""
    position = 0
    for word in WORD.finditer(text):
        offset = word.start()
        for term, start, end, place, length in word_terms(word.group(), language):
            yield TermSpan(term, offset + start, offset + end, position + place, length)
        position += place + length


def word_terms(word: str, language: str = ENGLISH) -> tuple[TermSpan, ...]:
    """The terms of a word as WORD finds it, with their spans and positions in it."""
    found = _known_terms if is_common(word) else _analysed
    return found(word, language)


def _analysed(word: str, language: str) -> tuple[TermSpan, ...]:
    return tuple(
        TermSpan(
            token.text if token.is_pair else term_of(token.text, language),
            *(token.start, token.end, token.position, token.length),
        )
        for token in tokens(word)
    )


_known_terms = lru_cache(maxsize=1 << 16)(_analysed)


class NewsAnalyzer(Analyzer):
    """The English terms of a text as Whoosh's tokens. Stop words are kept: phrases need them."""

    def __init__(self, *, joined: bool = True) -> None:
        """With or without the joined forms of compounds."""
        self.joined = joined

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
    ) -> Iterator[WhooshToken]:
        token = WhooshToken(positions, chars, removestops=removestops, mode=mode)
        token.boost = 1.0
        spans = term_spans(value)
        for span in spans if self.joined else _path(spans, apart=True):
            token.text = span.term
            token.pos = start_pos + span.position
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
    return not (before.isalnum() or before in f"_.,'’{HYPHENS}")
