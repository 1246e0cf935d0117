"""Finds the columns of a table without a header by what is in them: text, title, date, address."""

import re
from statistics import mean

from backfile.archive.formats.dates.parsing import parse_date

Rows = list[list[str]]

SAMPLE = 100  # rows
LOOKED_AT = 2_000  # characters of a cell
LEAST_TEXT = 200  # characters, on average, of a text by itself; a query or an answer has fewer
FEWEST_WORDS = 6  # in a text, on average and in the first row; a column's name has fewer
TITLE = (2, 25)  # words, on average
MOST_OF = 0.8  # of the rows
ENDS = (".", "!", "?", "…", '."', ".”", ")", ";")
CLASS = re.compile(r"[0-9]{1,2}")
ADDRESS = re.compile(r"https?://\S+", re.I)
DATE_FIGURES = re.compile(r"\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
LONGEST_DATE = 40  # characters


def columns_by_content(rows: Rows) -> dict[str, str]:
    """The number of the column of each field, as `--map` takes it; empty if there is no text.

    A table whose first row has no text in that column has a header.

    >>> text = "Short-sellers are seeing green again on the street, where prices fell."
    >>> columns_by_content([["3", f"Street sees green, {n}", f"{n} {text}"] for n in range(9)])
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
        ours = _field_of(columns[n]) if n != text else ""
        # Titles stand before their texts; a question of a survey is the same in each row.
        if ours and (ours != "title" or (n < text and _differ(columns[n]))):
            found.setdefault(ours, n)
    if lengths[text] < LEAST_TEXT and not _is_news(columns, found):
        return {}
    return {ours: str(n + 1) for ours, n in found.items()}


def _is_news(columns: Rows, found: dict[str, int]) -> bool:
    """Whether short texts are news: with titles, and a day, an address or the number of a class."""
    others = (column for n, column in enumerate(columns) if n not in found.values())
    is_placed = "published" in found or "url" in found or any(map(_are_classes, others))
    text = columns[found["text"]]
    ended = sum(cell.endswith(ENDS) or ". " in cell for cell in text)
    are_texts = _differ(text) and ended >= MOST_OF * len(text)
    return "title" in found and is_placed and are_texts


def _differ(column: list[str]) -> bool:
    return len(set(column)) >= MOST_OF * len(column)


def _are_classes(column: list[str]) -> bool:
    """Whether a column has the numbers of a few classes.

    >>> _are_classes(["3", "4", "1", "3", "3"]), _are_classes(["1", "2", "3", "4", "x"])
    (True, False)
    """
    return all(CLASS.fullmatch(cell) for cell in column)


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
