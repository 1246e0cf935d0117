"""Where things are: articles, and searches with some of their parameters changed."""

from dataclasses import replace
from datetime import date
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from backfile.archive.model.article import Article, Passage
from backfile.archive.store.clusters import Copy
from backfile.index.model.filters import EXCLUSIONS, DateFilter, Filters
from backfile.index.model.query import Copies, Mode, Query


class Dated(Protocol):
    """What has a first and a last day: a bar of the timeline, say."""

    @property
    def since(self) -> date: ...

    @property
    def until(self) -> date: ...


def copies_url(query: Query) -> str:
    """The page of a query with its copies shown, or folded if they are shown."""
    folded = query.copies is Copies.FOLD
    return search_url(query, copies=Copies.SHOW if folded else Copies.FOLD)


def article_path(article: Article | Copy, passage: Passage | None = None) -> str:
    """The path of an article's page, at a passage of it."""
    anchor = f"#p{passage.n}" if passage else ""
    return f"/article/{quote(article.id, safe='')}{anchor}"


def outlet_url(url: str) -> str:
    """A link to follow, or nothing: only http and https are ever linked to."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def search_url(query: Query, **changes: Any) -> str:
    """The page of a query with some of its parts changed; it starts at the first hit again."""
    parameters = replace(query, **{"cursor": None, **changes}).to_url()
    return f"/?{parameters}" if parameters else "/"


def taken_url(query: Query, path: str) -> str:
    """A search as a file or a feed: all of it, wherever it is turned to."""
    default = Query()
    kept = replace(
        query,
        **{name: getattr(default, name) for name in ("cursor", "limit", "timeline", "mark")},
    )
    parameters = kept.to_url()
    return f"{path}?{parameters}" if parameters else path


def citation_path(article: Article, style: str) -> str:
    """Where an article is cited in a style."""
    return f"/cite/{style}/{quote(article.id, safe='')}"


def history_path(article: Article) -> str:
    """Where it is shown what an article said before."""
    return f"/history/{quote(article.id, safe='')}"


def word_url(word: str) -> str:
    """The page of a word that was offered, in the whole archive: it has as many hits as it says."""
    return search_url(Query(word, mode=Mode.KEYWORD, copies=Copies.SHOW))


def filter_url(query: Query, name: str, value: str) -> str:
    """The page of a query with a facet's value added, or taken away if it is chosen already.

    `name` is a facet, or one of EXCLUSIONS; what is included is no longer excluded, and vice versa.
    """
    chosen = getattr(query.filters, name)
    kept = _without(chosen, value)
    changed: Any = {name: kept if is_chosen(query, name, value) else (*chosen, value)}
    opposite = {**EXCLUSIONS, **{excluded: facet for facet, excluded in EXCLUSIONS.items()}}[name]
    changed[opposite] = _without(getattr(query.filters, opposite), value)
    return search_url(query, filters=replace(query.filters, **changed))


def is_chosen(query: Query, name: str, value: str) -> bool:
    """Whether a facet's value is included already, or excluded where `name` is of EXCLUSIONS."""
    chosen: tuple[str, ...] = getattr(query.filters, name)
    return value.casefold() in {each.casefold() for each in chosen}


def _without(chosen: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(each for each in chosen if each.casefold() != value.casefold())


def without_filters_url(query: Query) -> str:
    return search_url(query, filters=Filters())


def without_url(query: Query, name: str) -> str:
    """The page of a query without its `since`, `until`, `date` or `day`."""
    changed: Any = {name: getattr(Filters(), name)}
    return search_url(query, filters=replace(query.filters, **changed))


def period_url(query: Query, period: Dated) -> str:
    """The page of a query narrowed to a period, such as a bar of the timeline."""
    changed = replace(query.filters, since=period.since, until=period.until)
    return search_url(query, filters=changed)


def whole_time_url(query: Query) -> str:
    """The page of a query without its `since` and `until`."""
    return search_url(query, filters=replace(query.filters, since=None, until=None))


def undated_url(query: Query) -> str:
    """The page of a query narrowed to what has no date."""
    return search_url(query, filters=replace(query.filters, date=DateFilter.NONE))


def with_query(path: str, text: str) -> str:
    """Carry the words of a search to an article's page, in front of the anchor."""
    if not text:
        return path
    before, anchor, after = path.partition("#")
    return f"{before}{'&' if '?' in before else '?'}{urlencode({'q': text})}{anchor}{after}"


LINKS = {
    each.__name__: each
    for each in (
        article_path,
        citation_path,
        copies_url,
        filter_url,
        history_path,
        is_chosen,
        outlet_url,
        period_url,
        search_url,
        taken_url,
        undated_url,
        whole_time_url,
        with_query,
        without_filters_url,
        without_url,
        word_url,
    )
}
"""For the templates, by name."""
