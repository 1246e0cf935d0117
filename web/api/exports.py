"""Search results as files: CSV, JSON Lines and RIS of all matches, and a table of many searches."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from backfile.index.search.batch import Answer
from backfile.index.search.result_cache import ScoredArticle
from backfile.web.api.citations import ris
from backfile.web.api.json import article_fields

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


HIT_COLUMNS = (
    *("id", "query", "rank", "article", "title", "source", "published", "url", "score"),
    *("verdict", "total", "error"),
)


def as_hit_table(answered: Iterable[Answer]) -> Iterator[str]:
    """Write a row for each hit of each query, and one for a query without any; piece by piece."""
    written = io.StringIO()
    rows = csv.DictWriter(written, HIT_COLUMNS, restval="")
    rows.writeheader()
    for answer in answered:
        common = {"id": answer.asked.name, "query": answer.asked.text, "error": answer.error}
        if answer.results:
            common |= {"verdict": answer.results.verdict.value, "total": str(answer.results.total)}
        for fields in [_hit(*each) for each in enumerate(answer.hits, 1)] or [{}]:
            rows.writerow({name: cell(value) for name, value in (common | fields).items()})
        yield taken(written)
    yield taken(written)


def _hit(rank: int, found: ScoredArticle) -> dict[str, str]:
    fields = article_fields(found.article)
    wanted = {name: fields[name] for name in ("title", "source", "published", "url")}
    return {"rank": str(rank), "article": found.article.id, "score": f"{found.score:.6f}"} | wanted
