"""Health checks for monitoring: liveness and readiness."""

from flask import Blueprint, Response, jsonify

from backfile.index.search.searcher import Searcher


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes: /healthz answers if the process is alive, /readyz if the archive can be searched."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> Response:
        table = searcher.table()
        return jsonify(status="ok", generation=table.generation, coverage=round(table.coverage, 4))

    return routes
