"""Reads collections in SGML: Reuters-21578 and those of TREC, document after document."""

import html
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.files import (
    LONGEST_TEXT,
    ReadResult,
    ReadResults,
    Record,
    Records,
    SourceFile,
    made,
)
from backfile.archive.formats.web.markup import root_of
from backfile.archive.formats.wire.bylines import names_in, with_dateline
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

NUMBERED = re.compile(r"<DOCNO>|<DOC\s+id\s*=\s*\"[^\"<>]+\"\s+type\s*=", re.I)
BEGIN = re.compile(r"<(REUTERS|DOC)(?:\s[^<>]*)?>", re.I)
END = re.compile(r"(</(?:REUTERS|DOC)>)", re.I)
ATTRIBUTE = re.compile(r"\b(NEWID|ID)\s*=\s*[\"']?([\w.-]+)", re.I)
PARAGRAPH = re.compile(r"</?P>", re.I)
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
DATELINE_END = " -–—"
SHORT_DAY, FIRST_SHORT_DAY = re.compile(r"\d{6}"), "700101"
DAY_IN_ID = re.compile(r"_(\d{8})\.")  # NYT_ENG_20240323.0001
END_OF_STORY = re.compile(r"\s*\bREUTER[S]?\s*\Z", re.I)
# Elements of Reuters-21578 and of the newspapers and agencies of TREC, the likeliest first.
TITLES = ("title", "headline", "head", "hl", "ti")
DATES = ("date", "date1", "date_time", "dd", "pubdate")
TEXTS = ("body", "text", "lp", "leadpara")
AUTHORS = ("author", "byline", "by")
SOURCES = ("pub", "source", "so")


def is_sgml(head: str) -> bool:
    """Whether a text is such a collection."""
    root = root_of(head)
    return root == "reuters" or (root == "doc" and bool(NUMBERED.search(head)))


def read_sgml(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a collection, as `sgml_records` does."""
    return made(sgml_records(file, names))


def sgml_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the documents by the number of the line at which each begins."""
    make = partial(_article, names=FieldMap(dates=names.dates))
    for number, document in _documents(file):
        origin = file.origin(number)
        if document is None:
            reason = f"a document over {LONGEST_TEXT >> 20} MiB, or one that breaks off"
            yield UnreadableArticle(str(origin), reason)
        else:
            yield Record(document, origin, make)


def _article(document: str, origin: Origin, names: FieldMap) -> ReadResult:
    try:
        return article_from(_record(document), origin, names)
    except UnreadableArticle:
        return UnreadableArticle(str(origin), "a document with neither title nor text")


def _documents(file: SourceFile) -> Iterator[tuple[int, str | None]]:
    """Cut at the tags of documents; None stands for one that is too long or has no end."""
    began, length, end = 0, 0, ""
    lines: list[str] = []
    for number, line in _pieces(file):
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


def _pieces(file: SourceFile) -> Iterator[tuple[int, str | None]]:
    """The lines by their numbers, cut behind documents: another one may begin on the same line."""
    for number, line in enumerate(file.lines(), 1):
        for piece in END.split(line) if line and "</" in line else (line,):
            yield number, piece


def _record(document: str) -> dict[str, Any]:
    opening = BEGIN.search(document)
    marks = {n.upper(): v for n, v in ATTRIBUTE.findall(opening[0])} if opening else {}
    is_reuters = opening is not None and opening[1].upper() == "REUTERS"
    known_as = _line(document, "docno") or marks.get("ID", "")
    in_id = DAY_IN_ID.search(known_as)
    dateline = _line(document, "dateline").strip(DATELINE_END)
    return {
        "id": f"reuters-{marks['NEWID']}" if "NEWID" in marks else known_as,
        "title": next(filter(None, (" ".join(_lines(document, name)) for name in TITLES)), ""),
        "text": with_dateline(_text(document), dateline),
        "published": _day(_line(document, *DATES)) or (in_id[1] if in_id else ""),
        "source": "Reuters" if is_reuters else _line(document, *SOURCES),
        "section": _line(document, "topics", "section"),
        "authors": names_in(_line(document, *AUTHORS)),
    }


def _day(written: str) -> str:
    """A date with the century that the Financial Times leaves out.

    >>> _day("910514"), _day("1 March 1994")
    ('19910514', '1 March 1994')
    """
    if not SHORT_DAY.fullmatch(written):
        return written
    return f"{19 if written >= FIRST_SHORT_DAY else 20}{written}"


def _inside(document: str, name: str) -> Iterator[str]:
    """What is in the elements of a name; one without an end is the last, and ends at a tag."""
    low, end = document.lower(), 0
    for found in re.finditer(rf"<{name}(?:\s[^<>]*)?>", document, re.I):
        start = found.end()
        if start < end:  # inside of the one before
            continue
        end = low.find(f"</{name}>", start)
        if end < 0:
            yield document[start : low.find("<", start)]
            return
        yield document[start:end]


def _lines(document: str, name: str) -> list[str]:
    """The lines in the first element of a name, such as one for each topic."""
    parts = (_decoded(part).split() for part in TAG.split(next(_inside(document, name), "")))
    return [" ".join(words) for words in parts if words]


def _line(document: str, *names: str) -> str:
    """The first line in one of these elements, such as the first of several topics."""
    return next((line for name in names for line in _lines(document, name)), "")


def _text(document: str) -> str:
    """The paragraphs of a document, of which indents mark the beginnings where no tags do."""
    parts = ("\n\n".join(_inside(document, name)) for name in TEXTS)
    inside = next(filter(None, parts), "")
    for name in ("title", "dateline", "author"):  # of texts without a body
        if part := next(_inside(inside, name), ""):
            inside = inside.replace(part, "", 1)
    marked = PARAGRAPH.sub("\n\n", inside)
    plain = _decoded(TAG.sub("", marked)).replace("\r\n", "\n").strip("\n")
    paragraphs = re.split(r"\n\s*\n|\n(?=[ \t]{2,}\S)", plain)
    joined = (" ".join(each.split()) for each in paragraphs)
    return END_OF_STORY.sub("", "\n\n".join(each for each in joined if each))


def _decoded(text: str) -> str:
    """Without the control characters that surround a text as `&#2;`, and with other entities."""
    return html.unescape(re.sub(r"&#(?:[0-8]|1[1-9]|2\d|3[01]|127);?", "", text))
