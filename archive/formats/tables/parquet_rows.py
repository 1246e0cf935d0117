"""Writes the rows of a Parquet file as lines of JSON, within limits of memory and time.

Runs as a separate process: a damaged file may crash pyarrow's C++, and a page may claim gigabytes.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow
from pyarrow.parquet import ParquetFile

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT, first_line
from backfile.archive.formats.processes import limit, write
from backfile.archive.formats.tables.columns import has_text_column, plain, wanted_columns

MOST_MEMORY = 400 << 20  # bytes, pyarrow's own 60 MB among them
LONGEST_STEP = 5  # seconds for a batch of rows
# A text stored once in a dictionary is copied for each row: 4 at once are as fast as 16.
ROWS_AT_ONCE = 4
BUFFER = 1 << 16  # bytes read ahead of each column; without it, a row group is read as a whole


def main() -> None:
    """Read the file of the first argument, or standard input; the second is a map of fields."""
    path, chosen = sys.argv[1:]
    limit(MOST_MEMORY, LONGEST_STEP)
    names = FieldMap(json.loads(chosen))
    source = path or pyarrow.py_buffer(sys.stdin.buffer.read())
    write(messages_of(source, names), LONGEST_STEP)


def messages_of(
    source: Any, names: FieldMap, *, longest: int = LONGEST_TEXT
) -> Iterator[dict[str, Any]]:
    """Say each row by its number, from 1, as `cells` or why it is `refused`; then `end`.

    What is refused as row 0 is the file; a value of more than `longest` characters is refused.
    """
    number = 0
    try:
        with _opened(source) as opened:
            header = list(opened.schema_arrow.names)
            if not has_text_column(header, names):
                reason = f"no column for the text among: {', '.join(header)[:200]}"
                yield {"row": 0, "refused": f"{reason}; name one with --map text=COLUMN"}
                return
            columns = wanted_columns(header, names)
            for batch in opened.iter_batches(ROWS_AT_ONCE, columns=columns, use_threads=False):
                yield from _rows(batch, number + 1, longest)
                number += batch.num_rows
        yield {"end": number}
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as exc:
        if number:
            reason = f"the file is damaged from here on ({first_line(exc)})"
            yield {"row": number + 1, "refused": reason}
            yield {"end": number}
        else:
            yield {"row": 0, "refused": f"not Parquet that can be read ({first_line(exc)})"}


def _opened(source: Any) -> Any:
    return ParquetFile(
        source,
        buffer_size=BUFFER,
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",
        arrow_extensions_enabled=False,
    )


def _rows(batch: Any, number: int, longest: int) -> Iterator[dict[str, Any]]:
    try:
        for n, cells in enumerate(_records(batch), number):
            if any(isinstance(cell, str) and len(cell) > longest for cell in cells.values()):
                yield {"row": n, "refused": f"a value of more than {longest >> 20} MiB"}
            else:
                yield {"row": n, "cells": cells}
    # An unknown time zone, or a year outside of Python's range.
    except (pyarrow.ArrowException, ValueError, KeyError, OverflowError) as exc:
        reason = f"{batch.num_rows} rows from here on cannot be read ({first_line(exc)})"
        yield {"row": number, "refused": reason}


def _records(batch: Any) -> list[dict[str, Any]]:
    columns = {n: _readable(batch.column(i)) for i, n in enumerate(batch.schema.names)}
    return [
        dict(zip(columns, map(plain, row), strict=True))
        for row in zip(*(column.to_pylist() for column in columns.values()), strict=True)
    ]


def _readable(column: Any) -> Any:
    """Cast values to types of Python: text that may not be UTF-8 to bytes, ns to µs."""
    kind = column.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return column.cast(pyarrow.large_binary())
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
    return column
