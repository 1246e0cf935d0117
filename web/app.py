"""The application factory: builds the Flask application from the blueprints of all rooms."""

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import BaseConverter

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.filters import EXCLUSIONS, FACETS
from backfile.index.search.searcher import Searcher
from backfile.web import errors, metrics, responses, site
from backfile.web.api import downloads, openapi, routes
from backfile.web.article import pages as article_pages
from backfile.web.help import pages as help_pages
from backfile.web.i18n import negotiation
from backfile.web.i18n.labels import NAMES
from backfile.web.search import batch
from backfile.web.search import pages as search_pages
from backfile.web.template_filters import FILTERS

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class UnsortedJson(DefaultJSONProvider):
    """JSON with keys in the order of insertion."""

    sort_keys = False


class AnyText(BaseConverter):
    """The rest of a path, with any characters: Werkzeug's `path` refuses a leading slash."""

    regex = ".+"
    part_isolating = False


def create_app(
    searcher: Searcher, reader: ArchiveReader, *, trusted_hosts: list[str] | None = None
) -> Flask:
    """Build the application over an open archive; `searcher` and `reader` are of the same one.

    `trusted_hosts` limits the Host header. LOCAL_HOSTS prevents DNS rebinding if only this machine
    may connect; None accepts any host.
    """
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = trusted_hosts
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    app.url_map.merge_slashes = False  # an article's id may be a URL
    app.url_map.converters["id"] = AnyText
    app.json = UnsortedJson(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(NAMES, FACETS=FACETS, EXCLUSIONS=EXCLUSIONS)
    app.jinja_env.globals["QUICK_EXAMPLES"] = help_pages.QUICK_EXAMPLES
    app.register_blueprint(search_pages.blueprint(searcher))
    app.register_blueprint(article_pages.blueprint(searcher, reader))
    app.register_blueprint(routes.blueprint(searcher, reader))
    app.register_blueprint(site.blueprint(searcher, reader))
    app.register_blueprint(openapi.blueprint())
    app.register_blueprint(batch.blueprint(searcher))
    app.register_blueprint(downloads.blueprint(searcher, reader))
    app.register_blueprint(help_pages.blueprint(searcher))
    negotiation.register(app)
    metrics.register(app, searcher)
    errors.register(app)
    responses.register(app)
    return app
