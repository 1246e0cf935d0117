"""Many queries at once: a page to give them on, and their hits as one table."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from flask import Blueprint, Response, render_template, request

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.query import Query
from backfile.index.search.batch import Answer, answers, read_queries, text_of
from backfile.index.search.result_cache import ScoredArticle
from backfile.index.search.searcher import Searcher
from backfile.web.api.downloads import BYTE_ORDER_MARK, cell, taken
from backfile.web.api.json import article_fields

COLUMNS = (
    *("id", "query", "rank", "article", "title", "source", "published", "url", "score"),
    *("verdict", "total", "error"),
)
MOST_QUERIES = 1_000  # from the page; the shell takes any number


def as_table(answered: Iterable[Answer]) -> Iterator[str]:
    """Write a row for each hit of each query, and one for a query without any; piece by piece."""
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, restval="")
    rows.writeheader()
    for answer in answered:
        common = {"id": answer.asked.name, "query": answer.asked.text, "error": answer.error}
        if answer.results:
            common |= {"verdict": answer.results.verdict.value, "total": str(answer.results.total)}
        for fields in [_hit(*each) for each in enumerate(answer.hits, 1)] or [{}]:
            rows.writerow({name: cell(value) for name, value in (common | fields).items()})
        yield taken(written)
    yield taken(written)


def blueprint(searcher: Searcher) -> Blueprint:
    """The page that takes a file of queries, and the answer to it."""
    routes = Blueprint("batch", __name__)

    @routes.get("/batch")
    def ask() -> str:
        return render_template("batch.html", most=MOST_QUERIES, columns=COLUMNS)

    @routes.post("/batch")
    def answer() -> Response:
        usual = {name: values for name, values in request.form.lists() if name != "lines"}
        Query.from_parameters(usual)
        # All of it is read first: what was uploaded is gone once the answer begins.
        asked = list(islice(read_queries(_lines()), MOST_QUERIES + 1))
        if not asked:
            raise BadQuery("queries", Message("no query is in it"))
        if len(asked) > MOST_QUERIES:
            reason = Message(
                "at most %(most)s at once; `backfile search --batch` takes more", most=MOST_QUERIES
            )
            raise BadQuery("queries", reason)
        written = as_table(answers(searcher, asked, usual))
        response = Response(_marked(written), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="hits.csv"'
        return response

    return routes


def _lines() -> Iterable[str]:
    """The lines of the file that was uploaded, else of what was typed."""
    uploaded = request.files.get("queries")
    if uploaded and uploaded.filename:
        return text_of(io.BytesIO(uploaded.read()))
    return io.StringIO(request.form.get("lines", ""), newline="")


def _hit(rank: int, found: ScoredArticle) -> dict[str, str]:
    fields = article_fields(found.article)
    wanted = {name: fields[name] for name in ("title", "source", "published", "url")}
    return {"rank": str(rank), "article": found.article.id, "score": f"{found.score:.6f}"} | wanted


def _marked(pieces: Iterator[str]) -> Iterator[str]:
    yield BYTE_ORDER_MARK
    yield from pieces
