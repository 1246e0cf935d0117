"""The pages of collections and saved searches, and the forms that change them.

Every change is a POST by a form of this server, answered by a redirect to the page that it came
from, or with what was done. Nothing of it needs a script.
"""

from typing import NamedTuple

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from backfile.archive.model.article import Article
from backfile.archive.model.errors import ArticleNotFound, BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.collections import STARRED, Collection, Entry
from backfile.archive.store.reader import Reader
from backfile.index.model.filters import Filters
from backfile.index.model.query import Query
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.exports import EXPORTS
from backfile.web.collections.access import Access
from backfile.web.collections.forms import Page, back, given, page_of, query_of, see
from backfile.web.collections.searches import SEARCHES_SHOWN, look_for_new
from backfile.web.collections.shelf import anchor_of
from backfile.web.collections.signing_in import guard
from backfile.web.links import collection_path

COLLECTIONS_SHOWN = 100  # on a page
ARTICLES_SHOWN = 25  # on a page
MOST_STARRED = 10_000  # articles at once
MOST_NOTE = 600  # characters of a note in the list
NOT_SURE = Message("tick the box to say that it is to be deleted")


class Listed(NamedTuple):
    """An article of a collection, as the archive has it now; None if it is gone."""

    entry: Entry
    article: Article | None


def blueprint(searcher: ArchiveSearcher, reader: Reader, access: Access) -> Blueprint:
    """The routes of collections; they are there for the one who has access alone."""
    collections = reader.collections
    routes = Blueprint("collections", __name__)
    guard(routes, access)

    @routes.get("/collections")
    def overview() -> str:
        found, page = page_of(collections.listed, COLLECTIONS_SHOWN)
        saved, searches_page = page_of(collections.searches.listed, SEARCHES_SHOWN, "searches")
        return render_template(
            "collections.html",
            collections=found,
            page=page,
            searches=[look_for_new(searcher, each) for each in saved],
            searches_page=searches_page,
            signed_in=access.is_signed_in(request),
        )

    @routes.post("/collections")
    def make() -> BaseResponse:
        return see(_path_of(collections.make(given("name"))))

    @routes.get("/collections/<id:name>")
    def collection(name: str) -> str:
        found, tag = collections.named(name), request.args.get("tag", "")
        if article_id := request.args.get("article", ""):
            entries, page = [collections.entry(found.name, article_id)], Page(1, has_next=False)
        else:
            entries, page = page_of(
                lambda limit, offset: collections.entries(found.name, limit, offset, tag=tag),
                ARTICLES_SHOWN,
            )
        return render_template(
            "collection.html",
            collection=found,
            listed=_listed(reader, entries),
            edited=bool(article_id),
            page=page,
            tag=tag,
            tags=collections.count_tags(found.name),
            query=Query(filters=Filters(collection=found.name)),
            exports=list(EXPORTS),
            most_note=MOST_NOTE,
        )

    @routes.post("/collections/<id:name>")
    def change(name: str) -> BaseResponse:
        article_id = request.form.get("article", "")
        match request.form.get("do", ""):
            case "rename":
                return see(_path_of(collections.rename(name, given("name"))))
            case "delete":
                _require_sure()
                collections.delete(name)
                return see("/collections")
            case "note":
                tags = request.form.getlist("tags")
                collections.annotate(name, article_id, request.form.get("note", ""), tags)
            case _:
                removed = request.form.get("remove", article_id)
                collections.remove(name, [removed])
        return see(_path_of(collections.named(name)))

    @routes.post("/star")
    def star() -> BaseResponse:
        name, article_id = request.form.get("collection") or STARRED, request.form.get("star", "")
        if not article_id:
            article_id = given("unstar")
            collections.remove(name, [article_id])
        else:
            collections.add(name, [(article_id, _title(reader, article_id))])
            note, tags = request.form.get("note", ""), request.form.getlist("tags")
            if note.strip() or any(map(str.strip, tags)):
                collections.annotate(name, article_id, note, tags)
        return see(f"{back()}#{anchor_of(article_id)}")

    @routes.post("/star/all")
    def star_all() -> str:
        name = request.form.get("collection") or STARRED
        query = query_of(request.form.get("search", ""))
        found = searcher.all_hits(query, corrects=True, most=MOST_STARRED)
        articles = [(each.article.id, each.article.title) for each in found.articles]
        added = collections.add(name, articles)
        return render_template(
            "starred.html",
            collection=collections.named(name),
            added=added,
            before=len(articles) - added,
            left=max(0, found.answer.total - len(articles)),
            back=back(),
        )

    return routes


def _require_sure() -> None:
    if request.form.get("sure") != "yes":
        raise BadQuery("sure", NOT_SURE)


def _path_of(collection: Collection) -> str:
    return collection_path(collection.name)


def _listed(reader: Reader, entries: list[Entry]) -> list[Listed]:
    known = reader.articles([each.article_id for each in entries])
    return [Listed(each, known.get(each.article_id)) for each in entries]


def _title(reader: Reader, article_id: str) -> str:
    """The title of an article; raise ArticleNotFound."""
    found = reader.articles([article_id]).get(article_id)
    if found is None:
        raise ArticleNotFound(article_id)
    return found.title
