"""Reads PDF files, in reading order, page by page: the text layer, or what is recognised."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from backfile.archive.formats.documents.page_layout import Line, in_reading_order, joined
from backfile.archive.formats.processes import Message, Source
from backfile.archive.model.errors import UnreadableArticle

MOST_PAGES = 2_000
MOST_PIECES = 20_000  # of one page; a page of a newspaper has some thousands
FEWEST_CHARACTERS = 8  # of a page with a text layer
EDGE = (
    0.08  # of the height of what is printed, at the top and the bottom: running heads stand there
)
RECURS = 0.5  # of at least three pages, in which a running head stands
FIGURES = re.compile(r"\d+")
PAGE_NUMBER = re.compile(r"\W*(?:page|seite|p\.)?\s*\d{1,4}(?:\s*(?:/|of|von)\s*\d{1,4})?\W*", re.I)
HEADLINE = 1.3  # times the usual height of a line
LONGEST_TITLE = 200  # characters
NO_TITLE = re.compile(r"untitled|microsoft|\.(?:docx?|pdf|indd|qxp|rtf|txt)\b|^\W*$|^\S+$", re.I)
SHORTEST_CLIPPING = 80  # characters of text below a headline
NO_LAYER = "no text layer (a scan)"
SCANNED = f"{NO_LAYER}; `--ocr` recognises it with tesseract, or make one with `ocrmypdf`"
NOTHING = f"{NO_LAYER}, and no text was recognised on it"
Recognise = Callable[[Any], list[Line]]


def texts_of(
    source: Source, recognise: Recognise | None = None, *, clippings: bool = False
) -> Iterator[Message]:
    """Say the text of the file; list pages without a text layer, unless none has one.

    `recognise` reads the page of a scan. With `clippings`, say the text below each headline, by the
    number of its page.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as exc:
        known = (
            "it is encrypted" if "assword" in str(exc) else f"not a PDF that can be read ({exc})"
        )
        raise UnreadableArticle("", known) from exc
    count = len(document)
    pages: list[list[Line]] = []
    troubles: dict[int, str] = {}
    for number in range(min(count, MOST_PAGES)):
        page = document[number]
        lines = _lines(page)
        if not lines:
            lines, troubles[number + 1] = _recognised(page, recognise)
        pages.append(lines)
        page.close()
        yield {"number": number + 1, "page": True}
    if not any(pages):
        raise UnreadableArticle("", next(iter(troubles.values()), SCANNED))
    if count > MOST_PAGES:
        yield {"number": MOST_PAGES + 1, "refused": f"more than {MOST_PAGES:,} pages"}
    for number, lines in enumerate(pages, 1):
        if not lines:
            yield {"number": number, "refused": f"page {number} has {troubles[number]}"}
    if clippings:
        kept = _without_running_heads(pages)
        yield from clippings_of(kept if any(kept) else pages)
        return
    given = document.get_metadata_dict().get("Title", "").strip()
    title, pages = _title(pages)
    text = joined(_without_running_heads(pages))
    given = "" if NO_TITLE.search(given) or len(given) > LONGEST_TITLE else given
    yield {"number": 1, "title": given or title, "text": text}


def _recognised(page: Any, recognise: Recognise | None) -> tuple[list[Line], str]:
    """The lines of a scan, or why there are none."""
    if recognise is None:
        return [], SCANNED
    try:
        return recognise(page), NOTHING
    except UnreadableArticle as refused:
        return [], f"{NO_LAYER}, and {refused.reason}"


def clippings_of(pages: list[list[Line]]) -> Iterator[Message]:
    """Cut pages at their headlines: lines in larger letters than usual, with text below them.

    What stands above the first headline is a text without a title. A headline with little text
    below it is the beginning of the next one: the name of a newspaper, or a line above the title.
    """
    usual = median(line.height for lines in pages for line in lines)
    number, title, below = 0, list[str](), list[Line]()
    for page, lines in enumerate(pages, 1):
        for line in lines:
            if line.height >= HEADLINE * usual and any(map(str.isalpha, line.text)):
                if sum(len(each.text) for each in below) >= SHORTEST_CLIPPING:
                    yield _clipping(number, title, below)
                    number, title, below = 0, [], []
                title += [*(each.text for each in below), line.text]
                below = []
            else:
                below.append(line)
            number = number or page
    if title or below:
        yield _clipping(number, title, below)


def _clipping(number: int, title: list[str], lines: list[Line]) -> Message:
    headline, text = " ".join(title), joined([lines])
    if len(headline) > LONGEST_TITLE:
        headline, text = "", f"{headline}\n\n{text}"
    return {"number": number, "title": headline, "text": text, "part": True}


def _lines(page: Any) -> list[Line]:
    """The lines of a page in reading order; none if it has no text layer."""
    textpage = page.get_textpage()
    if textpage.count_chars() < FEWEST_CHARACTERS:
        return []
    pieces = []
    for n in range(min(textpage.count_rects(), MOST_PIECES)):
        left, bottom, right, top = textpage.get_rect(n)
        if text := textpage.get_text_bounded(left, bottom, right, top).strip():
            # The box is as high as its letters: all of a font are as high as its line.
            first = textpage.get_index(left + 1, (bottom + top) / 2, 4, 4)
            if first is not None:
                _, bottom, _, top = textpage.get_charbox(first, loose=True)
            pieces.append(Line(left, bottom, right, top, " ".join(text.split())))
    textpage.close()
    return in_reading_order(pieces)


def _without_running_heads(pages: list[list[Line]]) -> list[list[Line]]:
    """Drop lines at the edges of pages that recur on other pages, and numbers of pages."""
    every = [line for lines in pages for line in lines]
    lowest, highest = min(line.bottom for line in every), max(line.top for line in every)
    edge = EDGE * (highest - lowest)

    def is_at_edge(line: Line) -> bool:
        return line.top > highest - edge or line.bottom < lowest + edge

    found = Counter(
        key for lines in pages for key in {_key(each) for each in lines if is_at_edge(each)}
    )
    recurring = {key for key, count in found.items() if count >= max(3, RECURS * len(pages))}

    def is_running_head(line: Line) -> bool:
        is_known = _key(line) in recurring or bool(PAGE_NUMBER.fullmatch(line.text))
        return is_known and is_at_edge(line)

    return [[line for line in lines if not is_running_head(line)] for lines in pages]


def _key(line: Line) -> str:
    return FIGURES.sub("#", line.text).casefold()


def _title(pages: list[list[Line]]) -> tuple[str, list[list[Line]]]:
    """The first run of the largest letters on the first page, and the pages without it."""
    first, *others = pages
    if len(first) < 2:
        return "", pages
    usual = median(line.height for line in first)
    largest = max(line.height for line in first)
    sizes = [line.height > 0.9 * largest for line in first]
    begin = sizes.index(True)
    end = next((n for n in range(begin, len(first)) if not sizes[n]), len(first))
    title = " ".join(line.text for line in first[begin:end])
    if largest < HEADLINE * usual or len(title) > LONGEST_TITLE or not any(map(str.isalpha, title)):
        return "", pages
    return title, [first[:begin] + first[end:], *others]
