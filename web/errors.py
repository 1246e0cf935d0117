"""Answers errors: with a page, or with problem+json (RFC 9457) below /api."""

import logging
from http import HTTPStatus

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from backfile.archive.model.errors import (
    ArchiveError,
    ArticleNotFound,
    BadQuery,
    EngineUnavailable,
    Shortage,
)
from backfile.archive.model.message import Message

log = logging.getLogger(__name__)
MACHINE_PATHS = ("/api/", "/healthz", "/readyz")
HEADINGS = {
    HTTPStatus.BAD_REQUEST: Message("That cannot be searched"),
    HTTPStatus.NOT_FOUND: Message("Not in the archive"),
    HTTPStatus.METHOD_NOT_ALLOWED: Message("That cannot be done here"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Message("Too much at once"),
    HTTPStatus.INTERNAL_SERVER_ERROR: Message("Something went wrong"),
    HTTPStatus.SERVICE_UNAVAILABLE: Message("Not available just now"),
}
PLAIN = {
    HTTPStatus.NOT_FOUND: Message("nothing is at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: Message("this address is asked in another way"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Message("what was sent is larger than is taken at once"),
}


def register(app: Flask) -> None:
    """Handle errors of the archive, of HTTP, and all unexpected ones."""

    @app.errorhandler(ArchiveError)
    def archive_error(error: ArchiveError) -> Response:
        return _answer(_status(error), error.message, field=getattr(error, "field", None))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        detail = error.description or status.description
        response = _answer(status, detail, shown=PLAIN.get(status))
        if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", ())))
        if retry_after := getattr(error, "retry_after", None):
            response.headers["Retry-After"] = str(retry_after)
        return response

    @app.errorhandler(500)
    def unexpected_error(error: HTTPException) -> Response:
        cause = getattr(error, "original_exception", None)
        log.error("while answering %s", request.full_path, exc_info=cause)
        detail = Message("something went wrong in the archive; the server's log says what")
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _status(error: ArchiveError) -> HTTPStatus:
    match error:
        case BadQuery():
            return HTTPStatus.BAD_REQUEST
        case ArticleNotFound():
            return HTTPStatus.NOT_FOUND
        case EngineUnavailable() | Shortage():
            return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _answer(
    status: HTTPStatus, detail: str, *, field: str | None = None, shown: Message | None = None
) -> Response:
    if request.path.startswith(MACHINE_PATHS):
        problem = {"title": status.phrase, "status": status.value, "detail": detail}
        response = jsonify(problem | ({"field": field} if field else {}))
        response.content_type = "application/problem+json"
    else:
        heading = HEADINGS.get(status, status.phrase)
        page = render_template("error.html", heading=heading, detail=shown or detail)
        response = make_response(page)
    response.status_code = status.value
    return response
