"""Reads the RDF that Zotero writes: the references of a library, with abstracts."""

from functools import partial
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.xml import items_in, line_at, line_of
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

NAMESPACE = "http://www.zotero.org/namespaces/export#"
RDF = frozenset(("RDF",))
SYNTAX = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
NO_REFERENCES = ("attachment", "note", "annotation")
WEB = ("http://", "https://")


def is_zotero(head: str) -> bool:
    """Whether a text is such a library, and no feed of RSS 1.0."""
    return root_of(head) == "rdf" and NAMESPACE in head


def read_zotero(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a library, as `zotero_records` does."""
    return made(zotero_records(file, names))


def zotero_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the references, each by its number; attachments and notes are skipped."""
    make = partial(_article, names=FieldMap(dates=names.dates))
    for tree in items_in(file, RDF):
        outlets = {each.get(f"{SYNTAX}about"): line_at(each, "title") for each in tree}
        references = [
            each for each in tree if line_at(each, "itemType") not in ("", *NO_REFERENCES)
        ]
        for number, reference in enumerate(references, 1):
            yield Record(_record(reference, outlets), file.origin(number), make)
        if not references:
            raise UnreadableArticle(file.place, "a library of Zotero without references")


def _article(record: dict[str, Any], origin: Origin, names: FieldMap) -> ReadResult:
    try:
        return article_from(record, origin, names)
    except UnreadableArticle:
        return UnreadableArticle(str(origin), "a reference without a title")


def _record(reference: Any, outlets: dict[str | None, str]) -> dict[str, Any]:
    """The fields of a reference; its outlet may be an element of its own, which it names."""
    about = reference.get(f"{SYNTAX}about") or ""
    named = (
        outlets.get(each.get(f"{SYNTAX}resource"), "") for each in reference.iterfind("isPartOf")
    )
    abstract = "\n\n".join(
        paragraph
        for each in reference.iterfind("abstract")
        for paragraph in "".join(each.itertext()).split("\n")
        if paragraph.strip()
    )
    url = line_at(reference, "identifier/URI/value")
    return {
        "title": line_at(reference, "title"),
        "text": abstract,
        "text_kind": "abstract" if abstract else "",
        "published": line_at(reference, "date"),
        "source": line_at(reference, "isPartOf//title")
        or next(filter(None, named), "")
        or line_at(reference, "publisher//name"),
        "authors": [
            " ".join(
                filter(None, (line_at(each, "givenName", "givenname"), line_at(each, "surname")))
            )
            or line_of(each)
            for each in reference.iterfind("authors//Person")
        ],
        "section": line_at(reference, "section"),
        "language": line_at(reference, "language"),
        "url": url or (about if about.startswith(WEB) else ""),
    }
