"""Finds the columns of a table without a header by what is in them: text, title, date, address."""

import re
from statistics import mean

from backfile.archive.formats.dates.parsing import parse_date

Rows = list[list[str]]

SAMPLE = 100  # rows
LOOKED_AT = 2_000  # characters of a cell
LEAST_TEXT = 200  # characters, on average, of a text without a title; a query has fewer
FEWEST_WORDS = 6  # in a text, on average and in the first row; a column's name has fewer
TITLE = (2, 25)  # words, on average
MOST_OF = 0.8  # of the rows
ADDRESS = re.compile(r"https?://\S+", re.I)
DATE_FIGURES = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
LONGEST_DATE = 40  # characters


def columns_by_content(rows: Rows) -> dict[str, str]:
    """The number of the column of each field, as `--map` takes it; empty if there is no text.

    A table whose first row has no text in that column has a header.

    >>> text = "Short-sellers are seeing green again on the street, where prices fell."
    >>> columns_by_content([["3", "Street sees green again", text]] * 2)
    {'text': '3', 'title': '2'}
    """
    columns = [[cell.strip()[:LOOKED_AT] for cell in column] for column in _columns(rows)]
    lengths = [mean(map(len, column)) for column in columns]
    text = max(range(len(columns)), key=lambda n: lengths[n], default=None)
    if text is None or _words(columns[text]) < FEWEST_WORDS:
        return {}
    if len(columns[text][0].split()) < FEWEST_WORDS:
        return {}
    found = {"text": text}
    for n in sorted(range(len(columns)), key=lambda n: -lengths[n]):
        if n != text and (ours := _field_of(columns[n])):
            found.setdefault(ours, n)
    if "title" not in found and lengths[text] < LEAST_TEXT:
        return {}
    return {ours: str(n + 1) for ours, n in found.items()}


def _columns(rows: Rows) -> list[list[str]]:
    """The columns of rows of the commonest width."""
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count, default=0)
    return [
        list(column) for column in zip(*(row for row in rows if len(row) == width), strict=True)
    ]


def _words(column: list[str]) -> float:
    return mean(len(cell.split()) for cell in column)


def _field_of(column: list[str]) -> str:
    """The field that most cells of a column may be; empty if none."""
    enough = MOST_OF * len(column)
    if sum(bool(ADDRESS.fullmatch(cell)) for cell in column) >= enough:
        return "url"
    if sum(map(_is_date, column)) >= enough:
        return "published"
    return "title" if TITLE[0] <= _words(column) <= TITLE[1] else ""


def _is_date(cell: str) -> bool:
    dated = len(cell) <= LONGEST_DATE and DATE_FIGURES.search(cell)
    return bool(dated) and parse_date(cell) is not None
