"""Reads delimited text, such as CSV, row by row."""

import csv
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import (
    HEAD_BYTES,
    LONGEST_TEXT,
    ReadResults,
    Record,
    Records,
    SourceFile,
    encoding_of,
    made,
)
from backfile.archive.formats.proposals import proposal_for
from backfile.archive.formats.records import read_record, with_order_shown
from backfile.archive.formats.tables.columns import has_text_column
from backfile.archive.formats.tables.dialects import Dialect, layout_of
from backfile.archive.formats.tables.headers import SAMPLE, columns_by_content
from backfile.archive.model.errors import UnreadableArticle

LONGEST_HEADER = 60  # characters of the name of a column

Rows = Iterator[tuple[int, list[str] | str]]


def read_delimited(file: SourceFile, names: FieldMap) -> ReadResults:
    """Read a table, as `delimited_records` does."""
    return made(delimited_records(file, names))


def delimited_records(file: SourceFile, names: FieldMap) -> Records:
    """Walk rows with a header line or with numbered columns; the dialect is detected."""
    csv.field_size_limit(LONGEST_TEXT)
    head = file.head()
    dialect, before, headed = layout_of(
        head.decode(encoding_of(head), "replace"), names, cut=len(head) == HEAD_BYTES
    )
    rows = _numbered_rows(islice(file.lines(), before, None), dialect, before)
    number, opening = next(rows, (1, []))
    if isinstance(opening, str):
        yield UnreadableArticle(str(file.origin(number)), opening)
        return
    header = [name.strip() for name in opening]
    if not headed:
        header = [str(n) for n in range(1, len(opening) + 1)]
        rows = chain([(number, opening)], rows)
    names = with_order_shown(file, names)
    if has_text_column(header, names):
        yield from _from_rows(rows, header, dialect, file, names)
        return
    sample = list(islice(rows, SAMPLE))
    cells = [row for _, row in sample if isinstance(row, list)]
    rows = chain([(number, opening)], sample, rows)
    if not names.chosen and (found := columns_by_content([opening, *cells])):
        header = [str(n) for n in range(1, len(opening) + 1)]
        yield from _from_rows(rows, header, dialect, file, names.choosing(found))
        return
    columns = ", ".join(header)[:200]
    reason = f"no column for the text among: {columns}; name one with --map text=COLUMN"
    remedy = "where there is no header line, by its number"
    is_row = any(len(name) > LONGEST_HEADER for name in header)
    shown = [str(n) for n in range(1, len(header) + 1)] if is_row else header
    records = (dict(zip(shown, row, strict=False)) for row in cells[:1])
    options = next((proposal_for(record, ()) for record in records), "")
    tried = f"; try {options}" if options else ""
    yield UnreadableArticle(str(file.origin()), f"{reason} ({remedy}){tried}")


def _numbered_rows(lines: Iterable[str | None], dialect: Dialect, before: int) -> Rows:
    """Read rows with the number of their first line; a text instead of a row is an error message.

    The csv reader is strict: otherwise a quote that is never closed would hide the rows below. A
    bad row of one line is read again leniently, as `"The "old" wall"` hides no other row.
    """
    last, overlong = "", 0

    def remembered() -> Iterator[str]:
        nonlocal last, overlong
        for n, line in enumerate(lines):
            overlong += line is None
            last = (line or "").lstrip("\ufeff") if n == 0 else line or ""
            yield last

    rows = dialect.rows(remembered(), strict=True)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as exc:
            length = rows.line_num - number + 1
            for found in _salvaged(exc, length, last, dialect):
                yield before + number, found
            continue
        if overlong:
            overlong = 0
            yield before + number, f"a line of more than {LONGEST_TEXT >> 20} MiB"
        if row is None:
            return
        yield before + number, row


def _salvaged(
    exc: csv.Error, length: int, line: str, dialect: Dialect
) -> Iterator[list[str] | str]:
    if "end of data" in str(exc):
        rest = f"; nothing below it was read ({length - 1} lines)" if length > 1 else ""
        yield f"a quote in this row is never closed{rest}"
        return
    if length > 1:
        yield f"a quote is out of place in the {length} lines from here on; they were not read"
        return
    # A single \r divides rows in some files, and words of a cell in others.
    pieces = [piece for piece in line.split("\r") if piece.strip()]
    rows = [_leniently(piece, dialect) for piece in pieces]
    if len(rows) > 1 and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
        yield from rows
        return
    row = _leniently(line.replace("\r", " "), dialect)
    yield row or f"not valid CSV ({exc})"


def _leniently(line: str, dialect: Dialect) -> list[str]:
    try:
        row: list[str] = next(dialect.rows([line], strict=False), [])
    except csv.Error:
        return []
    return row


def _from_rows(
    rows: Rows, header: list[str], dialect: Dialect, file: SourceFile, names: FieldMap
) -> Records:
    make = partial(read_record, names=names)
    for number, row in rows:
        origin = file.origin(number)
        if isinstance(row, str):
            yield UnreadableArticle(str(origin), row)
        elif len(row) > len(header):
            reason = f"{len(row)} cells under {len(header)} column names"
            record = dict(zip(header, row, strict=False)) | {"further cells": row[len(header) :]}
            yield UnreadableArticle(str(origin), reason, record=record)
        elif any(row):
            record = dict(zip(header, map(dialect.cell, row), strict=False))
            yield Record(record, origin, make)
