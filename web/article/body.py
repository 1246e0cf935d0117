"""Lays out an article's text for its page: paragraphs, headings, passages and matches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from backfile.archive.furniture import furniture_of
from backfile.archive.model.article import Article, Passage
from backfile.archive.passages import is_heading, paragraphs


class Match(NamedTuple):
    """A range that matches the search, and its number on the page.

    The number is 0 for a match that continues from the piece of text before.
    """

    start: int
    end: int
    number: int


class Piece(NamedTuple):
    """A piece of text, with the numbers of the passages that start there."""

    anchors: tuple[int, ...]
    text: Markup
    is_furniture: bool


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph or heading, as pieces of text."""

    heading: bool
    pieces: tuple[Piece, ...]


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
    """Cut the text into blocks, and each block where a passage or furniture begins or ends.

    Furniture has no matches, as it is not searched.
    """
    text = article.text
    furniture = furniture_of(text, passages)
    found = [span for span in paragraphs(text) if span.start < span.end]
    for index, (start, end) in enumerate(found):
        begins = [passage for passage in passages if start <= passage.start < end]
        within = [bound for span in furniture for bound in span if start < bound < end]
        cuts = sorted({start, *(passage.start for passage in begins), *within, end})
        pieces = tuple(
            Piece(
                tuple(passage.n for passage in begins if passage.start == left),
                matched(text[left:right], _within(matches, left, right), current),
                any(a <= left < b for a, b in furniture),
            )
            for left, right in pairwise(cuts)
        )
        heading = is_heading(text[start:end]) and index + 1 < len(found)
        heading = heading and not pieces[0].is_furniture
        yield TextBlock(heading, pieces)


def beside_furniture(
    marks: Sequence[tuple[int, int]], article: Article, passages: Sequence[Passage]
) -> list[tuple[int, int]]:
    """The marked ranges of an article's text that are not in its furniture."""
    furniture = furniture_of(article.text, passages)
    return [
        (start, end) for start, end in marks if not any(a < end and start < b for a, b in furniture)
    ]


def _within(matches: Sequence[Match], left: int, right: int) -> list[Match]:
    return [
        Match(max(start, left) - left, min(end, right) - left, number if start >= left else 0)
        for start, end, number in matches
        if start < right and end > left
    ]
