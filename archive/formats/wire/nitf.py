"""Reads NITF, the News Industry Text Format: files, and the bodies of other items."""

import re
from typing import Any

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import ReadResults, SourceFile
from backfile.archive.formats.wire.bodies import body_in, text_of_tree, without_title
from backfile.archive.formats.wire.bylines import first_names, with_dateline
from backfile.archive.formats.wire.items import (
    Clock,
    WireItem,
    extended,
    right_now,
    settle_item,
    subject_name,
)
from backfile.archive.formats.wire.xml import LANGUAGE, items_in, line_at, line_of, named_at
from backfile.archive.model.errors import UnreadableArticle

NITF = frozenset(("nitf",))
VERSIONED = re.compile(r"[_.:/-]\d{1,4}")  # a version after the story's key in agencies' ids
SECTIONS_IN_META = ("online_sections", "section", "dsk", "desk")  # names used by agencies, papers


def read_nitf(file: SourceFile, _: FieldMap, now: Clock = right_now) -> ReadResults:
    """Read the documents of a file, usually one; each is an article."""
    number = 0
    for number, tree in enumerate(items_in(file, NITF), 1):
        try:
            yield settle_item(item_of(tree), file.origin(number), file.defaults, now)
        except UnreadableArticle as refused:
            yield refused
    if not number:
        raise UnreadableArticle(file.place, "NITF that is cut short or empty")


def item_of(tree: Any) -> WireItem:
    """The metadata and the text of a document."""
    docdata = "head/docdata"
    release = named_at(tree, "norm", f"{docdata}/date.release")
    fields = fields_of(tree)
    fields |= {
        "id": _id(tree),
        "source": _source(tree),
        "section": _section(tree),
        "language": tree.get(LANGUAGE) or tree.get("baselang") or named_at(tree, LANGUAGE, "body"),
        "url": named_at(tree, "ex-ref", "head/pubdata"),
    }
    return WireItem(
        fields,
        kind="an item of NITF",
        days=(
            named_at(tree, "date.publication", "head/pubdata"),
            named_at(tree, "norm", f"{docdata}/date.issue"),
            release,
            named_at(tree, "norm", "body/body.head/dateline/story.date"),
        ),
        version=named_at(tree, "version", f"{docdata}/du-key"),
        status=named_at(tree, "management-status", docdata),
        embargo=release,
    )


def _id(tree: Any) -> str:
    """The document's id without its version number.

    The key of the story is the same in all versions, but unique within a day only.
    """
    name = named_at(tree, "id-string", "head/docdata/doc-id")
    key = named_at(tree, "key", "head/docdata/du-key")
    if name:
        return key if key and VERSIONED.fullmatch(name.removeprefix(key)) else name
    day = extended(named_at(tree, "norm", "head/docdata/date.issue"))[:10]
    return f"{key}:{day}" if key and day else ""


def fields_of(tree: Any) -> dict[str, Any]:
    """Title, text and authors, from the body."""
    head = "body/body.head"
    title = line_at(tree, f"{head}/hedline/hl1", f"{head}/hedline/hl2", f"{head}/hedline")
    title = title or line_at(tree, "head/title")
    content = tree.find("body/body.content")
    if content is None and not tree.findall("body/body.head"):
        content = body_in(tree)  # the body alone, as the content of another item
    text = text_of_tree(content) if content is not None else ""
    abstract = tree.find(f"{head}/abstract")
    if not text and abstract is not None:
        text = text_of_tree(abstract)
    text = with_dateline(without_title(text, title), line_at(tree, f"{head}/dateline"))
    return {"title": title, "text": text, "authors": _authors(tree)}


def _authors(tree: Any) -> list[str]:
    return first_names(map(_byline, tree.iterfind("body/body.head/byline")))


def _byline(byline: Any) -> str:
    """The marked persons of a byline, or else its text without offices."""
    if people := [line_of(person) for person in byline.iterfind("person")]:
        return "; ".join(people)
    for office in byline.iterfind("byttl"):
        office.text = ","
        del office[:]
    return line_of(byline)


def _source(tree: Any) -> str:
    return (
        named_at(tree, "name", "head/pubdata")
        or line_at(tree, "body/body.head/distributor/org", "body/body.head/distributor")
        or named_at(tree, "holder", "head/docdata/doc.copyright")
        or line_at(tree, "body/body.head/rights/rights.owner")
        or named_at(tree, "regsrc", "head/docdata/doc-id")
    )


def _section(tree: Any) -> str:
    """The section of the paper, or else the first subject with a name."""
    meta = {each.get("name", ""): each.get("content", "") for each in tree.iterfind("head/meta")}
    for name in SECTIONS_IN_META:
        if section := meta.get(name, "").partition(";")[0].strip():
            return str(section)
    printed = named_at(tree, "position.section", "head/pubdata")
    if len(printed) > 1 and not printed.isdigit():
        return printed
    return _subject(tree) or named_at(tree, "value", "head/docdata/identified-content/classifier")


def _subject(tree: Any) -> str:
    for subject in tree.iterfind("head/tobject/tobject.subject"):
        kinds = ("type", "matter", "detail")
        names = (subject.get(f"tobject.subject.{kind}", "").strip() for kind in kinds)
        code = subject_name(subject.get("tobject.subject.refnum", ""))
        if name := next(filter(None, names), code):
            return str(name)
    kind = named_at(tree, "tobject.type", "head/tobject")
    return "" if kind.casefold() == "news" else kind
