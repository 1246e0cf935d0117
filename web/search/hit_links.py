"""Where a reader is in a search: links to its hits, from one to the next, and back to its page."""

from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlencode

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.query import Cursor, Query
from backfile.index.model.results import Hit, Results
from backfile.index.search.searcher import Searcher
from backfile.web.links import article_path, search_url


class Neighbours(NamedTuple):
    """The hits beside one of a search, and which one it is, from 1, of how many."""

    place: int
    total: int
    before: Hit | None
    after: Hit | None
    generation: int


def neighbours(searcher: Searcher, query: Query, hit: Cursor, article_id: str) -> Neighbours | None:
    """Find what stands beside the hit that a cursor points to, as if a page began with it.

    None where another article stands there by now, or an engine cannot answer.
    """
    begin = max(0, hit.offset - 1)
    asked = replace(query, limit=3, cursor=Cursor(hit.generation, begin))
    try:
        results = searcher.search(asked)
    except EngineUnavailable:
        return None
    own = hit.offset - begin
    found = [*results.hits, None, None]
    if len(results.hits) <= own or results.hits[own].article.id != article_id:
        return None
    before = results.hits[own - 1] if own else None
    return Neighbours(hit.offset + 1, results.total, before, found[own + 1], results.generation)


def hit_url(
    article: Article, query: Query, hit: Cursor | None, passage: Passage | None = None
) -> str:
    """An article's page, which knows the search it was found by and the place of the hit."""
    path, anchor, number = article_path(article, passage).partition("#")
    parameters = replace(query, cursor=None).to_parameters()
    parameters += [("hit", str(hit))] if hit else []
    return (
        f"{path}?{urlencode(parameters)}{anchor}{number}" if parameters else path + anchor + number
    )


def hit_at(results: Results, index: int) -> Cursor:
    """The place of a page's hit in the whole answer."""
    first = results.query.cursor.offset if results.query.cursor else 0
    return Cursor(results.generation, first + index)


def beside_url(neighbour: Hit, query: Query, generation: int, place: int) -> str:
    """The page of a hit beside another, at its best passage; `place` counts from 1."""
    hit = Cursor(generation, place - 1)
    return hit_url(neighbour.article, query, hit, neighbour.passages[0].passage)


def results_url(query: Query, hit: Cursor | None) -> str:
    """The page of results that a hit stands on, or the first where none is known."""
    begin = hit.offset - hit.offset % query.limit if hit else 0
    cursor = Cursor(hit.generation, begin) if hit and begin else None
    return search_url(query, cursor=cursor)


def match_url(article: Article, query: Query, hit: Cursor | None, number: int) -> str:
    """An article's page with one of its matches as the current one, and the page at it."""
    page = hit_url(article, query, hit)
    return f"{page}{'&' if '?' in page else '?'}match={number}#m{number}"


PLACES = {each.__name__: each for each in (beside_url, hit_at, hit_url, match_url, results_url)}
"""For the templates, by name."""
