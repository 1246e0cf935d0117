"""Describes the API as OpenAPI 3.1: parameters from Query, answers from the shapes."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from backfile.archive.model.message import Message
from backfile.web.api import parameters as described
from backfile.web.api.article_shapes import Article, History, Shape
from backfile.web.api.batch import LINES, MOST_QUERIES
from backfile.web.api.exports import EXPORTS
from backfile.web.api.json import Json
from backfile.web.api.shapes import (
    ANSWERS,
    Alive,
    Feed,
    Problem,
    Ready,
    Related,
    Results,
    Suggestions,
)

VERSION = "1"  # of the API, not of the program
REF = "#/components/schemas/{model}"
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
OF_A_FEED = ("limit", "cursor", "sort")
OF_A_FILE = ("limit", "cursor", "mark")
BATCH = {
    "description": (
        f"At most {MOST_QUERIES:,} lines, each a JSON object (`SearchLine`). Each is answered by a "
        "line in the same order: a `Results`, or a `Problem` if it cannot be answered."
    ),
    "required": True,
    "content": {
        LINES: {
            "schema": TEXT,
            "example": '{"q": "swing bridge", "limit": 3}\n{"q": "ferry", "source": ["Courier"]}\n',
        }
    },
}
NOT_CHANGED = Message("The answer is the one of this ETag.")
WRONG = {
    "400": Message("A parameter cannot be used; `field` names it."),
    "404": Message("No such article."),
    "405": Message("The route has other methods; `Allow` lists them."),
    "413": Message("The request is too large."),
    "429": Message("Too many requests from this address; `Retry-After` says for how long."),
    "500": Message("An error of the program; the server's log has it."),
    "503": Message("Not available now; `detail` says what to do."),
}


class Route(NamedTuple):
    """A route of the API: its path, what it answers, and its parameters.

    `answers` is the schema of the answer by media type. `tagged` answers have an ETag.
    """

    path: str
    summary: Message
    answers: dict[str, Json]
    parameters: Sequence[Json] = ()
    tagged: bool = True
    method: str = "get"
    body: Json | None = None

    @property
    def wrong(self) -> list[str]:
        """The statuses of problems that this route can answer with."""
        named = any(each["in"] == "path" for each in self.parameters)
        asked = bool(self.parameters or self.body)
        always = ["405", "429", "500", "503"]
        return [*(["400"] * asked), *(["404"] * named), *(["413"] * bool(self.body)), *always]


def blueprint() -> Blueprint:
    """The routes of the OpenAPI description; the second one is older than /api."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/api/openapi.json")
    @routes.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(description())

    return routes


@cache
def description() -> Json:
    """Build the OpenAPI description."""
    paths: dict[str, Json] = {}
    for route in routes():
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backfile",
            "version": VERSION,
            "description": "Search a news archive by words and by meaning.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas()},
    }


def schemas() -> dict[str, Json]:
    """The schemas of all shapes, by name."""
    _, written = models_json_schema(
        [(shape, "validation") for shape in ANSWERS],
        ref_template=REF,
        schema_generator=WithoutTitles,
    )
    line = described.line_schema(search_route().parameters)
    return dict(sorted({**written["$defs"], "SearchLine": line}.items()))


class WithoutTitles(GenerateJsonSchema):
    """Schemas in which the names of properties stand once, as keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002, pydantic's signature
        return False


@cache
def routes() -> tuple[Route, ...]:
    """All routes for programs, in the order of the documents."""
    searched = described.search_parameters()
    searching = search_route()
    fed = [each for each in searched if each["name"] not in OF_A_FEED]
    filed = [each for each in searched if each["name"] not in OF_A_FILE]
    title = ["title", "published", "url"]
    return (
        searching,
        Route(
            "/api/search/batch",
            Message("Many searches at once: JSON Lines in, one answer a line out, in order."),
            {LINES: TEXT},
            tagged=False,
            method="post",
            body=BATCH,
        ),
        Route(
            "/api/suggest",
            Message("Suggestions for a query that is being typed."),
            {JSON: _whole_or_part(Suggestions)},
            [
                *described.suggestion_parameters(),
                described.fields_parameter(Suggestions, ["suggestions.q"]),
            ],
            tagged=False,
        ),
        Route(
            "/api/articles/{article_id}",
            Message("A whole article, with its passages and copies."),
            {JSON: _whole_or_part(Article)},
            [*described.article_parameters(), described.fields_parameter(Article, title)],
        ),
        Route(
            "/api/articles/{article_id}/related",
            Message("Other coverage of an article's subject: earlier, later, of the same day."),
            {JSON: _whole_or_part(Related)},
            [
                *described.article_parameters(related=True),
                described.fields_parameter(Related, ["earlier.article.title", "coverage"]),
            ],
        ),
        Route(
            "/api/articles/{article_id}/history",
            Message("All versions of an article, the latest first."),
            {JSON: _whole_or_part(History)},
            [
                *described.article_parameters(),
                described.fields_parameter(History, ["versions.kept_at", "versions.title"]),
            ],
        ),
        Route(
            "/search.json",
            Message("The hits of a search as a JSON feed, last added first."),
            {"application/feed+json": _ref(Feed)},
            fed,
        ),
        Route(
            "/search.atom",
            Message("The hits of a search as an Atom feed, last added first."),
            {"application/atom+xml": TEXT},
            fed,
        ),
        *(
            Route(f"/export.{kind}", summary, {EXPORTS[kind].media_type.split(";")[0]: TEXT}, filed)
            for kind, summary in {
                "csv": Message("All hits of a search as a CSV table."),
                "jsonl": Message("All hits of a search as JSON Lines (`ExportedArticle`)."),
                "ris": Message("All hits of a search for reference managers (RIS)."),
            }.items()
        ),
        Route(
            "/cite/{style}/{article_id}",
            Message("The citation of an article."),
            {
                "text/plain": TEXT,
                "application/x-bibtex": TEXT,
                "application/x-research-info-systems": TEXT,
                "application/vnd.citationstyles.csl+json": {"type": "object"},
            },
            described.citation_parameters(),
        ),
        Route(
            "/opensearch.xml",
            Message("Lets a browser add the search to its own search box."),
            {"application/opensearchdescription+xml": TEXT},
        ),
        Route(
            "/api/openapi.json",
            Message("The description of all routes as OpenAPI 3.1."),
            {JSON: {"type": "object"}},
        ),
        Route(
            "/healthz", Message("Whether the process answers."), {JSON: _ref(Alive)}, tagged=False
        ),
        Route(
            "/readyz",
            Message("Whether the archive can be searched."),
            {JSON: _ref(Ready)},
            tagged=False,
        ),
        Route(
            "/metrics", Message("Measurements for Prometheus."), {"text/plain": TEXT}, tagged=False
        ),
    )  # fmt: skip


def search_route() -> Route:
    """The route of a search, whose parameters others share."""
    return Route(
        "/api/search",
        Message("Search: a page of hits, with facets and a timeline of all hits."),
        {JSON: _whole_or_part(Results)},
        [
            *described.search_parameters(),
            described.fields_parameter(Results, ["total", "hits.article.title"]),
            described.facets_parameter(),
        ],
    )


def _operation(route: Route) -> Json:
    content = {kind: {"schema": schema} for kind, schema in route.answers.items()}
    answers = {"200": {"description": route.summary, "content": content}}
    if route.tagged:
        tag = {"description": "It changes with the archive.", "schema": TEXT}
        answers["200"]["headers"] = {"ETag": tag}
        answers["304"] = {"description": NOT_CHANGED}
    problem = {PROBLEM: {"schema": _ref(Problem)}}
    for status in sorted(route.wrong):
        answers[status] = {"description": WRONG[status], "content": problem}
    body = {"requestBody": route.body} if route.body else {}
    words = route.path.strip("/").replace(".", "/").replace("{", "").replace("}", "").split("/")
    return {
        "operationId": "_".join([route.method, *words]),
        "summary": route.summary,
        "parameters": list(route.parameters),
        **body,
        "responses": answers,
    }


def _ref(shape: type[Shape]) -> Json:
    return {"$ref": REF.format(model=shape.__name__)}


def _whole_or_part(shape: type[Shape]) -> Json:
    """The schema of an answer from which `fields` and `facets` may leave out properties."""
    part = {
        "type": "object",
        "description": f"{shape.__name__} without what `fields` or `facets` left out.",
    }
    return {"anyOf": [_ref(shape), part]}
