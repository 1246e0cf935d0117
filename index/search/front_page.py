"""What pages show of a whole archive: its newest articles, common names, and what was added."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backfile.archive.model.article import Article
from backfile.index.model.category import Category, MergedValues
from backfile.index.model.filtering import passing_articles
from backfile.index.model.filters import Filters, Moment
from backfile.index.model.query import Sort
from backfile.index.model.whole import Whole
from backfile.index.search.ranking import in_order, order_keys
from backfile.index.search.searcher import Searcher


class AskedNewest(NamedTuple):
    """The `most` articles with the latest days, the latest first; no search is counted."""

    most: int

    def of(self, searcher: Searcher, whole: Whole) -> list[Article]:
        table = searcher.table()
        every, scores = np.ones(table.n_articles, np.bool_), np.zeros(table.n_articles, np.float32)
        ordinals = in_order(table, every, scores, Sort.NEWEST)[: self.most]
        places = whole.places(order_keys(table, ordinals, scores, Sort.NEWEST), self.most)
        rows = table.first_rows[ordinals[: len(places)]].tolist()
        stored = {found.row: found.article for found in searcher.catalog.stored(rows)}
        own = {
            place: stored[row]
            for place, row in zip(places.tolist(), rows, strict=True)
            if row in stored
        }
        merged: dict[int, Article] = {}
        for shard in whole.collected(own).values():
            merged |= shard
        return [merged[place] for place in sorted(merged)]


class AskedNames(NamedTuple):
    """The commonest names of these facets, `most` of each, the commonest first."""

    facets: tuple[str, ...]
    most: int

    def of(self, searcher: Searcher, whole: Whole) -> Mapping[str, Sequence[str]]:
        table = searcher.table()
        every = np.ones(table.n_articles, np.bool_)
        found: dict[str, Sequence[str]] = {}
        for name in self.facets:
            category: Category = getattr(table, name)
            if whole.is_divided:
                given = whole.collected(category.values(every)).values()
                counts, _ = MergedValues(given, {}).most(self.most)
            else:
                counts, _ = category.most(every, self.most)
            found[name] = [value for value, _ in counts]
        return found


class AskedAdded(NamedTuple):
    """How many articles were added since each of these days or instants."""

    since: tuple[Moment, ...]

    def of(self, searcher: Searcher, whole: Whole) -> list[int]:
        table = searcher.table()
        masks = (passing_articles(table, Filters(added_since=each)) for each in self.since)
        counts = np.fromiter((mask.sum() for mask in masks), np.int64)
        found: list[int] = whole.sums(counts).tolist()
        return found
