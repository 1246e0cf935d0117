"""This day in other years: a search of earlier and one of later years, for a day and month."""

import logging
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import NamedTuple

from archive.errors import EngineUnavailable
from index.filters import DayOfYear, Filters
from index.query import Query, Sort
from index.results import Results
from index.search.search import Searcher

SHOWN = 3  # of earlier years, and of later
log = logging.getLogger(__name__)


class Years(NamedTuple):
    """A search for a day in some years, and what it finds first: of the years next to one's own."""

    later: bool
    query: Query
    results: Results


def today() -> date:
    """The day where the server is."""
    return datetime.now().astimezone().date()


def other_years(searcher: Searcher, day: date | None) -> list[Years]:
    """The years after and before a day's own that have articles of the same day and month.

    None where no engine can answer: a page can be read without them.
    """
    if day is None:
        return []
    of_year = DayOfYear(day.month, day.day)
    searches = []
    if day.year < MAXYEAR:
        filters = Filters(day=of_year, since=date(day.year + 1, 1, 1))
        searches.append((True, Query(filters=filters, sort=Sort.OLDEST, limit=SHOWN)))
    if day.year > MINYEAR:
        filters = Filters(day=of_year, until=date(day.year - 1, 12, 31))
        searches.append((False, Query(filters=filters, limit=SHOWN)))
    try:
        found = [Years(later, query, searcher.search(query)) for later, query in searches]
    except EngineUnavailable as exc:
        log.warning("a page is shown without this day in other years: %s", exc)
        return []
    return [years for years in found if years.results.total]
