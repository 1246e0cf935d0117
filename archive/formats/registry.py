"""Recognises the format of a file by its content.

A new format is one more row in OWN_FORMATS, or in BINARY_FORMATS if its files are not text in one
encoding. A room of formats is one line in records.py.
"""

import json
import re

from backfile.archive.formats import mail, records
from backfile.archive.formats.documents.formats import DOCUMENTS, RTF
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import WIDE_ENCODINGS, ReadResults, SourceFile, encoding_of
from backfile.archive.formats.format import BinaryFormat, Format, Stage
from backfile.archive.formats.tables import databases, parquet, sqlite_tables
from backfile.archive.formats.tables.columns import fields_of
from backfile.archive.formats.tables.delimited import delimited_records, read_delimited
from backfile.archive.formats.tables.dialects import (
    DELIMITERS,
    SEPARATOR_LINE,
    cells_of,
    delimiter_of,
)
from backfile.archive.formats.text import (
    database_exports,
    documents,
    references,
    sgml,
    zotero_rdf,
)
from backfile.archive.formats.web import feeds, pages, wordpress
from backfile.archive.formats.web.markup import BLOCKS, root_of
from backfile.archive.formats.web.saved_pages import is_page_by_suffix
from backfile.archive.model.errors import UnreadableArticle

JSON_OPENING = re.compile(r'\s*(?:\{\s*["}]|\[\s*[{\]])')
HTML_OPENING = re.compile(
    r"\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
XML_OPENING = re.compile(
    r"\s*<(?:\?xml|rss|feed|[\w.-]{1,60}+(?::[\w.-]{1,60}+)?\s{1,60}+xmlns)", re.I
)
TAG_OPENING = re.compile(r"\s*<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?/?>\s*<")
HTML_NAMES = BLOCKS | {"a", "b", "br", "i", "em", "strong", "span", "img", "title", "meta"}
LIST_OF_PAGES = "a list of addresses ({}); `backfile follow` takes it"
XML_REASONS = {
    "opml": LIST_OF_PAGES.format("OPML"),
    "urlset": LIST_OF_PAGES.format("a sitemap"),
    "sitemapindex": LIST_OF_PAGES.format("an index of sitemaps"),
    "mets": "METS without the pages (ALTO) that it names; give the folder of both, or pack it",
}
TEXT_OPENINGS = (b"{", b"[", b"<")  # of JSON and markup, with which no binary format begins
MOST_NULS = 0.001  # the share of zero bytes in a text; cleaning removes them
CONTROLS = re.compile(rb"[\x02-\x08\x0e-\x1a\x1c-\x1e]")  # not those that divide cells, nor escape
MOST_CONTROLS = 0.02  # their share in a text; of packed data, a twelfth
TEXT_SUFFIXES = frozenset({"", ".txt", ".text", ".asc"})
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".psv"})


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


def _is_page(_: SourceFile, head: str) -> bool:
    return bool(HTML_OPENING.match(head)) or root_of(head) == "html"


def _is_page_by_suffix(file: SourceFile, head: str) -> bool:
    return is_page_by_suffix(file.suffix, head)


def _is_xml(file: SourceFile, head: str) -> bool:
    if XML_OPENING.match(head):
        return True
    opening = TAG_OPENING.match(head) if file.suffix in ("", ".xml") else None
    return opening is not None and opening[1].lower() not in HTML_NAMES


def _refuse_xml(file: SourceFile, _: FieldMap) -> ReadResults:
    root = root_of(file.head().decode("utf-8", "replace"))
    reason = XML_REASONS.get(root, f"XML of a kind that is not read ({root}); convert to JSON")
    yield UnreadableArticle(file.place, reason)


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


BINARY_FORMATS: tuple[BinaryFormat, ...] = (
    *DOCUMENTS.binary_formats,
    BinaryFormat(
        "SQLite",
        lambda head: head.startswith(databases.MAGIC),
        sqlite_tables.read_sqlite,
        sqlite_tables.sqlite_records,
    ),
    BinaryFormat(
        "Parquet",
        lambda head: head.startswith(parquet.MAGIC),
        parquet.read_parquet,
        parquet.parquet_records,
    ),
    BinaryFormat("mailbox", mail.is_mailbox, mail.read_mailbox, mail.mailbox_records),
    BinaryFormat("mail", mail.is_message, mail.read_message),
)
OWN_FORMATS: tuple[Format, ...] = (
    Format(
        "JSON Feed",
        Stage.JSON,
        lambda _, head: bool(JSON_OPENING.match(head) and feeds.JSON_FEED.search(head)),
        feeds.read_json_feed,
        records=feeds.json_feed_records,
    ),
    Format(
        "JSON Lines",
        Stage.JSON,
        _is_json_lines,
        records.read_json_lines,
        records=records.json_lines,
    ),
    Format(
        "JSON",
        Stage.JSON,
        lambda file, head: (
            bool(JSON_OPENING.match(head)) or (file.suffix == ".json" and "<" not in head[:99])
        ),
        records.read_json,
        records=records.json_records,
    ),
    Format(
        "database export",
        Stage.MARKUP,
        lambda file, head: _is_page(file, head) and database_exports.is_html_export(head),
        database_exports.read_html_export,
        records=database_exports.html_export_records,
    ),
    Format("web page", Stage.MARKUP, _is_page, pages.read_page),
    Format(
        "WordPress export",
        Stage.MARKUP,
        lambda _, head: root_of(head) in feeds.FEED_ROOTS and wordpress.is_export(head),
        wordpress.read_export,
        records=wordpress.export_records,
    ),
    Format(
        "Zotero RDF",
        Stage.MARKUP,
        lambda _, head: zotero_rdf.is_zotero(head),
        zotero_rdf.read_zotero,
        records=zotero_rdf.zotero_records,
    ),
    Format(
        "feed",
        Stage.MARKUP,
        lambda _, head: root_of(head) in feeds.FEED_ROOTS,
        feeds.read_feed,
        records=feeds.feed_records,
    ),
    Format(
        "SGML",
        Stage.MARKUP,
        lambda _, head: sgml.is_sgml(head),
        sgml.read_sgml,
        records=sgml.sgml_records,
    ),
    Format(
        "other XML",
        Stage.OTHER_MARKUP,
        _is_xml,
        _refuse_xml,
    ),
    Format("web page", Stage.TEXT, _is_page_by_suffix, pages.read_page),
    Format(
        "RIS",
        Stage.TEXT,
        lambda _, head: bool(references.RIS_OPENING.match(head.lstrip("\ufeff"))),
        references.read_ris,
        records=references.ris_records,
    ),
    Format(
        "BibTeX",
        Stage.TEXT,
        lambda _, head: bool(references.BIBTEX_OPENING.match(head)),
        references.read_bibtex,
        records=references.bibtex_records,
    ),
    Format(
        "database export",
        Stage.TEXT,
        lambda _, head: database_exports.is_export(head),
        database_exports.read_export,
        records=database_exports.export_records,
    ),
    Format(
        "native",
        Stage.TEXT,
        lambda _, head: bool(documents.NATIVE_OPENING.match(head)),
        documents.read_native,
    ),
    Format("table", Stage.TEXT, _is_table, read_delimited, records=delimited_records),
    Format(
        "Markdown",
        Stage.TEXT,
        lambda file, head: (
            file.suffix in MARKDOWN_SUFFIXES or head.startswith(("---\n", "# ", "\ufeff# "))
        ),
        documents.read_markdown,
    ),
    Format(
        "plain text",
        Stage.TEXT,
        lambda file, _: file.suffix in TEXT_SUFFIXES,
        documents.read_plain,
    ),
)
FORMATS: tuple[Format, ...] = tuple(
    sorted(
        (
            *DOCUMENTS.formats,
            *OWN_FORMATS,
            *(each for plugin in records.PLUGINS for each in plugin.formats),
        ),
        key=lambda each: each.stage,
    )
)


def format_of(file: SourceFile) -> Format | BinaryFormat:
    """The format of a file, by its content; raise UnreadableArticle if none reads it."""
    content = file.head()
    if not content.strip():
        raise UnreadableArticle(file.place, "the file is empty")
    if not content.startswith(TEXT_OPENINGS) or content.startswith(RTF):
        for binary in BINARY_FORMATS:
            if binary.recognises(content):
                return binary
    encoding = encoding_of(content)
    if _is_binary(file, content, encoding):
        raise UnreadableArticle(file.place, "not text (binary data)")
    head = content.decode(encoding, "replace")
    for candidate in FORMATS:
        if candidate.recognises(file, head):
            return candidate
    reason = f"no reader for this kind of file ({file.suffix or 'no suffix'})"
    raise UnreadableArticle(file.place, reason)


def _is_binary(file: SourceFile, content: bytes, encoding: str) -> bool:
    """Whether content has bytes of no text, and neither its encoding nor its format allows them."""
    few_nuls = content.count(b"\x00") <= len(content) * MOST_NULS
    few_controls = len(CONTROLS.findall(content)) <= len(content) * MOST_CONTROLS
    if (few_nuls and few_controls) or encoding in WIDE_ENCODINGS:
        return False
    head = content.decode("latin-1")
    return not any(each.has_nuls and each.recognises(file, head) for each in FORMATS)
