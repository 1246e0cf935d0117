"""For whatever watches the server: is it alive, and can it answer?"""

from flask import Blueprint, Response, jsonify

from backfile.index.search.searcher import Searcher


def blueprint(searcher: Searcher) -> Blueprint:
    """/healthz says that the process answers, /readyz that the archive does."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> Response:
        searcher.require_archive()
        columns = searcher.table()
        return jsonify(
            status="ok", generation=columns.generation, coverage=round(columns.coverage, 4)
        )

    return routes
