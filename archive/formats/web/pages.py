"""Reads web pages: the article without what surrounds it on the page."""

import codecs
import logging
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.text.encodings import BYTE_ORDER_MARKS, encoding_of
from backfile.archive.formats.web.page_metadata import day_in, metadata_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

LONGEST_PAGE = 8 << 20  # bytes; a page of news has seldom one million
MOST_ELEMENTS = 20_000  # a page of news has one to two thousand; 10,000 take about a second
MOST_ATTRIBUTES = 5_000  # in one tag; libxml2 compares each with all before it
SHORT_TEXT = 250  # characters; less than that may be a teaser beside the text that was missed
DECLARED_IN = 4096  # bytes that are looked through for an encoding
DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]*?\b(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.I
)
TAG = re.compile(r"<[a-zA-Z][^<>]*")
ATTRIBUTE = re.compile(r"[\s/=]+")
INLINE_IMAGE = re.compile(r"data:[\w/+.;=-]*base64,[^\"'\s>)]*", re.I)
# What is declared as Latin-1 is Windows' in fact: https://encoding.spec.whatwg.org/#names-and-labels
WINDOWS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}

# What is amiss with a page is said in its refusal.
for _name in ("trafilatura", "htmldate", "courlan", "justext"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

Read = Iterator[Article | UnreadableArticle]


def read_page(file: SourceFile, names: FieldMap) -> Read:
    """Read one article from a page; raise UnreadableArticle where no text can be made out."""
    with file.open() as stream:
        content = stream.read(LONGEST_PAGE + 1)
    if len(content) > LONGEST_PAGE:
        reason = f"longer than {LONGEST_PAGE >> 20} MiB, too long for one page"
        raise UnreadableArticle(file.place, reason)
    tree = _parsed(_bounded(_decoded(content), file.place))
    if tree is None:
        raise UnreadableArticle(file.place, "no page can be made out (not HTML, or damaged)")
    if sum(1 for _ in islice(tree.iter(), MOST_ELEMENTS + 1)) > MOST_ELEMENTS:
        raise UnreadableArticle(file.place, f"more than {MOST_ELEMENTS:,} elements in one page")
    address = file.told.get("url", "")
    record = metadata_of(tree, address)
    day, day_source = day_in(tree, record, address)
    text = _text(tree)
    if not text:
        raise UnreadableArticle(file.place, "no article was found on the page")
    record |= {"text": _without_title(text, str(record.get("title", ""))), "published": day}
    told = {name: value for name, value in file.told.items() if name != "url"}
    names = FieldMap(dates=names.dates)
    yield article_from(
        record,
        file.origin(),
        names,
        file.key,
        told,
        day_source,
        file.version,
        file_name="" if address else file.key,
    )


def _bounded(markup: str, place: str) -> str:
    """Refuse tags that would take minutes to parse; an image in a tag counts for nothing."""
    markup = INLINE_IMAGE.sub("data:,", markup)
    for tag in TAG.finditer(markup):
        if (
            tag.end() - tag.start() > MOST_ATTRIBUTES
            and len(ATTRIBUTE.findall(tag[0])) > MOST_ATTRIBUTES
        ):
            raise UnreadableArticle(place, f"more than {MOST_ATTRIBUTES:,} attributes in one tag")
    return markup


def _parsed(markup: str) -> Any:
    """The page as a tree of lxml's, or None; a declared encoding was seen to before."""
    from trafilatura import load_html  # 0.2 s

    return load_html(re.sub(r"^\s*<\?xml[^>]*>", "", markup))


def _text(tree: Any) -> str:
    """Take the paragraphs of the article, divided by blank lines.

    The quick way first, strictly; it misses some pages whole, which are then searched thoroughly.
    """
    from copy import deepcopy

    from trafilatura import bare_extraction

    best = ""
    for fast in (True, False):
        found: Any = bare_extraction(
            deepcopy(tree),
            include_comments=False,
            fast=fast,
            favor_precision=fast,
            favor_recall=not fast,
        )
        best = max(best, (found and found.text) or "", key=len)
        if len(best) >= SHORT_TEXT:
            break
    return "\n\n".join(line for line in best.split("\n") if line.strip())


def _without_title(text: str, title: str) -> str:
    """Drop the headline where the text begins with it."""
    first, _, rest = text.partition("\n\n")
    return rest if rest and " ".join(first.split()) == title else text


def _decoded(content: bytes) -> str:
    """Decode as the page declares, unless it is mistaken; else as the likeliest."""
    marked = content.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS))
    declared = DECLARED.search(content[:DECLARED_IN])
    if declared and not marked:
        try:
            name = codecs.lookup(declared[1].decode("ascii", "replace")).name
            return content.decode(WINDOWS.get(name, name))
        except (LookupError, UnicodeError):
            pass  # no such encoding, or not what it says
    return content.decode(encoding_of(content), "replace")
