"""Reads collections in SGML: Reuters-21578 and those of TREC, document after document."""

import html
import re
from collections.abc import Iterator
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import LONGEST_TEXT, ReadResult, ReadResults, SourceFile
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.bylines import names_in, with_dateline
from backfile.archive.model.errors import UnreadableArticle

NUMBERED = re.compile(r"<DOCNO>", re.I)
BEGIN = re.compile(r"<(REUTERS|DOC)(?:\s[^<>]*)?>", re.I)
ATTRIBUTE = re.compile(r"\b(NEWID|TYPE)\s*=\s*\"?([\w-]+)", re.I)
PARAGRAPH = re.compile(r"</?P>", re.I)
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
DATELINE_END = " -–—"
END_OF_STORY = re.compile(r"\s*\bREUTER[S]?\s*\Z", re.I)
# Elements of Reuters-21578 and of the newspapers and agencies of TREC, the likeliest first.
TITLES = ("title", "headline", "head", "hl", "header")
DATES = ("date", "date1", "date_time", "dd", "pubdate")
TEXTS = ("body", "text", "lp", "leadpara")
AUTHORS = ("author", "byline", "by")
SOURCES = ("pub", "source", "so")


def is_sgml(head: str) -> bool:
    """Whether a text is such a collection."""
    root = root_of(head)
    return root == "reuters" or (root == "doc" and bool(NUMBERED.search(head)))


def read_sgml(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read each document by the number of the line at which it begins."""
    usual = FieldMap(dates=names.dates)
    for number, document in _documents(file):
        origin = file.origin(number)
        if document is None:
            reason = f"a document over {LONGEST_TEXT >> 20} MiB, or one that breaks off"
            yield UnreadableArticle(str(origin), reason)
        else:
            yield _article(_record(document), str(origin), file, number, usual)


def _article(
    record: dict[str, Any], origin: str, file: SourceFile, number: int, names: FieldMap
) -> ReadResult:
    try:
        return article_from(record, file.origin(number), names)
    except UnreadableArticle:
        return UnreadableArticle(origin, "a document with neither title nor text")


def _documents(file: SourceFile) -> Iterator[tuple[int, str | None]]:
    """Cut at the tags of documents; None stands for one that is too long or has no end."""
    began, length, end = 0, 0, ""
    lines: list[str] = []
    for number, line in enumerate(file.lines(), 1):
        if line is None:
            yield began or number, None
            began = 0
            continue
        found = BEGIN.search(line)
        if found and (not began or found[1].upper() in end.upper()):
            if began:
                yield began, None
            began, length, lines, end = number, 0, [], f"</{found[1]}>".upper()
        if not began:
            continue
        length += len(line)
        if length <= LONGEST_TEXT:
            lines.append(line)
        if end in line.upper():
            yield began, "".join(lines) if length <= LONGEST_TEXT else None
            began = 0
    if began:
        yield began, None


def _record(document: str) -> dict[str, Any]:
    opening = BEGIN.search(document)
    marks = {n.upper(): v for n, v in ATTRIBUTE.findall(opening[0])} if opening else {}
    is_reuters = opening is not None and opening[1].upper() == "REUTERS"
    title = _line(document, *TITLES)
    text = _text(document)
    return {
        "id": f"reuters-{marks['NEWID']}" if "NEWID" in marks else _line(document, "docno"),
        "title": title,
        "text": with_dateline(text, _line(document, "dateline").strip(DATELINE_END)),
        "published": _line(document, *DATES),
        "source": "Reuters" if is_reuters else _line(document, *SOURCES),
        "section": _line(document, "topics", "section"),
        "authors": names_in(_line(document, *AUTHORS)),
    }


def _inside(document: str, name: str) -> str:
    """What is in the first element of a name; a name without an end ends at the next tag."""
    low = document.lower()
    start = low.find(f"<{name}>")
    start = low.find(f"<{name} ") if start < 0 else start
    if start < 0:
        return ""
    start = document.find(">", start) + 1
    end = low.find(f"</{name}>", start)
    return document[start : end if end >= 0 else low.find("<", start)]


def _line(document: str, *names: str) -> str:
    """The first line in one of these elements, such as the first of several topics."""
    for name in names:
        lines = (_decoded(part).split() for part in TAG.split(_inside(document, name)))
        if line := next((" ".join(words) for words in lines if words), ""):
            return line
    return ""


def _text(document: str) -> str:
    """The paragraphs of a document, of which indents mark the beginnings where no tags do."""
    inside = next((found for name in TEXTS if (found := _inside(document, name))), "")
    for name in ("title", "dateline", "author"):  # of texts without a body
        if part := _inside(inside, name):
            inside = inside.replace(part, "", 1)
    marked = PARAGRAPH.sub("\n\n", inside)
    plain = _decoded(TAG.sub("", marked)).replace("\r\n", "\n").strip("\n")
    paragraphs = re.split(r"\n\s*\n|\n(?=[ \t]{2,}\S)", plain)
    joined = (" ".join(each.split()) for each in paragraphs)
    return END_OF_STORY.sub("", "\n\n".join(each for each in joined if each))


def _decoded(text: str) -> str:
    """Without the control characters that surround a text as `&#2;`, and with other entities."""
    return html.unescape(re.sub(r"&#(?:[0-8]|1[1-9]|2\d|3[01]|127);?", "", text))
