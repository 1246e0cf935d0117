"""Reads references: RIS and BibTeX. The abstract is the text, or else the title."""

import re
from functools import partial
from importlib.util import find_spec
from typing import Any

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
from backfile.archive.formats.processes import messages_from
from backfile.archive.formats.shapes import given_title
from backfile.archive.model.article import Origin
from backfile.archive.model.errors import UnreadableArticle

# Databases write lines such as "Provider: ProQuest" before the first reference.
RIS_OPENING = re.compile(
    r"\s*(?:[A-Z][\w -]*:[^\r\n]*[\r\n]\s*){0,20}TY {1,2}- ?[A-Z]+[ \t]*[\r\n]"
)
RIS_LINE = re.compile(r"([A-Z][A-Z0-9])( {1,2})-(?: (.*))?$")
# The first thing in a file, or behind some lines of prose, which BibTeX allows, of a known type.
BIBTEX_OPENING = re.compile(
    r"\ufeff?\s*(?:(?:%[^\n]*\n\s*)*@[a-z]{3,20}\s*[{(]\s*[^\s{}(),=\"]+\s*[,=]"
    r"|(?:[^@\s][^\n]*\n\s*){0,50}@(?:(?:comment|preamble)\s*[{(]"
    r"|(?:string|article|newspaper|online|misc|book|booklet|inbook|incollection|inproceedings"
    r"|proceedings|conference|manual|mastersthesis|phdthesis|thesis|report|techreport|unpublished)"
    r"\s*[{(]\s*[^\s{}(),=\"]+\s*[,=]))",
    re.I,
)
MODULE = "backfile.archive.formats.text.bibtex"
INSTALL = "BibTeX is read with pybtex; `pip install 'backfile[documents]'` brings it"
# The tags of RIS for a field, the likeliest first: https://en.wikipedia.org/wiki/RIS_(file_format)
RIS_TAGS = {
    "id": ("ID", "AN", "DO"),
    "title": ("TI", "T1", "CT"),
    "text": ("AB", "N2"),
    "published": ("DA", "Y1", "PY"),
    "source": ("T2", "JO", "JF", "JA", "PB"),
    "section": ("SE",),
    "language": ("LA",),
    "url": ("UR", "L1", "LK"),
}
PERSONS = ("AU", "A1")
OWN_DATABASE = "Backfile"  # of records that we wrote: their first note is the text
TIME = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
# One space behind a tag is a mistake; behind two other letters it is text.
WRITTEN_WITH_ONE_SPACE = frozenset(
    (
        *("TY", "ER", "KW", "N1", "SP", "EP", "VL", "IS", "SN", "CY", "DB", "DP", "M1", "M3", "Y2"),
        *(tag for tags in (PERSONS, *RIS_TAGS.values()) for tag in tags),
    )
)


def read_ris(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read references, as `ris_records` does."""
    return made(ris_records(file, names))


def ris_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the references, by the number of the first line of each."""
    make = partial(_from_ris, names=names)
    number, tags = 1, dict[str, list[str]]()
    last: list[str] = []
    for n, line in enumerate(file.lines(), 1):
        found = RIS_LINE.match((line or "").strip("\ufeff\r\n"))
        if not found or (found[2] == " " and found[1] not in WRITTEN_WITH_ONE_SPACE):
            last[-1:] = [f"{last[-1]}\n{(line or '').strip()}"] if last else []
            continue
        tag, value = found[1], found[3] or ""
        if tag == "TY" and tags:
            yield Record(tags, file.origin(number), make)
            tags = {}
        if tag == "ER":
            if tags:
                yield Record(tags, file.origin(number), make)
            tags, last = {}, []
            continue
        number = n if not tags else number
        last = tags.setdefault(tag, [])
        last.append(value.strip())
    if tags:
        yield Record(tags, file.origin(number), make)


def _from_ris(tags: dict[str, list[str]], origin: Origin, names: FieldMap) -> ReadResult:
    return _article(_of_ris(tags), origin, names)


def _of_ris(tags: dict[str, list[str]]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "authors": [" ".join(name.split()) for tag in PERSONS for name in tags.get(tag, ())]
    }
    for ours, known in RIS_TAGS.items():
        values = (value for tag in known for value in tags.get(tag, ()))
        record[ours] = next((value.strip() for value in values if value.strip()), "")
    is_ours = tags.get("DB", [""])[0].strip() == OWN_DATABASE
    if not is_ours:
        record |= {ours: " ".join(record[ours].split()) for ours in RIS_TAGS}
    record["published"] = _day(record["published"])
    record["text_kind"] = "abstract" if record["text"] else ""
    if is_ours:
        record["text"] = record["text"] or "".join(tags.get("N1", ())[:1])
        record["title"] = given_title(record["title"], record["text"])
    return record


def _day(written: str) -> str:
    """A date of RIS, `2024/03/23/` or `2024/03//spring`, as other formats write it.

    >>> _day("2024/03/23/"), _day("2024/03//"), _day("2024///March–April 2024")
    ('2024-03-23', '2024-03', 'March–April 2024')
    >>> _day("2024/03/23/07:15:00+01:00")
    '2024-03-23T07:15:00+01:00'
    """
    parts = [part.strip() for part in written.split("/")]
    if all(parts[:3]) and len(parts) == 4 and TIME.fullmatch(parts[3]):
        return f"{'-'.join(parts[:3])}T{parts[3]}"
    if len(parts) > 3 and any(map(str.isdecimal, parts[3].split())):
        return parts[3]
    return "-".join(part for part in parts[:3] if part)


def read_bibtex(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read entries, as `bibtex_records` does."""
    return made(bibtex_records(file, names))


def bibtex_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk the entries, each by its number."""
    make = partial(_article, names=names)
    if not find_spec("pybtex"):
        raise UnreadableArticle(file.place, INSTALL)
    for message in messages_from(MODULE, path_or_bytes(file, b"@")):
        if "refused" in message:
            yield UnreadableArticle(file.place, message["refused"])
        else:
            yield Record(message, file.origin(message["number"]), make)


def _article(record: dict[str, Any], origin: Origin, names: FieldMap) -> ReadResult:
    try:
        return article_from(record, origin, FieldMap(dates=names.dates))
    except UnreadableArticle:
        return UnreadableArticle(str(origin), "a reference without a title")
