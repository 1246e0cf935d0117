"""Every match of a search, as a file: CSV, JSON Lines and RIS, streamed, without an upper limit."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from index.search.paging import ScoredArticle
from web.article.citations import ris
from web.programs.representation import article_fields

COLUMNS = (
    *("id", "title", "published", "date_certainty", "source", "section", "authors", "language"),
    *("url", "score", "text"),
)
# A spreadsheet takes a cell that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for what the machine is set to


class Export(NamedTuple):
    """How matches are written, the type of the file, and what writes it piece by piece."""

    media_type: str
    write: Callable[[Iterable[ScoredArticle]], Iterator[str]]


def as_csv(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write a row for each article under a header line.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for article, score in matches:
        fields = article_fields(article) | {"text": article.text, "score": f"{score:.6f}"}
        fields["authors"] = "; ".join(article.authors)
        rows.writerow([cell(fields[name]) for name in COLUMNS])
        yield taken(written)
    yield taken(written)


def as_json_lines(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write an object a line, as `backfile index` reads it."""
    for article, score in matches:
        fields = article_fields(article) | {"text": article.text, "score": round(score, 6)}
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def as_ris(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write a record for a reference manager for each article."""
    for article, _ in matches:
        yield ris(article) + "\r\n"


EXPORTS: Mapping[str, Export] = {
    "csv": Export("text/csv; charset=utf-8", as_csv),
    "jsonl": Export("application/x-ndjson", as_json_lines),
    "ris": Export("application/x-research-info-systems; charset=utf-8", as_ris),
}


def cell(value: object) -> str:
    """Write a cell that no spreadsheet takes for a formula: with an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def taken(written: io.StringIO) -> str:
    """What was written since this was last called."""
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text
