"""The search page, with "this day in other years"."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, date
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as BaseResponse

from backfile.archive.model.errors import BadQuery, EngineUnavailable
from backfile.index.model.filters import FACET_FILTERS, FACETS, DayOfYear, Filters
from backfile.index.model.groups import Group
from backfile.index.model.query import MOST_COMPARED, Marking, Mode, Query, Scale, Sort, View
from backfile.index.model.results import Results
from backfile.index.search.clock import Clock
from backfile.index.search.compare import compare_searches
from backfile.index.search.concordance import Concordances
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.exports import EXPORTS
from backfile.web.api.filenames import today
from backfile.web.api.routes import timed
from backfile.web.i18n.negotiation import PARAMETER, language_of_page
from backfile.web.links import article_path_of
from backfile.web.packed_links import Pairs, changed, longest_link, packed_path, unpacked
from backfile.web.search.compare import chart_of
from backfile.web.search.context import ContextPage
from backfile.web.search.days import presets, with_days
from backfile.web.search.tips import SearchTips

OTHER_YEARS_SHOWN = 3  # articles of earlier and of later years
log = logging.getLogger(__name__)


class OtherYears(NamedTuple):
    """A search for a day in later or earlier years, and its first results, nearest years first."""

    later: bool
    query: Query
    results: Results


def other_years(searcher: ArchiveSearcher, day: date | None) -> list[OtherYears]:
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
LINKS = 14_000  # characters of all links of a page that repeat the search
MOST_OUTLETS = 40  # on a page, so that all are found as one types
FACET_VALUES = 24  # on a page, of all other facets together
NARROWING = ("since", "until", *FACET_FILTERS)  # fields of the form that narrows a search
BESIDE = ("hit", "step", "by", PARAMETER)  # parameters of a page that are none of a search
FILES = ("search.atom", "search.json", *(f"export.{kind}" for kind in EXPORTS))
BESIDE_SEARCH = (
    *(*FILES, "outlets", "outlets.csv", "cite", "batch"),
    *("compare.csv", "compare.svg", "context.csv"),
)
"""Pages and files that take the parameters of a search."""


def _count_links(results: Results) -> int:
    """About how many links of a page repeat the search."""
    return 60 + 2 * len(results.timeline.bins)


def facet_values(results: Results) -> dict[str, int]:
    """How many values of each facet a page has, so that it stays small; half beside a chart.

    What a facet of few values leaves of its share goes to those that have more.
    """
    part = 1 + bool(results.query.compare)
    lengths = {name: len(results.facets[name]) for name in FACETS if name != "source"}
    shown, left = {"source": MOST_OUTLETS // part}, FACET_VALUES // part
    for place, name in enumerate(sorted(lengths, key=lengths.__getitem__)):
        shown[name] = min(lengths[name], left // (len(lengths) - place))
        left -= shown[name]
    return shown


def blueprint(searcher: ArchiveSearcher, concordances: Concordances) -> Blueprint:
    """The routes of the search page, and of the addresses that long searches are packed into."""
    routes = Blueprint("pages", __name__)
    tips = SearchTips(searcher)

    @routes.get("/")
    def search() -> Response:
        asked = request.args.to_dict(flat=False)
        try:
            query = Query.from_parameters(with_days(asked, language_of_page().code, today()))
            in_context = query.view is View.CONTEXT and bool(query.text)
            # The cursor of words in context counts these, not the articles.
            results = searcher.search(query.first_page() if in_context else query)
        except BadQuery as error:  # of a parameter, or of a collection that is not there
            return _with_the_form(asked, error)
        if results.did_you_mean and results.did_you_mean.is_shown:
            query = replace(query, text=results.did_you_mean.text)
        day = None if query.text or query.filters or query.cursor else today()
        overview = searcher.overview()
        rendering = Clock()
        # Beside a chart all links are short, as the page has less room for them.
        with longest_link(0 if query.compare else LINKS // _count_links(results)):
            g.base = packed_path(query)
            page = render_template(
                "search.html",
                query=query,
                base=g.base,
                facet_values=facet_values(results),
                narrowing_fields=NARROWING,
                results=results,
                context=ContextPage.of(concordances.of(query), query) if in_context else None,
                chart=chart_of(compare_searches(searcher, query)) if query.compare else None,
                most_compared=MOST_COMPARED,
                is_empty=not overview.articles,
                tips=tips.current(),
                presets=list(presets(overview, today())),
                widest=Group.RELATED,
                scales=list(Scale),
                markings=list(Marking),
                sizes=PAGE_SIZES,
                today=day,
                other_years=other_years(searcher, day),
                first=(query.cursor.offset if query.cursor else 0) + 1,
            )
        return timed(make_response(page), results, rendering)

    @routes.get("/search/<packed>/")
    @routes.get("/search/<packed>/<id:target>")
    def lead_on(packed: str, target: str = "") -> BaseResponse:
        """Lead from a packed address to the one with all parameters."""
        given = list(request.args.items(multi=True))
        changes = [pair for pair in given if pair[0] not in BESIDE]
        beside = [pair for pair in given if pair[0] in BESIDE]
        room, slash, name = target.partition("/")
        if slash and room == "article" and name:
            path = article_path_of(name)
        elif target in BESIDE_SEARCH or not target:
            path = f"/{target}"
        else:
            abort(404)
        pairs = changed(unpacked(packed), changes)
        parameters = urlencode([*_in_order(pairs), *beside])
        return redirect(f"{path}?{parameters}" if parameters else path)

    return routes


def _in_order(pairs: Pairs) -> Pairs:
    """The parameters of a search as its address has them; as they are if they cannot be read."""
    asked: dict[str, list[str]] = {}
    for name, value in pairs:
        asked.setdefault(name, []).append(value)
    try:
        query = Query.from_parameters(with_days(asked, language_of_page().code, today()))
    except BadQuery:
        return pairs  # the page says what is wrong, beside its field
    return query.to_parameters()


def _with_the_form(asked: Mapping[str, list[str]], error: BadQuery) -> Response:
    """The form as it was filled in, with the error beside its field."""
    typed = {name: values[-1] for name, values in asked.items() if values}
    others = [(name, value) for name, values in asked.items() for value in values]
    page = render_template(
        "bad_query.html", typed=typed, others=others, error=error, modes={m.value: m for m in Mode}
    )
    return make_response(page, HTTPStatus.BAD_REQUEST)
