"""The JSON API: the same searches as the page, and articles whole."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from index.query import Query
from index.search import Searcher
from web.representation import article_json, results_json


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes below /api."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.get("/search")
    def search() -> Response:
        query = Query.from_parameters(request.args.to_dict(flat=False))
        return jsonify(results_json(searcher.search(query)))

    @routes.get("/articles/<id:article_id>")
    def article(article_id: str) -> Any:
        return jsonify(article_json(*searcher.article(article_id), searcher.copies(article_id)))

    return routes
