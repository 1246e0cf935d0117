"""Links a search and its hits: to a hit, to its neighbours, and back to the results."""

from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlencode

from backfile.archive.model.article import Article, Passage
from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.query import Cursor, Query
from backfile.index.model.results import Hit, Results
from backfile.index.search.question import ArchiveSearcher
from backfile.web.links import article_path, search_url
from backfile.web.packed_links import packed_path


class Neighbours(NamedTuple):
    """The hits before and after a hit, its rank (from 1), and the total of the search."""

    rank: int
    total: int
    before: Hit | None
    after: Hit | None
    generation: int


def neighbours(
    searcher: ArchiveSearcher, query: Query, hit: Cursor, article_id: str
) -> Neighbours | None:
    """Find the neighbours of the hit at a cursor.

    None if another article has this rank now, or an engine is unavailable.
    """
    begin = max(0, hit.offset - 1)
    try:
        results = searcher.search(replace(query, limit=3, cursor=Cursor(hit.generation, begin)))
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
    """An article's page, with the parameters of the search and the cursor of the hit."""
    path, anchor, number = article_path(article, passage).partition("#")
    place = [("hit", str(hit))] if hit else []
    if packed := packed_path(query):
        path, parameters = packed + path.removeprefix("/"), place
    else:
        parameters = [*query.first_page().to_parameters(), *place]
    return (
        f"{path}?{urlencode(parameters)}{anchor}{number}" if parameters else path + anchor + number
    )


def hit_cursor(results: Results, index: int) -> Cursor:
    """The cursor of a hit, by its index on the page of results."""
    first = results.query.cursor.offset if results.query.cursor else 0
    return Cursor(results.generation, first + index)


def neighbour_url(neighbour: Hit, query: Query, generation: int, rank: int) -> str:
    """The page of a neighbour, at its best passage; `rank` counts from 1."""
    hit = Cursor(generation, rank - 1)
    return hit_url(neighbour.article, query, hit, neighbour.passages[0].passage)


def results_url(query: Query, hit: Cursor | None) -> str:
    """The page of results with this hit, or the first page without one."""
    begin = hit.offset - hit.offset % query.limit if hit else 0
    cursor = Cursor(hit.generation, begin) if hit and begin else None
    return search_url(query, cursor=cursor)


def match_url(article: Article, query: Query, hit: Cursor | None, number: int) -> str:
    """An article's page with this match as the current one, at the match's anchor."""
    page = hit_url(article, query, hit)
    return f"{page}{'&' if '?' in page else '?'}step={number}#m{number}"


HIT_LINKS = {
    each.__name__: each for each in (neighbour_url, hit_cursor, hit_url, match_url, results_url)
}
"""Filters of templates, by name."""
