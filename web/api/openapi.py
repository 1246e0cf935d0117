"""Describes the API as OpenAPI 3.1: parameters from Query, answers from the shapes."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from backfile.archive.model.message import Message
from backfile.web.api import parameters as described
from backfile.web.api.article_shapes import Article, History, Outlets, Shape
from backfile.web.api.batch import LINES, MOST_QUERIES
from backfile.web.api.exports import EXPORTS
from backfile.web.api.json import Json
from backfile.web.api.service_shapes import WRITES, Alive, Job, Ready, SentArticle
from backfile.web.api.shapes import (
    ANSWERS,
    Feed,
    Problem,
    Related,
    Results,
    Suggestions,
)

VERSION = "1"  # of the API, not of the program
REF = "#/components/schemas/{model}"
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
OF_A_FEED = ("limit", "cursor", "sort", "compare")
OF_A_FILE = ("limit", "cursor", "mark", "compare")
OF_A_CHART = ("limit", "cursor", "mark", "sort", "copies", "view")
OF_A_LIST = ("sort", "copies", "timeline", "view")  # of hits
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
ARTICLE = {
    "description": "An article; its id is that of the address.",
    "required": True,
    "content": {
        JSON: {
            "schema": {"$ref": REF.format(model=SentArticle.__name__)},
            "example": {"title": "Swing bridge open", "text": "The swing bridge is open again."},
        }
    },
}
ARTICLES = {
    "description": (
        "JSON lines, each a `SentArticle`; also packed by gzip (`Content-Encoding: gzip`). A line "
        "that cannot become an article is refused in the job, and the others are added."
    ),
    "required": True,
    "content": {
        LINES: {
            "schema": TEXT,
            "example": '{"id": "a-1", "title": "Swing bridge open", "text": "It is open again."}\n',
        }
    },
}
TOKEN = "token"  # noqa: S105, the name of the scheme
SECURITY = {"securitySchemes": {TOKEN: {"type": "http", "scheme": "bearer"}}}
NOT_CHANGED = Message("The answer is the one of this ETag.")
WRONG = {
    "400": Message("A parameter cannot be used; `field` names it."),
    "401": Message("The token is missing or wrong."),
    "404": Message("No such article, or no such job."),
    "405": Message("The route has other methods; `Allow` lists them."),
    "409": Message("The body names another id than the address."),
    "413": Message("The request is too large."),
    "415": Message("The body is packed, but not by gzip."),
    "429": Message("Too many requests from this address; `Retry-After` says for how long."),
    "500": Message("An error of the program; the server's log has it."),
    "503": Message("Not available now; `detail` says what to do."),
}


class Route(NamedTuple):
    """A route of the API: its path, what it answers, and its parameters.

    `answers` is the schema of the answer by media type. `tagged` answers have an ETag. `secured`
    routes need a token; `more` are statuses of further problems.
    """

    path: str
    summary: Message
    answers: dict[str, Json]
    parameters: Sequence[Json] = ()
    tagged: bool = True
    method: str = "get"
    body: Json | None = None
    status: str = "200"
    secured: bool = False
    more: Sequence[str] = ()

    @property
    def wrong(self) -> list[str]:
        """The statuses of problems that this route can answer with."""
        named = any(each["in"] == "path" for each in self.parameters)
        asked = bool(self.parameters or self.body)
        always = ["405", "429", "500", "503", *self.more, *(["401"] * self.secured)]
        return [*(["400"] * asked), *(["404"] * named), *(["413"] * bool(self.body)), *always]


def blueprint(*, writes: bool = False) -> Blueprint:
    """The routes of the OpenAPI description; the second one is older than /api."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/api/openapi.json")
    @routes.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(description(writes=writes))

    return routes


@cache
def description(*, writes: bool = False) -> Json:
    """Build the OpenAPI description, with the routes that write if there are any."""
    paths: dict[str, Json] = {}
    for route in routes(writes=writes):
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
        "components": {"schemas": schemas(writes=writes), **(SECURITY if writes else {})},
    }


def schemas(*, writes: bool = False) -> dict[str, Json]:
    """The schemas of all shapes, by name."""
    _, written = models_json_schema(
        [(shape, "validation") for shape in (*ANSWERS, *(WRITES if writes else ()))],
        ref_template=REF,
        schema_generator=WithoutTitles,
    )
    line = described.line_schema(search_route().parameters)
    return dict(sorted({**written["$defs"], "SearchLine": line}.items()))


class WithoutTitles(GenerateJsonSchema):
    """Schemas in which the names of properties stand once, as keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002, pydantic's signature
        return False


def routes(*, writes: bool = False) -> tuple[Route, ...]:
    """All routes for programs, in the order of the documents; those that write on demand."""
    return (*_reading_routes(), *(_writing_routes() if writes else ()))


@cache
def _writing_routes() -> tuple[Route, ...]:
    accepted = {JSON: _ref(Job)}

    def writing(path: str, method: str, summary: Message, **options: Any) -> Route:
        found = options.pop("parameters", ())
        status = options.pop("status", "202")
        return Route(
            path, summary, accepted, found, tagged=False, method=method, status=status,
            secured=True, **options,
        )  # fmt: skip

    return (
        writing(
            "/api/articles/{article_id}",
            "put",
            Message("Put an article under its id, in place of the one that is there."),
            parameters=described.article_parameters(),
            body=ARTICLE,
            more=("409",),
        ),
        writing(
            "/api/articles/{article_id}",
            "delete",
            Message("Delete an article, with its earlier versions."),
            parameters=described.article_parameters(),
        ),
        writing(
            "/api/articles",
            "post",
            Message("Add many articles: JSON Lines of any size, also packed by gzip."),
            body=ARTICLES,
            more=("415",),
        ),
        writing(
            "/api/jobs/{job}",
            "get",
            Message("How far a job is, and what became of its articles."),
            parameters=described.job_parameters(),
            status="200",
        ),
    )


@cache
def _reading_routes() -> tuple[Route, ...]:
    searched = described.search_parameters()
    searching = search_route()
    fed = [each for each in searched if each["name"] not in OF_A_FEED]
    filed = [each for each in searched if each["name"] not in OF_A_FILE]
    compared = [each for each in searched if each["name"] not in OF_A_CHART]
    outlets = [
        *(each for each in filed if each["name"] not in OF_A_LIST),
        described.order_parameter(),
    ]
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
            Route(f"/{file}", summary, {EXPORTS[file.rpartition(".")[2]].bare_type: TEXT}, filed)
            for file, summary in {
                "export.csv": Message("All hits of a search as a CSV table."),
                "export.jsonl": Message("All hits of a search as JSON Lines (`ExportedArticle`)."),
                "export.ris": Message("All hits of a search for reference managers (RIS)."),
                "export.bib": Message("All hits of a search as BibTeX."),
                "export.txt": Message("All hits of a search as a list of citations in plain text."),
                "context.csv": Message("Each matched word with what stands around it, as CSV."),
            }.items()
        ),
        Route(
            "/api/outlets",
            Message("All hits of a search by outlet: how many, and who had it first."),
            {JSON: _whole_or_part(Outlets)},
            [*outlets, described.fields_parameter(Outlets, ["outlets.source", "outlets.first"])],
        ),
        Route(
            "/outlets.csv",
            Message("All hits of a search by outlet, as a CSV table."),
            {EXPORTS["csv"].bare_type: TEXT},
            outlets,
        ),
        *(
            Route(f"/compare.{kind}", summary, {media_type: TEXT}, compared)
            for kind, media_type, summary in (
                ("csv", "text/csv", Message("Up to five searches by period, as a CSV table.")),
                ("svg", "image/svg+xml", Message("Up to five searches by period, as a chart.")),
            )
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
    answers = {route.status: {"description": route.summary, "content": content}}
    if route.status == "202":
        place = {"description": "The address of the job.", "schema": TEXT}
        answers["202"]["headers"] = {"Location": place}
    if route.tagged:
        tag = {"description": "It changes with the archive.", "schema": TEXT}
        answers["200"]["headers"] = {"ETag": tag}
        answers["304"] = {"description": NOT_CHANGED}
    problem = {PROBLEM: {"schema": _ref(Problem)}}
    for status in sorted(route.wrong):
        answers[status] = {"description": WRONG[status], "content": problem}
    body = {"requestBody": route.body} if route.body else {}
    security: Json = {"security": [{TOKEN: []}]} if route.secured else {}
    words = route.path.strip("/").replace(".", "/").replace("{", "").replace("}", "").split("/")
    return {
        "operationId": "_".join([route.method, *words]),
        "summary": route.summary,
        "parameters": list(route.parameters),
        **body,
        **security,
        "responses": answers,
    }


def _ref(shape: type[BaseModel]) -> Json:
    return {"$ref": REF.format(model=shape.__name__)}


def _whole_or_part(shape: type[Shape]) -> Json:
    """The schema of an answer from which `fields` and `facets` may leave out properties."""
    part = {
        "type": "object",
        "description": f"{shape.__name__} without what `fields` or `facets` left out.",
    }
    return {"anyOf": [_ref(shape), part]}
