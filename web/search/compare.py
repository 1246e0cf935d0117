"""Lays out a chart of several searches, and serves it as a table (CSV) and as a picture (SVG).

Positions are in percent of the plot, so that it stretches without distortion.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from flask import Blueprint, Response, render_template, request

from backfile.index.model.periods import Unit
from backfile.index.model.query import Marking, Query, Scale
from backfile.index.model.results import Bin, Timeline
from backfile.index.search.compare import Comparison, Series, compare_searches
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.answers import mark_passing
from backfile.web.api.exports import EXPORTS, cell, drain, with_byte_order_mark
from backfile.web.api.filenames import attachment, name_of
from backfile.web.search.timeline import Bar, bars

MOST_TICKS = 4  # steps of the scale
NICE = (1, 2, 5, 10)
MOST_MARKERS = 8  # of a line


class Style(NamedTuple):
    """How a line is told from the others, also without colour: its dashes and its marker."""

    colour: str
    dashes: str
    marker: str


STYLES = (
    Style("#7a1f2b", "none", "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"),
    Style("#1f5fa8", "8 4", "M-3.5-3.5h7v7h-7z"),
    Style("#8a5a00", "2 3", "M0-4.8l4.8 8.3h-9.6z"),
    Style("#2d6a3e", "10 3 2 3", "M0-5l5 5-5 5-5-5z"),
    Style("#6a3d9a", "14 5", "M-4-1.3h2.7v-2.7h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7z"),
)
"""One for each search that a chart can have."""


class Point(NamedTuple):
    """A search in a period: its articles, all of the archive, and the place in the plot."""

    articles: int
    of: int
    left: float
    top: float

    @property
    def share(self) -> float:
        """The share of all articles of the period, 0 to 1."""
        return self.articles / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One search of a chart, with its style and its points."""

    series: Series
    number: int
    style: Style
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The points of the line, with a period as the unit of the width."""
        return " ".join(f"{i}.5,{point.top:g}" for i, point in enumerate(self.points))

    @property
    def marked(self) -> tuple[Point, ...]:
        """The points that have a marker."""
        return self.points[:: math.ceil(len(self.points) / MOST_MARKERS) or 1]


class Step(NamedTuple):
    """A line of the scale: its value, a number or a share, and its place."""

    value: float
    top: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Searches by period: the periods as bars without height, the lines, and the scale."""

    lines: tuple[Line, ...]
    periods: tuple[Bar, ...]
    unit: Unit | None
    steps: tuple[Step, ...]
    by_share: bool

    @property
    def decimals(self) -> int:
        """The decimals that a share of the scale needs in percent."""
        return max(0, -math.floor(math.log10(self.steps[1].value)) - 2)


def chart_of(comparison: Comparison) -> Chart:
    """Lay out a comparison, by number or by share as its query says."""
    query, series = comparison.query, comparison.series
    unit = next((each.timeline.unit for each in series if each.timeline.unit), None)
    by_share = query.timeline is Scale.SHARE
    periods = bars(_merged(series, unit), query)
    sizes = [
        each.count / each.of if by_share else each.count
        for one in series
        for each in one.timeline.bins
    ]
    values = scale(max(sizes, default=0), whole=not by_share)
    lines = (
        Line(one, n, STYLES[n], tuple(_points(one.timeline.bins, periods, values[-1], by_share)))
        for n, one in enumerate(series)
    )
    steps = tuple(Step(value, _top(value, values[-1])) for value in values)
    return Chart(tuple(lines), tuple(periods), unit, steps, by_share)


def scale(highest: float, *, whole: bool) -> list[float]:
    """The values of a scale from 0 to at least the highest, in steps of 1, 2 or 5 times a power.

    >>> scale(7, whole=True), scale(0.031, whole=False)
    ([0, 2, 4, 6, 8], [0.0, 0.01, 0.02, 0.03, 0.04])
    """
    rough = highest / MOST_TICKS or 1
    power = 10 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in NICE if nice * power >= rough * (1 - 1e-9))
    if whole:
        step = max(1, round(step))
    return [round(step * n, 10) for n in range(max(1, math.ceil(highest / step - 1e-9)) + 1)]


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """Routes of a comparison as CSV and as SVG."""
    routes = Blueprint("compare", __name__)

    def compared() -> Chart:
        found = compare_searches(searcher, _query())
        if searcher.read(_query()).notes:
            mark_passing()
        return chart_of(found)

    @routes.get("/compare.csv")
    def table() -> Response:
        written = with_byte_order_mark(as_table(compared()))
        response = Response(written, content_type=EXPORTS["csv"].media_type)
        response.headers["Content-Disposition"] = attachment(_name(), "csv")
        return response

    @routes.get("/compare.svg")
    def picture() -> Response:
        drawn = render_template("compare.svg", chart=compared())
        response = Response(drawn, content_type="image/svg+xml")
        response.headers["Content-Disposition"] = attachment(_name(), "svg")
        return response

    return routes


def as_table(chart: Chart) -> Iterator[str]:
    """Write a row for each period: all its articles, and number and share of each search."""
    written = io.StringIO()
    rows = csv.writer(written)
    texts = [line.series.text for line in chart.lines]
    rows.writerow(["period", "since", "until", "articles"] + [
        cell(name) for text in texts for name in (text, f"{text} (share)")
    ])  # fmt: skip
    for i, period in enumerate(chart.periods):
        points = [line.points[i] for line in chart.lines]
        numbers = [value for each in points for value in (each.articles, f"{each.share:.6f}")]
        of = max(each.of for each in points) or ""
        rows.writerow([period.period, period.since, period.until, of, *numbers])
        yield drain(written)
    yield drain(written)


def _query() -> Query:
    query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
    return replace(query, mark=Marking.WORDS)


def _name() -> str:
    query = _query()
    return " ".join(filter(None, ["compare", name_of(query), *query.compare]))


def _merged(series: Sequence[Series], unit: Unit | None) -> Timeline:
    """The periods in which any of the searches has an article."""
    found = {each.since: each for one in series for each in one.timeline.bins}
    return Timeline(tuple(found[since] for since in sorted(found)), 0, unit)


def _points(
    found: Sequence[Bin], periods: Sequence[Bar], highest: float, by_share: bool
) -> Iterator[Point]:
    """The points of one search, of which a period without an article is one at zero."""
    counts = {each.since: (each.count, each.of) for each in found}
    for bar in periods:
        count, of = counts.get(bar.since, (0, bar.of))
        value = count / of if by_share and of else count
        yield Point(count, of, round(100 * (bar.index + 0.5) / bar.n, 2), _top(value, highest))


def _top(value: float, highest: float) -> float:
    return round(100 - 100 * value / highest, 2)
