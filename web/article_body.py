"""Lays an article's text out for its page: paragraphs and headings, with anchors for passages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from archive.article import Article, Passage
from archive.splitting import is_heading, paragraphs
from web.presentation import marked

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or heading: pieces of text, each with the passages that begin in front of it."""

    heading: bool
    pieces: tuple[tuple[tuple[int, ...], Markup], ...]


def blocks(article: Article, passages: Sequence[Passage], spans: Spans) -> Iterator[Block]:
    """Cut the text into blocks, and each block where a passage begins."""
    text = article.text
    found = [span for span in paragraphs(text) if span.start < span.end]
    for index, (start, end) in enumerate(found):
        begins = [passage for passage in passages if start <= passage.start < end]
        cuts = sorted({start, *(passage.start for passage in begins), end})
        pieces = tuple(
            (
                tuple(passage.n for passage in begins if passage.start == left),
                marked(text[left:right], _within(spans, left, right)),
            )
            for left, right in pairwise(cuts)
        )
        heading = is_heading(text[start:end]) and index + 1 < len(found)
        yield Block(heading, pieces)


def _within(spans: Spans, left: int, right: int) -> list[tuple[int, int]]:
    return [
        (max(start, left) - left, min(end, right) - left)
        for start, end in spans
        if start < right and end > left
    ]
