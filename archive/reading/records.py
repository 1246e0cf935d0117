"""Reads files that hold many articles as records: JSON, JSON Lines and CSV, always as streams."""

import csv
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, cast

from archive.article import Article, Origin
from archive.errors import UnreadableArticle
from archive.reading.fields import FieldMap, article_from
from archive.reading.files import LONGEST_TEXT, SourceFile
from archive.reading.wire.ninjs import is_ninjs, read_item

DEEPEST = 200  # levels of JSON; ijson names each level by all above it, which grows quadratically
DELIMITERS = ",;\t|"
SCHEMA_HOST = "json-schema.org"
# Where an object keeps its list of articles, after the field names of public news APIs.
LIST_NAMES = frozenset(
    (
        *("articles", "items", "results", "data", "docs", "documents", "entries", "stories"),
        *("news", "records", "hits", "rows"),
    )
)

Read = Iterator[Article | UnreadableArticle]


def read_json_lines(file: SourceFile, names: FieldMap) -> Read:
    """Read one object a line; a line that is not one is refused and the next is read."""
    for number, line in enumerate(file.lines(), 1):
        origin = file.origin(number)
        if line is None:
            yield UnreadableArticle(str(origin), f"line over {LONGEST_TEXT >> 20} MiB")
        elif line := line.strip("\ufeff \t\r\n\x00"):
            yield _from_line(line, origin, file, names)


def read_json(file: SourceFile, names: FieldMap) -> Read:
    """Read an array of objects, an object with one such array in it, or a single object."""
    import ijson

    number = 0
    try:
        with _opened(file) as stream:
            prefix = _array_prefix(stream)
        with _opened(file) as stream:
            for number, record in enumerate(ijson.items(_events(stream), prefix), 1):
                origin = file.origin(number)
                yield article_of(record, origin, names, _key(file, origin))
    except (ijson.JSONError, UnicodeDecodeError) as exc:
        origin = file.origin(number + 1)
        yield UnreadableArticle(str(origin), f"not valid JSON from here on ({_brief(exc)})")


def read_csv(file: SourceFile, names: FieldMap) -> Read:
    """Read rows under a header line; the delimiter is found, the encoding too."""
    csv.field_size_limit(LONGEST_TEXT)
    lines = (line or "" for line in file.lines())
    first = next(lines, "").removeprefix("\ufeff")
    rows = _numbered_rows(chain([first], lines), delimiter_of(first))
    number, opening = next(rows, (1, []))
    if isinstance(opening, str):
        yield UnreadableArticle(str(file.origin(number)), opening)
        return
    header = [name.strip() for name in opening]
    needed = {"text"} if "text" in names.chosen else {"text", "title"}
    if names.find(dict.fromkeys(header, "x")).keys() & needed:
        yield from _from_rows(rows, header, file, names)
        return
    columns = ", ".join(header)[:200]
    reason = f"no column for the text among: {columns}; name one with --map text=COLUMN"
    yield UnreadableArticle(str(file.origin()), reason)


def delimiter_of(head: str) -> str:
    """Choose the delimiter that cuts the header line most often.

    >>> delimiter_of("title;text;date")
    ';'
    """
    header = head.lstrip("\ufeff").split("\n", 1)[0]
    return max(DELIMITERS, key=header.count)


def _opened(file: SourceFile) -> BinaryIO:
    """Open past a byte order mark, which ijson takes for an error."""
    stream = file.open()
    if stream.read(len(BOM_UTF8)) != BOM_UTF8:
        stream.seek(0)
    return stream


def _from_line(
    line: str, origin: Origin, file: SourceFile, names: FieldMap
) -> Article | UnreadableArticle:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as exc:
        reason = f"not valid JSON ({_brief(exc)})"
        return UnreadableArticle(str(origin), reason, record=line, key=_key(file, origin))
    return article_of(record, origin, names, _key(file, origin))


def article_of(
    record: Any, origin: Origin, names: FieldMap, key: str
) -> Article | UnreadableArticle:
    """Read a record of JSON as what it says it is, unless its fields are mapped."""
    if not names.chosen and isinstance(record, dict):
        if SCHEMA_HOST in str(record.get("$schema")):
            reason = "a JSON Schema, not an article"
            return UnreadableArticle(str(origin), reason, record=record, key=key)
        if is_ninjs(record):
            return read_item(record, origin, key)
    return _from_record(record, origin, names, key)


def _from_record(
    record: Any, origin: Origin, names: FieldMap, key: str
) -> Article | UnreadableArticle:
    if not isinstance(record, dict):
        reason = "not a JSON object with named fields"
        return UnreadableArticle(str(origin), reason, record=record, key=key)
    try:
        return article_from(record, origin, names, key)
    except UnreadableArticle as refused:
        return UnreadableArticle(refused.origin, refused.reason, record=record, key=key)


def _key(file: SourceFile, origin: Origin) -> str:
    return f"{file.key}#{origin.offset}"


def _events(stream: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    import ijson

    return cast(
        Iterator[tuple[str, str, Any]],
        ijson.parse(_shallow(ijson.basic_parse(stream, use_float=True))),
    )


def _shallow(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Let events through; raise JSONError where one lies deeper than any article would."""
    import ijson

    depth = 0
    for event in events:
        depth += event[0] in ("start_map", "start_array")
        depth -= event[0] in ("end_map", "end_array")
        if depth > DEEPEST:
            raise ijson.JSONError(f"nested more than {DEEPEST} levels deep")
        yield event


def _array_prefix(stream: BinaryIO) -> str:
    """Find the ijson prefix of the articles: `item`, `results.item`, or `` for the whole."""
    events = _events(stream)
    first = next(events, None)
    if first and first[1] == "start_array":
        return "item"
    for prefix, event, _ in chain([first] if first else [], events):
        if event == "start_array" and prefix.rpartition(".")[2].casefold() in LIST_NAMES:
            _, inside, _ = next(events)
            if inside == "start_map":
                return f"{prefix}.item"
    return ""


def _numbered_rows(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Read rows, each with the line it begins at; a text in place of a row says what is wrong.

    The reader is strict, or a quote that is never closed would swallow the rows below in silence.
    A row on a line of its own is read again leniently: `"The "old" wall"` hides no other row.
    """
    last = ""

    def remembered() -> Iterator[str]:
        nonlocal last
        for line in lines:
            last = line
            yield line

    rows = csv.reader(remembered(), delimiter=delimiter, strict=True)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as exc:
            length = rows.line_num - number + 1
            unclosed = "end of data" in str(exc)
            yield number, _salvaged(exc, length, last, delimiter, unclosed=unclosed)
            continue
        if row is None:
            return
        yield number, row


def _salvaged(
    exc: csv.Error, length: int, line: str, delimiter: str, *, unclosed: bool
) -> list[str] | str:
    if unclosed:
        rest = f"; nothing below it was read ({length - 1} lines)" if length > 1 else ""
        return f"a quote in this row is never closed{rest}"
    if length > 1:
        return f"a quote is out of place in the {length} lines from here on; they were not read"
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return f"not valid CSV ({exc})"


def _from_rows(
    rows: Iterator[tuple[int, list[str] | str]],
    header: list[str],
    file: SourceFile,
    names: FieldMap,
) -> Read:
    for number, row in rows:
        origin = file.origin(number)
        if isinstance(row, str):
            yield UnreadableArticle(str(origin), row)
        elif len(row) > len(header):
            reason = f"{len(row)} cells under {len(header)} column names"
            record = dict(zip(header, row, strict=False)) | {"further cells": row[len(header) :]}
            yield UnreadableArticle(str(origin), reason, record=record, key=_key(file, origin))
        elif any(row):
            record = dict(zip(header, row, strict=False))
            yield _from_record(record, origin, names, _key(file, origin))


def _brief(exc: BaseException) -> str:
    return str(exc).splitlines()[0][:120] if str(exc) else type(exc).__name__
