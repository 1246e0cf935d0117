"""Breaks a set of matching articles down: facets, timeline and span, each count a true one."""

from datetime import date

import numpy as np

from index.columns import UNDATED, Bools, Columns, Ints, surplus
from index.protocols import Rows
from index.query import FACETS, Copies
from index.results import FacetCount, Timeline

MOST_VALUES = 50
MONTHS_AT_MOST = 36  # a longer span is shown by year


def facets(
    columns: Columns, articles: Bools, copies: Copies = Copies.SHOW
) -> dict[str, tuple[FacetCount, ...]]:
    """Count the values of each facet among the articles, the most frequent first.

    Folded, a value counts the stories that have an article with it: what a click on it gives.
    """
    found = {}
    story = columns.story if copies is Copies.FOLD and len(columns.copied) else None
    for name in FACETS:
        counts = getattr(columns, name).counts(articles, story)
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        found[name] = tuple(FacetCount(*pair) for pair in ordered[:MOST_VALUES])
    return found


def timeline(columns: Columns, articles: Bools, copies: Copies = Copies.SHOW) -> Timeline:
    """Count the articles of each month, or of each year where they span more than three.

    Folded, a story counts once in each month or year in which it has an article.
    """
    places = np.flatnonzero(articles)
    published = columns.published[places]
    dated = published[published != UNDATED]
    story = columns.story[places] if copies is Copies.FOLD else np.full(len(places), -1, np.int32)
    undated = len(published) - len(dated)
    undated -= _again(story[published == UNDATED], np.zeros(undated, np.int64), 1)[0]
    if not len(dated):
        return Timeline((), int(undated))
    days = dated.astype("datetime64[D]") + (np.datetime64("0001-01-01") - np.datetime64(1, "D"))
    months = days.astype("datetime64[M]")
    unit = "M" if int((months.max() - months.min()).astype(int)) < MONTHS_AT_MOST else "Y"
    values, bins = np.unique(months.astype(f"datetime64[{unit}]"), return_inverse=True)
    counts = np.bincount(bins) - _again(story[published != UNDATED], bins, len(values))
    pairs = zip(values.astype(str).tolist(), counts.tolist(), strict=True)
    return Timeline(tuple(FacetCount(*pair) for pair in pairs), int(undated))


def span(columns: Columns, articles: Bools) -> tuple[date, date] | None:
    """The first and the last day of the articles that have one."""
    published = columns.published[articles]
    dated = published[published != UNDATED]
    if not len(dated):
        return None
    return date.fromordinal(int(dated.min())), date.fromordinal(int(dated.max()))


def _again(story: Ints, bins: Rows, n_bins: int) -> Rows:
    """How often, for each bin, a story is in it beyond once; -1 is no story."""
    several = np.flatnonzero(story >= 0)
    return surplus(story[several], bins[several], n_bins)
