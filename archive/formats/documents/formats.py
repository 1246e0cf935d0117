"""Reads documents in a separate process, and makes articles of their texts."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backfile.archive.formats.cleaning import clean_text
from backfile.archive.formats.documents import digitised_issues, recognition, scans
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
    path_or_bytes,
)
from backfile.archive.formats.format import BinaryFormat, Format, Plugin, Stage
from backfile.archive.formats.processes import TOO_MUCH, Message, messages_from
from backfile.archive.formats.text.database_exports import documents_in, is_export
from backfile.archive.formats.text.documents import titled
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.bylines import byline_in
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle
from backfile.archive.model.ids import with_part_id

MODULE = "backfile.archive.formats.documents.extraction"
WIKI_MODULE = "backfile.archive.formats.documents.wiki_pages"
MOST_RESTARTS = 20  # of the process that reads a dump, of 10 seconds or less for each bad page
PDF, RTF, PACKED = b"%PDF", b"{\\rtf", b"PK\x03\x04"
LIBRARIES = {"PDF": "pypdfium2", "RTF": "striprtf"}
INSTALL = "`pip install 'backfile[documents]'` brings it"


def read_pdf(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a PDF, as `pdf_records` does."""
    return made(pdf_records(file, names))


def pdf_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk a PDF as one article, or cut at its headlines; pages without text are listed."""
    program = recognition.program_path() if names.pdf.languages else ""
    options = (program, names.pdf.languages, "clippings" if names.pdf.clippings else "")
    yield from _records(file, names, "PDF", PDF, *options)


def read_rtf(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a file of RTF, as `rtf_records` does."""
    return made(rtf_records(file, names))


def rtf_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk a file of RTF: one article, or the documents of an export of a news database."""
    yield from _records(file, names, "RTF", RTF)


def read_packed(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a packed document, as `packed_records` does."""
    return made(packed_records(file, names))


def packed_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk a document of Word or OpenDocument, or the chapters of an e-book (EPUB)."""
    yield from _records(file, names, "packed", PACKED)


def read_wiki(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a dump of MediaWiki, as `wiki_records` does."""
    return made(wiki_records(file, names))


def wiki_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the articles in a dump of MediaWiki, such as Wikinews; redirects are skipped."""
    if not find_spec("mwparserfromhell"):
        raise UnreadableArticle(file.place, f"wikitext is read with mwparserfromhell; {INSTALL}")
    make, count = _maker(_article, file, names), 0
    for message in _wiki_messages(path_or_bytes(file, b"<")):
        count += 1
        origin = file.origin(message["number"])
        if "refused" in message:
            yield UnreadableArticle(str(origin), message["refused"])
        else:
            yield Record(message, origin, make)
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


def _records(
    file: SourceFile, names: FieldMap, kind: str, opening: bytes, *options: str
) -> Records:
    library = LIBRARIES.get(kind)
    if library and not find_spec(library):
        raise UnreadableArticle(file.place, f"{kind} is read with {library}; {INSTALL}")
    for message in messages_from(MODULE, path_or_bytes(file, opening), kind, *options):
        if "refused" in message:
            place = str(file.origin(message["number"])) if "number" in message else file.place
            yield UnreadableArticle(place, message["refused"])
        elif "text" in message:
            yield from _records_of(message, file, names)


def _records_of(message: Message, file: SourceFile, names: FieldMap) -> Records:
    whole = "\n\n".join(filter(None, (message.get("title"), message["text"])))
    if is_export(whole):  # the headline of its first document may pass for a title of the file
        yield from documents_in(whole, file, names)
    else:
        yield Record(message, file.origin(message["number"]), _maker(_document, file, names))


def _maker(
    make: Callable[..., ReadResult], file: SourceFile, names: FieldMap
) -> Callable[[Any, Origin], ReadResult]:
    return partial(make, defaults=file.defaults, key=file.key, names=FieldMap(dates=names.dates))


def _document(message: Message, origin: Origin, **about: Any) -> ReadResult:
    text = message["text"]
    if message.get("title"):
        record = {**message, "authors": message.get("authors") or byline_in(text)}
    else:
        record = {**message, **titled(clean_text(text)), "authors": byline_in(text)}
    return _article(record, origin, **about)


def _article(
    record: Message, origin: Origin, *, defaults: Mapping[str, str], key: str, names: FieldMap
) -> ReadResult:
    is_whole = origin.offset == 1 and "source" not in record and "part" not in record
    try:
        article = article_from(record, origin, names, defaults, file_name=key if is_whole else "")
        return with_part_id(article) if "part" in record else article
    except UnreadableArticle as refused:
        return UnreadableArticle(refused.origin, f"{refused.reason.partition(' among')[0]} in it")


DOCUMENTS = Plugin(
    formats=(
        Format("ALTO", Stage.MARKUP, lambda _, head: root_of(head) == "alto", scans.read_alto),
        Format("hOCR", Stage.MARKUP, lambda _, head: scans.is_hocr(head), scans.read_hocr),
        Format(
            "MediaWiki dump",
            Stage.MARKUP,
            lambda _, head: root_of(head) == "mediawiki",
            read_wiki,
            records=wiki_records,
        ),
    ),
    binary_formats=(
        BinaryFormat("PDF", lambda head: PDF in head[:1024], read_pdf, pdf_records),
        BinaryFormat("RTF", lambda head: head.startswith(RTF), read_rtf, rtf_records),
        BinaryFormat("METS with ALTO", digitised_issues.is_bundle, digitised_issues.read_bundle),
        BinaryFormat("document", lambda head: head.startswith(PACKED), read_packed, packed_records),
    ),
)
