"""Joins lines wrapped at a fixed width, as in wires and mails, to paragraphs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, groupby, pairwise
from typing import NamedTuple

LAST_WORD = re.compile(r"[^\W\d_]+(?=-$)")
FIRST_WORD = re.compile(r"[^\W\d_]+")
HYPHENATED_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
CONJUNCTIONS = frozenset(("and", "or", "und", "oder", "bzw", "sowie", "et", "ou", "y", "o"))
# Hyphenation cuts a word in about one of ten lines; a compound ends one line in a hundred.
FEWEST, SHARE = 3, 0.04


@dataclass(frozen=True, slots=True)
class Hyphens:
    """The hyphens of an article: its words, and whether words are cut at line ends at all."""

    words: frozenset[str]
    cuts: bool

    @classmethod
    def of(cls, lines: list[str]) -> "Hyphens":
        """Collect them from an article's lines."""
        ends = sum(line.endswith("-") and line[-2:-1].isalpha() for line in lines)
        if not ends:
            return cls(frozenset(), cuts=False)
        words = frozenset(
            word for line in lines for word in HYPHENATED_WORD.findall(line.casefold())
        )
        return cls(words, cuts=ends >= FEWEST and ends >= SHARE * len(lines))

    def joined(self, start: str, rest: str) -> tuple[str, str, str]:
        """Join a line that ends in a hyphen with the next, as (line, divider, next line).

        >>> Hyphens(frozenset(("harbour",)), cuts=False).joined("the har-", "bour wall")
        ('the har', '', 'bour wall')
        >>> Hyphens(frozenset(), cuts=False).joined("the harbour-", "master")
        ('the harbour-', '', 'master')
        """
        last, first = LAST_WORD.search(start), FIRST_WORD.match(rest)
        if not last or not first or first[0].casefold() in CONJUNCTIONS:
            return start, " ", rest
        left, right = last[0].casefold(), first[0].casefold()
        whole = left + right in self.words
        compound = f"{left}-{right}" in self.words
        if whole or (self.cuts and not compound and first[0].islower()):
            return start[:-1], "", rest
        return start, "", rest


NARROWEST, WIDEST = 55, 100  # characters; verse is narrower, a paragraph on one line wider
FULL = 0.9  # of the width: a line is full if the next word does not fit
SHORT = 0.75  # of the width: a shorter line with a sentence end also ends its paragraph
LONGEST_WORD = 15  # characters; longer ones (an address, Chinese) would make any line full
MOST = 0.6  # the least share of full lines among a wrapped block's lines without a sentence end
FEWEST = 3  # full lines in a wrapped article
IN_SENTENCE = 0.35  # of full lines go on in lower case, in German too; verse begins in capitals
SENTENCE_ENDS, CLOSING = (".", "!", "?", "…", ":", "。", "！", "？"), "\"'”’»)]」"
# Beginnings of a line that is never joined to the one before: list item, quoted mail, rule, byline,
# date.
OWN_LINE = re.compile(
    r"\s*(?:[-*•·–—>|+#=_]+(?:\s|$)|\d{1,3}[.)]\s|https?://"
    r"|(?:By|Von|Par|Por) [^\W\d_]|\d{4}-\d\d-\d\d\b)"
)
TABLE_ROW = re.compile(r"""\t|[^\s.!?:"”]\s{2,}\S.*[^\s.!?:"”]\s{2,}\S""")
UNSPACED = re.compile("[\u3001-\u30ff\u3400-\u9fff\uff00-\uffef]")


class LineBlock(NamedTuple):
    """Lines without a blank line between them; `run_on[i]` says whether line i is full."""

    lines: list[str]
    run_on: list[bool]
    width: int

    @property
    def is_wrapped(self) -> bool:
        """Whether most lines without a sentence end are full, and it is not a table."""
        full = sum(self.run_on)
        if not full:
            return False
        ends = zip(self.lines, self.run_on, strict=False)
        broken = sum(not run_on and not _ends_sentence(line) for line, run_on in ends)
        return full >= MOST * (full + broken) and 3 * self._rows <= len(self.lines)

    @property
    def _rows(self) -> int:
        spaced = (line for line in self.lines if "  " in line or "\t" in line)
        return sum(TABLE_ROW.search(line) is not None for line in spaced)


def unwrapped(lines: list[str]) -> list[str]:
    """Join the lines of wrapped paragraphs, and put blank lines between paragraphs.

    In a wrapped article nearly all lines are as long as the next word allows, and many end inside a
    sentence; those of verse, lists, tables, addresses and scores do not. Returns `lines` itself if
    there is nothing to join.
    """
    if not has_neighbours(lines):
        return lines
    stretches = list(_stretches(lines))
    width = max((len(line) for each in stretches if len(each) > 1 for line in each), default=0)
    if not NARROWEST <= width <= WIDEST:
        return lines
    blocks = [LineBlock(each, _run_on(each, width), width) for each in stretches]
    wrapped = [block.is_wrapped for block in blocks]
    if not _is_prose(compress(blocks, wrapped)):
        return lines
    hyphens = Hyphens.of(lines)
    if all(line == line.upper() for line in lines):
        return list(_telegram(lines, hyphens))
    joined: list[str] = []
    for block, is_wrapped in zip(blocks, wrapped, strict=True):
        if is_wrapped and joined and joined[-1]:
            joined.append("")  # the next paragraph is marked by its indent alone
        joined.extend(_joined(block, hyphens) if is_wrapped else block.lines)
    return joined


def has_neighbours(lines: list[str]) -> bool:
    """Whether two lines follow each other without a blank line between them."""
    return any(line and following for line, following in pairwise(lines))


def _stretches(lines: list[str]) -> Iterator[list[str]]:
    """Cut before indented lines and at blank lines; each blank line is a stretch of its own."""
    stretch: list[str] = []
    for line in lines:
        if stretch and (
            not line or not stretch[-1] or (_indent(line) and not _indent(stretch[-1]))
        ):
            yield stretch
            stretch = []
        stretch.append(line)
    yield stretch


def _indent(line: str) -> bool:
    return line[:1].isspace()


def _run_on(stretch: list[str], width: int) -> list[bool]:
    """Whether each line but the last is full: the next line's first word would not fit."""
    return [
        len(line) + 1 + min(len(following.split(maxsplit=1)[0]), LONGEST_WORD) > FULL * width
        and not OWN_LINE.match(following)
        for line, following in pairwise(stretch)
    ]


def _is_prose(blocks: Iterable[LineBlock]) -> bool:
    """Whether the lines after full lines go on inside a sentence, as in prose."""
    following = [
        line.lstrip() for block in blocks for line in compress(block.lines[1:], block.run_on)
    ]
    if len(following) < FEWEST:
        return False
    if all(line == line.upper() for line in following):
        return len(following) >= 2 * FEWEST  # without lower case, more lines are needed
    low = sum(line[0].isalpha() and not line[0].isupper() for line in following)
    return low >= IN_SENTENCE * len(following)


def _telegram(lines: list[str], hyphens: Hyphens) -> Iterator[str]:
    """Join all lines between blank ones: in capitals, line ends and indents mean nothing."""
    for blank, some in groupby(lines, key=lambda line: not line.strip()):
        if blank:
            yield from some
            continue
        paragraph: list[str] = []
        for line in some:
            _append(paragraph, line.lstrip(), hyphens)
        yield "".join(paragraph)


def _joined(block: LineBlock, hyphens: Hyphens) -> Iterator[str]:
    paragraph: list[str] = []
    for index, line in enumerate(block.lines):
        if paragraph and not _goes_on(block, index):
            yield "".join(paragraph)
            if _ends_sentence(block.lines[index - 1]):
                yield ""
            paragraph = []
        _append(paragraph, line.lstrip(), hyphens)
    yield "".join(paragraph)


def _goes_on(block: LineBlock, index: int) -> bool:
    """Whether a line continues the paragraph of the line before it."""
    line, before = block.lines[index].lstrip(), block.lines[index - 1]
    if OWN_LINE.match(line):
        return False
    if before.isupper() and line.isupper():
        return True  # in a telegram, line ends mean nothing
    if not _ends_sentence(before):
        return block.run_on[index - 1] or line[0].islower()
    if len(before) < SHORT * block.width:
        return False
    # After a paragraph there may be a signature or a mark, without a sentence end.
    return _ends_sentence(line) or (index < len(block.run_on) and block.run_on[index])


def _ends_sentence(line: str) -> bool:
    return line.rstrip(CLOSING).endswith(SENTENCE_ENDS)


def _append(paragraph: list[str], line: str, hyphens: Hyphens) -> None:
    last = paragraph[-1] if paragraph else ""
    if last.endswith("-"):
        paragraph[-1:] = hyphens.joined(last, line)
    elif not last or (UNSPACED.match(last[-1]) and UNSPACED.match(line)):
        paragraph.append(line)
    else:
        paragraph += (" ", line)
