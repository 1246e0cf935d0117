"""Lays out an article's text for its page: paragraphs, headings, passages and matches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from backfile.archive.model.article import Article, Passage
from backfile.archive.passages import is_heading, paragraphs


class Match(NamedTuple):
    """A range that matches the search, and its number on the page.

    The number is 0 for a match that continues from the piece of text before.
    """

    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph or heading: pieces of text, each with the numbers of passages starting there."""

    heading: bool
    pieces: tuple[tuple[tuple[int, ...], Markup], ...]


def numbered(spans: Sequence[tuple[int, int]], first: int) -> list[Match]:
    """Number highlighted ranges in order, from `first` on."""
    return [Match(start, end, number) for number, (start, end) in enumerate(spans, first)]


def matched(text: str, matches: Sequence[Match], current: int = 0) -> Markup:
    """Escape a text and mark its matches, each with an anchor.

    >>> str(matched("a <b> c", [Match(6, 7, 3)]))
    'a &lt;b&gt; <mark id="m3">c</mark>'
    """
    pieces, last = [], 0
    for start, end, number in matches:
        id_ = Markup(' id="m{}"').format(number) if number else ""
        now = Markup(' aria-current="true"') if number and number == current else ""
        pieces.append(escape(text[last:start]))
        pieces.append(Markup("<mark{}{}>{}</mark>").format(id_, now, text[start:end]))
        last = end
    return Markup("").join([*pieces, escape(text[last:])])


def blocks(
    article: Article, passages: Sequence[Passage], matches: Sequence[Match], current: int = 0
) -> Iterator[TextBlock]:
    """Cut the text into blocks, and each block into pieces where a passage begins."""
    text = article.text
    found = [span for span in paragraphs(text) if span.start < span.end]
    for index, (start, end) in enumerate(found):
        begins = [passage for passage in passages if start <= passage.start < end]
        cuts = sorted({start, *(passage.start for passage in begins), end})
        pieces = tuple(
            (
                tuple(passage.n for passage in begins if passage.start == left),
                matched(text[left:right], _within(matches, left, right), current),
            )
            for left, right in pairwise(cuts)
        )
        heading = is_heading(text[start:end]) and index + 1 < len(found)
        yield TextBlock(heading, pieces)


def _within(matches: Sequence[Match], left: int, right: int) -> list[Match]:
    return [
        Match(max(start, left) - left, min(end, right) - left, number if start >= left else 0)
        for start, end, number in matches
        if start < right and end > left
    ]
