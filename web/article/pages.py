"""The pages of one article: to be read, with the search it was found by, and what it was before."""

import logging
from itertools import islice, pairwise
from typing import NamedTuple

from flask import Blueprint, render_template, request
from markupsafe import Markup

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.history import Version
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.model.query import Query, parse_cursor
from backfile.index.search.related import Related
from backfile.index.search.searcher import Searcher
from backfile.web.api.citations import written
from backfile.web.article.body import blocks, matched, numbered
from backfile.web.article.changes import FieldChange, field_changes, text_changes
from backfile.web.search.hit_links import neighbours
from backfile.web.search.pages import other_years

RELATED_SHOWN = 5  # of earlier coverage, and of later
VERSIONS_SHOWN = 20
log = logging.getLogger(__name__)


class Change(NamedTuple):
    """A version of an article, and what it changed in the one before; nothing in the first."""

    version: Version
    fields: list[FieldChange]
    text: list[Markup]


def blueprint(searcher: Searcher) -> Blueprint:
    """Routes of an article's pages."""
    routes = Blueprint("reading", __name__)

    @routes.get("/article/<id:article_id>")
    def article(article_id: str) -> str:
        found, passages = searcher.article(article_id)
        query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
        hit = parse_cursor("hit", request.args.get("hit", ""))
        highlighter = _highlighter(searcher, query)
        title = numbered(highlighter.mark(found.title, found.language), 1)
        text = numbered(highlighter.mark(found.text, found.language), len(title) + 1)
        total = len(title) + len(text)
        current = min(request.args.get("match", 0, type=int), total)
        return render_template(
            "article.html",
            article=found,
            query=query,
            hit=hit,
            beside=neighbours(searcher, query, hit, article_id) if hit else None,
            title=matched(found.title, title, current),
            blocks=list(blocks(found, passages, text, current)),
            matches=total,
            current=max(current, 0),
            copies=searcher.copies(article_id),
            related=_related(searcher, article_id),
            other_years=other_years(searcher, found.published),
            citations=written(found),
            versions=len(searcher.versions(article_id).versions),
        )

    @routes.get("/history/<id:article_id>")
    def history(article_id: str) -> str:
        found, _ = searcher.article(article_id)  # what was taken back is not shown
        versions = searcher.versions(article_id).versions
        return render_template(
            "history.html", article=found, changes=_changes(versions), total=len(versions)
        )

    return routes


def _highlighter(searcher: Searcher, query: Query) -> Highlighter:
    """Mark words in the languages of the archive, or as they are where no engine can answer."""
    try:
        languages = Languages.of(searcher.table().spoken)
    except EngineUnavailable as exc:
        log.warning("an article is marked without the archive's languages: %s", exc)
        languages = Languages.of(())
    return Highlighter(searcher.read(query).expression, languages)


def _changes(versions: tuple[Version, ...]) -> list[Change]:
    """The latest versions, each beside the one before it."""
    found = [
        Change(later, field_changes(a, b), list(text_changes(a.text, b.text)))
        for later, former in islice(pairwise(versions), VERSIONS_SHOWN)
        for a, b in [(former.article, later.article)]
    ]
    first = [Change(versions[-1], [], [])] if len(versions) <= VERSIONS_SHOWN else []
    return found + first


def _related(searcher: Searcher, article_id: str) -> Related:
    """Other coverage; an article can be read without it where an engine cannot answer."""
    try:
        return searcher.related(article_id, limit=RELATED_SHOWN)
    except EngineUnavailable as exc:
        log.warning("an article is shown without related ones: %s", exc)
        return Related()
