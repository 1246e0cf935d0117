"""Reads Parquet files in small batches of rows, with pyarrow where it is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archive.errors import UnreadableArticle
from archive.reading.fields import FieldMap
from archive.reading.files import SourceFile
from archive.reading.records import Read, read_record
from archive.reading.tables.columns import has_text_column, plain, wanted_columns
from archive.reading.tables.whole import on_disk_or_held

OPENING = b"PAR1"
# A text that a dictionary holds once is there once a row: what is hostile fits into memory so.
ROWS_AT_ONCE = 16
BUFFER = 1 << 16  # bytes of each column that are read ahead; without it, a row group is read whole


def read_parquet(file: SourceFile, names: FieldMap) -> Read:
    """Read rows by their number, from 1; only columns that an article can be made of."""
    try:
        import pyarrow
    except ImportError as exc:
        reason = "Parquet is read with pyarrow; `pip install backfile[parquet]` brings it"
        raise UnreadableArticle(file.place, reason) from exc

    try:
        opened = _opened(file)
        header = list(opened.schema_arrow.names)
    except (pyarrow.ArrowException, OSError, ValueError) as exc:
        raise UnreadableArticle(
            file.place, f"not Parquet that can be read ({_brief(exc)})"
        ) from exc
    if not has_text_column(header, names):
        reason = f"no column for the text among: {', '.join(header)[:200]}"
        raise UnreadableArticle(file.place, f"{reason}; name one with --map text=COLUMN")
    for number, row in _rows(opened, wanted_columns(header, names)):
        origin = file.origin(number)
        if isinstance(row, str):
            yield UnreadableArticle(str(origin), row)
        else:
            yield read_record(row, origin, file, names)


def _opened(file: SourceFile) -> Any:
    from pyarrow import BufferReader
    from pyarrow.parquet import ParquetFile

    found = on_disk_or_held(file, OPENING)
    return ParquetFile(
        str(found) if isinstance(found, Path) else BufferReader(found),
        buffer_size=BUFFER,
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",
        arrow_extensions_enabled=False,
    )


def _rows(opened: Any, columns: list[str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    import pyarrow

    number = 1
    batches = opened.iter_batches(ROWS_AT_ONCE, columns=columns, use_threads=False)
    while True:
        try:
            batch = next(batches, None)
        except (pyarrow.ArrowException, OSError, ValueError) as exc:
            yield number, f"the file is damaged from here on ({_brief(exc)})"
            return
        if batch is None:
            return
        try:
            yield from enumerate(_records(batch), number)
        # A time zone that nobody knows, a year that Python does not count to.
        except (pyarrow.ArrowException, ValueError, KeyError, OverflowError) as exc:
            yield number, f"{batch.num_rows} rows from here on cannot be read ({_brief(exc)})"
        number += batch.num_rows


def _records(batch: Any) -> list[dict[str, Any]]:
    columns = {n: _readable(batch.column(i)) for i, n in enumerate(batch.schema.names)}
    return [
        dict(zip(columns, map(plain, row), strict=True))
        for row in zip(*(column.to_pylist() for column in columns.values()), strict=True)
    ]


def _readable(column: Any) -> Any:
    """Bring values into a form that Python has: text may not be UTF-8, times go by nanoseconds."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return column.cast(pyarrow.large_binary())
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        return column.cast(pyarrow.timestamp("us", kind.tz), safe=False)
    return column


def _brief(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:120]
