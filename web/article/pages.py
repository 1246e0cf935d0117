"""The pages of an article: its text with highlights and related articles, and its history."""

import logging
from itertools import islice, pairwise
from typing import NamedTuple

from flask import Blueprint, render_template, request
from markupsafe import Markup

from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.catalog import StoredArticle
from backfile.archive.store.history import Version
from backfile.archive.store.reader import Reader
from backfile.index.answers.marks import ArticleMarker, Marks
from backfile.index.lexical.analysis.languages import Languages
from backfile.index.model.query import Query, parse_cursor
from backfile.index.search.question import ArchiveSearcher
from backfile.index.search.related import Related
from backfile.web.api.citations import written
from backfile.web.article.body import beside_furniture, blocks, matched, numbered
from backfile.web.article.changes import FieldChange, field_changes, text_changes
from backfile.web.links import article_path
from backfile.web.search.hit_links import neighbours
from backfile.web.search.pages import other_years

RELATED_SHOWN = 5  # articles of each kind
VERSIONS_SHOWN = 20
log = logging.getLogger(__name__)


class Change(NamedTuple):
    """A version of an article, and its changes to the version before; empty for the first one."""

    version: Version
    fields: list[FieldChange]
    text: list[Markup]


def blueprint(searcher: ArchiveSearcher, reader: Reader) -> Blueprint:
    """The routes of an article's pages."""
    routes = Blueprint("reading", __name__)

    @routes.get("/article/<id:article_id>")
    def article(article_id: str) -> str:
        stored = reader.article(article_id)
        found = stored.article
        related = _related(searcher, stored)  # first: it opens the snapshot with vectors
        query = Query.from_parameters(request.args.to_dict(flat=False)).first_page()
        hit = parse_cursor("hit", request.args.get("hit", ""))
        marks = _marks(searcher, query, found)
        title = numbered(marks.title, 1)
        text = numbered(beside_furniture(marks.text, found, stored.passages), len(title) + 1)
        total = len(title) + len(text)
        current = min(request.args.get("step", 0, type=int), total)
        return render_template(
            "article.html",
            article=found,
            permalink=article_path(found),
            page=request.url_root.rstrip("/") + article_path(found),
            query=query,
            hit=hit,
            beside=neighbours(searcher, query, hit, article_id) if hit else None,
            title=matched(found.title, title, current),
            blocks=list(blocks(found, stored.passages, text, current)),
            matches=total,
            current=max(current, 0),
            copies=reader.copies(article_id),
            names=stored.names,
            related=related,
            other_years=other_years(searcher, found.published),
            citations=written(found),
            earlier_versions=reader.count_earlier(article_id),
        )

    @routes.get("/history/<id:article_id>")
    def history(article_id: str) -> str:
        found = reader.versions(article_id)
        article, versions = found.require_present(), found.versions
        return render_template(
            "history.html", article=article, changes=_changes(versions), total=len(versions)
        )

    return routes


def _marks(searcher: ArchiveSearcher, query: Query, article: Article) -> Marks:
    """The matches in title and text.

    They are those of English if an engine is unavailable.
    """
    try:
        languages = Languages.of(searcher.overview().languages)
    except EngineUnavailable as exc:
        log.warning("an article is marked without the archive's languages: %s", exc)
        languages = Languages.of(())
    return ArticleMarker(searcher.read(query), languages).mark(article)


def _changes(versions: tuple[Version, ...]) -> list[Change]:
    """The latest versions, each with its changes to the version before."""
    found = [
        Change(later, field_changes(a, b), list(text_changes(a.text, b.text)))
        for later, former in islice(pairwise(versions), VERSIONS_SHOWN)
        for a, b in [(former.article, later.article)]
    ]
    first = [Change(versions[-1], [], [])] if len(versions) <= VERSIONS_SHOWN else []
    return found + first


def _related(searcher: ArchiveSearcher, stored: StoredArticle) -> Related:
    """The related articles; none if an engine is unavailable, so that the page is still shown."""
    try:
        return searcher.related_to(stored, limit=RELATED_SHOWN)
    except EngineUnavailable as exc:
        log.warning("an article is shown without related ones: %s", exc)
        return Related()
