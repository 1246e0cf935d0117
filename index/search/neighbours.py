"""Finds the hits before and after one of a search, for a reader who goes from hit to hit."""

from dataclasses import replace
from typing import NamedTuple

from archive.errors import EngineUnavailable
from index.query import Cursor, Query
from index.results import Hit
from index.search.search import Searcher


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
