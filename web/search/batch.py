"""The page for many queries at once, and their hits as one table."""

import io
from collections.abc import Iterable
from itertools import islice

from flask import Blueprint, Response, render_template, request

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.query import Query
from backfile.index.search.batch import answers, read_queries, text_of
from backfile.index.search.searcher import Searcher
from backfile.web.api.batch import MOST_QUERIES
from backfile.web.api.exports import HIT_COLUMNS, as_hit_table, with_byte_order_mark


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes of the form for a file of queries, and of its answer."""
    routes = Blueprint("batch", __name__)

    @routes.get("/batch")
    def ask() -> str:
        return render_template("batch.html", most=MOST_QUERIES, columns=HIT_COLUMNS)

    @routes.post("/batch")
    def answer() -> Response:
        usual = {name: values for name, values in request.form.lists() if name != "lines"}
        Query.from_parameters(usual)
        # Read all queries first: the uploaded file is closed once the answer is streamed.
        queries = list(islice(read_queries(_lines()), MOST_QUERIES + 1))
        if not queries:
            raise BadQuery("queries", Message("no query is in it"))
        if len(queries) > MOST_QUERIES:
            reason = Message(
                "at most %(most)s at once; `backfile search --batch` takes more", most=MOST_QUERIES
            )
            raise BadQuery("queries", reason)
        written = with_byte_order_mark(as_hit_table(answers(searcher, queries, usual)))
        response = Response(written, content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="hits.csv"'
        return response

    return routes


def _lines() -> Iterable[str]:
    """The lines of the uploaded file, or else of the text field."""
    uploaded = request.files.get("queries")
    if uploaded and uploaded.filename:
        return text_of(io.BytesIO(uploaded.read()))
    return io.StringIO(request.form.get("lines", ""), newline="")
