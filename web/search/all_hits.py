"""Pages about all hits of a search at once: who had it first, and a list of citations."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from flask import Blueprint, Response, g, render_template, request

from backfile.index.model.query import Copies, Marking, Query
from backfile.index.model.results import Results
from backfile.index.search.outlets import OutletOrder, OutletSummary, summarize_outlets
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.answers import answer, mark_passing, selection_of
from backfile.web.api.article_shapes import Outlets
from backfile.web.api.citations import plain
from backfile.web.api.exports import EXPORTS, as_outlet_table, with_byte_order_mark
from backfile.web.api.filenames import attachment, name_of
from backfile.web.api.json import outlets_json
from backfile.web.packed_links import longest_link, packed_path

MOST_ROWS = 80  # outlets on a page; the file has all
LINKS = 14_000  # characters of all links of a page that repeat the search
MOST_CITED = 100  # citations on a page, of at most so many characters
CITED_CHARACTERS = 30_000


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """Routes of the summary by outlet (page, CSV, JSON), and of the page of citations."""
    routes = Blueprint("all_hits", __name__)

    def summary() -> OutletSummary:
        found = summarize_outlets(searcher, _query(), _order())
        _note_passing(found.answer)
        return found

    @routes.get("/outlets")
    def outlets() -> str:
        query, found = _query(), summary()
        shown = found.outlets[:MOST_ROWS]
        with longest_link(LINKS // (2 * len(shown) + 10)):
            g.base = packed_path(query)
            return render_template(
                "outlets.html",
                query=query,
                base=g.base,
                each_copy=replace(query, copies=Copies.SHOW),
                summary=found,
                shown=shown,
                order=_order(),
                orders=list(OutletOrder),
            )

    @routes.get("/outlets.csv")
    def table() -> Response:
        written = with_byte_order_mark(as_outlet_table(summary().outlets))
        response = Response(written, content_type=EXPORTS["csv"].media_type)
        name = f"{name_of(_query())} outlets"
        response.headers["Content-Disposition"] = attachment(name, "csv")
        return response

    @routes.get("/api/outlets")
    def in_json() -> Response:
        selection = selection_of(Outlets, request.args.to_dict(flat=False))
        return answer(Outlets, outlets_json(summary()), selection)

    @routes.get("/cite")
    def cite() -> str:
        query = _query()
        found = searcher.all_hits(query, relaxes=False, most=MOST_CITED)
        cited = (plain(each.article) for each in found.articles)
        g.base = packed_path(query)
        return render_template(
            "cite.html",
            query=query,
            base=g.base,
            results=found.answer,
            citations=list(_within(cited, CITED_CHARACTERS)),
        )

    return routes


def _query() -> Query:
    query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
    return replace(query, mark=Marking.WORDS)


def _order() -> OutletOrder:
    return OutletOrder.read(request.args.get("by", ""))


def _note_passing(results: Results) -> None:
    if results.reading.notes:
        mark_passing()


def _within(citations: Iterable[str], characters: int) -> Iterator[str]:
    """The first citations that have so many characters together; at least one."""
    used = 0
    for each in citations:
        used += len(each)
        if used > characters and used > len(each):
            return
        yield each[:characters]
