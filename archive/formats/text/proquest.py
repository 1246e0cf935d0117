"""Reads the exports of ProQuest: documents with labels, numbered or between rules."""

import re
from typing import Any

from backfile.archive.formats.text.exported_lines import (
    Lines,
    body_of,
    day_in,
    is_sentence,
    joined,
    labelled,
    tail_start,
)

MARK = re.compile(r"^[ \t]*Document \d+ of \d+[ \t]*$", re.M)
RULE = re.compile(r"^[ \t]*_{20,}[ \t]*$", re.M)
SIGN = re.compile(r"^(?:ProQuest document ID|Publication info|Full text):", re.M | re.I)
ID = re.compile(r"^ProQuest document ID:", re.M | re.I)
# Of one document, which no rule ends.
OF_ONE = (
    ID,
    *(re.compile(rf"^{name}:", re.M | re.I) for name in ("Full text", "Publication title")),
)
LABEL = re.compile(
    r"^(Author|Publication info|Abstract|Links|Full text|Subject|Location|People|Company"
    r"|Company / organization|Business indexing term|Identifier / keyword|Classification|Title"
    r"|Alternate title|Publication title|Volume|Issue|Pages|First page|Number of pages"
    r"|Publication year|Publication date|Year|Section|Publisher|Place of publication"
    r"|Country of publication|Publication subject|ISSN|e-ISSN|Source type|Language of publication"
    r"|Document type|Document feature|ProQuest document ID|Document URL|Copyright|Last updated"
    r"|Database|Dateline|Credit|Illustration|Column|Source attribution|References|DOI"
    r"|Online publication date|Publication history|Subtitle|Accession number)"
    r"(?: \(\w{1,30}\))?:[ \t]*(.*)$",
    re.I,
)
# No paragraph begins with one of these.
SURE = frozenset(
    ("publication title", "publication year", "proquest document id", "document url", "source type")
)
# Their values may be sentences.
PROSE = frozenset(
    (
        *("full text", "abstract", "title", "subtitle", "alternate title", "publication info"),
        "copyright",
    )
)
NO_TEXT = re.compile(r"(?:not|none) available\W*", re.I)


def is_proquest(text: str) -> bool:
    """Whether a text is such an export."""
    is_divided = (MARK.search(text) and SIGN.search(text)) or (
        RULE.search(text) and ID.search(text)
    )
    return bool(is_divided or all(label.search(text) for label in OF_ONE))


def proquest_documents(text: str) -> list[str]:
    """The documents of an export: below their numbers, or else between rules."""
    if MARK.search(text):
        return [RULE.split(piece)[0] for piece in MARK.split(text)[1:]]
    return [piece for piece in RULE.split(text) if SIGN.search(piece)]


def from_proquest(document: str) -> dict[str, Any] | None:
    """Read a document as a record; None if it has neither a text nor an abstract."""
    lines = document.split("\n")
    text, above, below = _parts(lines, "full text")
    if not text:
        text, above, below = _parts(lines, "abstract")
    if not text:
        return None
    first = next((n for n, line in enumerate(above) if _label_of(line)), len(above))
    fields = labelled(above, _label_of) | labelled(below, _label_of)
    info = joined(fields.get("publication info"))
    outlet = joined(fields.get("publication title")) or info.partition(day_in(info) or ";")[0]
    return {
        "id": joined(fields.get("proquest document id")),
        "title": joined(fields.get("title")) or joined(above[:first]),
        "text": text,
        "published": joined(fields.get("publication date")) or day_in(info),
        "source": outlet.partition(";")[0].rstrip(" .,"),
        "section": joined(fields.get("section")),
        "authors": [each.strip() for each in joined(fields.get("author")).split(";")],
        "language": joined(fields.get("language of publication")),
        "url": joined(fields.get("document url")),
        "dateline": joined(fields.get("dateline")),
    }


def _parts(lines: Lines, label: str) -> tuple[str, Lines, Lines]:
    """The text that a label announces, and the lines above and below it."""
    for n, line in enumerate(lines):
        if (found := _label_of(line)) and found[0] == label:
            rest = [found[1], *lines[n + 1 :]]
            end = tail_start(rest, _label_below, SURE)
            text = body_of(rest[:end])
            return "" if NO_TEXT.fullmatch(text) else text, lines[:n], rest[end:]
    return "", lines, []


def _label_of(line: str) -> tuple[str, str] | None:
    found = LABEL.match(line)
    return (found[1].casefold(), found[2]) if found else None


def _label_below(line: str) -> tuple[str, str] | None:
    """The same of a line below a text: not one that reads as a sentence."""
    found = _label_of(line)
    return found if found and (found[0] in PROSE or not is_sentence(found[1])) else None
