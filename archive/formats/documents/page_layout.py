"""Puts the pieces of text on a page into reading order: columns, lines, paragraphs, hyphens.

Columns are found by recursive X-Y cuts: Nagy and Seth, "Hierarchical representation of optically
scanned documents", ICPR 1984.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import NamedTuple

DEEPEST = 40  # cuts in one another
GUTTER = 0.7  # times the height of a line; a space between words has a third
FEWEST_LINES = 2  # on both sides of a gutter
LEADING = 1.6  # times the usual distance of lines; a larger one divides paragraphs
INDENT = (0.8, 6)  # times the height of a line, at the beginning of a paragraph
OTHER_SIZE = 1.25  # times the height: another size of letters is another paragraph
SHORT_LINE = 0.85  # of the width of the column; a shorter line ends a paragraph before an indent
HYPHEN = re.compile(r"\w[-\u00ad\u2010\ufffe\x02]$")  # PDFium has the latter two at line ends
ENDS = (".", "!", "?", "”", "’", '"', ":")  # of sentences


class Line(NamedTuple):
    """A piece of text, or a line of them, in points from the lower left corner of the page."""

    left: float
    bottom: float
    right: float
    top: float
    text: str
    begins: bool = False  # a paragraph
    is_first: bool = False  # of a column: a paragraph may go on from the one before

    @property
    def height(self) -> float:
        return self.top - self.bottom


def in_reading_order(pieces: list[Line]) -> list[Line]:
    """Join pieces to lines, in the order in which columns are read; mark where paragraphs begin."""
    pieces = [each for each in pieces if each.height > 0]
    if not pieces:
        return []
    size = median(each.height for each in pieces)
    return [line for block in _cut(pieces, size, DEEPEST) for line in _marked(_lines(block))]


def _cut(pieces: list[Line], size: float, levels: int) -> list[list[Line]]:
    """Cut at a gutter between columns, else at the largest gap between lines; or not at all."""
    if len(pieces) < 2 or not levels:
        return [pieces]
    if at := _gutter(pieces, size):
        parts = [p for p in pieces if p.left < at], [p for p in pieces if p.left >= at]
        return [block for part in parts for block in _cut(part, size, levels - 1)]
    gaps = _gaps([(-p.top, -p.bottom) for p in pieces])
    if not gaps:
        return [pieces]
    at = -max(gaps)[1]
    above, below = [p for p in pieces if p.top > at], [p for p in pieces if p.top <= at]
    parts = above, below
    if not any(_has_gutter(part, size, levels) for part in parts):
        return [pieces]
    return [block for part in parts for block in _cut(part, size, levels - 1)]


def _has_gutter(pieces: list[Line], size: float, levels: int) -> bool:
    """Whether there are columns anywhere in a part of a page: it is worth cutting."""
    if len(pieces) < 2 * FEWEST_LINES or not levels:
        return False
    if _gutter(pieces, size):
        return True
    gaps = _gaps([(-p.top, -p.bottom) for p in pieces])
    if not gaps:
        return False
    at = -max(gaps)[1]
    parts = [p for p in pieces if p.top > at], [p for p in pieces if p.top <= at]
    return any(_has_gutter(part, size, levels - 1) for part in parts)


def _gutter(pieces: list[Line], size: float) -> float:
    """Where the widest empty column begins to be text again; 0 if there is none."""
    for width, at in sorted(_gaps([(p.left, p.right) for p in pieces]), reverse=True):
        if width < GUTTER * size:
            return 0.0
        left = sum(p.left < at for p in pieces)
        if min(left, len(pieces) - left) >= FEWEST_LINES:
            return at
    return 0.0


def _gaps(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The gaps between spans: how wide each is, and where it ends."""
    gaps, reached = [], None
    for start, end in sorted(spans):
        if reached is not None and start > reached:
            gaps.append((start - reached, start))
        reached = end if reached is None else max(reached, end)
    return gaps


def _lines(pieces: list[Line]) -> list[Line]:
    """Join the pieces at one height to lines, from the top down."""
    lines: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda each: -(each.top + each.bottom)):
        middle = (piece.top + piece.bottom) / 2
        if lines and lines[-1][0].bottom < middle < lines[-1][0].top:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [_joined_line(sorted(line)) for line in lines]


def _joined_line(line: list[Line]) -> Line:
    return Line(
        line[0].left,
        min(each.bottom for each in line),
        max(each.right for each in line),
        max(each.top for each in line),
        " ".join(each.text for each in line),
    )


def _marked(lines: list[Line]) -> list[Line]:
    """Mark the lines at which paragraphs begin; the first of a block may go on from another one."""
    if not lines:
        return []
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    steps = [above.bottom - below.bottom for above, below in pairwise(lines)]
    usual = median(steps) if steps else 0
    marked = [lines[0]._replace(is_first=True)]
    for (above, below), step in zip(pairwise(lines), steps, strict=True):
        sizes = sorted((above.height, below.height))
        indent = (below.left - left) / below.height
        is_short = above.right - left < SHORT_LINE * (right - left)
        begins = (
            step > LEADING * usual
            or sizes[1] > OTHER_SIZE * sizes[0]
            or INDENT[0] < indent < INDENT[1]
            or (is_short and above.text.endswith(ENDS))
        )
        marked.append(below._replace(begins=begins))
    return marked


def joined(pages: list[list[Line]]) -> str:
    """Join the lines of pages to paragraphs, divided by blank lines, and mend hyphens.

    >>> joined([[Line(0, 0, 9, 9, "The har-"), Line(0, 0, 9, 9, "bour rose.")]])
    'The harbour rose.'
    """
    paragraphs: list[str] = []
    for line in (line for lines in pages for line in lines):
        before = paragraphs[-1] if paragraphs else ""
        new_column = line.is_first and before.endswith(ENDS) and not line.text[:1].islower()
        if not before or line.begins or new_column:
            paragraphs.append(line.text)
        elif HYPHEN.search(before) and line.text[:1].islower():
            paragraphs[-1] = before[:-1] + line.text
        else:
            paragraphs[-1] = f"{before} {line.text}"
    return "\n\n".join(paragraphs)
