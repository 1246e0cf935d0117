"""Parses XML from outside: as a stream, with entities and references off, within limits."""

import html
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.model.errors import UnreadableArticle

MOST_ELEMENTS = 100_000  # in one item; a long story has hundreds
MOST_ATTRIBUTES = 1_000  # in one tag
PIECE = 256  # bytes parsed at a time; of an item that ends in one with an error, nobody can tell
FATAL = 3  # the level of libxml2's errors after which nothing is read
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
DIVIDERS = ("br", "p", "li", "div", "hl1", "hl2", "location", "story.date")
XML_SPACE = b"\xef\xbb\xbf \t\r\n"
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
GUARDS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
    "recover": True,  # from what is amiss with namespaces; what is worse, the log of errors tells
}


def items_in(file: SourceFile, names: frozenset[str]) -> Iterator[Any]:
    """Stream the elements of these names, each whole, without namespaces and in their tree.

    One that lies in another comes first and is then taken out of it.

    Raises UnreadableArticle where the file is no longer XML, or would take too much.
    """
    from lxml import etree

    found = 0
    with file.open() as stream:
        bounded = _Bounded(_past_space(stream), file.place)
        try:
            for element in _whole(bounded, names, file.place):
                found += 1
                yield element
        except etree.XMLSyntaxError as exc:
            reason = f"not well-formed XML from here on ({str(exc)[:120]})"
            raise UnreadableArticle(str(file.origin(found + 1)), reason) from exc


def _whole(stream: "_Bounded", names: frozenset[str], place: str) -> Iterator[Any]:
    from lxml import etree

    count = 0
    events = etree.iterparse(stream, events=("start", "end"), **GUARDS)
    for event, element in events:
        if event == "start":
            count += 1
            if count > MOST_ELEMENTS:
                raise UnreadableArticle(place, f"more than {MOST_ELEMENTS:,} elements in one item")
            if len(element.attrib) > MOST_ATTRIBUTES:
                reason = f"more than {MOST_ATTRIBUTES:,} attributes in one tag"
                raise UnreadableArticle(place, reason)
        elif local_name(element) in names:
            _refuse_broken(events.error_log)  # by which an item may have been ended too soon
            yield plain(element, place)
            _forget(element)
            count = stream.taken = 0
    _refuse_broken(events.error_log)


def _refuse_broken(log: Any) -> None:
    """Raise XMLSyntaxError for the first error after which nothing can be relied on."""
    from lxml import etree

    for error in log:
        if error.level >= FATAL:
            raise etree.XMLSyntaxError(error.message, error.type, error.line, error.column)


def _forget(element: Any) -> None:
    parent = element.getparent()
    element.clear()
    if parent is not None:
        parent.remove(element)


class _Bounded:
    """A stream that refuses to go on after 32 MiB without an item taken out of it."""

    def __init__(self, read: Callable[[int], bytes], place: str) -> None:
        self._read = read
        self._place = place
        self.taken = 0

    def read(self, size: int) -> bytes:
        content = self._read(min(size, PIECE))
        self.taken += len(content)
        if self.taken > LONGEST_TEXT:
            raise UnreadableArticle(
                self._place, f"longer than {LONGEST_TEXT >> 20} MiB in one item"
            )
        return content


def _past_space(stream: io.BufferedReader) -> Callable[[int], bytes]:
    """Skip what stands before the declaration, which XML does not allow and agencies send."""
    first = stream.read(1 << 12)
    rest = first if first.startswith(WIDE_MARKS) else first.lstrip(XML_SPACE)
    pending = io.BytesIO(rest)
    return lambda size: pending.read(size) or stream.read(size)


def parsed(content: str, place: str) -> Any:
    """Parse a document that lies in another as text; raise UnreadableArticle if it is none."""
    from lxml import etree

    # What the text says of its encoding was true of other bytes.
    parser = etree.XMLParser(encoding="utf-8", **GUARDS)
    try:
        tree = etree.fromstring(content.strip().encode(), parser=parser)
        _refuse_broken(parser.error_log)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise UnreadableArticle(place, f"not well-formed XML ({str(exc)[:120]})") from exc
    if tree is None:
        raise UnreadableArticle(place, "not well-formed XML")
    return plain(tree, place)


def local_name(element: Any) -> str:
    """The name of an element without its namespace or prefix; of what is none, nothing."""
    return re.split("[}:]", element.tag)[-1] if isinstance(element.tag, str) else ""


def plain(tree: Any, place: str) -> Any:
    """Drop the namespaces of a tree's names, and put characters in place of HTML's entities.

    Raises UnreadableArticle for an entity of the document's own, which is never looked up.
    """
    from lxml import etree

    for element in list(tree.iter()):
        if isinstance(element.tag, str):
            with suppress(ValueError):  # a name that is none, which the parser lets pass
                element.tag = local_name(element)
        elif element.tag is etree.Entity:
            character = html.unescape(element.text)
            if character == element.text:
                reason = f"an entity of its own ({element.text[:40]}), which is not looked up"
                raise UnreadableArticle(place, reason)
            _put(character, element)
    return tree


def _put(text: str, element: Any) -> None:
    """Put text in the place of an element."""
    text += element.tail or ""
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    element.tail = None
    parent.remove(element)


def line_of(element: Any) -> str:
    """All text in an element as one line; of no element, nothing."""
    if element is None:
        return ""
    for divider in element.iter(*DIVIDERS):
        tail = divider.tail or ""
        divider.tail = tail if tail.startswith((",", ".", ";", ")")) else f" {tail}"
    return " ".join("".join(element.itertext()).split())


def line_at(element: Any, *paths: str) -> str:
    """The first text found at one of the paths below an element, as one line."""
    for path in paths:
        for found in element.iterfind(path):
            if line := line_of(found):
                return line
    return ""


def named_at(element: Any, attribute: str, *paths: str) -> str:
    """The first value of an attribute found at one of the paths."""
    for path in paths:
        for found in element.iterfind(path):
            if value := found.get(attribute, "").strip():
                return str(value)
    return ""
