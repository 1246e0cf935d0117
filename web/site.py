"""Pages about the service itself: the overview of the archive, and the health checks."""

from flask import Blueprint, Response, jsonify, render_template

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.search.searcher import Searcher

LAST_ADDED = 8
LAST_RUNS = 5


def blueprint(searcher: Searcher, reader: ArchiveReader) -> Blueprint:
    """Routes of the overview and of the health checks.

    /healthz answers if the process is alive, /readyz if the archive can be searched.
    """
    routes = Blueprint("site", __name__)

    @routes.get("/overview")
    def overview() -> str:
        # All numbers count one set, the whole archive, so that they agree with each other.
        query = Query(sort=Sort.ADDED, copies=Copies.SHOW, limit=LAST_ADDED)
        results = searcher.search(query)
        return render_template(
            "overview.html", query=query, results=results, runs=reader.runs(LAST_RUNS)
        )

    @routes.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def readyz() -> Response:
        searcher.require_archive()
        table = searcher.table()
        return jsonify(status="ok", generation=table.generation, coverage=round(table.coverage, 4))

    return routes
