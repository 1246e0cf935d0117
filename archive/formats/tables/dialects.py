"""Detects the dialect of delimited text: its first line, delimiter, quotes and escapes."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.tables.columns import fields_of, has_text_column

DELIMITERS = ",;\t|^\x1f\x01"
PUNCTUATION = ",;"  # delimiters that occur in any text, so that cells must be quoted
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.I)  # written by spreadsheets
MOST_BEFORE = 10  # lines above the header: a name, a date, blank ones
NULL = "\\N"  # in dumps of MySQL and PostgreSQL
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "", "v": "", "N": ""}


class Dialect(NamedTuple):
    """Options of `csv`; with `lettered`, a line end within a cell is written as `\\n`."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    lettered: bool = False

    def rows(self, lines: Iterable[str], *, strict: bool) -> Any:
        """Read rows; after an error, the reader can go on."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            skipinitialspace=True,
            strict=strict,
        )

    def cell(self, written: str) -> str:
        """The value of a cell.

        >>> Dialect("\\t", "", lettered=True).cell("One.\\\\nTwo.")
        'One.\\nTwo.'
        """
        if written == NULL:
            return ""
        if not self.lettered:
            return written
        return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), written)


class Layout(NamedTuple):
    """A dialect, the number of lines before the first row, and whether that row is a header."""

    dialect: Dialect
    before: int
    headed: bool


def layout_of(head: str, names: FieldMap, *, cut: bool) -> Layout:
    """Detect the layout from the beginning of a table; with `cut`, its last line is incomplete.

    There is no header if the text's column is mapped by a number: `--map text=3`.
    """
    lines = _lines(head.lstrip("\ufeff"))
    before, given = 0, None
    if found := SEPARATOR_LINE.fullmatch(lines[0]):
        before, given = 1, found[1]
    before += _lines_above(lines[before:], names, given)
    lines = lines[before:-1] if cut else lines[before:]
    delimiter = given or _delimiter_in(lines, names)
    return Layout(_dialect_of(lines, delimiter), before, not _is_number(names.chosen.get("text")))


def delimiter_of(header: str, names: FieldMap) -> str:
    """Choose the delimiter that gives the most known names in a header, then the most frequent.

    >>> delimiter_of("title;text;date", FieldMap())
    ';'
    """

    def fit(delimiter: str) -> tuple[int, int]:
        return len(fields_of(cells_of(header, delimiter), names)), header.count(delimiter)

    return max((each for each in DELIMITERS if each in header), key=fit, default=DELIMITERS[0])


def _delimiter_in(lines: list[str], names: FieldMap) -> str:
    """The delimiter of a table: by its header, or, without one that is known, by all its rows."""
    first = lines[0] if lines else ""
    best = delimiter_of(first, names)
    if fields_of(cells_of(first, best), names):
        return best

    def unlikeliness(delimiter: str) -> tuple[int, bool]:
        return _misshapen(lines, _dialect_of(lines, delimiter)), delimiter in PUNCTUATION

    return min((each for each in DELIMITERS if each in first), key=unlikeliness, default=best)


def _lines(head: str) -> list[str]:
    """Cut at the line ends of files; `str.splitlines` knows others, which occur inside cells."""
    return head.split("\n" if "\n" in head else "\r")


def _lines_above(lines: list[str], names: FieldMap, given: str | None) -> int:
    """Count the lines above a header; a line with several cells is a row, and ends the search."""
    for number, line in enumerate(lines[:MOST_BEFORE]):
        delimiter = given or delimiter_of(line, names)
        cells = cells_of(line, delimiter)
        if has_text_column(cells, names):
            return number
        if sum(map(bool, cells)) > 1:
            break
    return next((n for n, line in enumerate(lines) if line.strip()), 0)


def cells_of(line: str, delimiter: str) -> list[str]:
    """Cut one line into cells, without their quotes of any kind."""
    try:
        row: list[str] = next(Dialect(delimiter).rows([line.strip("\r")], strict=False), [])
    except csv.Error:
        return []
    return [cell.strip().strip("'\"").strip() for cell in row]


def _is_number(name: str | None) -> bool:
    return bool(name) and str(name).isdecimal()


def _dialect_of(lines: list[str], delimiter: str) -> Dialect:
    """Choose the quoting with the fewest malformed rows; of equal ones, the first candidate."""
    text = "\n".join(lines)
    return min(_candidates(text, delimiter), key=lambda each: _misshapen(lines, each))


def _candidates(text: str, delimiter: str) -> Iterator[Dialect]:
    """The dialects that the text shows signs of."""
    if delimiter not in PUNCTUATION and _is_dump(text, delimiter):
        yield Dialect(delimiter, "", lettered=True)
    yield Dialect(delimiter)
    if '\\"' in text:
        yield Dialect(delimiter, escape="\\")
    if re.search(f"(?:^|{re.escape(delimiter)}) *'", text, re.M):
        yield Dialect(delimiter, "'")
        if "\\'" in text:
            yield Dialect(delimiter, "'", "\\")
    if delimiter not in PUNCTUATION:
        yield Dialect(delimiter, "")
        if re.search(r"\\\r?$", text, re.M):
            yield Dialect(delimiter, "", "\\")


def _is_dump(text: str, delimiter: str) -> bool:
    mark = re.escape(delimiter)
    return bool(re.search(rf"(?:^|{mark})\\N(?:{mark}|\r?$)", text, re.M))


def _misshapen(lines: list[str], dialect: Dialect) -> int:
    """Count the rows that are invalid, have another number of cells, or still have quotes."""
    rows = dialect.rows((f"{line}\n" for line in lines), strict=True)
    width, misshapen = 0, 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            misshapen += 1
            continue
        if row is None:
            return misshapen
        width = width or len(row)
        misshapen += bool(row) and (len(row) != width or _has_quotes(row))


def _has_quotes(row: list[str]) -> bool:
    """Whether all cells that are not empty, at least two, are in quotes of one kind."""
    cells = [cell for cell in row if cell]
    ends = set(chain.from_iterable((cell[0], cell[-1]) for cell in cells))
    return len(cells) > 1 and all(len(cell) > 1 for cell in cells) and ends in ({"'"}, {'"'})
