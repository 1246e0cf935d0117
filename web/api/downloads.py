"""Every match of a search as a file or a feed: CSV, JSON Lines, RIS, streamed without a limit."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from flask import Blueprint, Response, jsonify, render_template, request

from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadQuery
from backfile.index.model.query import Marking, Query, Sort
from backfile.index.search.result_cache import ScoredArticle
from backfile.index.search.searcher import Searcher
from backfile.web.api.citations import STYLES, ris
from backfile.web.api.feeds import ENTRIES, atom, json_feed
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


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes of exports, feeds, citations and the description of the search."""
    routes = Blueprint("taking", __name__)

    def export(kind: str) -> Response:
        chosen = EXPORTS[kind]
        _, matches = searcher.iter_all(_query())
        written = _marked(chosen.write(matches), kind)
        response = Response(written, content_type=chosen.media_type)
        response.headers["Content-Disposition"] = f'attachment; filename="backfile.{kind}"'
        return response

    for each in EXPORTS:
        routes.add_url_rule(f"/export.{each}", each, partial(export, each))

    @routes.get("/search.atom")
    def atom_feed() -> Response:
        results = searcher.search(_latest())
        return Response(
            atom(results, request.url_root, request.url), content_type="application/atom+xml"
        )

    @routes.get("/search.json")
    def feed_in_json() -> Response:
        response = jsonify(json_feed(searcher.search(_latest()), request.url_root, request.url))
        response.content_type = "application/feed+json"
        return response

    @routes.get("/cite/<style>/<id:article_id>")
    def cite(style: str, article_id: str) -> Response:
        if style not in STYLES:
            raise BadQuery("style", f"{style!r} is none of: {', '.join(STYLES)}")
        media_type, write = STYLES[style]
        article, _ = searcher.article(article_id)
        response = jsonify(write(article)) if style == "csl" else Response(write(article))
        response.content_type = media_type
        response.headers["Content-Disposition"] = f'inline; filename="{_name(article, style)}"'
        return response

    @routes.get("/opensearch.xml")
    def description() -> Response:
        page = render_template("opensearch.xml", root=request.url_root.rstrip("/"))
        return Response(page, content_type="application/opensearchdescription+xml")

    return routes


def _query() -> Query:
    query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
    return replace(query, mark=Marking.WORDS)


def _latest() -> Query:
    """What was asked, last added first: an alert brings what is new here, of whatever day."""
    return replace(_query(), sort=Sort.ADDED, limit=ENTRIES)


def _name(article: Article, style: str) -> str:
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in article.id)[:60]
    endings = {"plain": "txt", "bibtex": "bib", "ris": "ris", "csl": "json"}
    return f"{kept}.{endings[style]}"


def _marked(pieces: Iterator[str], kind: str) -> Iterator[str]:
    if kind == "csv":
        yield BYTE_ORDER_MARK
    yield from pieces
