"""The pages a person sees: the search page and the article page."""

import logging

from flask import Blueprint, Response, make_response, render_template, request

from archive.errors import EngineUnavailable
from index.clock import Clock
from index.lexical.highlighting import Highlighter
from index.query import Marking, Mode, Query, Scale, Sort
from index.related import Related
from index.search import Searcher
from web.article_body import blocks
from web.this_day import other_years, today
from web.timing import timed

PAGE_SIZES = (10, 20, 50, 100)  # hits
RELATED_SHOWN = 5  # of earlier coverage, and of later
log = logging.getLogger(__name__)


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes of the pages."""
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def search() -> Response:
        query = Query.from_parameters(request.args.to_dict(flat=False))
        results = searcher.search(query)
        day = None if query.text or query.filters or query.cursor else today()
        rendering = Clock()
        page = render_template(
            "search.html",
            query=query,
            results=results,
            modes=list(Mode),
            sorts=list(Sort),
            scales=list(Scale),
            markings=list(Marking),
            sizes=PAGE_SIZES,
            today=day,
            other_years=other_years(searcher, day),
            first=(query.cursor.offset if query.cursor else 0) + 1,
        )
        return timed(make_response(page), results, rendering)

    @routes.get("/article/<id:article_id>")
    def article(article_id: str) -> str:
        found, passages = searcher.article(article_id)
        query = Query.from_parameters({"q": request.args.getlist("q")})
        highlighter = Highlighter(searcher.read(query).expression)
        return render_template(
            "article.html",
            article=found,
            query=query,
            title_spans=highlighter.mark(found.title),
            copies=searcher.copies(article_id),
            blocks=list(blocks(found, passages, highlighter.mark(found.text))),
            related=_related(searcher, article_id),
            other_years=other_years(searcher, found.published),
        )

    return routes


def _related(searcher: Searcher, article_id: str) -> Related:
    """Other coverage; an article can be read without it where an engine cannot answer."""
    try:
        return searcher.related(article_id, limit=RELATED_SHOWN)
    except EngineUnavailable as exc:
        log.warning("an article is shown without related ones: %s", exc)
        return Related()
