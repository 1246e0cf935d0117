"""The page for many queries at once: a table of their answers, and files of them."""

import io
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

from flask import Blueprint, Response, render_template, request, stream_template

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.query import Query
from backfile.index.search.batch import ListedQuery, answers, as_phrase, read_queries, text_of
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.batch import MOST_QUERIES
from backfile.web.api.exports import (
    EXPORTS,
    HIT_COLUMNS,
    as_hit_table,
    as_query_table,
    with_byte_order_mark,
)
from backfile.web.api.filenames import attachment
from backfile.web.i18n.negotiation import language_of_page

MOST_TEXT = 400_000  # characters of a list that is sent again from the page of its answers
LINES, PHRASE, KIND = "lines", "phrase", "as"
OWN = (LINES, PHRASE, KIND, "q", "cursor")  # fields of the form that are none of each search
SHOWN = ("mode", "since", "until", "limit")  # fields that the form shows


class Kind(StrEnum):
    """What is answered: a page with a row for each query, the same as CSV, or all hits as CSV."""

    PAGE = "page"
    QUERIES = "queries"
    HITS = "hits"


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """Routes of the form for a list of queries, and of its answers."""
    routes = Blueprint("batch", __name__)

    @routes.get("/batch")
    def ask() -> str:
        query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
        return render_template("batch.html", **_form(query.text, query))

    @routes.post("/batch")
    def answer() -> Response:
        kind = _kind()
        usual = {name: values for name, values in request.form.lists() if name not in OWN}
        query = Query.from_parameters(usual)
        text = _text()
        # Read all queries first: the uploaded file is closed once the answer is streamed.
        queries = _queries(text)
        most = None if kind is Kind.HITS else 0
        searcher.overview()  # says what is out before the headers are sent
        answered = answers(searcher, queries, usual, most=most)
        if kind is Kind.PAGE:
            language_of_page()  # its headers are written before the page is
            form = _form(text if len(text) <= MOST_TEXT else "", query)
            page = stream_template("batch.html", **form, answered=answered)
            return Response(page, content_type="text/html; charset=utf-8")
        written = as_hit_table(answered)
        if kind is Kind.QUERIES:
            written = as_query_table(answered, request.url_root)
        return _table(written, f"batch {kind}")

    return routes


def _form(text: str, query: Query) -> dict[str, object]:
    """What the form shows: the list, the settings of all its searches, and others to carry on."""
    own = (*SHOWN, *OWN)
    return {
        "lines": text,
        "usual": query,
        "carried": [pair for pair in query.to_parameters() if pair[0] not in own],
        "as_phrases": bool(request.form.get(PHRASE)),
        "most": MOST_QUERIES,
        "columns": HIT_COLUMNS,
    }


def _table(written: Iterator[str], name: str) -> Response:
    response = Response(with_byte_order_mark(written), content_type=EXPORTS["csv"].media_type)
    response.headers["Content-Disposition"] = attachment(name, "csv")
    return response


def _kind() -> Kind:
    """What is wanted; a program that does not say gets the hits."""
    given = request.form.get(KIND, "") or Kind.HITS
    try:
        return Kind(given)
    except ValueError as exc:
        reason = Message(
            "%(value)s is none of: %(kinds)s", value=repr(given), kinds=", ".join(Kind)
        )
        raise BadQuery(KIND, reason) from exc


def _queries(text: str) -> list[ListedQuery]:
    listed = islice(read_queries(io.StringIO(text, newline="")), MOST_QUERIES + 1)
    queries = [as_phrase(each) if request.form.get(PHRASE) else each for each in listed]
    if not queries:
        raise BadQuery("queries", Message("no query is in it"))
    if len(queries) > MOST_QUERIES:
        reason = Message(
            "at most %(most)s at once; `backfile search --batch` takes more", most=MOST_QUERIES
        )
        raise BadQuery("queries", reason)
    return queries


def _text() -> str:
    """The text of the uploaded file, or else of the text field."""
    uploaded = request.files.get("queries")
    if uploaded and uploaded.filename:
        return text_of(io.BytesIO(uploaded.read())).read()
    return request.form.get(LINES, "")
