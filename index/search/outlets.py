"""Answers who reported first: all hits of a query by outlet, each with its first and last day."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import numpy as np

from backfile.archive.model.article import Article
from backfile.archive.model.dates import DateSpan
from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.answers.outlets import count_outlets
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.query import Copies, Query
from backfile.index.model.results import Results
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


def summarize_outlets(
    searcher: Searcher, query: Query, order: OutletOrder = OutletOrder.FIRST
) -> OutletSummary:
    """Sum up all hits of a query by outlet, copies one by one: the first copy is who had it first.

    What finds nothing is not relaxed, as in an export.
    """
    found = searcher.find_all(replace(query, copies=Copies.SHOW), relaxes=False)
    table, total = found.hits.table, len(found.ordered)
    counts = count_outlets(table, np.asarray(found.ordered))
    firsts = replace(found, ordered=np.array([c.first for c in counts if c.first is not None], int))
    articles = {each.article.source.casefold(): each.article for each in searcher.articles(firsts)}
    outlets = (
        Outlet(
            name=each.name,
            articles=each.articles,
            share=each.articles / total,
            first=_date_span(table, each.first),
            last=_date_span(table, each.last),
            first_article=articles.get(each.name.casefold()),
        )
        for each in counts
    )
    key = _by_first_day if order is OutletOrder.FIRST else _by_articles
    return OutletSummary(found.answer, total, tuple(sorted(outlets, key=key)))


def _by_first_day(outlet: Outlet) -> tuple[date, int, str]:
    return (outlet.first.last if outlet.first else date.max, -outlet.articles, outlet.name)


def _by_articles(outlet: Outlet) -> tuple[int, date, str]:
    return (-outlet.articles, outlet.first.last if outlet.first else date.max, outlet.name)


def _date_span(table: ArticleTable, ordinal: int | None) -> DateSpan | None:
    if ordinal is None:
        return None
    days = (int(each[ordinal]) for each in (table.published, table.published_last))
    return DateSpan(*map(date.fromordinal, days))
