"""What templates show of the collections: stars, names, and why there is nothing of them."""

import logging
from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from typing import Any

from flask import Flask, Response, g, request

from backfile.archive.model.errors import ArchiveError
from backfile.archive.store.collections import STARRED, Collections
from backfile.index.model.query import Query
from backfile.index.model.results import Results
from backfile.index.search.memberships import show_collections
from backfile.web.collections.access import Access
from backfile.web.packed_links import packed_path

NAMES_OFFERED = 50
LONGEST_BACK = 2_000  # characters of a path to come back to
log = logging.getLogger(__name__)


class Shelf:
    """The collections, for one page; damaged ones are none, with the reason in `problem`."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._holding: dict[str, list[str]] = {}
        self._known: set[str] = set()
        self.problem = ""

    def look_up(self, article_ids: Iterable[str]) -> None:
        """Read at once which collections have these articles."""
        wanted = [each for each in article_ids if each not in self._known]
        self._known.update(wanted)
        try:
            self._holding |= self._collections.holding(wanted) if wanted else {}
        except ArchiveError as exc:
            self._note(exc)

    def holding(self, article_id: str) -> list[str]:
        """The names of the collections that have an article."""
        self.look_up([article_id])
        return self._holding.get(article_id, [])

    def names(self) -> list[str]:
        """The first names of collections, to choose from."""
        try:
            return [each.name for each in self._collections.listed(NAMES_OFFERED)]
        except ArchiveError as exc:
            self._note(exc)
        return []

    def _note(self, error: ArchiveError) -> None:
        if not self.problem:
            log.warning("a page is shown without collections: %s", error)
        self.problem = error.message


def anchor_of(article_id: str) -> str:
    """The fragment of an article's star, by which a page comes back to where it was."""
    return f"s{blake2b(article_id.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


def back_path(query: Query | None = None) -> str:
    """The path of this page, to come back to; of a long search, its packed one."""
    path = request.full_path.rstrip("?")
    if len(path) <= LONGEST_BACK and not g.get("base"):
        return path
    packed = packed_path(query) if query else ""
    at = f"?cursor={query.cursor}" if query and query.cursor else ""
    return packed + at if packed else request.path[:LONGEST_BACK]


def search_field(query: Query) -> str:
    """A search as a form sends it; a long one is packed, as in the links of its page."""
    return packed_path(query) or query.first_page().to_url()


def count_to_star(results: Results) -> int:
    """How many articles "star all" stars: the hits that are counted, and none merely related."""
    if results.query.match or results.counted is None:
        return results.total
    return min(results.total, results.totals.groups.get(results.counted, results.total))


def register(app: Flask, access: Access, collections: Collections) -> None:
    """Add `shelf()` to templates: None where the reader may not see collections."""

    def shelf() -> Shelf | None:
        if not access.allows(request):
            return None
        if "shelf" not in g:
            g.shelf = Shelf(collections)
        found: Shelf = g.shelf
        return found

    @app.before_request
    def choose_what_is_shown() -> None:
        asked: Any = request
        # The request itself, as what is streamed is made when there is no present one.
        show_collections(partial(access.allows, asked._get_current_object()))

    @app.after_request
    def keep_from_caches(response: Response) -> Response:
        """An answer about collections is for the one who asked."""
        if "collection" in request.args or "shelf" in g:
            response.cache_control.private = True
        return response

    added: dict[str, Any] = {
        "shelf": shelf,
        "starred_name": STARRED,
        "anchor_of": anchor_of,
        "back_path": back_path,
        "search_field": search_field,
        "count_to_star": count_to_star,
        "collections_exist": access.local or bool(access.token),
    }
    app.jinja_env.globals.update(added)
