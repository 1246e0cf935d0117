"""Makes addresses of pages: articles, and searches with changed parameters."""

from dataclasses import replace
from datetime import date
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from backfile.archive.model.addresses import with_parameter
from backfile.archive.model.article import Article, Passage
from backfile.archive.store.clusters import Copy
from backfile.index.model.filters import EXCLUSIONS, DateFilter, Filters
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.model.results import Timeline
from backfile.web.packed_links import LONG, changes_of, packed_path


class DaySpan(Protocol):
    """A first and a last day, for example of a bar of the timeline."""

    @property
    def since(self) -> date: ...

    @property
    def until(self) -> date: ...


def copies_url(query: Query) -> str:
    """The page of a query with copies shown, or folded if they are shown now."""
    folded = query.copies is Copies.FOLD
    return search_url(query, copies=Copies.SHOW if folded else Copies.FOLD)


def article_path(article: Article | Copy, passage: Passage | None = None) -> str:
    """The path of an article's page, with the anchor of a passage."""
    anchor = f"#p{passage.n}" if passage else ""
    return article_path_of(article.id) + anchor


def article_path_of(article_id: str) -> str:
    """The path of the page of an article with this id."""
    return f"/article/{quote(article_id, safe='')}"


def outlet_url(url: str) -> str:
    """The address itself if it is http or https, else empty: pages link to no other schemes."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def search_url(query: Query, **changes: Any) -> str:
    """The first page of a query with changed fields."""
    changed = replace(query, **{"cursor": None, **changes})
    if packed := packed_path(query):
        turn = changes_of(query.first_page().to_parameters(), changed.to_parameters())
        return f"{packed}?{turn}" if turn else packed
    parameters = changed.to_url()
    return f"/?{parameters}" if parameters else "/"


def download_url(query: Query, path: str) -> str:
    """The address of a search as a file or a feed, without the parameters of its page."""
    if packed := packed_path(query):
        return packed + path.removeprefix("/")
    return _file_url(query, path, ("cursor", "limit", "timeline", "mark", "view", "compare"))


def compare_url(query: Query, path: str) -> str:
    """The address of a comparison as a file."""
    if packed := packed_path(query):
        return packed + path.removeprefix("/")
    return _file_url(query, path, ("cursor", "limit", "mark", "view", "sort", "copies"))


def _file_url(query: Query, path: str, without: tuple[str, ...]) -> str:
    default = Query()
    parameters = replace(query, **{name: getattr(default, name) for name in without}).to_url()
    return f"{path}?{parameters}" if parameters else path


def beside_url(query: Query, path: str, **beside: str) -> str:
    """The address of a page that takes a search, such as `/outlets`, with other parameters."""
    url = download_url(query, path)
    for name, value in beside.items():
        url = with_parameter(url, name, value)
    return url


def collection_path(name: str) -> str:
    """The path of the page of a collection."""
    return f"/collections/{quote(name, safe='')}"


def citation_path(article: Article, style: str) -> str:
    """The path of an article's citation in a style."""
    return f"/cite/{style}/{quote(article.id, safe='')}"


def history_path(article: Article) -> str:
    """The path of an article's history."""
    return f"/history/{quote(article.id, safe='')}"


def word_url(word: str) -> str:
    """The page of an alternative word, with the settings that its announced number counts."""
    return search_url(Query(word, mode=Mode.KEYWORD, copies=Copies.SHOW))


def filter_url(query: Query, name: str, value: str) -> str:
    """The page of a query with a facet's value added, or removed if the query has it.

    `name` is a facet, or one of EXCLUSIONS; including a value ends its exclusion, and vice versa.
    """
    values = getattr(query.filters, name)
    others = _without(values, value)
    changed: Any = {name: others if is_chosen(query, name, value) else (*values, value)}
    opposite = {**EXCLUSIONS, **{excluded: facet for facet, excluded in EXCLUSIONS.items()}}[name]
    changed[opposite] = _without(getattr(query.filters, opposite), value)
    return search_url(query, filters=replace(query.filters, **changed))


def is_chosen(query: Query, name: str, value: str) -> bool:
    """Whether a facet's value is included, or excluded if `name` is one of EXCLUSIONS."""
    values: tuple[str, ...] = getattr(query.filters, name)
    return value.casefold() in {each.casefold() for each in values}


def _without(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(each for each in values if each.casefold() != value.casefold())


def named_url(name: str, facet: str) -> str:
    """The page of all articles that have a name as a value of this facet."""
    chosen: Any = {facet: (name,)}
    return search_url(Query(filters=Filters(**chosen)))


def without_filters_url(query: Query) -> str:
    return search_url(query, filters=Filters())


def without_url(query: Query, name: str) -> str:
    """The page of a query without its `since`, `until`, `date` or `day`."""
    changed: Any = {name: getattr(Filters(), name)}
    return search_url(query, filters=replace(query.filters, **changed))


def days_url(query: Query, since: date, until: date) -> str:
    """The page of a query with these first and last days."""
    return search_url(query, filters=replace(query.filters, since=since, until=until))


def period_url(query: Query, period: DaySpan) -> str:
    """The page of a query narrowed to a period."""
    return days_url(query, period.since, period.until)


def bar_url(query: Query, bar: DaySpan, timeline: Timeline) -> str:
    """The page of a query narrowed to a bar of its timeline, with as many hits as the bar counts.

    Where dates cross bars, only those that lie within the bar are counted in it.
    """
    date_filter = DateFilter.WITHIN if timeline.crossing else query.filters.date
    filters = replace(query.filters, since=bar.since, until=bar.until, date=date_filter)
    return search_url(query, filters=filters)


def whole_time_url(query: Query) -> str:
    """The page of a query without its `since` and `until`."""
    within = query.filters.date is DateFilter.WITHIN
    date_filter = DateFilter.ANY if within else query.filters.date
    filters = replace(query.filters, since=None, until=None, date=date_filter)
    return search_url(query, filters=filters)


def undated_url(query: Query) -> str:
    """The page of a query narrowed to articles without a date."""
    return search_url(query, filters=replace(query.filters, date=DateFilter.NONE))


def with_query(path: str, text: str) -> str:
    """Add the text of a query to the path of an article's page, if it is not long."""
    return with_parameter(path, "q", text) if 0 < len(text) <= LONG else path


LINKS = {
    each.__name__: each
    for each in (
        article_path,
        citation_path,
        collection_path,
        copies_url,
        days_url,
        filter_url,
        history_path,
        is_chosen,
        named_url,
        outlet_url,
        period_url,
        bar_url,
        search_url,
        download_url,
        beside_url,
        compare_url,
        undated_url,
        whole_time_url,
        with_query,
        without_filters_url,
        without_url,
        word_url,
    )
}
"""Filters of templates, by name."""
