"""Cuts an article into passages: they end at sentence ends and fit the model's window."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from sentencex import get_sentence_boundaries

from backfile.archive.model.article import Article, Passage

SPLITTER = "sentences-2"  # recorded in the manifest; change it when text is cut differently
EARLIER_SPLITTERS = ("sentences-1",)  # read as they are; the next writer cuts these archives anew
TARGET_TOKENS = 150  # index/DECISIONS.md compares sizes
LONGEST_TITLE_TOKENS = 48
# In characters: a model may count a word of any length as one unknown token.
LONGEST_PASSAGE = 4_000
FEWEST_WORDS = 12  # a shorter passage is a sign-off, a caption, a label: it joins its neighbour
OPENING = 120  # characters, in which most passages have as many words
SPARE_TOKENS = 4  # a passage alone may have a few tokens more than inside its article
BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
LINE_END = re.compile(r"\n\s*")
SPACE = re.compile(r"\s*")
SENTENCE_END = re.compile(r"""[.!?…:;,]["'”’»)\]]*$""")
CLAUSE_END = re.compile(r"[;:,—–)]\s+")
QUOTATION_MARKS = re.compile(r"""(?:["“”„‟«»＂]|(?<!\w)['‘’]|['‘’](?!\w))+""")  # no apostrophe
LONGEST_HEADING = 90  # characters
WORD = re.compile(r"\w+")
# Scripts without spaces between words (Thai, Lao, Burmese, Khmer, Chinese, Japanese), and Korean.
UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
LETTERS_A_WORD = 2  # in these scripts
WRAPPED_LINE = 100  # lines longer than this on average are paragraphs, not wrapped lines


class Tokenizer(Protocol):
    """Finds the tokens of the embedding model."""

    window: int
    """The most tokens of text in one input, without the tokens that the model adds itself."""

    def starts(self, text: str) -> Sequence[int]:
        """Return the character offset at which each token of the text starts, ascending."""
        ...


class Span(NamedTuple):
    """A range of the text, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """The sentences under one heading; the first sentence begins with the heading."""

    heading: str
    sentences: list[Span]


class _Piece(NamedTuple):
    """A passage to be: its span, its heading, and the most tokens that it may have."""

    span: Span
    heading: str
    limit: int


def split(article: Article, tokenizer: Tokenizer, target: int = TARGET_TOKENS) -> list[Passage]:
    """Cut an article into passages of about `target` tokens; together they cover its text.

    A passage ends at a sentence end. Only a sentence longer than the window or LONGEST_PASSAGE is
    cut inside, at a clause or a word. A passage may begin with a heading, and lies in one section,
    unless it would have less than FEWEST_WORDS words: then it joins the passage before it, or the
    one after it. Each passage together with the title fits the tokenizer's window.
    """
    text = article.text
    starts = tokenizer.starts(text)
    title_tokens = min(len(tokenizer.starts(article.given_title)), LONGEST_TITLE_TOKENS)
    pieces: list[_Piece] = []
    for section in _sections(text, article.language):
        heading_tokens = len(tokenizer.starts(section.heading)) if section.heading else 0
        limit = max(16, tokenizer.window - title_tokens - heading_tokens - SPARE_TOKENS)
        sentences = [
            piece
            for sentence in section.sentences
            for piece in _within(text, sentence, starts, limit)
        ]
        packed = _pack(sentences, starts, min(target, limit), limit)
        pieces += [_Piece(span, section.heading, limit) for span in packed]
    return [
        Passage(article.id, n, span.start, span.end, heading, text[span.start : span.end])
        for n, (span, heading, _) in enumerate(_without_scraps(pieces, text, starts))
    ]


def word_count(text: str) -> int:
    """Count words; where a script has no spaces between them, two letters count as one.

    >>> word_count("- Ana Ruiz, Ash"), word_count("橋は再開した")
    (3, 3)
    """
    if text.isascii() or not (letters := len(UNSPACED.findall(text))):
        return len(WORD.findall(text))
    return len(WORD.findall(UNSPACED.sub(" ", text))) + -(-letters // LETTERS_A_WORD)


def embedded_text(passage: Passage, title: str) -> str:
    """The text that is embedded for a passage: title, heading, passage.

    All quotation marks become `"`, so that their shape does not change the embedding.
    """
    heading = "" if passage.text.startswith(passage.heading) else passage.heading
    whole = "\n".join(part for part in (title, heading, passage.text) if part)
    return QUOTATION_MARKS.sub('"', whole)


def hash_of_text(text: str) -> int:
    """A hash of what is embedded, 64 bits with a sign; among ten million texts, no two share one.

    >>> hash_of_text("The ferry stopped.") == hash_of_text("The ferry stopped.")
    True
    """
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def sentences_of(passage: Passage, language: str) -> Iterator[Span]:
    """Find the sentences of a passage without its heading; spans start at 0 for the passage."""
    text = passage.text
    opening = len(passage.heading) if text.startswith(passage.heading) else 0
    for found in paragraphs(text[opening:]):
        yield from _sentences(text, Span(found.start + opening, found.end + opening), language)


class Breaks(NamedTuple):
    """Start offsets of all sentences and all paragraphs but the first, in characters."""

    sentences: list[int]
    paragraphs: list[int]


def breaks_of(text: str, language: str) -> Breaks:
    """Find the starts of sentences and paragraphs; each paragraph also starts a sentence."""
    found = [span for span in paragraphs(text) if span.start < span.end]
    sentences = [each.start for span in found for each in _sentences(text, span, language)]
    return Breaks(sentences[1:], [span.start for span in found[1:]])


def embedded_sentence(text: str) -> str:
    """The text that is embedded for a sentence; quotation marks as in `embedded_text`."""
    return QUOTATION_MARKS.sub('"', text)


def paragraphs(text: str) -> Iterator[Span]:
    """Find the paragraphs: divided by blank lines, or by line ends if there is no blank line."""
    separator = BLANK_LINE
    if not BLANK_LINE.search(text):
        lines = text.count("\n") + 1
        separator = LINE_END if len(text) / lines > WRAPPED_LINE else BLANK_LINE
    start = 0
    for gap in separator.finditer(text):
        yield Span(start, gap.start())
        start = gap.end()
    yield Span(start, len(text))


def is_heading(line: str) -> bool:
    """Whether a line is a section heading: short, and without the end of a sentence.

    >>> is_heading("Immediate Aftermath"), is_heading("He left."), is_heading("MOSCOW —")
    (True, False, False)
    """
    if "\n" in line or not 2 < len(line) <= LONGEST_HEADING or SENTENCE_END.search(line):
        return False
    return line[0].isalnum() and line[-1] not in "—–-" and not line[0].islower()


def _sections(text: str, language: str) -> Iterator[Section]:
    section = Section("", [])
    opening: int | None = None  # start of a heading that has no sentence yet
    spans = [span for span in paragraphs(text) if span.start < span.end]
    for index, span in enumerate(spans):
        line = text[span.start : span.end]
        if is_heading(line) and index + 1 < len(spans):
            if section.sentences:
                yield section
            opening = span.start if opening is None else opening
            section = Section(line, [])
            continue
        sentences = list(_sentences(text, span, language))
        if opening is not None:
            sentences[0] = Span(opening, sentences[0].end)
            opening = None
        section.sentences.extend(sentences)
    if section.sentences:
        yield section


def _sentences(text: str, paragraph: Span, language: str) -> Iterator[Span]:
    first = paragraph.start
    for start, end in _within_paragraph(text[first : paragraph.end], language):
        yield Span(first + start, first + end)


@lru_cache(maxsize=256)  # an article is read for its furniture, and then for its passages
def _within_paragraph(body: str, language: str) -> list[tuple[int, int]]:
    spans = []
    for found in get_sentence_boundaries(language or "en", body):
        start, end = found["start_index"], found["end_index"]
        sentence = body[start:end]
        if stripped := sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            spans.append((start, start + len(stripped)))
    return spans


def _within(text: str, span: Span, starts: Sequence[int], limit: int) -> Iterator[Span]:
    """Cut a sentence longer than the window: at a clause, else at a word, else at a token."""
    start, end = span
    while not _fits(Span(start, end), starts, limit):
        window = text[start : _furthest(start, starts, limit)]
        clauses = [m.end() for m in CLAUSE_END.finditer(window) if m.end() > len(window) // 2]
        cut = clauses[-1] if clauses else _last_space(window)
        yield Span(start, start + len(window[:cut].rstrip()))
        if space := SPACE.match(text, start + cut, end):
            start = space.end()
    if start < end:
        yield Span(start, end)


def _furthest(start: int, starts: Sequence[int], limit: int) -> int:
    """The furthest end of a span from `start` within `limit` tokens and LONGEST_PASSAGE."""
    beyond = bisect_left(starts, start) + limit
    by_tokens = starts[beyond] if beyond < len(starts) else start + LONGEST_PASSAGE
    return max(start + 1, min(by_tokens, start + LONGEST_PASSAGE))


def _last_space(window: str) -> int:
    spaces = [m.end() for m in re.finditer(r"\s+", window)]
    return spaces[-1] if spaces and spaces[-1] > len(window) // 2 else len(window)


def _pack(sentences: list[Span], starts: Sequence[int], target: int, limit: int) -> Iterator[Span]:
    """Join sentences to passages of similar length, near the target and within the limit."""
    if not sentences:
        return
    total = _tokens(Span(sentences[0].start, sentences[-1].end), starts)
    share = total / max(1, round(total / target))
    start = sentences[0].start
    for sentence, following in pairwise(sentences):
        end = sentence.end
        size = _tokens(Span(start, end), starts)
        grown = _tokens(Span(start, following.end), starts)
        fits = grown <= limit and following.end - start <= LONGEST_PASSAGE
        if not fits or (size > 1 and abs(size - share) <= abs(grown - share)):
            yield Span(start, end)
            start = following.start
    yield Span(start, sentences[-1].end)


def _without_scraps(pieces: Sequence[_Piece], text: str, starts: Sequence[int]) -> Iterator[_Piece]:
    """Join pieces of less than FEWEST_WORDS words to the one before them, else the one after."""
    held: _Piece | None = None
    for piece in pieces:
        if held is None:
            held = piece
            continue
        limit = min(held.limit, piece.limit)
        both = Span(held.span.start, piece.span.end)
        if any(_is_scrap(each, text) for each in (piece, held)) and _fits(both, starts, limit):
            held = _Piece(both, held.heading, limit)
        else:
            yield held
            held = piece
    if held:
        yield held


def _is_scrap(piece: _Piece, text: str) -> bool:
    words = text[piece.span.start : piece.span.end]
    return word_count(words[:OPENING]) < FEWEST_WORDS and word_count(words) < FEWEST_WORDS


def _fits(span: Span, starts: Sequence[int], limit: int) -> bool:
    return span.end - span.start <= LONGEST_PASSAGE and _tokens(span, starts) <= limit


def _tokens(span: Span, starts: Sequence[int]) -> int:
    return bisect_left(starts, span.end) - bisect_left(starts, span.start)
