"""Reads web pages: extracts the article from a page."""

import codecs
import logging
import re
from itertools import islice
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import BYTE_ORDER_MARKS, ReadResults, SourceFile, encoding_of
from backfile.archive.formats.web.article_text import article_text
from backfile.archive.formats.web.page_metadata import day_in, metadata_of
from backfile.archive.formats.web.saved_pages import from_its_beginning, saved_from
from backfile.archive.model.errors import UnreadableArticle

LONGEST_PAGE = 8 << 20  # bytes; a page of news rarely has one million
MOST_ELEMENTS = 20_000  # a page of news has one to two thousand; 10,000 take about a second
MOST_ATTRIBUTES = 5_000  # in one tag; libxml2 compares each with all before it
DECLARED_IN = 4096  # bytes that are searched for a declared encoding
DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]*?\b(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.I
)
TAG = re.compile(r"<[a-zA-Z][^<>]*")
ATTRIBUTE = re.compile(r"[\s/=]+")
# Of images and fonts; pages that are saved in one file may be many MiB of these.
INLINE_DATA = re.compile(rb"data:[\w/+.;=-]{0,99}(?:base64|utf-?8|xml),[^\"'\s<>)]*", re.I)
TOO_LONG = ", too long for one page"
# Declared Latin-1 is Windows-1252 in practice: https://encoding.spec.whatwg.org/#names-and-labels
WINDOWS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}

# Refusals report problems of a page; these libraries need not log them.
for _name in ("trafilatura", "htmldate", "courlan", "justext"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def read_page(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read one article from a page; raise UnreadableArticle if no text is found."""
    content = INLINE_DATA.sub(b"data:,", file.read_bytes(note=TOO_LONG))
    if len(content) > LONGEST_PAGE:
        raise UnreadableArticle(file.place, f"longer than {LONGEST_PAGE >> 20} MiB{TOO_LONG}")
    tree = _parsed(bounded(from_its_beginning(_decoded(content)), file.place))
    if tree is None:
        raise UnreadableArticle(file.place, "no page can be made out (not HTML, or damaged)")
    if sum(1 for _ in islice(tree.iter(), MOST_ELEMENTS + 1)) > MOST_ELEMENTS:
        raise UnreadableArticle(file.place, f"more than {MOST_ELEMENTS:,} elements in one page")
    address = file.defaults.get("url", "") or saved_from(content)
    record = metadata_of(tree, address)
    day, day_source = day_in(tree, record, address)
    text = article_text(tree, str(record.pop("body", "")))
    if not text:
        raise UnreadableArticle(file.place, "no article was found on the page")
    record |= {"text": _without_title(text, str(record.get("title", ""))), "published": day}
    defaults = {name: value for name, value in file.defaults.items() if name != "url"}
    names = FieldMap(dates=names.dates)
    yield article_from(
        record,
        file.origin(),
        names,
        defaults,
        day_source,
        file.version,
        file_name="" if address else file.key,
    )


def bounded(markup: str, place: str) -> str:
    """Refuse tags that would take minutes to parse."""
    for tag in TAG.finditer(markup):
        if (
            tag.end() - tag.start() > MOST_ATTRIBUTES
            and len(ATTRIBUTE.findall(tag[0])) > MOST_ATTRIBUTES
        ):
            raise UnreadableArticle(place, f"more than {MOST_ATTRIBUTES:,} attributes in one tag")
    return markup


def _parsed(markup: str) -> Any:
    """The page as a tree of lxml, or None; without its XML declaration, as it is decoded."""
    from trafilatura import load_html  # 0.2 s

    return load_html(re.sub(r"^\s*<\?xml[^>]*>", "", markup))


def _without_title(text: str, title: str) -> str:
    """Remove the headline if the text begins with it."""
    first, _, rest = text.partition("\n\n")
    return rest if rest and " ".join(first.split()) == title else text


def _decoded(content: bytes) -> str:
    """Decode by the declared encoding if it is valid, or else by the likeliest one."""
    marked = content.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS))
    declared = DECLARED.search(content[:DECLARED_IN])
    if declared and not marked:
        try:
            name = codecs.lookup(declared[1].decode("ascii", "replace")).name
            return content.decode(WINDOWS.get(name, name))
        except (LookupError, UnicodeError):
            pass  # an unknown or a wrong encoding
    return content.decode(encoding_of(content), "replace")
