"""Many searches in one request: JSON Lines in, JSON Lines out, in the same order."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request

from backfile.archive.model.errors import ArchiveError, BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.query import Query
from backfile.index.search.question import ArchiveSearcher
from backfile.web.api.answers import problem_json, selection_of, unexpected_json, written
from backfile.web.api.json import results_json
from backfile.web.api.shapes import Problem, Results

log = logging.getLogger(__name__)
MOST_QUERIES = 1_000  # in one request; the shell takes any number
LINES = "application/x-ndjson"


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """The route of many searches."""
    routes = Blueprint("api_batch", __name__, url_prefix="/api")

    @routes.post("/search/batch")
    def search_all() -> Response:
        lines = [line for line in request.get_data().split(b"\n") if line.strip()]
        if not lines:
            raise BadQuery("body", Message("no query is in it"))
        if len(lines) > MOST_QUERIES:
            raise BadQuery("body", Message("at most %(most)s at once", most=MOST_QUERIES))
        searcher.overview()  # says what is out before the headers are sent
        return Response(answers(searcher, lines), content_type=LINES)

    return routes


def answers(searcher: ArchiveSearcher, lines: Sequence[bytes]) -> Iterator[str]:
    """Answer each line with a line: a `Results`, or a `Problem` if it cannot be answered."""
    for line in lines:
        yield _answer(searcher, line) + "\n"


def _answer(searcher: ArchiveSearcher, line: bytes) -> str:
    try:
        parameters = read_parameters(line)
        selection = selection_of(Results, parameters)
        found = searcher.search(Query.from_parameters(parameters))
        return written(Results, results_json(found), selection)
    except ArchiveError as error:
        return written(Problem, problem_json(error))
    except Exception:
        # The status is sent already, and the other lines can be answered.
        log.exception("while answering a line of a batch")
        return written(Problem, unexpected_json())


def read_parameters(line: bytes) -> dict[str, list[str]]:
    """Read the parameters of a search from a JSON object; raise BadQuery.

    >>> read_parameters(b'{"q": "ferry", "source": ["Courier"], "limit": 3, "since": null}')
    {'q': ['ferry'], 'source': ['Courier'], 'limit': ['3'], 'since': []}
    """
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise BadQuery("line", Message("it is not JSON")) from exc
    if not isinstance(given, Mapping):
        raise BadQuery("line", Message("it is not an object"))
    return {_text(name): _values(_text(name), value) for name, value in given.items()}


def _values(name: str, value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if all(isinstance(each, str | int) and not isinstance(each, bool) for each in listed):
        return [_text(str(each)) for each in listed]
    raise BadQuery(name, Message("it is neither a text nor a list of texts"))


def _text(value: str) -> str:
    """The text without halves of surrogate pairs, which JSON may hold and UTF-8 may not."""
    return value.encode("utf-8", "replace").decode()
