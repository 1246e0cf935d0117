"""Saved searches: how many articles are new in each since it was last looked at."""

from dataclasses import replace
from typing import NamedTuple

from flask import Blueprint, request
from werkzeug.wrappers import Response as BaseResponse

from backfile.archive.model.errors import ArchiveError, BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.saved_searches import SavedSearch, SavedSearches
from backfile.index.model.filters import instant_of
from backfile.index.model.groups import Group
from backfile.index.model.query import Mode, Query, Sort
from backfile.index.search.question import ArchiveSearcher
from backfile.web.collections.access import Access
from backfile.web.collections.forms import given, query_of, see
from backfile.web.collections.signing_in import guard
from backfile.web.links import search_url

SEARCHES_SHOWN = 20  # on a page: each is searched for what is new
LONGEST_NAME = 60  # characters of a name that is made of the search


class Looked(NamedTuple):
    """A saved search, its query, and how many hits are new; `problem` says why it fails."""

    saved: SavedSearch
    query: Query | None = None
    new: int = 0
    problem: str = ""


def blueprint(searcher: ArchiveSearcher, searches: SavedSearches, access: Access) -> Blueprint:
    """The routes of saved searches; they are there for the one who has access alone."""
    routes = Blueprint("saved_searches", __name__)
    guard(routes, access)

    @routes.post("/searches")
    def save() -> BaseResponse:
        query = as_saved(query_of(request.form.get("search", "")))
        name = request.form.get("name", "").strip() or _name_of(query)
        searcher.read(query)  # it raises BadQuery for a collection that is not there
        searches.save(name, query.to_url(), searcher.overview().last_added)
        return see("/collections#searches")

    @routes.post("/searches/<int:number>")
    def change(number: int) -> BaseResponse:
        match request.form.get("do", ""):
            case "rename":
                searches.rename(number, given("name"))
            case "delete":
                searches.delete(number)
            case _:
                found = look_for_new(searcher, searches.find(number))
                if found.query is None:
                    raise BadQuery("search", found.problem)
                searches.look(number, searcher.overview().last_added)
                query = new_in(found.query, found.saved) if found.new else found.query
                return see(search_url(query))
        return see("/collections#searches")

    return routes


def as_saved(query: Query) -> Query:
    """The search without what only says how it is shown."""
    shown = Query()
    return replace(query, cursor=None, limit=shown.limit, timeline=shown.timeline, mark=shown.mark)


def new_in(query: Query, saved: SavedSearch) -> Query:
    """The hits of a saved search that were added since it was looked at, the last added first."""
    since = instant_of(saved.seen + 1)
    return replace(query, filters=replace(query.filters, added_since=since), sort=Sort.ADDED)


def look_for_new(searcher: ArchiveSearcher, saved: SavedSearch) -> Looked:
    """Count what is new in a saved search, by one search; what is merely related is not."""
    try:
        query = query_of(saved.parameters)
        results = searcher.all_hits(new_in(query, saved), most=0).answer
    except ArchiveError as exc:
        return Looked(saved, problem=exc.message)
    related = results.counted is Group.RELATED and query.mode is not Mode.SEMANTIC
    return Looked(saved, query, 0 if related and not query.match else results.total)


def _name_of(query: Query) -> str:
    """A name for a search that got none: its text, or its filters."""
    words = query.text.replace("/", " ").replace("\\", " ").strip()
    words = words or ", ".join(value for _, value in query.filters.values())
    words = words.replace("/", " ").replace("\\", " ").strip(". ")
    return words[:LONGEST_NAME].strip(". ") or str(Message("Search"))
