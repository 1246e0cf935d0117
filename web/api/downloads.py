"""Downloads of a search: exports of all matches, feeds, citations, OpenSearch description."""

from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, jsonify, render_template, request

from backfile.archive.model.article import Article
from backfile.archive.model.errors import BadQuery
from backfile.archive.store.reader import Reader
from backfile.index.model.groups import Group
from backfile.index.model.query import Marking, Mode, Query, Sort
from backfile.index.model.results import Results
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.answers import answer, mark_passing
from backfile.web.api.citations import STYLES
from backfile.web.api.exports import EXPORTS, with_byte_order_mark
from backfile.web.api.feeds import ENTRIES, Place, atom, json_feed
from backfile.web.api.filenames import attachment, name_of
from backfile.web.api.parameters import require_known
from backfile.web.api.shapes import Feed


def blueprint(searcher: ArchiveSearcher, reader: Reader) -> Blueprint:
    """Routes of exports, feeds, citations and the description of the search."""
    routes = Blueprint("taking", __name__)

    def export(kind: str) -> Response:
        export_format = EXPORTS[kind]
        query = _query()
        found = searcher.all_hits(query, relaxes=False)
        if found.answer.reading.notes:
            mark_passing()
        pieces = export_format.write(found.articles)
        written = with_byte_order_mark(pieces) if kind == "csv" else pieces
        response = Response(written, content_type=export_format.media_type)
        response.headers["Content-Disposition"] = attachment(name_of(query), kind)
        return response

    def latest() -> Results:
        """The hits that were added last: a feed reports articles new in the archive, of any day.

        Those that are merely related are only in a feed that asks for them. Nothing is relaxed.
        """
        query = replace(_query(), sort=Sort.ADDED, limit=ENTRIES)
        results = searcher.search(query, relaxes=False)
        related = results.counted is Group.RELATED and query.mode is not Mode.SEMANTIC
        if related and not query.match:
            results = replace(results, hits=(), total=0)
        if results.reading.notes:
            mark_passing()
        return results

    def place_of(results: Results) -> Place:
        added = reader.added(hit.article.id for hit in results.hits)
        return Place(request.url_root, request.url, reader.archive, added)

    for each in EXPORTS:
        routes.add_url_rule(f"/export.{each}", each, partial(export, each))

    @routes.get("/search.atom")
    def atom_feed() -> Response:
        results = latest()
        feed = atom(results, place_of(results))
        return Response(feed, content_type="application/atom+xml")

    @routes.get("/search.json")
    def feed_in_json() -> Response:
        results = latest()
        feed = json_feed(results, place_of(results))
        return answer(Feed, feed, media_type="application/feed+json")

    @routes.get("/cite/<style>/<id:article_id>")
    def cite(style: str, article_id: str) -> Response:
        if style not in STYLES:
            raise BadQuery("style", f"{style!r} is none of: {', '.join(STYLES)}")
        media_type, write = STYLES[style]
        article = reader.article(article_id).article
        response = jsonify(write(article)) if style == "csl" else Response(write(article))
        response.content_type = media_type
        response.headers["Content-Disposition"] = f'inline; filename="{_name(article, style)}"'
        return response

    @routes.get("/opensearch.xml")
    def description() -> Response:
        page = render_template("opensearch.xml", root=request.url_root.rstrip("/"))
        return Response(page, content_type="application/opensearchdescription+xml")

    return routes


def _query() -> Query:
    require_known(request.args, "lang", search=True)  # links of pages may carry a language
    query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
    return replace(query, mark=Marking.WORDS)


def _name(article: Article, style: str) -> str:
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in article.id)[:60]
    suffixes = {"plain": "txt", "bibtex": "bib", "ris": "ris", "csl": "json"}
    return f"{stem}.{suffixes[style]}"
