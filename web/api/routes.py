"""The JSON API: searches as on the page, and whole articles, with the time of each stage."""

from collections.abc import Mapping

from flask import Blueprint, Response, g, request

from backfile.archive.store.reader import Reader
from backfile.index.asking.autocomplete import DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
from backfile.index.model.query import Query, parse_limit
from backfile.index.model.results import Results
from backfile.index.search.clock import Clock
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.related import MOST_RELATED
from backfile.web.api.answers import answer, mark_passing, selection_of
from backfile.web.api.article_shapes import Article, History
from backfile.web.api.json import (
    related_json,
    results_json,
    stored_json,
    suggestions_json,
    versions_json,
)
from backfile.web.api.parameters import require_known
from backfile.web.api.shapes import Related, Suggestions
from backfile.web.api.shapes import Results as ResultsShape


def server_timing(took_ms: Mapping[str, float]) -> str:
    """The header with the time of each stage, which browsers show (W3C Server Timing).

    >>> server_timing({"words": 1.25, "all": 9.8})
    'words;dur=1.25, all;dur=9.8'
    """
    return ", ".join(f"{name};dur={milliseconds:g}" for name, milliseconds in took_ms.items())


def timed(response: Response, results: Results, rendering: Clock) -> Response:
    """Add the header with the time of each stage of a search, and of rendering."""
    took = {**results.took_ms, "render": rendering.took_ms["all"]}
    g.rendered_ms = took["render"]
    response.headers["Server-Timing"] = server_timing(took)
    return response


def blueprint(searcher: ArchiveSearcher, reader: Reader) -> Blueprint:
    """Routes below /api."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.get("/search")
    def search() -> Response:
        parameters = request.args.to_dict(flat=False)
        require_known(parameters, "fields", "facets", search=True)
        selection = selection_of(ResultsShape, parameters)
        results = searcher.search(Query.from_parameters(parameters))
        if results.reading.notes:  # for example, that the model is not there yet
            mark_passing()
        rendering = Clock()
        return timed(answer(ResultsShape, results_json(results), selection), results, rendering)

    @routes.get("/suggest")
    def suggest() -> Response:
        require_known(request.args, "q", "limit", "fields")
        selection = selection_of(Suggestions, request.args.to_dict(flat=False))
        text = request.args.get("q", "")
        usual, most = DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
        limit = parse_limit(request.args.get("limit", ""), most=most, usual=usual)
        found = suggestions_json(text, searcher.suggest(text, limit))
        response = answer(Suggestions, found, selection)
        response.cache_control.no_store = True  # removed articles must not be suggested
        return response

    @routes.get("/articles/<id:article_id>")
    def article(article_id: str) -> Response:
        require_known(request.args, "fields")
        selection = selection_of(Article, request.args.to_dict(flat=False))
        stored, copies = reader.article(article_id), reader.copies(article_id)
        return answer(Article, stored_json(stored, copies), selection)

    @routes.get("/articles/<id:article_id>/related")
    def related(article_id: str) -> Response:
        if _is_part_of_id("related"):
            return article(f"{article_id}/related")
        require_known(request.args, "limit", "fields")
        selection = selection_of(Related, request.args.to_dict(flat=False))
        limit = parse_limit(request.args.get("limit", ""), most=MOST_RELATED)
        found = searcher.related(article_id, limit=limit)
        if not found.coverage:  # vectors may be there and only not be readable now
            mark_passing()
        return answer(Related, related_json(found), selection)

    @routes.get("/articles/<id:article_id>/history")
    def history(article_id: str) -> Response:
        if _is_part_of_id("history"):
            return article(f"{article_id}/history")
        require_known(request.args, "fields")
        selection = selection_of(History, request.args.to_dict(flat=False))
        versions = reader.versions(article_id)
        versions.require_present()
        return answer(History, versions_json(versions), selection)

    return routes


def _is_part_of_id(ending: str) -> bool:
    """Whether `/ending` belongs to the id: its slash is then percent-encoded in the request."""
    uri: str = request.environ.get("REQUEST_URI", "")
    return uri.partition("?")[0].lower().endswith(f"%2f{ending}")
