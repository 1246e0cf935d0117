"""Answers who reported first: all hits of a query by outlet, each with its first and last day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import chain
from typing import NamedTuple, Self

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.answers.outlets import DatedArticle, OutletCount, count_outlets
from backfile.index.model.query import Copies, Query
from backfile.index.model.results import Results
from backfile.index.model.whole import Whole
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.result_cache import Found
from backfile.index.search.searcher import Searcher


class OutletOrder(StrEnum):
    """How outlets are sorted: by their first day, or by their number of articles."""

    FIRST = "first"
    ARTICLES = "articles"

    @classmethod
    def read(cls, written: str) -> "OutletOrder":
        """Read the parameter `by`; raise BadQuery."""
        try:
            return cls(written.strip() or cls.FIRST)
        except ValueError as exc:
            kinds = ", ".join(cls)
            reason = Message("%(value)s is none of: %(kinds)s", value=repr(written), kinds=kinds)
            raise BadQuery("by", reason) from exc


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet among the hits: its articles, their share of all hits, its first and last date.

    `first_article` is None if no article is dated, or if it was removed in the meantime. `name` is
    empty for the hits without an outlet.
    """

    name: str
    articles: int
    share: float
    first: DateSpan | None
    last: DateSpan | None
    first_article: Article | None


@dataclass(frozen=True, slots=True)
class OutletSummary:
    """All hits of a query by outlet; `articles` is their number. Each copy is an article."""

    answer: Results
    articles: int
    outlets: tuple[Outlet, ...]

    def with_note(self, note: Message) -> Self:
        """The same with a note on what is left out."""
        return replace(self, answer=self.answer.with_note(note))


class AskedOutlets(NamedTuple):
    """All hits of a query by outlet, copies one by one: the first copy is who had it first.

    What finds nothing is not relaxed, as in an export.
    """

    query: Query
    order: OutletOrder

    def of(self, searcher: Searcher, whole: Whole) -> OutletSummary:
        query = replace(self.query, copies=Copies.SHOW)
        found = searcher.find_all(query, relaxes=False, whole=whole)
        own = count_outlets(found.hits.table, found.ordered)
        counts = whole.reduced(own, _merged).value()
        articles = _first_articles(searcher, found, counts, whole)
        total = found.answer.total
        outlets = (
            Outlet(
                name=each.name,
                articles=each.articles,
                share=each.articles / total,
                first=_date_span(each.first),
                last=_date_span(each.last),
                first_article=articles.get(each.first.number) if each.first else None,
            )
            for each in counts
        )
        key = _by_first_day if self.order is OutletOrder.FIRST else _by_articles
        return OutletSummary(found.answer, total, tuple(sorted(outlets, key=key)))


def summarize_outlets(
    searcher: ArchiveSearcher, query: Query, order: OutletOrder = OutletOrder.FIRST
) -> OutletSummary:
    """Sum up all hits of a query by outlet, as AskedOutlets says."""
    return searcher.ask(AskedOutlets(query, order))


def _merged(shards: Sequence[Sequence[OutletCount]]) -> list[OutletCount]:
    if len(shards) == 1:
        return list(shards[0])
    alike: dict[str, list[OutletCount]] = {}
    for each in chain.from_iterable(shards):
        alike.setdefault(each.key, []).append(each)
    return list(map(OutletCount.merged, alike.values()))


def _first_articles(
    searcher: Searcher, found: Found, counts: Sequence[OutletCount], whole: Whole
) -> dict[int, Article]:
    """The first article of each outlet by number, as far as it is still there."""
    table = found.hits.table
    wanted = np.array([each.first.number for each in counts if each.first], np.int64)
    ordinals = np.flatnonzero(np.isin(table.number, wanted))
    rows = table.first_rows[ordinals].tolist()
    stored = {each.row: each.article for each in searcher.catalog.stored(rows)}
    numbers = table.number[ordinals].tolist()
    own = {n: stored[row] for n, row in zip(numbers, rows, strict=True) if row in stored}
    merged: dict[int, Article] = {}
    for shard in whole.collected(own).values():
        merged |= shard
    return merged


def _by_first_day(outlet: Outlet) -> tuple[date, int, str]:
    return (outlet.first.last if outlet.first else date.max, -outlet.articles, outlet.name)


def _by_articles(outlet: Outlet) -> tuple[int, date, str]:
    return (-outlet.articles, outlet.first.last if outlet.first else date.max, outlet.name)


def _date_span(found: DatedArticle | None) -> DateSpan | None:
    if found is None:
        return None
    return DateSpan(date.fromordinal(found.since), date.fromordinal(found.until))
