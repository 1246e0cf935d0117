"""The application factory: registers the blueprints of all rooms, and finishes responses."""

import gzip
from collections.abc import Sequence

from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import BaseConverter

from backfile.archive.model.message import Message
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import Reader
from backfile.index.model.filters import EXCLUSIONS, FACETS
from backfile.index.search.concordance import Concordances
from backfile.index.search.question import ArchiveSearcher
from backfile.web import (
    admission,
    errors,
    metrics,
    parts,
    public_address,
    rates,
    request_log,
    site,
    trial,
)
from backfile.web.admission import Gate
from backfile.web.api import batch as api_batch
from backfile.web.api import downloads, openapi, programs, routes
from backfile.web.api import writes as api_writes
from backfile.web.api.writes import Writes
from backfile.web.article import pages as article_pages
from backfile.web.collections import pages as collection_pages
from backfile.web.collections import searches as saved_searches
from backfile.web.collections import shelf, signing_in, visits
from backfile.web.collections.access import Access
from backfile.web.help import api_page
from backfile.web.help import pages as help_pages
from backfile.web.i18n import negotiation
from backfile.web.i18n.labels import NAMES
from backfile.web.metrics import SearchMetrics
from backfile.web.search import all_hits, batch, compare, context
from backfile.web.search import pages as search_pages
from backfile.web.template_filters import FILTERS
from backfile.web.worker_metrics import WorkerMetrics

MAX_BODY = 1 << 20  # bytes of a request
# Pages load scripts, styles and images from this server only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PACKED = (
    "text/", "application/json", "application/problem+json", "application/feed+json",
    "application/atom+xml", "application/opensearchdescription+xml", "image/svg+xml",
)  # fmt: skip
LEAST = 1000  # bytes; a smaller answer fits into one packet anyway
LEVEL = 5  # a page of 37 KB becomes 9.9 KB in 0.58 ms; level 9 saves another 1% in 0.74 ms
NO_ACCESS = Access()


class UnsortedJson(DefaultJSONProvider):
    """JSON with keys in the order of insertion."""

    sort_keys = False


class AnyText(BaseConverter):
    """The rest of a path, with any characters: Werkzeug's `path` refuses a leading slash."""

    regex = ".+"
    part_isolating = False


class WrittenId(BaseConverter):
    """The id of an article that is written: any but those that routes below an article end in."""

    regex = ".+(?<!/related)(?<!/history)"
    part_isolating = False


def create_app(
    searcher: ArchiveSearcher,
    reader: Reader,
    *,
    trusted_hosts: list[str] | None = None,
    cors: Sequence[str] = (),
    rate: int = 0,
    gate: Gate | None = None,
    writes: Writes | None = None,
    no_writes: Message | None = None,
    workers: WorkerMetrics | None = None,
    searches: SearchMetrics | None = None,
    directory: ArchiveDirectory | None = None,
    public_url: str = "",
    proxies: int = 0,
    log_queries: bool = False,
    access: Access = NO_ACCESS,
) -> Flask:
    """Build the application over an open archive; `searcher` and `reader` are of the same one.

    `trusted_hosts` limits the Host header. LOCAL_HOSTS prevents DNS rebinding if only this machine
    may connect; None accepts any host. `cors` are the origins whose pages may read the API;
    `rate` is the most requests a minute from one address, 0 for any number.
    `gate` limits the requests at work; None admits all. `writes` adds the routes that write;
    with `no_writes` they answer that, which says what to do instead.
    `workers` adds the metrics of the other processes that serve this archive, and `searches` those
    of the searcher, whose recorder it is. `directory` is where the archive should lie. Addresses in
    answers are below `public_url`, if it is given; `proxies` is the number of proxies that are
    trusted to name the client's address. `access` says who may see and change collections.
    """
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = trusted_hosts
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # an article's id may be a URL
    app.url_map.converters.update(id=AnyText, written_id=WrittenId)
    app.json = UnsortedJson(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(
        NAMES, FACETS=FACETS, EXCLUSIONS=EXCLUSIONS, trial_kinds=trial.KINDS
    )
    concordances = Concordances(searcher)
    app.register_blueprint(search_pages.blueprint(searcher, concordances))
    app.register_blueprint(context.blueprint(concordances))
    app.register_blueprint(article_pages.blueprint(searcher, reader))
    app.register_blueprint(routes.blueprint(searcher, reader))
    app.register_blueprint(api_batch.blueprint(searcher))
    app.register_blueprint(site.blueprint(searcher, reader, directory))
    app.register_blueprint(trial.blueprint(searcher))
    app.register_blueprint(openapi.blueprint(writes=bool(writes)))
    if writes:
        app.register_blueprint(api_writes.blueprint(writes, reader))
    elif no_writes:
        app.register_blueprint(api_writes.refused(no_writes))
    app.register_blueprint(all_hits.blueprint(searcher))
    app.register_blueprint(batch.blueprint(searcher))
    app.register_blueprint(compare.blueprint(searcher))
    app.register_blueprint(downloads.blueprint(searcher, reader))
    app.register_blueprint(collection_pages.blueprint(searcher, reader, access))
    app.register_blueprint(saved_searches.blueprint(searcher, reader.collections.searches, access))
    app.register_blueprint(signing_in.blueprint(access))
    app.register_blueprint(help_pages.blueprint(searcher))
    app.register_blueprint(api_page.blueprint(searcher, writes=bool(writes)))
    negotiation.register(app)
    parts.register(app)
    shelf.register(app, access, reader.collections)
    visits.register(app, searcher)
    metrics.count_requests(app, searcher, gate, workers, searches)
    rates.limit_requests(app, rate)
    programs.tag_answers(app, searcher, collections=reader.collections)
    programs.allow_origins(app, cors)
    errors.register(app)
    if gate:
        admission.register(app, gate)
    _finish_responses(app)
    public_address.register(app, public_url, proxies, trusted_hosts)
    request_log.register(app, queries=log_queries)
    return app


def _finish_responses(app: Flask) -> None:
    """Secure all responses, and compress complete ones of text; streamed ones stay as they are."""

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        return response

    @app.after_request
    def pack(response: Response) -> Response:
        if not (response.mimetype or "").startswith(PACKED):
            return response
        response.vary.add("Accept-Encoding")
        whole = response.is_sequence or response.direct_passthrough
        if response.status_code != 200 or not whole or not request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        written = response.get_data()
        if len(written) < LEAST:
            return response
        response.set_data(gzip.compress(written, LEVEL, mtime=0))
        response.content_encoding = "gzip"
        etag, _ = response.get_etag()
        if etag:
            response.set_etag(etag, weak=True)  # no longer the same bytes for everyone
        return response
