"""Reads documents that are packed XML: Word (DOCX), OpenDocument (ODT) and e-books (EPUB)."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from backfile.archive.formats.files import LONGEST_TEXT, encoding_of
from backfile.archive.formats.processes import Message, Source
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.wire.xml import line_at, parsed
from backfile.archive.model.errors import UnreadableArticle

WORD, OPEN_DOCUMENT, BOOK = "word/document.xml", "content.xml", "META-INF/container.xml"
MOST_CHAPTERS = 5_000
LONGEST_HEADING = 200  # characters
SHORTEST_CHAPTER = 100  # characters; a shorter one is a cover, a divider or a table of contents
TITLES = ("title", "titel", "titre", "heading1", "heading 1", "berschrift1", "headline")
# Of both formats: what is not part of the running text, or repeats it.
ASIDE = (
    "Fallback",
    "annotation",
    "note",
    "tracked-changes",
    "instrText",
    "delText",
    "table-of-content",
)
SPACE = re.compile(r"\s+")  # one, in OpenDocument
BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "s": " ", "line-break": "\n"}


def texts_of(source: Source) -> Iterator[Message]:
    """Say the text of a document, or the text of each chapter of a book."""
    with ZipFile(source) as opened:
        names = set(opened.namelist())
        if WORD in names:
            yield _document(_tree(opened, WORD))
        elif BOOK in names:
            yield from _chapters(opened)
        elif OPEN_DOCUMENT in names and "mimetype" in names:
            if b"opendocument.text" not in _content(opened, "mimetype"):
                raise UnreadableArticle("", "a document without running text; convert it to text")
            yield _document(_tree(opened, OPEN_DOCUMENT))
        else:
            raise UnreadableArticle("", "an office document of a kind that is not read; convert it")


def _content(opened: ZipFile, name: str) -> bytes:
    """A member; raise KeyError if there is none, UnreadableArticle if it is too long."""
    with opened.open(name) as stream:
        content = stream.read(LONGEST_TEXT + 1)
    if len(content) > LONGEST_TEXT:
        raise UnreadableArticle("", f"longer than {LONGEST_TEXT >> 20} MiB in it ({name[:60]})")
    return content


def _tree(opened: ZipFile, name: str) -> Any:
    content = _content(opened, name)
    return parsed(content.decode(encoding_of(content), "replace"), name)


def _document(tree: Any) -> Message:
    """The paragraphs of a document; one of the style of a title is the title."""
    from lxml import etree

    etree.strip_elements(tree, *ASIDE, with_tail=False)
    title = ""
    paragraphs: list[str] = []
    for element in tree.iter("p", "h"):
        text = _text(element)
        if not text:
            continue
        if not title and not paragraphs and _is_title(element):
            title = " ".join(text.split())
        else:
            paragraphs.append(text)
    return {"number": 1, "title": title, "text": "\n\n".join(paragraphs)}


def _text(element: Any) -> str:
    """The text of a paragraph, without that of paragraphs in text boxes inside of it."""
    pieces = []
    is_word = any(True for _ in element.iter("r"))
    for each in element.iter("*"):
        if each is not element and each.tag in ("p", "h"):
            break
        pieces.append(BREAKS.get(each.tag, ""))
        if is_word:
            pieces.append((each.text or "") if each.tag == "t" else "")
        else:
            pieces.append(SPACE.sub(" ", each.text or ""))
            pieces.append(SPACE.sub(" ", each.tail or "") if each is not element else "")
    return "".join(pieces).strip()


def _is_title(element: Any) -> bool:
    styles = [value for name, value in element.items() if name.endswith("style-name")]
    for each in element.iterfind("pPr/pStyle"):
        styles += each.values()
    level = [value for name, value in element.items() if name.endswith("outline-level")]
    return level == ["1"] or any(style.casefold().endswith(TITLES) for style in styles)


def _chapters(opened: ZipFile) -> Iterator[Message]:
    """The chapters of a book in their order; its title is the source."""
    root = _tree(opened, BOOK).find(".//rootfile")
    path = root.get("full-path", "") if root is not None else ""
    package = _tree(opened, path)
    about = {
        "source": line_at(package, "metadata/title"),
        "published": line_at(package, "metadata/date"),
        "language": line_at(package, "metadata/language"),
    }
    creators = [each.text or "" for each in package.iterfind("metadata/creator")]
    items = {each.get("id"): each for each in package.iterfind("manifest/item")}
    number = 0
    for reference in list(package.iterfind("spine/itemref"))[:MOST_CHAPTERS]:
        item = items.get(reference.get("idref"))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        name = posixpath.normpath(
            posixpath.join(posixpath.dirname(path), unquote(item.get("href", "")))
        )
        title, text = _chapter(opened, name)
        if len(text) >= SHORTEST_CHAPTER:
            number += 1
            yield {**about, "number": number, "title": title, "text": text, "authors": creators}
    if not number:
        raise UnreadableArticle("", "an e-book without text")


def _chapter(opened: ZipFile, name: str) -> tuple[str, str]:
    """The title and the text of a chapter: its first heading, and what is below."""
    content = _content(opened, name)
    markup = content.decode(encoding_of(content), "replace")
    body = markup.partition("<body")[2].partition(">")[2] or markup
    text = text_of(body)
    first, _, rest = text.partition("\n\n")
    return (first, rest) if rest and len(first) <= LONGEST_HEADING else ("", text)
