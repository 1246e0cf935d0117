"""Reads the exports of news databases: LexisNexis, Factiva and ProQuest; many documents a file."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    encoding_of,
    made,
)
from backfile.archive.formats.text.factiva import (
    factiva_documents,
    from_factiva,
    is_factiva,
)
from backfile.archive.formats.text.lexisnexis import from_lexis, is_lexis, lexis_documents
from backfile.archive.formats.text.proquest import (
    from_proquest,
    is_proquest,
    proquest_documents,
)
from backfile.archive.formats.web.markup import text_of
from backfile.archive.formats.web.pages import LONGEST_PAGE, bounded
from backfile.archive.formats.wire.bylines import with_dateline
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

MOST_DOCUMENTS = 50_000  # of one file; the databases export 500 at most
HTML_SIGN = re.compile(
    r"\d (?:of|von|de|di|van|sur) \d+ DO[CK]UMENT|End of Document|Ende des Dokuments"
    r"|Fin du document|(?:Document|Dokument) [A-Z][A-Z0-9]{9}|ProQuest"
)


class Database(NamedTuple):
    """A database: how its export is known, where it is cut, and how one document is read."""

    name: str
    is_export: Callable[[str], bool]
    cut: Callable[[str], list[str]]
    read: Callable[[str], dict[str, Any] | None]


def is_export(head: str) -> bool:
    """Whether a text is the export of a news database."""
    return _database_of(_with_plain_ends(head)) is not None


def read_export(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read an export, as `export_records` does."""
    return made(export_records(file, names))


def export_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the documents of an export, each by its number."""
    yield from documents_in(file.read_text(), file, names)


def is_html_export(head: str) -> bool:
    """Whether a web page is the export of a news database."""
    return bool(HTML_SIGN.search(head)) and is_export(text_of(head))


def read_html_export(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read an export as a web page, as `html_export_records` does."""
    return made(html_export_records(file, names))


def html_export_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the documents of an export as a web page, each by its number."""
    content = file.read_bytes(LONGEST_PAGE, note="; export fewer documents at once")
    markup = bounded(content.decode(encoding_of(content), "replace"), file.place)
    yield from documents_in(text_of(markup), file, names)


def documents_in(text: str, file: SourceFile, names: FieldMap) -> Records:
    """Walk the documents in the text of an export; raise UnreadableArticle if it is none."""
    text = _with_plain_ends(text)
    database = _database_of(text)
    if database is None:
        raise UnreadableArticle(file.place, "no export of LexisNexis, Factiva or ProQuest")
    make = partial(_article, database=database, names=FieldMap(dates=names.dates))
    for number, document in enumerate(database.cut(text)[:MOST_DOCUMENTS], 1):
        yield Record(document, file.origin(number), make)


def _with_plain_ends(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\xa0", " ").replace("\f", "\n").lstrip("\ufeff")


def _article(document: str, origin: Origin, database: Database, names: FieldMap) -> ReadResult:
    record = database.read(document)
    if not record:
        return UnreadableArticle(str(origin), f"a document of {database.name} without a text")
    record["text"] = with_dateline(record.get("text", ""), record.pop("dateline", ""))
    return article_from(record, origin, names)


def _database_of(text: str) -> Database | None:
    return next((each for each in DATABASES if each.is_export(text)), None)


DATABASES = (
    Database("ProQuest", is_proquest, proquest_documents, from_proquest),
    Database("LexisNexis", is_lexis, lexis_documents, from_lexis),
    Database("Factiva", is_factiva, factiva_documents, from_factiva),
)
