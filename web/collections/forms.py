"""What the forms of collections send: fields, searches, pages of a list, and where to come back."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.query import Query
from backfile.web.i18n.negotiation import with_language
from backfile.web.packed_links import PATH as PACKED
from backfile.web.packed_links import unpacked

MOST_PAGES = 100_000
Item = TypeVar("Item")


class Page(NamedTuple):
    """A page of a list: its number from 1, and whether there is a further one."""

    number: int
    has_next: bool


def page_of(
    fetch: Callable[[int, int], list[Item]], shown: int, parameter: str = "page"
) -> tuple[list[Item], Page]:
    """The items of the page that is asked for; `fetch` takes a limit and an offset."""
    given = request.args.get(parameter, "")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 7 else 1
    number = min(max(number, 1), MOST_PAGES)
    found = fetch(shown + 1, shown * (number - 1))
    return found[:shown], Page(number, len(found) > shown)


def given(field: str) -> str:
    """A field of the form that must not be empty; raise BadQuery."""
    value = request.form.get(field, "").strip()
    if not value:
        raise BadQuery(field, Message("nothing is in it"))
    return value


def back() -> str:
    """The page that the form came from."""
    return safe_back(request.form.get("back", ""))


def see(path: str) -> BaseResponse:
    """Lead on from a form to a page of this server."""
    return redirect(with_language(path), HTTPStatus.SEE_OTHER)


def query_of(parameters: str) -> Query:
    """The search of an address: of its parameters, or packed in its path; raise BadQuery."""
    if parameters.startswith(PACKED):
        parameters = urlencode(unpacked(parameters.removeprefix(PACKED).strip("/")))
    try:
        given: Mapping[str, list[str]] = parse_qs(parameters, max_num_fields=500)
    except ValueError as exc:
        raise BadQuery("search", Message("it has too many parameters")) from exc
    return Query.from_parameters(given).first_page()


def safe_back(path: str) -> str:
    """A path of this server to come back to; the start page instead of anything else.

    >>> [safe_back(each) for each in ("/?q=a", "//evil.example", "/\\\\evil.example", "https:a")]
    ['/?q=a', '/', '/', '/']
    """
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    if not plain or not path.isprintable() or "\\" in path.partition("?")[0]:
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else path.partition("#")[0]
