"""The page that a person searches on."""

from flask import Blueprint, Response, make_response, render_template, request

from index.query import Marking, Mode, Query, Scale, Sort
from index.search.clock import Clock
from index.search.search import Searcher
from web.search.this_day import other_years, today
from web.timing import timed

PAGE_SIZES = (10, 20, 50, 100)  # hits


def blueprint(searcher: Searcher) -> Blueprint:
    """The route of the search page."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def search() -> Response:
        query = Query.from_parameters(request.args.to_dict(flat=False))
        results = searcher.search(query)
        day = None if query.text or query.filters or query.cursor else today()
        rendering = Clock()
        page = render_template(
            "search.html",
            query=query,
            results=results,
            modes=list(Mode),
            sorts=list(Sort),
            scales=list(Scale),
            markings=list(Marking),
            sizes=PAGE_SIZES,
            today=day,
            other_years=other_years(searcher, day),
            first=(query.cursor.offset if query.cursor else 0) + 1,
        )
        return timed(make_response(page), results, rendering)

    return routes
