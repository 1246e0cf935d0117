"""Breaks a set of matching articles down: facets, timeline and span, each count a true one."""

from datetime import date

import numpy as np

from index.columns import UNDATED, Bools, Columns
from index.query import FACETS
from index.results import FacetCount, Timeline

MOST_VALUES = 50
MONTHS_AT_MOST = 36  # a longer span is shown by year


def facets(columns: Columns, articles: Bools) -> dict[str, tuple[FacetCount, ...]]:
    """Count the values of each facet among the articles, the most frequent first."""
    found = {}
    for name in FACETS:
        counts = getattr(columns, name).counts(articles)
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        found[name] = tuple(FacetCount(*pair) for pair in ordered[:MOST_VALUES])
    return found


def timeline(columns: Columns, articles: Bools) -> Timeline:
    """Count the articles of each month, or of each year where they span more than three."""
    published = columns.published[articles]
    dated = published[published != UNDATED]
    undated = len(published) - len(dated)
    if not len(dated):
        return Timeline((), undated)
    days = dated.astype("datetime64[D]") + (np.datetime64("0001-01-01") - np.datetime64(1, "D"))
    months = days.astype("datetime64[M]")
    unit = "M" if int((months.max() - months.min()).astype(int)) < MONTHS_AT_MOST else "Y"
    values, counts = np.unique(months.astype(f"datetime64[{unit}]"), return_counts=True)
    pairs = zip(values.astype(str).tolist(), counts.tolist(), strict=True)
    return Timeline(tuple(FacetCount(*pair) for pair in pairs), undated)


def span(columns: Columns, articles: Bools) -> tuple[date, date] | None:
    """The first and the last day of the articles that have one."""
    published = columns.published[articles]
    dated = published[published != UNDATED]
    if not len(dated):
        return None
    return date.fromordinal(int(dated.min())), date.fromordinal(int(dated.max()))
