"""HTTP for programs: the routes that are theirs, ETags, and requests from other sites (CORS)."""

import secrets
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import blake2b

from flask import Flask, Response, g, request
from werkzeug.datastructures import ETags

from backfile.archive.model.errors import ArchiveError
from backfile.archive.store.collections import Collections
from backfile.index.search.question import ArchiveSearcher
from backfile.web.parts import HEADER

PATHS = (
    "/api/", "/search.json", "/search.atom", "/export.", "/outlets.csv", "/compare.",
    "/context.csv", "/cite/", "/openapi.json", "/opensearch.xml", "/healthz", "/readyz", "/metrics",
)  # fmt: skip
WITHOUT_TAG = ("/api/suggest", "/healthz", "/readyz", "/metrics")  # always answered anew
JOBS = "/api/jobs/"
CONSTANT = ("/api/openapi.json", "/openapi.json", "/opensearch.xml")  # whatever the archive holds
ANY_ORIGIN = "*"
EXPOSED = f"{HEADER}, ETag, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Server-Timing"
SECONDS_OF_PREFLIGHT = 86_400


def is_for_programs(path: str) -> bool:
    """Whether a path is answered for programs, in errors too.

    >>> [is_for_programs(path) for path in ("/api/search", "/api", "/export.csv", "/article/a")]
    [True, False, True, False]
    """
    return path.startswith(PATHS)


def tag_answers(
    app: Flask,
    searcher: ArchiveSearcher,
    today: Callable[[], date] = date.today,
    collections: Collections | None = None,
) -> None:
    """Give answers a weak ETag, and answer 304 to a request that has the current one.

    An answer depends on the generation of the archive, on the day (`last week`), and on its
    address; that of a collection also on the revision of the collections. It may depend on the
    settings of this process: a random salt changes at each start. A 304 needs no search, and reads
    nothing of the archive but its generation, once a second.
    """
    salt = secrets.token_bytes(8)

    @app.before_request
    def unchanged() -> Response | None:
        if not _has_tag():
            return None
        try:
            generation = 0 if request.path in CONSTANT else searcher.overview().generation
            revision = _revision(collections)
        except ArchiveError:  # the route may answer without what cannot be opened
            return None
        if "passing" in g:  # a part of the archive is out
            return None
        g.tag = _tag(generation, f"{today()} {revision} {request.full_path}", salt)
        if not _knows(request.if_none_match, g.tag):
            return None
        return Response(status=304)

    @app.after_request
    def add_tag(response: Response) -> Response:
        if response.status_code in (200, 304) and "tag" in g and "passing" not in g:
            response.set_etag(g.tag, weak=True)
            response.cache_control.no_cache = True  # ask again each time
        return response


def allow_origins(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins, or of `*`, read the routes for programs (CORS), by GET alone."""
    if not origins:
        return

    @app.after_request
    def allow(response: Response) -> Response:
        if not is_for_programs(request.path):
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if not origin or not (ANY_ORIGIN in origins or origin in origins):
            return response
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            return response
        response.headers["Access-Control-Allow-Origin"] = (
            ANY_ORIGIN if ANY_ORIGIN in origins else origin
        )
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if "Access-Control-Request-Method" in request.headers:
            response.headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match"
            response.headers["Access-Control-Max-Age"] = str(SECONDS_OF_PREFLIGHT)
        return response


def _revision(collections: Collections | None) -> int:
    """The revision of the collections, if the answer depends on one of them."""
    return collections.revision() if collections and "collection" in request.args else 0


def _has_tag() -> bool:
    """Whether the answer depends on the archive alone.

    A cursor is not enough for it: as long as a server remembers the answer of its first page, a
    later page comes from there.
    """
    return (
        request.method in ("GET", "HEAD")
        and request.url_rule is not None
        and is_for_programs(request.path)
        and request.path not in WITHOUT_TAG
        and not request.path.startswith(JOBS)
        and "cursor" not in request.args
    )


def _tag(generation: int, asked: str, salt: bytes) -> str:
    digest = blake2b(asked.encode("utf-8", "replace"), digest_size=8, key=salt).hexdigest()
    return f"g{generation}-{digest}"


def _knows(known: ETags, tag: str) -> bool:
    """Whether a request names the tag itself: `*` would need a search to be answered."""
    return tag in known.as_set(include_weak=True)
