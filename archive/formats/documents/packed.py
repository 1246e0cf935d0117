"""Reads documents that are packed XML: Word (DOCX), OpenDocument (ODT) and e-books (EPUB)."""

import posixpath
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urldefrag
from zipfile import BadZipFile, ZipFile

from backfile.archive.formats.files import LONGEST_TEXT, encoding_of, first_line
from backfile.archive.formats.processes import Message, Source
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.wire.xml import line_at, parsed
from backfile.archive.model.errors import UnreadableArticle

WORD, OPEN_DOCUMENT, BOOK = "word/document.xml", "content.xml", "META-INF/container.xml"
MOST_CHAPTERS = 5_000
LONGEST_HEADING = 200  # characters
HEADING = re.compile(r"<h[1-6]\b", re.I)
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
    "moveFrom",
    "table-of-content",
)
# What `zipfile` raises for a member that is not there, is encrypted or damaged.
DAMAGED = (KeyError, RuntimeError, EOFError, zlib.error, BadZipFile)
SPACE = re.compile(r"\s+")  # one, in OpenDocument
SIGNS = {
    "tab": " ",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "-",
    "s": " ",
    "line-break": "\n",
}  # elements that stand for characters
BOXES = ("p", "h", "txbxContent", "text-box")  # have paragraphs of their own


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
    """The text of a paragraph, without that of the text boxes inside of it."""
    is_word = any(True for _ in element.iter("r"))
    return "".join(_pieces(element, is_word=is_word)).strip()


def _pieces(element: Any, *, is_word: bool) -> Iterator[str]:
    yield SIGNS.get(element.tag, "")
    if not is_word:
        yield SPACE.sub(" ", element.text or "")
    elif element.tag == "t":
        yield element.text or ""
    for each in element:
        if each.tag not in BOXES:
            yield from _pieces(each, is_word=is_word)
        if not is_word:
            yield SPACE.sub(" ", each.tail or "")


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
    number = 0
    for name in _names_of_chapters(package, posixpath.dirname(path)):
        try:
            title, text = _chapter(opened, name)
        except (UnreadableArticle, *DAMAGED) as exc:
            reason = exc.reason if isinstance(exc, UnreadableArticle) else first_line(exc)
            yield {"refused": f"a chapter of the book cannot be read ({reason})"}
            continue
        if len(text) >= SHORTEST_CHAPTER:
            number += 1
            yield {**about, "number": number, "title": title, "text": text, "authors": creators}
    if not number:
        raise UnreadableArticle("", "an e-book without text")


def _names_of_chapters(package: Any, folder: str) -> list[str]:
    """The members that the spine of a book lists, without its navigation, each once."""
    items = {each.get("id"): each for each in package.iterfind("manifest/item")}
    found = [items.get(each.get("idref")) for each in package.iterfind("spine/itemref")]
    addresses = (
        urldefrag(item.get("href", "")).url
        for item in found[:MOST_CHAPTERS]
        if item is not None and "nav" not in item.get("properties", "").split()
    )
    paths = (posixpath.join(folder, unquote(address)) for address in addresses)
    return list(dict.fromkeys(map(posixpath.normpath, paths)))


def _chapter(opened: ZipFile, name: str) -> tuple[str, str]:
    """The title and the text of a chapter: its first heading, and what else it has."""
    content = _content(opened, name)
    markup = content.decode(encoding_of(content), "replace")
    body = markup.partition("<body")[2].partition(">")[2] or markup
    above, text = "", text_of(body)
    if heading := HEADING.search(body):
        above = text_of(body[: heading.start()])
        if len(above) > LONGEST_HEADING:
            above = ""
        elif above:  # such as a number
            text = text_of(body[heading.start() :])
    first, _, rest = text.partition("\n\n")
    if not rest or len(first) > LONGEST_HEADING:
        return "", text_of(body)
    return first, f"{above}\n\n{rest}" if any(map(str.isalpha, above)) else rest
