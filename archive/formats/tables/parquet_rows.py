"""Says the rows of a Parquet file as lines of JSON, within limits of memory and time.

Run as a process of its own: pyarrow's C++ ends it where a damaged file surprises it, and a page may
claim gigabytes.
"""

import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow
from pyarrow.parquet import ParquetFile

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT
from backfile.archive.formats.tables.columns import has_text_column, plain, wanted_columns

MOST_MEMORY = 400 << 20  # bytes, pyarrow's own 60 MB among them
LONGEST_STEP = 5  # seconds that a few rows may take
# A text that a dictionary holds once is unpacked for each row: 4 at once are as fast as 16.
ROWS_AT_ONCE = 4
BUFFER = 1 << 16  # bytes of each column that are read ahead; without it, a row group is read whole


def main() -> None:
    """Read the file named by the first argument, else standard input, with a map of fields."""
    path, chosen = sys.argv[1:]
    _limit()
    names = FieldMap(json.loads(chosen))
    for message in messages_of(path or pyarrow.py_buffer(sys.stdin.buffer.read()), names):
        sys.stdout.write(json.dumps(message, default=str) + "\n")
        _allow_time()
    sys.stdout.flush()


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
            reason = f"the file is damaged from here on ({_brief(exc)})"
            yield {"row": number + 1, "refused": reason}
            yield {"end": number}
        else:
            yield {"row": 0, "refused": f"not Parquet that can be read ({_brief(exc)})"}


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    _allow_time()


def _allow_time() -> None:
    """Set the alarm that ends this process, also within C++."""
    if hasattr(signal, "alarm"):
        signal.alarm(LONGEST_STEP)


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
    # A time zone that nobody knows, a year that Python does not count to.
    except (pyarrow.ArrowException, ValueError, KeyError, OverflowError) as exc:
        reason = f"{batch.num_rows} rows from here on cannot be read ({_brief(exc)})"
        yield {"row": number, "refused": reason}


def _records(batch: Any) -> list[dict[str, Any]]:
    columns = {n: _readable(batch.column(i)) for i, n in enumerate(batch.schema.names)}
    return [
        dict(zip(columns, map(plain, row), strict=True))
        for row in zip(*(column.to_pylist() for column in columns.values()), strict=True)
    ]


def _readable(column: Any) -> Any:
    """Bring values into a form that Python has: text may not be UTF-8, times go by nanoseconds."""
    kind = column.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return column.cast(pyarrow.large_binary())
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
    return column


def _brief(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:120]
