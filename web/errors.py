"""Answers errors: with a page, or for programs with problem+json (RFC 9457)."""

import logging
from http import HTTPStatus

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from backfile.archive.model.errors import ArchiveError, InboxFull, ShardsOut
from backfile.archive.model.message import Message
from backfile.web.api.answers import UNEXPECTED, problem, status_of
from backfile.web.api.programs import is_for_programs
from backfile.web.parts import RETRY, missing_parts
from backfile.web.request_log import request_id

INBOX_RETRY = 30  # seconds
log = logging.getLogger(__name__)
HEADINGS = {
    HTTPStatus.BAD_REQUEST: Message("That cannot be searched"),
    HTTPStatus.FORBIDDEN: Message("That is not allowed"),
    HTTPStatus.NOT_FOUND: Message("Not in the archive"),
    HTTPStatus.METHOD_NOT_ALLOWED: Message("That cannot be done here"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Message("Too much at once"),
    HTTPStatus.TOO_MANY_REQUESTS: Message("Too many requests"),
    HTTPStatus.INTERNAL_SERVER_ERROR: Message("Something went wrong"),
    HTTPStatus.NOT_IMPLEMENTED: Message("That cannot be done here"),
    HTTPStatus.SERVICE_UNAVAILABLE: Message("Not available just now"),
}
FORMS = ("collections", "saved_searches")
NOT_CHANGED = Message("Nothing was changed")
PLAIN = {
    HTTPStatus.NOT_FOUND: Message("nothing is at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: Message("this address is asked in another way"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Message("what was sent is larger than is taken at once"),
}


def register(app: Flask) -> None:
    """Handle errors of the archive, of HTTP, and all unexpected ones."""

    @app.errorhandler(ArchiveError)
    def archive_error(error: ArchiveError) -> Response:
        status = status_of(error)
        response = _answer(status, error.message, field=getattr(error, "field", None))
        if isinstance(error, InboxFull):
            response.headers["Retry-After"] = str(INBOX_RETRY)
        if isinstance(error, ShardsOut) or (status == 503 and missing_parts()):
            response.headers["Retry-After"] = str(RETRY)
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        detail = error.description or status.description
        response = _answer(status, detail, shown=PLAIN.get(status))
        if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", ())))
        if error.code == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        if retry_after := getattr(error, "retry_after", None):
            response.headers["Retry-After"] = str(retry_after)
        return response

    app.log_exception = _logged_below  # type: ignore[method-assign]

    @app.errorhandler(500)
    def unexpected_error(error: HTTPException) -> Response:
        cause = getattr(error, "original_exception", None)
        # Neither the query nor the address, which has an article's id: what readers ask is theirs.
        route = request.url_rule.rule if request.url_rule else "an unknown address"
        log.error(
            "request %s: while answering %s %s",
            request_id(), request.method, route, exc_info=cause,
        )  # fmt: skip
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)


def _logged_below(exc_info: object) -> None:
    """Log nothing: Flask would do so with the address, and a packed one holds the query."""


def _answer(
    status: HTTPStatus, detail: str, *, field: str | None = None, shown: Message | None = None
) -> Response:
    if is_for_programs(request.path):
        response = jsonify(problem(status, detail, field) | {"request_id": request_id()})
        response.content_type = "application/problem+json"
    else:
        heading = HEADINGS.get(status, status.phrase)
        if status is HTTPStatus.BAD_REQUEST and request.blueprint in FORMS:
            heading = NOT_CHANGED if request.method == "POST" else HEADINGS[HTTPStatus.NOT_FOUND]
        page = render_template("error.html", heading=heading, detail=shown or detail)
        response = make_response(page)
    response.status_code = status.value
    return response
