"""Describes the JSON API as OpenAPI 3.1: parameters from Query, answers from schemas.json."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from enum import EnumType, StrEnum
from importlib.resources import files
from typing import cast as typed
from typing import get_type_hints

from flask import Blueprint, Response, jsonify

from backfile.index.asking.autocomplete import DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
from backfile.index.model.filters import Filters
from backfile.index.model.query import DEFAULT_HITS, LONGEST_TEXT, MOST_HITS, Query
from backfile.index.search.related import MOST_RELATED
from backfile.web.api.json import Json

VERSION = "1"  # of the API, not of the program
DESCRIPTIONS = {
    "q": "What is asked, in the query language.",
    "mode": "Find by words, by meaning, or by both.",
    "since": "From this day, month or year on: 2024-03-23, 2024-03 or 2024.",
    "until": "Up to this day, month or year, included.",
    "date": "`none`: only what has no date.",
    "day": "Of this month and day, in any year: 03-23.",
    "source": "One of these outlets.",
    "section": "One of these sections.",
    "language": "One of these languages, by code.",
    "author": "One of these authors.",
    "not_source": "None of these outlets.",
    "not_section": "None of these sections.",
    "not_language": "None of these languages.",
    "not_author": "None of these authors.",
    "sort": "The order; `added` is last added to the archive first.",
    "copies": "Whether copies of one story are one hit, or one each.",
    "timeline": "Whether the timeline shows numbers, or shares of what the archive holds.",
    "mark": "`sentence`: mark in each hit the sentence that is nearest in meaning.",
    "limit": "How many hits at most.",
    "cursor": "The `next` of the answer before.",
}
ARTICLE_ID = {
    "name": "article_id",
    "in": "path",
    "required": True,
    "description": "An article's id, percent-encoded, slashes too.",
    "schema": {"type": "string"},
}


def blueprint() -> Blueprint:
    """The route of the OpenAPI description."""
    routes = Blueprint("openapi", __name__)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(description())

    return routes


def description() -> Json:
    """Build the OpenAPI description."""
    schemas = json.loads(files(__package__).joinpath("schemas.json").read_text(encoding="utf-8"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Backfile", "version": VERSION},
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": schemas},
    }


def _paths() -> Json:
    searched = query_parameters()
    fed = [each for each in searched if each["name"] not in ("limit", "cursor", "sort")]
    most = _parameter("limit", _number(MOST_RELATED))
    return {
        "/api/search": _get("Search.", "Results", searched),
        "/api/suggest": _get(
            "How a query that is being typed may go on.", "Suggestions", [
                _parameter("q", {"type": "string", "maxLength": LONGEST_TEXT}),
                _parameter("limit", _number(MOST_SUGGESTIONS, DEFAULT_SUGGESTIONS)),
            ],
        ),
        "/api/articles/{article_id}": _get("An article whole.", "Article", [ARTICLE_ID]),
        "/api/articles/{article_id}/related": _get(
            "Other coverage of its subject, by when it came.", "Related", [ARTICLE_ID, most]
        ),
        "/api/articles/{article_id}/history": _get(
            "What it says and said before, the latest first.", "History", [ARTICLE_ID]
        ),
        "/search.json": _get(
            "The hits of a search as a feed, last added first.", "Feed", fed,
            media_type="application/feed+json",
        ),
        "/healthz": _get("Whether the process answers.", "Alive", []),
        "/readyz": _get("Whether the archive can be searched.", "Ready", []),
    }  # fmt: skip


def query_parameters() -> list[Json]:
    """Describe all parameters of a search: the fields of Query and Filters."""
    return [
        _parameter("q", {"type": "string", "maxLength": LONGEST_TEXT}),
        *_parameters_of(Filters),
        *_parameters_of(Query, without=("text", "filters")),
    ]


def _parameters_of(read: type[Query | Filters], without: Sequence[str] = ()) -> Iterator[Json]:
    kinds = get_type_hints(read)
    for field in fields(read):
        if field.name not in without:
            yield _parameter(field.name, _schema(field.name, kinds[field.name]))


def _schema(name: str, kind: object) -> Json:
    """The schema of a parameter, by the type of its field."""
    if name == "limit":
        return _number(MOST_HITS)
    if isinstance(kind, EnumType):
        values: list[str] = [choice.value for choice in typed(type[StrEnum], kind)]
        return {"type": "string", "enum": values, "default": values[0]}
    if kind == tuple[str, ...]:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "string"}


def _number(most: int, usual: int = DEFAULT_HITS) -> Json:
    return {"type": "integer", "minimum": 1, "maximum": most, "default": usual}


def _parameter(name: str, schema: Json) -> Json:
    described = {"description": DESCRIPTIONS[name]} if name in DESCRIPTIONS else {}
    return {"name": name, "in": "query", **described, "schema": schema}


def _get(
    summary: str, schema: str, parameters: list[Json], *, media_type: str = "application/json"
) -> Json:
    answers: Mapping[str, Json] = {
        "200": _answer(summary, schema, media_type),
        "default": _answer("What went wrong.", "Problem", "application/problem+json"),
    }
    return {"get": {"summary": summary, "parameters": parameters, "responses": answers}}


def _answer(summary: str, schema: str, media_type: str) -> Json:
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": summary, "content": content}
