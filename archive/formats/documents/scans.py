"""Reads the recognised text of scanned pages: ALTO and hOCR. Each page is an article."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from backfile.archive.formats.documents.page_layout import Line, joined
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import ReadResult, ReadResults, SourceFile
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.xml import items_in, line_of, parsed
from backfile.archive.model.errors import UnreadableArticle

HOCR = re.compile(r"class\s*=\s*[\"']ocr_page\b")
PAGE, BLOCK = "ocr_page", ("ocr_par", "ocr_carea")
LINES = ("ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat", "ocr_footer")
PAGES = frozenset(("Page",))
HYPHENS = ("-", "\u00ad", "\u2010", "¬")
FIRST_PART = "HypPart1"  # of a word that goes on in the next line
NO_TEXT = "a scanned page without text"


def is_hocr(head: str) -> bool:
    """Whether a web page holds recognised text: https://kba.github.io/hocr-spec/1.2/."""
    return root_of(head) == "html" and bool(HOCR.search(head))


def read_alto(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read the pages of a file of ALTO: https://www.loc.gov/standards/alto/."""
    number = 0
    for number, page in enumerate(items_in(file, PAGES), 1):
        yield _article([alto_lines(each) for each in page.iter("TextBlock")], file, number, names)
    if not number:
        raise UnreadableArticle(file.place, NO_TEXT)


def read_hocr(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read the pages of a file of hOCR."""
    tree = parsed(file.read_text(), file.place)
    pages = list(_of_class(tree, PAGE))
    for number, page in enumerate(pages, 1):
        blocks = [[line for _, line in lines_in(block)] for block in paragraphs_in(page)]
        yield _article(blocks, file, number, names)
    if not pages:
        raise UnreadableArticle(file.place, NO_TEXT)


def paragraphs_in(page: Any) -> list[Any]:
    """The elements of the paragraphs on a page of hOCR, else of its blocks, or the page."""
    return list(_of_class(page, *BLOCK[:1])) or list(_of_class(page, *BLOCK)) or [page]


def lines_in(paragraph: Any) -> Iterator[tuple[Any, str]]:
    """The elements of the lines in an element of hOCR, and their text."""
    for line in _of_class(paragraph, *LINES):
        yield line, line_of(line)


def _article(blocks: list[list[str]], file: SourceFile, number: int, names: FieldMap) -> ReadResult:
    record, usual = {"text": text_of_blocks(blocks)}, FieldMap(dates=names.dates)
    origin = file.origin(number)
    try:
        return article_from(record, origin, usual, file.defaults, file_name=file.key)
    except UnreadableArticle:
        return UnreadableArticle(str(origin), NO_TEXT)


def text_of_blocks(blocks: Iterable[list[str]]) -> str:
    """Join the lines of blocks, each a paragraph, and mend hyphens."""
    lines = [
        Line(0, 0, 0, 0, _with_hyphen(line), begins=not n)
        for block in blocks
        for n, line in enumerate(line for line in block if line)
    ]
    return joined([lines])


def alto_lines(block: Any) -> list[str]:
    """The lines of a block of ALTO, or of another element; a hyphen is an element of its own."""
    lines = []
    for line in block.iter("TextLine"):
        words = (
            each.get("CONTENT", "") if each.tag == "String" else "-" if each.tag == "HYP" else " "
            for each in line.iter("String", "SP", "HYP")
        )
        has_spaces = line.find("SP") is not None
        text = " ".join(("" if has_spaces else " ").join(words).replace(" -", "-").split())
        strings = list(line.iter("String"))
        is_cut = bool(strings) and strings[-1].get("SUBS_TYPE") == FIRST_PART
        lines.append(f"{text}-" if is_cut and not text.endswith(HYPHENS) else text)
    return lines


def _with_hyphen(line: str) -> str:
    return f"{line[:-1]}-" if line.endswith(HYPHENS) else line


def _of_class(tree: Any, *classes: str) -> Iterator[Any]:
    for element in tree.iter("*"):
        if not set(classes).isdisjoint((element.get("class") or "").split()):
            yield element
