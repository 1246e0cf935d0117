"""Signing in with the token of a server that is not local, and what guards the forms."""

from http import HTTPStatus

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response as BaseResponse

from backfile.archive.model.message import Message
from backfile.web.collections.access import COOKIE, SECONDS, Access, is_from_here
from backfile.web.collections.forms import see

ELSEWHERE = Message("this was not sent by a page of this server; open the page, and try again")
NOT_KNOWN = Message("this is not the token of the server")
LONGEST_TOKEN = 4_096  # characters


def guard(routes: Blueprint, access: Access) -> None:
    """Let routes be there for the one who has access, and change things by forms of ours alone."""

    @routes.before_request
    def authorize() -> Response | None:
        if not access.allows(request):
            if not access.token:
                raise NotFound
            return _sign_in_page(HTTPStatus.UNAUTHORIZED)
        if request.method == "POST" and not access.may_change(request):
            raise Forbidden(ELSEWHERE)
        return None


def blueprint(access: Access) -> Blueprint:
    """The route that begins and ends a session; it is there where the server has a token."""
    routes = Blueprint("session", __name__)

    @routes.post("/session")
    def session() -> BaseResponse:
        if not access.token:
            raise NotFound
        # A page over plain HTTP says nothing of itself but `null`; who has no token gains nothing.
        if request.headers.get("Origin") != "null" and not is_from_here(request):
            raise Forbidden(ELSEWHERE)
        response = see("/collections")
        if request.form.get("do") == "out":
            response.delete_cookie(COOKIE, httponly=True, samesite="Strict")
            return response
        if not access.knows(request.form.get("token", "")[:LONGEST_TOKEN].strip()):
            return _sign_in_page(HTTPStatus.FORBIDDEN, NOT_KNOWN)
        response.set_cookie(
            COOKIE,
            access.new_cookie(),
            SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
        return response

    return routes


def _sign_in_page(status: HTTPStatus, problem: Message | None = None) -> Response:
    response = make_response(render_template("sign_in.html", problem=problem))
    response.status_code = status.value
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
