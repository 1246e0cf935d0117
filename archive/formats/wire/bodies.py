"""Makes plain text of the body of an item: NITF, XHTML, HTML or text."""

import re
from copy import deepcopy
from itertools import pairwise
from statistics import median
from typing import Any

from backfile.archive.formats.web.markup import text_in
from backfile.archive.formats.wire.telegrams import INDENTED, paragraphs
from backfile.archive.formats.wire.xml import line_of, local_name
from backfile.archive.model.errors import UnreadableArticle

# NITF's elements and what they are in HTML; https://iptc.org/std/NITF/
AS_HTML = {
    "hl1": "h1",
    "hl2": "h2",
    "bq": "blockquote",
    "nitf-table": "table",
    "credit": "p",
    "block": "div",
    "note": "div",
    "fn": "div",
    "body.content": "div",
}
# Pictures with what belongs to them, and the head of a page, which says again what the item says.
NOT_TEXT = ("figure", "media", "nitf-table-metadata", "header", "button", "form", "body.end")
# What agencies mark as what stands beside the text: subject and source, byline, catchwords.
BESIDE_TEXT = ("dat", "byline", "slugline", "creditline")
LONGEST_TAG = 100_000  # characters; libxml2 compares each attribute with all before it
LONG_TAG = re.compile(f"<[a-zA-Z][^<>]{{{LONGEST_TAG}}}")
LONG_LINE = 90  # characters; lines of that length are not wrapped but paragraphs
LEAST_WRAPPED = 2  # lines without an indent; in XML that is laid out for reading there are none
NO_REPEAT = 40  # characters; a shorter block that begins the next one is a heading


def text_of_tree(body: Any) -> str:
    """The paragraphs of a body of XHTML or NITF, divided by blank lines."""
    from lxml import etree

    tree = deepcopy(body)
    tree.tail = None
    etree.strip_elements(tree, *NOT_TEXT, with_tail=False)
    for element in tree.iter("*"):
        if element.get("class") in BESIDE_TEXT:
            element.tag = "template"  # which is not seen
    _drop_repeated(tree)
    for pre in tree.iter("pre"):
        _keep_lines(pre, "".join(pre.itertext()).strip("\r\n").splitlines(), "br", etree)
    for paragraph in tree.iter("p"):
        lines = (paragraph.text or "").splitlines()
        if not len(paragraph) and _is_wrapped(lines):
            _keep_lines(paragraph, paragraphs(lines), "div", etree)
    for element in tree.iter(*AS_HTML):
        element.tag = AS_HTML[element.tag]
    return text_in(tree)


def text_of_html(content: str, place: str) -> str:
    """The paragraphs of HTML that is not XML, a fragment or a page."""
    from lxml import etree, html

    if LONG_TAG.search(content):
        raise UnreadableArticle(place, f"a tag of more than {LONGEST_TAG:,} characters")
    try:
        tree = html.document_fromstring(f"<div>{content}</div>")
    except (etree.LxmlError, ValueError, AssertionError):
        return ""
    return text_of_tree(tree)


def text_of_lines(content: str) -> str:
    """Text as it was sent; where no blank line divides it and its lines are long, by its lines.

    >>> text_of_lines("One.\\nTwo.")
    'One.\\nTwo.'
    """
    content = content.replace("\r\n", "\n").replace("\r", "\n").strip()
    lines = [line.strip() for line in content.split("\n") if line.strip()]
    if len(lines) > 1 and "\n\n" not in content and median(map(len, lines)) > LONG_LINE:
        return "\n\n".join(lines)
    return content


def without_title(text: str, title: str) -> str:
    """Drop the headline where the text begins with it."""
    first, divider, rest = text.partition("\n")
    same = " ".join(first.split()).casefold() == " ".join(title.split()).casefold()
    return rest.lstrip("\n") if same and divider and rest.strip() else text


def body_in(tree: Any) -> Any:
    """The element of a tree that holds the text: NITF's or HTML's body, else the tree."""
    for name in ("body.content", "body"):
        found = tree if local_name(tree) == name else tree.find(f".//{name}")
        if found is not None:
            return found
    return tree


def _drop_repeated(tree: Any) -> None:
    """Drop a block that the next one begins with, as archives send the lead with the whole."""
    for parent in [tree, *tree.iter("body.content")]:
        for first, second in pairwise(parent.findall("block")):
            lead = line_of(first).removeprefix("LEAD:").strip()
            if len(lead) > NO_REPEAT and line_of(second).removeprefix("LEAD:").strip().startswith(
                lead
            ):
                parent.remove(first)


def _is_wrapped(lines: list[str]) -> bool:
    """Whether lines are a teleprinter's, in which an indented one begins a paragraph."""
    lines = [line for line in lines[1:] if line.strip()]
    indented = sum(bool(INDENTED.match(line)) for line in lines)
    return indented > 0 and len(lines) - indented >= LEAST_WRAPPED


def _keep_lines(element: Any, lines: list[str], divider: str, etree: Any) -> None:
    """Divide the lines of an element by others, as line ends would be taken for spaces."""
    element.clear(keep_tail=True)
    for line in lines:
        etree.SubElement(element, divider).tail = line
