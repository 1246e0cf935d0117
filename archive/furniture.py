"""Finds furniture: sentences that recur in unrelated articles of one outlet, and are not news.

Examples are "Story Continued Below", an invitation to a newsletter, the captions of a gallery that
stands in many articles. A sentence is furniture by the articles of the archive that hold it, and
never by the order in which these came. What is left out of an article stays in its text.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from hashlib import blake2b
from itertools import islice, pairwise
from typing import NamedTuple

from backfile.archive.model.article import Article, Passage
from backfile.archive.passages import (
    UNSPACED,
    WORD,
    Span,
    Tokenizer,
    breaks_of,
    split,
    word_count,
)

RULE = 1  # kept in the catalogue; change it when another sentence is furniture
STORIES = 8  # that hold a sentence; index/DECISIONS.md has the counts for other bars
MONTHS = 4  # in which these were published; a running story is shorter, or its titles are alike
SHARED_TITLES = 2 / 3  # of the stories whose titles share a word: they are one running story
SAMPLE = 64  # stories that decide, by hash, so that the common furniture costs no more
FEWEST_WORDS = 3  # "New York" or the name of a writer may be a heading, and is searched for
LONG_WORD = 4  # letters of a word of a title that may name its subject
DIGEST = 8  # bytes
NAMING = 3  # sentences that name a story; one alone may itself recur
LETTER = re.compile(r"[^\W\d_]")


class Sentence(NamedTuple):
    """A sentence of an article: its span, and the hash of its outlet and its words."""

    span: Span
    hash: int


class Recurring(NamedTuple):
    """What of an article may recur: the hashes of its sentences, each with that of its story.

    The story is named by the longest other sentences of the article, so that copies of one article
    count once, and by its title where it has few. The article was cut without `left_out`.
    """

    stories: dict[int, int]
    left_out: frozenset[int] = frozenset()


class Holder(NamedTuple):
    """An article that holds a sentence."""

    published: date | None
    title: str


class CutArticle(NamedTuple):
    """An article's passages, the article as it is searched, and what of it may recur."""

    passages: list[Passage]
    searched: Article
    recurring: Recurring


def cut_article(article: Article, tokenizer: Tokenizer, known: Collection[int]) -> CutArticle:
    """Cut an article into passages without its furniture; `known` are the hashes of all furniture.

    The passages' offsets are those of the whole text. An article of furniture alone keeps it.
    """
    sentences = list(sentences_of_article(article))
    furniture = [each.span for each in sentences if each.hash in known]
    stories = _stories(article, sentences)
    recurring = Recurring(stories, frozenset(stories.keys() & set(known)) if furniture else NONE)
    spans = left_out(article.text, furniture)
    if not spans:
        return CutArticle(split(article, tokenizer), article, recurring)
    searched = replace(article, text=without(article.text, spans))
    passages = [_placed(each, spans) for each in split(searched, tokenizer)]
    return CutArticle(passages, searched, recurring)


NONE: frozenset[int] = frozenset()


def sentences_of_article(article: Article) -> Iterator[Sentence]:
    """Find the sentences of FEWEST_WORDS words or more; a heading or a line alone is one, too."""
    text = article.text
    starts = [0, *breaks_of(text, article.language).sentences, len(text)]
    for start, following in pairwise(starts):
        body = text[start:following]
        words = " ".join(_words(body))
        if word_count(words) >= FEWEST_WORDS:
            found = hash_of(article.source, words)
            yield Sentence(Span(start, start + len(body.rstrip())), found)


def hash_of(outlet: str, words: str) -> int:
    """Hash normalised words of an outlet to a signed integer of 64 bits."""
    whole = f"{outlet.casefold()}\0{words}".encode()
    return int.from_bytes(blake2b(whole, digest_size=DIGEST).digest(), "big", signed=True)


def is_furniture(holders: Sequence[Holder]) -> bool:
    """Whether a sentence is furniture by the articles that hold it, one of each story.

    They must be STORIES or more, of MONTHS different months (STORIES articles without a day count
    as one), and no word may stand in two thirds of their titles.

    >>> days = [date(2024, month, 1) for month in range(1, 9)]
    >>> is_furniture([Holder(day, f"Title {n}") for n, day in enumerate(days)])
    False
    >>> is_furniture([Holder(day, chr(97 + n) * 5) for n, day in enumerate(days)])
    True
    """
    if len(holders) < STORIES:
        return False
    months = {(each.published.year, each.published.month) for each in holders if each.published}
    undated = sum(each.published is None for each in holders)
    if len(months) + undated // STORIES < MONTHS:
        return False
    shared = Counter(word for each in holders for word in set(_subjects(each.title)))
    return max(shared.values(), default=0) < SHARED_TITLES * len(holders)


def left_out(text: str, furniture: Iterable[Span]) -> tuple[Span, ...]:
    """The ranges to delete from a text, so that it reads on without its furniture.

    A range takes the blanks with it that would be left over. None if nothing else would be left.

    >>> text = "Rain fell. Read more here now.\\n\\nIt stopped."
    >>> without(text, left_out(text, [Span(11, 30)]))
    'Rain fell.\\n\\nIt stopped.'
    """
    spans = tuple(_widened(text, span) for span in _runs(text, furniture))
    return spans if without(text, spans).strip() else ()


def without(text: str, spans: Iterable[Span]) -> str:
    """Delete ranges from a text."""
    pieces, last = [], 0
    for start, end in spans:
        pieces.append(text[last:start])
        last = end
    return "".join([*pieces, text[last:]])


def furniture_of(text: str, passages: Sequence[Passage]) -> list[Span]:
    """The ranges of an article's text that no passage has, without the blanks around them."""
    searched = [
        Span(start, end)
        for each in passages
        for start, end in _kept(Span(each.start, each.end), each.left_out)
    ]
    ends = [0, *(each.end for each in searched)]
    starts = [*(each.start for each in searched), len(text)]
    gaps = [Span(end, start) for end, start in zip(ends, starts, strict=True) if searched]
    return [_stripped(text, gap) for gap in gaps if text[gap.start : gap.end].strip()]


def _stories(article: Article, sentences: Sequence[Sentence]) -> dict[int, int]:
    longest = sorted(sentences, key=lambda each: (each.span.start - each.span.end, each.hash))
    named = list(dict.fromkeys(each.hash for each in longest))[: NAMING + 1]
    if len(named) <= NAMING:
        named.append(hash_of(article.source, article.title.casefold()))
    return {each.hash: _story(name for name in named if name != each.hash) for each in sentences}


def _story(hashes: Iterable[int]) -> int:
    return zlib.crc32(repr(sorted(list(hashes)[:NAMING])).encode())


def _words(text: str) -> list[str]:
    """The words of a text that have a letter, normalised; a number counts beside one."""
    words = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if not text.isascii():
        return words
    lettered = islice(filter(LETTER.search, words), FEWEST_WORDS)
    return words if len(list(lettered)) == FEWEST_WORDS else []


def _subjects(title: str) -> Iterator[str]:
    """The words of a title that may name its subject: long ones; pairs of letters without spaces.

    >>> sorted(_subjects("The ferry is back")), list(_subjects("橋再開"))
    (['back', 'ferry'], ['橋再', '再開'])
    """
    for word in WORD.findall(unicodedata.normalize("NFKC", title).casefold()):
        if UNSPACED.search(word):
            yield from (one + other for one, other in pairwise(word))
        elif len(word) >= LONG_WORD:
            yield word


def _runs(text: str, furniture: Iterable[Span]) -> Iterator[Span]:
    """Join spans that only blanks divide."""
    current: Span | None = None
    for span in furniture:
        if current and not text[current.end : span.start].strip():
            current = Span(current.start, span.end)
            continue
        if current:
            yield current
        current = span
    if current:
        yield current


def _widened(text: str, span: Span) -> Span:
    """Take the blanks after a range that begins a line, else the blanks before it."""
    before = text[: span.start].rstrip()
    if len(before) == 0 or "\n" in text[len(before) : span.start]:
        return Span(span.start, len(text) - len(text[span.end :].lstrip()))
    return Span(len(before), span.end)


def _placed(passage: Passage, spans: Sequence[Span]) -> Passage:
    """Give a passage of the text without `spans` its offsets in the whole text."""
    start, end = _place(passage.start, spans), _place(passage.end - 1, spans) + 1
    within = tuple((a, b) for a, b in spans if start < a and b < end)
    return replace(passage, start=start, end=end, left_out=within)


def _place(offset: int, spans: Iterable[Span]) -> int:
    for start, end in spans:
        if start > offset:
            break
        offset += end - start
    return offset


def _kept(span: Span, gaps: Iterable[tuple[int, int]]) -> Iterator[Span]:
    start = span.start
    for gap_start, gap_end in gaps:
        yield Span(start, gap_start)
        start = gap_end
    yield Span(start, span.end)


def _stripped(text: str, span: Span) -> Span:
    body = text[span.start : span.end]
    start = span.start + len(body) - len(body.lstrip())
    return Span(start, start + len(body.strip()))
