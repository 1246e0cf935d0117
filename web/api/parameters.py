"""Describes parameters for OpenAPI and the page of the API: values, defaults, examples."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from difflib import get_close_matches
from enum import EnumType, StrEnum
from functools import cache
from typing import cast as typed
from typing import get_type_hints

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.collections_file import LONGEST_NAME
from backfile.index.asking.autocomplete import DEFAULT_SUGGESTIONS, MOST_SUGGESTIONS
from backfile.index.model.filters import Filters
from backfile.index.model.groups import Group
from backfile.index.model.query import (
    COMPARE,
    DEFAULT_HITS,
    LONGEST_TEXT,
    LONGEST_VALUE,
    MOST_COMPARED,
    MOST_HITS,
    MOST_VALUES,
    Query,
)
from backfile.index.search.outlets import OutletOrder
from backfile.index.search.related import MOST_RELATED
from backfile.web.api.answers import WITH_FACETS, property_names
from backfile.web.api.article_shapes import Shape
from backfile.web.api.citations import STYLES
from backfile.web.api.json import Json

LONGEST_UNKNOWN = 60  # characters of an unknown parameter's name in an error
MONTH, DAY = "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
PATTERNS = {
    "since": f"^{YEAR}(-{MONTH}(-{DAY})?)?$",
    "until": f"^{YEAR}(-{MONTH}(-{DAY})?)?$",
    "day": (
        "^((0?[13578]|1[02])-(0?[1-9]|[12][0-9]|3[01])"
        "|(0?[469]|11)-(0?[1-9]|[12][0-9]|30)|0?2-(0?[1-9]|[12][0-9]))$"
    ),
    "added_since": (
        f"^{YEAR}(-{MONTH}(-{DAY}(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{{1,6}})?)?"
        "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?)?)?$"
    ),
    "cursor": "^g[0-9]{1,18}o[0-9]{1,12}$",
}
MEANINGS = {
    "q": Message("What is asked, in the query language."),
    "mode": Message("Find by words, by meaning, or by both."),
    "since": Message("From this day, month or year on: 2024-03-23, 2024-03 or 2024."),
    "until": Message("Up to this day, month or year, included."),
    "date": Message(
        "`none`: only articles without a date. `within`: months, years and intervals must lie "
        "between `since` and `until` as a whole; without it one common day is enough."
    ),
    "day": Message("Of this month and day, in any year: 03-23. Never a whole month or year."),
    "source": Message("One of these outlets."),
    "section": Message("One of these sections."),
    "language": Message("One of these languages, by code."),
    "author": Message("One of these authors."),
    "person": Message("One of these people is named in the text, as `facets` writes them."),
    "organisation": Message("One of these organisations is named in the text."),
    "place": Message("One of these places is named in the text."),
    "not_source": Message("None of these outlets."),
    "not_section": Message("None of these sections."),
    "not_language": Message("None of these languages."),
    "not_author": Message("None of these authors."),
    "not_person": Message("None of these people is named in the text."),
    "not_organisation": Message("None of these organisations is named in the text."),
    "not_place": Message("None of these places is named in the text."),
    "collection": Message("Of this collection of starred articles, whatever the case."),
    "added_since": Message(
        "Added to the archive from this day, month or year on, or from this instant: "
        "2024-03-23T10:00Z."
    ),
    "match": Message(
        "The last group of hits that is wanted: `all` words, `most`, `some`, or `related`."
    ),
    "sort": Message("The order; `added` is last added to the archive first."),
    "copies": Message("Whether copies of one story are one hit, or one each."),
    "timeline": Message("Whether the timeline shows numbers, or shares of the whole archive."),
    "mark": Message("`sentence`: mark in each hit the sentence that is nearest in meaning."),
    "view": Message("How the page shows hits; files and JSON are the same in all views."),
    "context": Message("How words in context are sorted: by what stands right or left of them."),
    "compare": Message("Other searches in the same chart, under the same filters; JSON has none."),
    "strict": Message(
        "`1`: quotation marks, operators and fields bind even if nothing is found so."
    ),
    "limit": Message("The largest number of items in the answer."),
    "cursor": Message("The `next` of the answer before."),
    "by": Message("The order of outlets: by their first day, or by their number of articles."),
    "fields": Message("The properties of the answer that are wanted, by dotted names."),
    "facets": Message("`none`: leave out `facets` and `facets_total`."),
    "article_id": Message("The id of an article, percent-encoded, slashes too."),
    "style": Message("The style of the citation."),
    "job": Message("The id of a job, from the answer to a write."),
}  # fmt: skip
EXAMPLES = {
    "q": "swing bridge",
    "mode": "keyword",
    "since": "2023-03",
    "until": "2024",
    "date": "none",
    "day": "03-23",
    "source": ["Coastal Courier"],
    "section": ["Local"],
    "language": ["en"],
    "author": ["Ana Ruiz"],
    "person": ["Marian Holt"],
    "organisation": ["Harbour Trust"],
    "place": ["Wexmoor"],
    "not_source": ["Northshore Wire"],
    "not_section": ["Sport"],
    "not_language": ["de"],
    "not_author": ["Ana Ruiz"],
    "not_person": ["Marian Holt"],
    "not_organisation": ["Harbour Trust"],
    "not_place": ["Wexmoor"],
    "collection": "Starred",
    "added_since": "2024-03-23",
    "match": "all",
    "sort": "newest",
    "copies": "show",
    "timeline": "share",
    "mark": "sentence",
    "view": "list",
    "context": "left",
    "compare": ["ferry"],
    "strict": 1,
    "limit": 3,
    "cursor": "g1o10",
    "by": "articles",
    "facets": "none",
    "article_id": "cc-2023-002",
    "style": "bibtex",
    "job": "12",
}


def search_parameters() -> list[Json]:
    """Describe the parameters of a search: the fields of Query and Filters."""
    return [
        parameter("q", _text()),
        *_parameters_of(Filters, without=("members",)),
        *_parameters_of(Query, without=("text", "filters")),
    ]


@cache
def search_names() -> tuple[str, ...]:
    """The names of the parameters of a search."""
    return tuple(each["name"] for each in search_parameters())


def require_known(given: Iterable[str], *beside: str, search: bool = False) -> None:
    """Raise BadQuery for a parameter that a route does not take, with the nearest that it takes.

    It takes those `beside`, and if it is a `search` all of a search's.
    """
    known = [*search_names(), *beside] if search else [*beside]
    for name in given:
        if name in known:
            continue
        if near := get_close_matches(name, known, 1):
            reason = Message("there is no such parameter; did you mean %(near)s?", near=near[0])
        else:
            listed = ", ".join(known)
            reason = Message("there is no such parameter; there are: %(known)s", known=listed)
        raise BadQuery(name[:LONGEST_UNKNOWN], reason)


def line_schema(parameters: Sequence[Json]) -> Json:
    """The schema of a line of a batch: an object of a search's parameters, each may be null."""
    properties = {
        each["name"]: {"anyOf": [each["schema"], {"type": "null"}]} for each in parameters
    }
    return {
        "type": "object",
        "properties": properties,
        "description": "The parameters of a search under their names.",
    }


def suggestion_parameters() -> list[Json]:
    """Describe the parameters of a request for suggestions."""
    limit = number(MOST_SUGGESTIONS, DEFAULT_SUGGESTIONS)
    return [parameter("q", _text(), example="swing bri"), parameter("limit", limit)]


def article_parameters(*, related: bool = False) -> list[Json]:
    """Describe the parameters of a request for an article, or for related articles."""
    found = [path_parameter("article_id", {"type": "string", "minLength": 1})]
    return [*found, parameter("limit", number(MOST_RELATED))] if related else found


def job_parameters() -> list[Json]:
    """Describe the parameters of a request for a job."""
    return [path_parameter("job", {"type": "string", "pattern": "^[0-9]{1,12}$"})]


def citation_parameters() -> list[Json]:
    """Describe the parameters of a request for a citation."""
    return [
        path_parameter("style", {"type": "string", "enum": list(STYLES)}),
        *article_parameters(),
    ]


def order_parameter() -> Json:
    """Describe `by` of a summary by outlet."""
    values = list(OutletOrder)
    return parameter("by", {"type": "string", "enum": values, "default": values[0]})


def fields_parameter(shape: type[Shape], example: Sequence[str]) -> Json:
    """Describe `fields` of a route that answers with a shape."""
    names = {"type": "string", "enum": property_names(shape)}
    listed = parameter("fields", {"type": "array", "items": names}, example=list(example))
    return listed | {"style": "form", "explode": False}


def facets_parameter() -> Json:
    """Describe `facets` of a search."""
    values = list(WITH_FACETS)
    return parameter("facets", {"type": "string", "enum": values, "default": values[0]})


def parameter(name: str, schema: Json, *, example: object = None) -> Json:
    """Describe a parameter of the query string; without it, or empty, the default counts."""
    restricted = {"pattern", "enum", "minimum"} & {*schema, *schema.get("items", {})}
    return {
        "name": name,
        "in": "query",
        "description": MEANINGS[name],
        **({"allowEmptyValue": True} if restricted else {}),
        "schema": schema,
        "example": EXAMPLES[name] if example is None else example,
    }


def path_parameter(name: str, schema: Json) -> Json:
    """Describe a part of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": MEANINGS[name],
        "schema": schema,
        "example": EXAMPLES[name],
    }


def number(most: int, usual: int = DEFAULT_HITS) -> Json:
    """The schema of a number from 1."""
    return {"type": "integer", "minimum": 1, "maximum": most, "default": usual}


def _text() -> Json:
    return {"type": "string", "maxLength": LONGEST_TEXT}


def _parameters_of(read: type[Query | Filters], without: Sequence[str] = ()) -> Iterator[Json]:
    kinds = get_type_hints(read)
    for field in fields(read):
        if field.name not in without:
            yield parameter(field.name, _schema(field.name, kinds[field.name]))


def _schema(name: str, kind: object) -> Json:
    """The schema of a parameter, by the type of its field."""
    if name == "limit":
        return number(MOST_HITS)
    if name == "strict":
        return {"type": "integer", "enum": [0, 1], "default": 0}
    if name == "collection":
        return {"type": "string", "maxLength": LONGEST_NAME}
    if name in PATTERNS:
        return {"type": "string", "pattern": PATTERNS[name]}
    if name == COMPARE:
        return {"type": "array", "items": _text(), "maxItems": MOST_COMPARED}
    if name == "match":  # without it, the answer decides
        return {"type": "string", "enum": [group.value for group in Group]}
    if isinstance(kind, EnumType):
        values: list[str] = [choice.value for choice in typed(type[StrEnum], kind)]
        return {"type": "string", "enum": values, "default": values[0]}
    items = {"type": "string", "maxLength": LONGEST_VALUE}
    return {"type": "array", "items": items, "maxItems": MOST_VALUES}
