"""The page that says what the archive holds, how it was filled, and what was refused."""

from flask import Blueprint, render_template

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Copies, Query, Sort
from backfile.index.search.searcher import Searcher

LAST_ADDED = 8
LAST_RUNS = 5


def blueprint(searcher: Searcher, reader: ArchiveReader) -> Blueprint:
    """The route of the overview."""
    routes = Blueprint("overview", __name__)

    @routes.get("/overview")
    def overview() -> str:
        # All numbers are of one set, the whole archive, so that none contradicts another.
        query = Query(sort=Sort.ADDED, copies=Copies.SHOW, limit=LAST_ADDED)
        results = searcher.search(query)
        return render_template(
            "overview.html", query=query, results=results, runs=reader.runs(LAST_RUNS)
        )

    return routes
