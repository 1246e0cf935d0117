"""Makes plain text of an item's body, which is NITF, XHTML, HTML or text."""

import re
from copy import deepcopy
from itertools import pairwise
from statistics import median
from typing import Any

from backfile.archive.formats.web.markup import text_in
from backfile.archive.formats.wire.telegrams import INDENTED, paragraphs
from backfile.archive.formats.wire.xml import line_of, local_name
from backfile.archive.model.errors import UnreadableArticle

# Elements of NITF, and the equivalent ones of HTML; https://iptc.org/std/NITF/
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
# Pictures with their captions, and the head of a page, which repeats the item's metadata.
NOT_TEXT = ("figure", "media", "nitf-table-metadata", "header", "button", "form", "body.end")
# Classes of elements that are not text: subject and source, byline, catchwords.
BESIDE_TEXT = ("dat", "byline", "slugline", "creditline")
LONGEST_TAG = 100_000  # characters; libxml2 compares each attribute with all before it
LONG_TAG = re.compile(f"<[a-zA-Z][^<>]{{{LONGEST_TAG}}}")
LONG_LINE = 90  # characters; such lines are paragraphs, not wrapped lines
LEAST_WRAPPED = 2  # lines without an indent; indented XML has none
NO_REPEAT = 40  # characters; a shorter block that the next one begins with is a heading


def text_of_tree(body: Any) -> str:
    """The paragraphs of a body of XHTML or NITF, divided by blank lines."""
    from lxml import etree

    tree = deepcopy(body)
    tree.tail = None
    etree.strip_elements(tree, *NOT_TEXT, with_tail=False)
    for element in tree.iter("*"):
        if element.get("class") in BESIDE_TEXT:
            element.tag = "template"  # an invisible element
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
    """The paragraphs of HTML that is not XML: a fragment or a page."""
    from lxml import etree, html

    if LONG_TAG.search(content):
        raise UnreadableArticle(place, f"a tag of more than {LONGEST_TAG:,} characters")
    try:
        tree = html.document_fromstring(f"<div>{content}</div>")
    except (etree.LxmlError, ValueError, AssertionError):
        return ""
    return text_of_tree(tree)


def text_of_lines(content: str) -> str:
    """The paragraphs of a text; without blank lines, long lines are paragraphs.

    >>> text_of_lines("One.\\nTwo.")
    'One.\\nTwo.'
    """
    content = content.replace("\r\n", "\n").replace("\r", "\n").strip()
    lines = [line.strip() for line in content.split("\n") if line.strip()]
    if len(lines) > 1 and "\n\n" not in content and median(map(len, lines)) > LONG_LINE:
        return "\n\n".join(lines)
    return content


def without_title(text: str, title: str) -> str:
    """Remove the headline if the text begins with it."""
    first, divider, rest = text.partition("\n")
    same = " ".join(first.split()).casefold() == " ".join(title.split()).casefold()
    return rest.lstrip("\n") if same and divider and rest.strip() else text


def body_in(tree: Any) -> Any:
    """The element with the text: the body of NITF or HTML, or else the tree itself."""
    for name in ("body.content", "body"):
        found = tree if local_name(tree) == name else tree.find(f".//{name}")
        if found is not None:
            return found
    return tree


def _drop_repeated(tree: Any) -> None:
    """Remove a block that the next one begins with: some archives repeat the lead."""
    for parent in [tree, *tree.iter("body.content")]:
        for first, second in pairwise(parent.findall("block")):
            lead = line_of(first).removeprefix("LEAD:").strip()
            if len(lead) > NO_REPEAT and line_of(second).removeprefix("LEAD:").strip().startswith(
                lead
            ):
                parent.remove(first)


def _is_wrapped(lines: list[str]) -> bool:
    """Whether lines are wrapped as by a teleprinter, with paragraphs that begin with an indent."""
    lines = [line for line in lines[1:] if line.strip()]
    indented = sum(bool(INDENTED.match(line)) for line in lines)
    return indented > 0 and len(lines) - indented >= LEAST_WRAPPED


def _keep_lines(element: Any, lines: list[str], divider: str, etree: Any) -> None:
    """Put an element between the lines of an element, as HTML reads line ends as spaces."""
    element.clear(keep_tail=True)
    for line in lines:
        etree.SubElement(element, divider).tail = line
