"""Compares searches over time: each counted in the same periods, under the same filters."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.answers.timeline import merged_timeline, placed_in_periods
from backfile.index.duplicates.crossing import Crossing
from backfile.index.model.arrays import Bools
from backfile.index.model.query import Copies, Query
from backfile.index.model.results import Timeline
from backfile.index.model.whole import Whole, result_of
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.result_cache import Found
from backfile.index.search.searcher import Searcher

ATTEMPTS = 3  # while the archive changes between two searches


class Series(NamedTuple):
    """One of the searches: its text, the number of its articles, and these by period."""

    text: str
    articles: int
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Comparison:
    """The searches of a query, its own first; each copy is an article."""

    query: Query
    series: tuple[Series, ...]


class AskedComparison(NamedTuple):
    """The text of a query and those that it is compared with, counted in the same periods.

    What finds nothing is not relaxed, as in an export. Raises EngineUnavailable if the archive
    changes from each search to the next.
    """

    query: Query

    def of(self, searcher: Searcher, whole: Whole) -> Comparison:
        texts = tuple(dict.fromkeys((self.query.text, *self.query.compare)))
        found = self._found(searcher, texts, whole)
        table, masks = found[0].hits.table, [_mask(each) for each in found]
        crossing = Crossing.of(whole, table, frozenset())  # each copy counts
        any_of_them = np.logical_or.reduce(masks)  # all lines have the same periods
        placed = result_of(placed_in_periods(table, any_of_them, Copies.SHOW, crossing))
        shards = whole.collected([placed.part(mask) for mask in masks]).values()
        counted = [merged_timeline(parts) for parts in zip(*shards, strict=True)]
        totals = [each.answer.total for each in found]
        return Comparison(self.query, tuple(map(Series, texts, totals, counted)))

    def _found(self, searcher: Searcher, texts: tuple[str, ...], whole: Whole) -> list[Found]:
        """The answers to all searches, from one state of the archive."""
        for _ in range(ATTEMPTS):
            found = [
                searcher.find_all(
                    replace(self.query, text=text, compare=(), copies=Copies.SHOW),
                    relaxes=False,
                    whole=whole,
                )
                for text in texts
            ]
            if len({each.answer.generation for each in found}) == 1:
                return found
        raise EngineUnavailable("the comparison", "the archive is changing; try again in a minute")


def compare_searches(searcher: ArchiveSearcher, query: Query) -> Comparison:
    """Compare searches over time, as AskedComparison says."""
    return searcher.ask(AskedComparison(query))


def _mask(found: Found) -> Bools:
    mask = np.zeros(found.hits.table.n_articles, np.bool_)
    mask[np.asarray(found.ordered, np.int64)] = True
    return mask
