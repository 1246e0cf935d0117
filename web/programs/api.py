"""The JSON API: the same searches as the page, and articles whole."""

from flask import Blueprint, Response, jsonify, request

from index.asking.suggesting import DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
from index.query import Query, parse_limit
from index.search.clock import Clock
from index.search.related import MOST_RELATED
from index.search.search import Searcher
from web.programs.representation import (
    article_json,
    related_json,
    results_json,
    suggestions_json,
    versions_json,
)
from web.timing import timed


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes below /api."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.get("/search")
    def search() -> Response:
        query = Query.from_parameters(request.args.to_dict(flat=False))
        results = searcher.search(query)
        rendering = Clock()
        return timed(jsonify(results_json(results)), results, rendering)

    @routes.get("/suggest")
    def suggest() -> Response:
        text = request.args.get("q", "")
        usual, most = DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
        limit = parse_limit(request.args.get("limit", ""), most=most, usual=usual)
        response = jsonify(suggestions_json(text, searcher.suggest(text, limit)))
        response.cache_control.no_store = True  # what is removed is suggested no longer
        return response

    @routes.get("/articles/<id:article_id>")
    def article(article_id: str) -> Response:
        return jsonify(article_json(*searcher.article(article_id), searcher.copies(article_id)))

    @routes.get("/articles/<id:article_id>/related")
    def related(article_id: str) -> Response:
        if _is_part_of_id("related"):
            return article(f"{article_id}/related")
        limit = parse_limit(request.args.get("limit", ""), most=MOST_RELATED)
        return jsonify(related_json(searcher.related(article_id, limit=limit)))

    @routes.get("/articles/<id:article_id>/history")
    def history(article_id: str) -> Response:
        if _is_part_of_id("history"):
            return article(f"{article_id}/history")
        searcher.article(article_id)  # what was taken back is not shown
        return jsonify(versions_json(searcher.versions(article_id)))

    return routes


def _is_part_of_id(ending: str) -> bool:
    """Whether `/related` belongs to an id that ends so: its slash is then percent-encoded."""
    asked: str = request.environ.get("REQUEST_URI", "")
    return asked.partition("?")[0].lower().endswith(f"%2f{ending}")
