"""Writes search results as files: CSV, JSON Lines, citations, and tables for many searches."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from backfile.archive.formats.values import as_cell
from backfile.index.model.results import Results
from backfile.index.search.batch import Answer
from backfile.index.search.outlets import Outlet
from backfile.index.search.result_cache import ScoredArticle
from backfile.web.api.citations import bibtex, plain, ris
from backfile.web.api.json import article_fields
from backfile.web.links import search_url

COLUMNS = (
    *(
        "id",
        "title",
        "published",
        "date",
        "date_certainty",
        "source",
        "section",
        "authors",
        "language",
    ),
    *("url", "score", "text", "text_kind", "published_at"),
)
# A cell that begins with one of these is a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel reads UTF-8 in the system's encoding


class Export(NamedTuple):
    """A file format: its media type, and the function that writes it piece by piece."""

    media_type: str
    write: Callable[[Iterable[ScoredArticle]], Iterator[str]]

    @property
    def bare_type(self) -> str:
        """The media type without its character set."""
        return self.media_type.partition(";")[0]


def as_csv(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write a header line, and a row for each article.

    A cell that a spreadsheet would read as a formula gets an apostrophe in front.
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for article, score in matches:
        fields = article_fields(article) | {"text": article.text, "score": f"{score:.6f}"}
        fields["authors"] = as_cell(article.authors)
        rows.writerow([cell(fields[name]) for name in COLUMNS])
        yield drain(written)
    yield drain(written)


def as_json_lines(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write an object for each article, one a line, readable by `backfile index`."""
    for article, score in matches:
        fields = article_fields(article) | {"text": article.text, "score": round(score, 6)}
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def as_ris(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write a record for each article, for reference managers, with its text as a note."""
    for article, _ in matches:
        yield ris(article, with_text=True) + "\r\n"


def as_bibtex(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write an entry for each article, each with a key of its own."""
    for article, _ in matches:
        yield bibtex(article) + "\n"


def as_citations(matches: Iterable[ScoredArticle]) -> Iterator[str]:
    """Write a bibliography as plain text: a citation for each article, one a line."""
    for article, _ in matches:
        yield " ".join(plain(article).split()) + "\n"


EXPORTS: Mapping[str, Export] = {
    "csv": Export("text/csv; charset=utf-8", as_csv),
    "jsonl": Export("application/x-ndjson", as_json_lines),
    "ris": Export("application/x-research-info-systems; charset=utf-8", as_ris),
    "bib": Export("application/x-bibtex; charset=utf-8", as_bibtex),
    "txt": Export("text/plain; charset=utf-8", as_citations),
}


def cell(value: object) -> str:
    """The text of a cell; an apostrophe in front of a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def drain(written: io.StringIO) -> str:
    """Return the content of a buffer and empty it."""
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text


def with_byte_order_mark(pieces: Iterable[str]) -> Iterator[str]:
    """Put a byte order mark before the pieces of a CSV file."""
    yield BYTE_ORDER_MARK
    yield from pieces


OUTLET_COLUMNS = (
    *("outlet", "articles", "share", "first", "last"),
    *("first_article", "first_title", "first_url"),
)


def as_outlet_table(outlets: Iterable[Outlet]) -> Iterator[str]:
    """Write a row for each outlet, with its share, its first and last date and first article."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(OUTLET_COLUMNS)
    for each in outlets:
        first = each.first_article
        found = (first.id, first.title, first.url) if first else ("", "", "")
        days = (each.first or "", each.last or "")
        counts = (each.articles, f"{each.share:.6f}")
        rows.writerow([cell(value) for value in (each.name, *counts, *days, *found)])
        yield drain(written)
    yield drain(written)


HIT_COLUMNS = (
    *("id", "query", "rank", "article", "title", "source", "published", "date", "url", "score"),
    *("verdict", "relaxed", "match", "total", "corrected", "error"),
)


def as_hit_table(answered: Iterable[Answer]) -> Iterator[str]:
    """Write a row for each hit of each query, and one row for a query without hits."""
    written = io.StringIO()
    rows = csv.DictWriter(written, HIT_COLUMNS, restval="")
    rows.writeheader()
    for answer in answered:
        common = {"id": answer.asked.name, "query": answer.asked.text, "error": answer.error}
        if answer.results:
            results = answer.results
            common |= _quality(results) | {"total": str(results.total)}
            common |= {"match": results.counted.value if results.counted else ""}
        for fields in [_hit(*each) for each in enumerate(answer.hits, 1)] or [{}]:
            rows.writerow({name: cell(value) for name, value in (common | fields).items()})
        yield drain(written)
    yield drain(written)


QUERY_COLUMNS = (
    *("id", "query", "hits", "outlets", "first", "last"),
    *("verdict", "relaxed", "corrected", "url", "error"),
)


def as_query_table(answered: Iterable[Answer], root: str) -> Iterator[str]:
    """Write a row for each query: its hits, outlets, first and last date, and its address.

    `root` is the address of the archive.
    """
    written = io.StringIO()
    rows = csv.DictWriter(written, QUERY_COLUMNS, restval="")
    rows.writeheader()
    for answer in answered:
        row = {"id": answer.asked.name, "query": answer.asked.text, "error": answer.error}
        if results := answer.results:
            first, last = results.span or ("", "")
            row |= {"hits": str(results.total), "outlets": str(results.facets_total["source"])}
            row |= {"first": str(first), "last": str(last)} | _quality(results)
            row |= {"url": root.rstrip("/") + search_url(results.query)}
        rows.writerow({name: cell(value) for name, value in row.items()})
        yield drain(written)
    yield drain(written)


def _quality(results: Results) -> dict[str, str]:
    """How well a query was answered, and whether it was relaxed or corrected for that."""
    meant = results.did_you_mean
    return {
        "verdict": results.verdict.value,
        "relaxed": results.relaxed.to.value if results.relaxed else "",
        "corrected": meant.text if meant and meant.is_shown else "",
    }


def _hit(rank: int, found: ScoredArticle) -> dict[str, str]:
    fields = article_fields(found.article)
    columns = {name: fields[name] for name in ("title", "source", "published", "date", "url")}
    return {"rank": str(rank), "article": found.article.id, "score": f"{found.score:.6f}"} | columns
