"""Reads documents in a separate process, and makes articles of their texts."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backfile.archive.formats.cleaning import clean_text
from backfile.archive.formats.documents import digitised_issues, recognition, scans
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import ReadResult, ReadResults, SourceFile, path_or_bytes
from backfile.archive.formats.format import BinaryFormat, Format, Plugin, Stage
from backfile.archive.formats.processes import TOO_MUCH, Message, messages_from
from backfile.archive.formats.text.database_exports import documents_in, is_export
from backfile.archive.formats.text.documents import titled
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.bylines import byline_in
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import with_part_id

MODULE = "backfile.archive.formats.documents.extraction"
WIKI_MODULE = "backfile.archive.formats.documents.wiki_pages"
MOST_RESTARTS = 20  # of the process that reads a dump, of 10 seconds or less for each bad page
PDF, RTF, PACKED = b"%PDF", b"{\\rtf", b"PK\x03\x04"
LIBRARIES = {"PDF": "pypdfium2", "RTF": "striprtf"}
INSTALL = "`pip install 'backfile[documents]'` brings it"


def read_pdf(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a PDF as one article, or cut at its headlines; pages without text are listed."""
    program = recognition.program_path() if names.pdf.languages else ""
    options = (program, names.pdf.languages, "clippings" if names.pdf.clippings else "")
    yield from _read(file, names, "PDF", PDF, *options)


def read_rtf(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a file of RTF: one article, or each document of an export of a news database."""
    yield from _read(file, names, "RTF", RTF)


def read_packed(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a document of Word or OpenDocument, or each chapter of an e-book (EPUB)."""
    yield from _read(file, names, "packed", PACKED)


def read_wiki(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read the articles in a dump of MediaWiki, such as Wikinews; redirects are skipped."""
    if not find_spec("mwparserfromhell"):
        raise UnreadableArticle(file.place, f"wikitext is read with mwparserfromhell; {INSTALL}")
    count = 0
    for message in _wiki_messages(path_or_bytes(file, b"<")):
        count += 1
        if "refused" in message:
            place = str(file.origin(message["number"]))
            yield UnreadableArticle(place, message["refused"])
        else:
            yield _article(message, file, message["number"], names)
    if not count:
        raise UnreadableArticle(file.place, "a dump of MediaWiki without articles")


def _wiki_messages(source: Path | bytes) -> Iterator[Message]:
    """The messages of a dump; reading goes on behind a page that ends its process."""
    begun = 0
    for _ in range(MOST_RESTARTS):
        before = begun
        for message in messages_from(WIKI_MODULE, source, str(before)):
            if "begun" in message:
                begun = message["number"]
            elif message.get("refused") == TOO_MUCH:
                yield {**message, "number": max(begun, 1)}
                break
            else:
                yield message
        else:
            return
        if begun == before:
            return


def _read(
    file: SourceFile, names: FieldMap, kind: str, opening: bytes, *options: str
) -> ReadResults:
    library = LIBRARIES.get(kind)
    if library and not find_spec(library):
        raise UnreadableArticle(file.place, f"{kind} is read with {library}; {INSTALL}")
    for message in messages_from(MODULE, path_or_bytes(file, opening), kind, *options):
        if "refused" in message:
            place = str(file.origin(message["number"])) if "number" in message else file.place
            yield UnreadableArticle(place, message["refused"])
        elif "text" in message:
            yield from _articles(message, file, names)


def _articles(message: dict[str, Any], file: SourceFile, names: FieldMap) -> ReadResults:
    text = message["text"]
    whole = "\n\n".join(filter(None, (message.get("title"), text)))
    if is_export(whole):  # the headline of its first document may pass for a title of the file
        yield from documents_in(whole, file, names)
        return
    if message.get("title"):
        record = {**message, "authors": message.get("authors") or byline_in(text)}
    else:
        record = {**message, **titled(clean_text(text)), "authors": byline_in(text)}
    yield _article(record, file, message["number"], names)


def _article(record: dict[str, Any], file: SourceFile, number: int, names: FieldMap) -> ReadResult:
    usual = FieldMap(dates=names.dates)
    is_whole = number == 1 and "source" not in record and "part" not in record
    name = file.key if is_whole else ""
    try:
        article = article_from(record, file.origin(number), usual, file.defaults, file_name=name)
        return with_part_id(article) if "part" in record else article
    except UnreadableArticle as refused:
        return UnreadableArticle(refused.origin, f"{refused.reason.partition(' among')[0]} in it")


DOCUMENTS = Plugin(
    formats=(
        Format("ALTO", Stage.MARKUP, lambda _, head: root_of(head) == "alto", scans.read_alto),
        Format("hOCR", Stage.MARKUP, lambda _, head: scans.is_hocr(head), scans.read_hocr),
        Format(
            "MediaWiki dump", Stage.MARKUP, lambda _, head: root_of(head) == "mediawiki", read_wiki
        ),
    ),
    binary_formats=(
        BinaryFormat("PDF", lambda head: PDF in head[:1024], read_pdf),
        BinaryFormat("RTF", lambda head: head.startswith(RTF), read_rtf),
        BinaryFormat("METS with ALTO", digitised_issues.is_bundle, digitised_issues.read_bundle),
        BinaryFormat("document", lambda head: head.startswith(PACKED), read_packed),
    ),
)
