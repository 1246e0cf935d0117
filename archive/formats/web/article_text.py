"""Extracts the paragraphs of the article from a web page."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from backfile.archive.formats.web.markup import plain_text

SHORT_TEXT = 250  # characters; a shorter result may be a teaser instead of the text
FAILED = 4  # times as much is found by the lenient extraction: the strict one took another part
HIDDEN = 2  # times as much text is in the page's JSON-LD: the page shows only its beginning
LONGEST_BODY = 1 << 20  # characters
LEAST_PARAGRAPH = 60  # characters; shorter ones are captions, bylines and the like
LEAST_IN_CHUNK = 2  # paragraphs
LEAST_SHARE = 0.6  # of the text of a page, in the chunks of its article
MOST_PARAGRAPHS = 3_000


def article_text(tree: Any, written: str = "") -> str:
    """Extract the paragraphs of the article, divided by blank lines.

    `written` is the text in the page's metadata, which stands in for a text that is not shown.
    Pages on which the strict extraction finds next to nothing get the thorough one.
    """
    join_chunks(tree)
    strict, lenient = _lines(tree, favor_precision=True), _lines(tree)
    failed = 0 < FAILED * _length(strict) < _length(lenient)
    found = lenient if failed else merged(strict, lenient)
    if _length(found) < SHORT_TEXT:
        found = max(found, _lines(tree, fast=False, favor_recall=True), key=_length)
    shown = "\n\n".join(found)
    if not SHORT_TEXT < len(written) <= LONGEST_BODY:
        return shown
    lines = plain_text(written).split("\n")
    whole = "\n\n".join(line.strip() for line in lines if line.strip())
    # The thorough extraction takes the same text, without its paragraphs.
    is_same = len(found) == 1 and shown.split() == whole.split()
    return whole if is_same or len(whole) > HIDDEN * len(shown) else shown


def merged(strict: Sequence[str], lenient: Sequence[str]) -> list[str]:
    """The strict lines, with the lenient ones that stand between them.

    On pages of a benchmark, 93% of the words that a lenient extraction adds between the lines of a
    strict one are of the article (lists, quotations, paragraphs full of links), and hardly any of
    those that it adds before and behind them. Lines in capitals are calls to subscribe and the
    like.

    >>> merged(["One.", "Two."], ["Share", "One.", "- a list", "CLICK HERE", "Two.", "More news"])
    ['One.', '- a list', 'Two.']
    """
    found: list[str] = []
    changes = SequenceMatcher(None, strict, lenient, autojunk=False).get_opcodes()
    for change, start, end, first, last in changes:
        other = [line for line in lenient[first:last] if not line.isupper()]
        is_inside = start > 0 and end < len(strict)
        is_more = _length(other) > _length(strict[start:end])
        found += other if change != "equal" and is_inside and is_more else strict[start:end]
    return found


def join_chunks(tree: Any) -> None:
    """Move the paragraphs of an article that is cut into several like elements into the first.

    Extraction takes one element for the article. Its other parts have the same tag and classes, and
    stand at the same depth below one element, with advertisements between them.
    """
    chunks: dict[tuple[Any, str, str], list[Any]] = {}
    whole = 0
    for paragraph in islice(tree.iter("p"), MOST_PARAGRAPHS):
        length, parent = len(paragraph.text_content().strip()), paragraph.getparent()
        if length < LEAST_PARAGRAPH or parent is None:
            continue
        whole += length
        above = next(islice(parent.iterancestors(), 1, 2), None)
        same = chunks.setdefault((above, parent.tag, parent.get("class") or ""), [])
        if parent not in same[-1:]:
            same.append(parent)
    for (_, _, named), parts in chunks.items():
        if named and len(parts) > 1 and _are_one_article(parts, whole):
            for part in parts[1:]:
                parts[0].extend(list(part))


def _are_one_article(parts: Sequence[Any], whole: int) -> bool:
    long = [[each for each in _paragraphs(part) if each >= LEAST_PARAGRAPH] for part in parts]
    are_chunks = all(len(each) >= LEAST_IN_CHUNK for each in long[:-1])
    return are_chunks and sum(map(sum, long)) > LEAST_SHARE * whole


def _paragraphs(part: Any) -> list[int]:
    return [len(each.text_content().strip()) for each in part.iterchildren("p")]


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines))


def _lines(tree: Any, *, fast: bool = True, **favor: bool) -> list[str]:
    from copy import deepcopy

    from trafilatura import bare_extraction

    options: dict[str, Any] = favor
    found: Any = bare_extraction(deepcopy(tree), include_comments=False, fast=fast, **options)
    return [line for line in ((found and found.text) or "").split("\n") if line.strip()]
