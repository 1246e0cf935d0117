"""Knows every format by its content.

A new format is one more row in FORMATS, or in BINARY_FORMATS if it is no text, or text
in several encodings: how it is recognised, and what reads it.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from backfile.archive.formats import mail, records
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.tables import databases, parquet, sqlite_tables
from backfile.archive.formats.tables.columns import fields_of
from backfile.archive.formats.tables.delimited import read_delimited
from backfile.archive.formats.tables.dialects import (
    DELIMITERS,
    SEPARATOR_LINE,
    cells_of,
    delimiter_of,
)
from backfile.archive.formats.text import documents
from backfile.archive.formats.text.encodings import WIDE_ENCODINGS, encoding_of
from backfile.archive.formats.web import feeds, pages
from backfile.archive.formats.wire import iptc7901, newsml1, newsml_g2, nitf
from backfile.archive.formats.wire.telegrams import is_telegram
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

JSON_OPENING = re.compile(r'\s*(?:\{\s*["}]|\[\s*[{\]])')
HTML_OPENING = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
XML_OPENING = re.compile(r"\s*<(?:\?xml|rss|feed|[\w.-]+:?[\w.-]*(?:\s+xmlns))", re.I)
XML_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
XML_BEFORE_ROOT = (("<?", "?>"), ("<!--", "-->"), ("<!", ">"))  # how each begins and ends
TEXT_OPENINGS = (b"{", b"[", b"<")  # of JSON and markup, with which no binary format begins
OTHER_OPENINGS = ((b"%PDF", "PDF"), (b"{\\rtf", "RTF"))
MOST_NULS = 0.001  # of a text's bytes; a stray one is dropped in cleaning
TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".asc"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".psv"})


class Format(NamedTuple):
    """A name, a test on (file, start of its text), and the reader."""

    name: str
    recognises: Callable[[SourceFile, str], bool]
    read: Callable[[SourceFile, FieldMap], Iterator[Article | UnreadableArticle]]


def _is_json_lines(file: SourceFile, head: str) -> bool:
    if not JSON_OPENING.match(head):
        return False
    if file.suffix in (".jsonl", ".ndjson"):
        return True
    first, newline, rest = head.strip("\ufeff \n\r\t").partition("\n")
    try:
        return isinstance(json.loads(first), dict) and bool(newline) and rest.lstrip()[:1] == "{"
    except (ValueError, RecursionError):
        return False


def root_of(head: str) -> str:
    """The name of the outermost element of XML, without its prefix, lower case; or nothing.

    >>> root_of('<?xml version="1.0"?><!-- news --><nitf:nitf xmlns:nitf="x">')
    'nitf'
    """
    head = head.lstrip("\ufeff \t\r\n")
    while end := next((end for start, end in XML_BEFORE_ROOT if head.startswith(start)), ""):
        head = head.partition(end)[2].lstrip(" \t\r\n]>")  # of a doctype's own declarations too
    found = XML_ELEMENT.match(head)
    return found[1].casefold() if found else ""


def _is_page(_: SourceFile, head: str) -> bool:
    return bool(HTML_OPENING.match(head)) or root_of(head) == "html"


def _refuse_xml(file: SourceFile, _: FieldMap) -> Iterator[Article | UnreadableArticle]:
    root = root_of(file.head().decode("utf-8", "replace"))
    yield UnreadableArticle(file.place, f"XML of a kind that is not read ({root}); convert to JSON")


def _is_table(file: SourceFile, head: str) -> bool:
    if file.suffix in TABLE_SUFFIXES:
        return True
    if file.suffix not in TEXT_SUFFIXES:
        return False
    first = head.lstrip("\ufeff").partition("\n")[0].partition("\r")[0]
    if not any(delimiter in first for delimiter in DELIMITERS):
        return False
    found = fields_of(cells_of(first, delimiter_of(first, FieldMap())), FieldMap())
    named = len(found) >= 2 and "text" in found
    return named or bool(SEPARATOR_LINE.fullmatch(first))


class BinaryFormat(NamedTuple):
    """A name, a test on the start of the file's bytes, and the reader."""

    name: str
    recognises: Callable[[bytes], bool]
    read: Callable[[SourceFile, FieldMap], Iterator[Article | UnreadableArticle]]


BINARY_FORMATS: tuple[BinaryFormat, ...] = (
    BinaryFormat(
        "SQLite", lambda head: head.startswith(databases.OPENING), sqlite_tables.read_sqlite
    ),
    BinaryFormat("Parquet", lambda head: head.startswith(parquet.OPENING), parquet.read_parquet),
    BinaryFormat("mailbox", mail.is_mailbox, mail.read_mailbox),
    BinaryFormat("mail", mail.is_message, mail.read_message),
)
FORMATS: tuple[Format, ...] = (
    Format(
        "JSON Feed",
        lambda _, head: bool(JSON_OPENING.match(head) and feeds.JSON_FEED.search(head)),
        feeds.read_json_feed,
    ),
    Format("JSON Lines", _is_json_lines, records.read_json_lines),
    Format("IPTC 7901 or ANPA", lambda _, head: is_telegram(head), iptc7901.read_telegrams),
    Format(
        "JSON",
        lambda file, head: file.suffix == ".json" or bool(JSON_OPENING.match(head)),
        records.read_json,
    ),
    Format("web page", _is_page, pages.read_page),
    Format("feed", lambda _, head: root_of(head) in feeds.FEED_ROOTS, feeds.read_feed),
    Format(
        "NewsML-G2",
        lambda _, head: root_of(head) in newsml_g2.ROOTS,
        newsml_g2.read_newsml_g2,
    ),
    Format("NewsML 1", lambda _, head: root_of(head) in newsml1.ROOTS, newsml1.read_newsml1),
    Format("NITF", lambda _, head: root_of(head) in nitf.NITF, nitf.read_nitf),
    Format("other XML", lambda _, head: bool(XML_OPENING.match(head)), _refuse_xml),
    Format(
        "native",
        lambda _, head: bool(documents.NATIVE_OPENING.match(head)),
        documents.read_native,
    ),
    Format("table", _is_table, read_delimited),
    Format(
        "Markdown",
        lambda file, head: (
            file.suffix in MARKDOWN_SUFFIXES or head.startswith(("---\n", "# ", "\ufeff# "))
        ),
        documents.read_markdown,
    ),
    Format("plain text", lambda file, _: file.suffix in TEXT_SUFFIXES, documents.read_plain),
)


def format_of(file: SourceFile) -> Format | BinaryFormat:
    """Recognise a file by its content; raise UnreadableArticle where nothing here reads it."""
    content = file.head()
    if not content.strip():
        raise UnreadableArticle(file.place, "the file is empty")
    for opening, kind in OTHER_OPENINGS:
        if content.startswith(opening):
            raise UnreadableArticle(file.place, f"{kind} is not read; convert it to text")
    if not content.startswith(TEXT_OPENINGS):
        for binary in BINARY_FORMATS:
            if binary.recognises(content):
                return binary
    encoding = encoding_of(content)
    if _is_binary(content, encoding):
        raise UnreadableArticle(file.place, "not text (binary data)")
    head = content.decode(encoding, "replace")
    for candidate in FORMATS:
        if candidate.recognises(file, head):
            return candidate
    reason = f"no reader for this kind of file ({file.suffix or 'no suffix'})"
    raise UnreadableArticle(file.place, reason)


def _is_binary(content: bytes, encoding: str) -> bool:
    """Whether there are zeros in it, but for wide characters and a transmission's filling."""
    if content.count(b"\x00") <= len(content) * MOST_NULS:
        return False
    return encoding not in WIDE_ENCODINGS and not is_telegram(content.decode("latin-1"))
