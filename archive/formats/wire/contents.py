"""Reads an item's inline content of any type, and chooses among alternative contents."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from backfile.archive.formats.files import LONGEST_TEXT, encoding_of
from backfile.archive.formats.wire import nitf
from backfile.archive.formats.wire.bodies import body_in, text_of_html, text_of_lines, text_of_tree
from backfile.archive.formats.wire.xml import line_at, local_name, parsed

# Root elements of text; all others are data: SportsML, EventsML, a table of prices, a schedule.
TEXT_ROOTS = frozenset(
    (
        *("html", "body", "div", "p", "article", "section", "nitf", "body.content", "block", "pre"),
        *("h1", "h2", "h3", "ul", "ol", "table", "span", "bq", "blockquote", "main"),
    )
)
HTML_OPENING = re.compile(r"(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|body|div|p|section|h\d)\b")
SHORTER = 0.5  # of the longest alternative; a shorter one is a summary


class Content(NamedTuple):
    """One form of an item's text: its kind, its values by article field, and its language."""

    kind: str
    fields: dict[str, Any]
    language: str

    @property
    def text(self) -> str:
        return str(self.fields.get("text", ""))


def content_of(element: Any, kind: str, language: str, origin: str) -> Content:
    """Read an element with content: elements or text.

    Raises UnreadableArticle for a text that is XML but not well-formed.
    """
    children = [each for each in element if local_name(each)]
    if children:
        return _of_tree(element, children, language)
    text = "".join(element.itertext())
    if "base64" in element.get("encoding", ""):
        text = _unpacked(text)
    return content_of_text(text, kind, language, origin)


def content_of_text(text: str, kind: str, language: str, origin: str) -> Content:
    """Read content given as text, with its media type (`text/plain`, `application/nitf+xml`)."""
    kind = kind.casefold()
    opening = text.lstrip()[:200].casefold()
    if not text.strip():
        return Content("nothing", {}, language)
    if "<nitf" in opening or "<body.content" in opening:
        tree = parsed(text, origin)
        return _of_tree(tree, [tree], language)
    if HTML_OPENING.match(opening) or "html" in kind:
        return Content("html", {"text": text_of_html(text, origin)}, language)
    if opening.startswith("<") and "plain" not in kind:
        return Content("data", {}, language)
    if kind and "html" not in kind and not kind.startswith("text/") and "/" in kind:
        return Content("data", {}, language)
    return Content("plain", {"text": text_of_lines(text)}, language)


def best(contents: Iterable[Content]) -> Content | None:
    """The form with the most markup that is not a summary of another; of one kind, the first."""
    found = [each for each in contents if each.text.strip()]
    longest = max((len(each.text) for each in found), default=0)
    whole = [each for each in found if len(each.text) >= SHORTER * longest]
    order = ("html", "nitf", "plain")
    return min(whole, key=lambda each: order.index(each.kind), default=None)


def _of_tree(element: Any, children: list[Any], language: str) -> Content:
    root = local_name(children[0])
    if root == "nitf":
        return Content("nitf", nitf.fields_of(children[0]), language)
    if not any(local_name(each) in TEXT_ROOTS for each in children):
        return Content("data", {}, language)
    body = body_in(element)
    kind = "nitf" if local_name(body) == "body.content" else "html"
    title = line_at(element, ".//head/title")
    return Content(kind, {"title": title, "text": text_of_tree(body)}, language)


def _unpacked(text: str) -> str:
    try:
        content = base64.b64decode(text[:LONGEST_TEXT], validate=False)
    except (binascii.Error, ValueError):
        return ""
    return content.decode(encoding_of(content), "replace")
