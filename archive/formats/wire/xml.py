"""Parses untrusted XML: as a stream, without entities and external references, within limits."""

import copy
import html
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.model.errors import UnreadableArticle

MOST_ELEMENTS = 100_000  # in one item; a long story has hundreds
MOST_ATTRIBUTES = 1_000  # in one tag
PIECE = 256  # bytes parsed at a time; an error in the piece in which an item ends refuses the item
TOO_LONG = f"longer than {LONGEST_TEXT >> 20} MiB in one item"
FATAL = 3  # the level of libxml2's errors that end parsing
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
    "recover": True,  # from errors of namespaces; `_refuse_broken` raises the others
}


def items_in(
    file: SourceFile, names: frozenset[str], mark: Callable[[Any], object] = lambda _: None
) -> Iterator[Any]:
    """Stream the complete elements with these names, without namespaces, attached to their tree.

    An element inside another one comes first, and is then removed from it. `mark` may rename what
    only its namespace tells apart, before that is removed.

    Raises UnreadableArticle where the file stops being XML, or exceeds a limit.
    """
    from lxml import etree

    found = 0
    with file.open() as stream:
        bounded = _Bounded(_past_space(stream), file.place)
        try:
            for element in _whole(bounded, names, file.place, mark):
                found += 1
                yield element
        except etree.XMLSyntaxError as exc:
            reason = f"not well-formed XML from here on ({str(exc)[:120]})"
            raise UnreadableArticle(str(file.origin(found + 1)), reason) from exc


def _whole(
    stream: "_Bounded", names: frozenset[str], place: str, mark: Callable[[Any], object]
) -> Iterator[Any]:
    from lxml import etree

    count = 0
    # Sections of CDATA stay what they are: packed as text they could be five times as long.
    events = etree.iterparse(stream, events=("start", "end"), strip_cdata=False, **GUARDS)
    for event, element in events:
        if event == "start":
            count += 1
            if count > MOST_ELEMENTS:
                raise UnreadableArticle(place, f"more than {MOST_ELEMENTS:,} elements in one item")
            if len(element.attrib) > MOST_ATTRIBUTES:
                reason = f"more than {MOST_ATTRIBUTES:,} attributes in one tag"
                raise UnreadableArticle(place, reason)
        elif local_name(element) in names:
            _refuse_broken(events.error_log)  # an error may have ended the item too early
            mark(element)
            yield plain(element, place)
            _forget(element)
            count = stream.taken = 0
    _refuse_broken(events.error_log)


def _refuse_broken(log: Any) -> None:
    """Raise XMLSyntaxError for the first fatal error in a log."""
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
    """A stream that raises UnreadableArticle after 32 MiB within one item."""

    def __init__(self, read: Callable[[int], bytes], place: str) -> None:
        self._read = read
        self._place = place
        self.taken = 0

    def read(self, size: int) -> bytes:
        content = self._read(min(size, PIECE))
        self.taken += len(content)
        if self.taken > LONGEST_TEXT:
            raise UnreadableArticle(self._place, TOO_LONG)
        return content


def _past_space(stream: io.BufferedReader) -> Callable[[int], bytes]:
    """Skip white space before the declaration: XML forbids it, but agencies send it."""
    first = stream.read(1 << 12)
    rest = first if first.startswith(WIDE_MARKS) else first.lstrip(XML_SPACE)
    pending = io.BytesIO(rest)
    return lambda size: pending.read(size) or stream.read(size)


def parsed(content: str, place: str) -> Any:
    """Parse a document given as text; raise UnreadableArticle if it is not well-formed."""
    from lxml import etree

    # The text is already decoded, so a declared encoding no longer applies.
    parser = etree.XMLParser(encoding="utf-8", **GUARDS)
    try:
        tree = etree.fromstring(content.strip().encode(), parser=parser)
        _refuse_broken(parser.error_log)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise UnreadableArticle(place, f"not well-formed XML ({str(exc)[:120]})") from exc
    if tree is None:
        raise UnreadableArticle(place, "not well-formed XML")
    return plain(tree, place)


def packed(item: Any, place: str) -> bytes:
    """An item of `items_in` alone, without what surrounds it, for `unpacked` in another process.

    Raises UnreadableArticle for more than 32 MiB of attributes, which entities can make of few.
    """
    from lxml import etree

    if item.getroottree().docinfo.internalDTD is not None:
        _resolve_attributes(item, place)
    alone = copy.deepcopy(item)
    alone.tail = None
    etree.cleanup_namespaces(alone)
    return cast(bytes, etree.tostring(alone, encoding="utf-8"))


def _resolve_attributes(item: Any, place: str) -> None:
    """Put the values of the document's entities into attributes: they are known nowhere else."""
    size = 0
    for element in item.iter():
        for name in element.keys():  # noqa: SIM118 (an element is iterated by its children)
            value = element.get(name)
            size += len(value)
            if size > LONGEST_TEXT:
                raise UnreadableArticle(place, TOO_LONG)
            with suppress(ValueError):  # an invalid name, which the parser accepts
                element.set(name, value)


def unpacked(content: bytes) -> Any:
    """The item that was packed."""
    from lxml import etree

    parser = etree.XMLParser(encoding="utf-8", **(GUARDS | {"huge_tree": True}))  # it was bounded
    return etree.fromstring(content, parser=parser)


def local_name(element: Any) -> str:
    """The name of an element without namespace or prefix; empty for comments and the like."""
    return re.split("[}:]", element.tag)[-1] if isinstance(element.tag, str) else ""


def plain(tree: Any, place: str) -> Any:
    """Remove namespaces from a tree's names, and replace entities of HTML by characters.

    Raises UnreadableArticle for an entity of the document itself, which is never resolved.
    """
    from lxml import etree

    for element in list(tree.iter()):
        if isinstance(element.tag, str):
            with suppress(ValueError):  # an invalid name, which the parser accepts
                element.tag = local_name(element)
        elif element.tag is etree.Entity:
            character = html.unescape(element.text)
            if character == element.text:
                reason = f"an entity of its own ({element.text[:40]}), which is not looked up"
                raise UnreadableArticle(place, reason)
            _put(character, element)
    return tree


def _put(text: str, element: Any) -> None:
    """Replace an element by text."""
    text += element.tail or ""
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    element.tail = None
    parent.remove(element)


def line_of(element: Any) -> str:
    """All text in an element as one line; empty for None."""
    if element is None:
        return ""
    for divider in element.iter(*DIVIDERS):
        tail = divider.tail or ""
        divider.tail = tail if tail.startswith((",", ".", ";", ")")) else f" {tail}"
    return " ".join("".join(element.itertext()).split())


def line_at(element: Any, *paths: str) -> str:
    """The first text at one of the paths below an element, as one line."""
    for path in paths:
        for found in element.iterfind(path):
            if line := line_of(found):
                return line
    return ""


def named_at(element: Any, attribute: str, *paths: str) -> str:
    """The first value of an attribute at one of the paths."""
    for path in paths:
        for found in element.iterfind(path):
            if value := found.get(attribute, "").strip():
                return str(value)
    return ""
