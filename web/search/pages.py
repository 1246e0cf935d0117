"""The search page, with "this day in other years"."""

import logging
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import NamedTuple

from flask import Blueprint, Response, make_response, render_template, request

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.filters import DayOfYear, Filters
from backfile.index.model.query import Marking, Mode, Query, Scale, Sort
from backfile.index.model.results import Results
from backfile.index.search.ranker import Clock
from backfile.index.search.searcher import Searcher
from backfile.web.api.routes import timed

OTHER_YEARS_SHOWN = 3  # articles of earlier and of later years
log = logging.getLogger(__name__)


class OtherYears(NamedTuple):
    """A search for a day in later or earlier years, and its first results, nearest years first."""

    later: bool
    query: Query
    results: Results


def today() -> date:
    """The current day in the server's time zone."""
    return datetime.now().astimezone().date()


def other_years(searcher: Searcher, day: date | None) -> list[OtherYears]:
    """Search the same day and month in later and in earlier years; without empty results.

    Empty if an engine is unavailable, so that the page is still shown.
    """
    if day is None:
        return []
    of_year = DayOfYear(day.month, day.day)
    searches = []
    if day.year < MAXYEAR:
        filters = Filters(day=of_year, since=date(day.year + 1, 1, 1))
        searches.append((True, Query(filters=filters, sort=Sort.OLDEST, limit=OTHER_YEARS_SHOWN)))
    if day.year > MINYEAR:
        filters = Filters(day=of_year, until=date(day.year - 1, 12, 31))
        searches.append((False, Query(filters=filters, limit=OTHER_YEARS_SHOWN)))
    try:
        found = [OtherYears(later, query, searcher.search(query)) for later, query in searches]
    except EngineUnavailable as exc:
        log.warning("a page is shown without this day in other years: %s", exc)
        return []
    return [years for years in found if years.results.total]


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
