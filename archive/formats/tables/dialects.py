"""Tells how a table of text is written: where it begins, what divides and what quotes its cells."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.tables.columns import fields_of, has_text_column

DELIMITERS = ",;\t|^\x1f\x01"
TEXT_HOLDS = ",;"  # what stands in any text, so that a table with it must quote
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.I)  # as spreadsheets write and expect it
MOST_BEFORE = 10  # lines above the header: a name, a date, blank ones
NULL = "\\N"  # of MySQL's and PostgreSQL's dumps
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "", "v": "", "N": ""}


class Dialect(NamedTuple):
    """What `csv` needs to know; `lettered` where a line end within a cell is written `\\n`."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    lettered: bool = False

    def rows(self, lines: Iterable[str], *, strict: bool) -> Any:
        """Read rows; the reader goes on after an error."""
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
        """What a cell means.

        >>> Dialect("\\t", "", lettered=True).cell("One.\\\\nTwo.")
        'One.\\nTwo.'
        """
        if written == NULL:
            return ""
        if not self.lettered:
            return written
        return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), written)


class Layout(NamedTuple):
    """A dialect, and how many lines stand before the header, or the first row if there is none."""

    dialect: Dialect
    before: int
    headed: bool


def layout_of(head: str, names: FieldMap, *, cut: bool) -> Layout:
    """Look at the beginning of a table; its last line does not count where it was `cut` off.

    There is no header where the column of the text is named by a number: `--map text=3`.
    """
    lines = _lines(head.lstrip("\ufeff"))
    before, given = 0, None
    if found := SEPARATOR_LINE.fullmatch(lines[0]):
        before, given = 1, found[1]
    before += _lines_above(lines[before:], names, given)
    lines = lines[before:-1] if cut else lines[before:]
    delimiter = given or delimiter_of(lines[0] if lines else "", names)
    return Layout(_dialect_of(lines, delimiter), before, not _is_number(names.chosen.get("text")))


def delimiter_of(header: str, names: FieldMap) -> str:
    """Choose the delimiter that cuts a header into the most known names, else most often.

    >>> delimiter_of("title;text;date", FieldMap())
    ';'
    """

    def fit(delimiter: str) -> tuple[int, int]:
        return len(fields_of(cells_of(header, delimiter), names)), header.count(delimiter)

    return max((each for each in DELIMITERS if each in header), key=fit, default=DELIMITERS[0])


def _lines(head: str) -> list[str]:
    """Cut as files are; what `str.splitlines` takes for a line end can stand in a cell."""
    return head.split("\n" if "\n" in head else "\r")


def _lines_above(lines: list[str], names: FieldMap, given: str | None) -> int:
    """Count the lines above a header; they have no cells, or they would be rows that are lost."""
    for number, line in enumerate(lines[:MOST_BEFORE]):
        delimiter = given or delimiter_of(line, names)
        cells = cells_of(line, delimiter)
        if has_text_column(cells, names):
            return number
        if sum(map(bool, cells)) > 1:
            break
    return next((n for n, line in enumerate(lines) if line.strip()), 0)


def cells_of(line: str, delimiter: str) -> list[str]:
    """Cut one line, whatever its cells are quoted with."""
    try:
        row: list[str] = next(Dialect(delimiter).rows([line.strip("\r")], strict=False), [])
    except csv.Error:
        return []
    return [cell.strip().strip("'\"").strip() for cell in row]


def _is_number(name: str | None) -> bool:
    return bool(name) and str(name).isdecimal()


def _dialect_of(lines: list[str], delimiter: str) -> Dialect:
    """Choose the way to quote under which the fewest rows are out of shape; the usual one first."""
    text = "\n".join(lines)
    return min(_candidates(text, delimiter), key=lambda each: _misshapen(lines, each))


def _candidates(text: str, delimiter: str) -> Iterator[Dialect]:
    """Each way that the text shows a trace of."""
    if delimiter not in TEXT_HOLDS and _is_dump(text, delimiter):
        yield Dialect(delimiter, "", lettered=True)
    yield Dialect(delimiter)
    if '\\"' in text:
        yield Dialect(delimiter, escape="\\")
    if re.search(f"(?:^|{re.escape(delimiter)}) *'", text, re.M):
        yield Dialect(delimiter, "'")
        if "\\'" in text:
            yield Dialect(delimiter, "'", "\\")
    if delimiter not in TEXT_HOLDS:
        yield Dialect(delimiter, "")
        if re.search(r"\\\r?$", text, re.M):
            yield Dialect(delimiter, "", "\\")


def _is_dump(text: str, delimiter: str) -> bool:
    mark = re.escape(delimiter)
    return bool(re.search(rf"(?:^|{mark})\\N(?:{mark}|\r?$)", text, re.M))


def _misshapen(lines: list[str], dialect: Dialect) -> int:
    """Count the rows that are not CSV, have another number of cells, or kept their quotes."""
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
        misshapen += bool(row) and (len(row) != width or _kept_quotes(row))


def _kept_quotes(row: list[str]) -> bool:
    """Tell whether all cells, and more than one, lie within quotes of one kind."""
    held = [cell for cell in row if cell]
    ends = set(chain.from_iterable((cell[0], cell[-1]) for cell in held))
    return len(held) > 1 and all(len(cell) > 1 for cell in held) and ends in ({"'"}, {'"'})
