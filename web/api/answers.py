"""Writes JSON answers: validated by their shape, and reduced to the properties that are wanted."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from flask import Response, g

from backfile.archive.model.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiveUnwritable,
    ArticleNotFound,
    BadQuery,
    EngineUnavailable,
    InboxFull,
    ShardsOut,
    Shortage,
)
from backfile.archive.model.message import Message
from backfile.web.api.article_shapes import Shape
from backfile.web.api.json import Json
from backfile.web.api.shapes import Results

EACH = "__all__"  # pydantic's name for each item of a list
FACETS = ("facets", "facets_total")
WITH_FACETS = ("all", "none")
UNEXPECTED = Message("something went wrong in the archive; the server's log says what")


class Selection(NamedTuple):
    """The properties of an answer to write, and to leave out, as pydantic takes them."""

    include: dict[str, Any] | None = None
    exclude: set[str] | None = None


WHOLE = Selection()


def selection_of(shape: type[Shape], parameters: Mapping[str, Sequence[str]]) -> Selection:
    """Read `fields`, and for a search `facets`; raise BadQuery.

    >>> selection_of(Results, {"fields": ["total,hits.article.title"]}).include
    {'total': True, 'hits': {'__all__': {'article': {'title': True}}}}
    """
    listed = ",".join(value for value in parameters.get("fields", ()) if value.strip())
    names = dict.fromkeys(name.strip() for name in listed.split(",")) if listed else {}
    known = _properties(shape)
    if unknown := [name for name in names if name not in known]:
        reason = Message("the answer has no %(names)s", names=tuple(map(repr, unknown[:10])))
        raise BadQuery("fields", reason)
    without = shape is Results and _without_facets(parameters.get("facets", ()))
    include = _tree([known[name] for name in names]) if names else None
    return Selection(include, set(FACETS) if without else None)


def property_names(shape: type[Shape]) -> list[str]:
    """List the dotted names of all properties of a shape, as `fields` takes them.

    >>> [name for name in property_names(Results) if name.startswith("totals.by")]
    ['totals.by_words', 'totals.by_meaning_alone']
    """
    return list(_properties(shape))


def written(shape: type[Shape], values: Json, selection: Selection = WHOLE) -> str:
    """Write values as JSON. Raises pydantic's ValidationError if they are not of this shape."""
    include, exclude = selection
    return shape.model_validate(values).model_dump_json(
        include=include, exclude=exclude, exclude_unset=True
    )


def answer(
    shape: type[Shape],
    values: Json,
    selection: Selection = WHOLE,
    *,
    media_type: str = "application/json",
) -> Response:
    """Answer with JSON of a shape."""
    return Response(written(shape, values, selection) + "\n", content_type=media_type)


def status_of(error: ArchiveError) -> HTTPStatus:
    """The status of an answer that an error of the archive prevents."""
    match error:
        case BadQuery():
            return HTTPStatus.BAD_REQUEST
        case ArticleNotFound():
            return HTTPStatus.NOT_FOUND
        case EngineUnavailable() | Shortage() | ArchiveUnwritable() | ArchiveBusy() | InboxFull():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case ShardsOut():
            return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_json(error: ArchiveError) -> Json:
    """An error of the archive as a Problem."""
    return problem(status_of(error), error.message, getattr(error, "field", None))


def unexpected_json() -> Json:
    """An error of the program as a Problem; the log has what it was."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)


def problem(status: HTTPStatus, detail: str, field: str | None = None) -> Json:
    """A Problem (RFC 9457); `field` is the parameter that cannot be used."""
    values = {"title": status.phrase, "status": status.value, "detail": detail}
    return values | ({"field": field} if field else {})


def mark_passing() -> None:
    """Let this answer have no ETag: it may become better without a change of the archive."""
    g.passing = True


def _without_facets(given: Sequence[str]) -> bool:
    value = next((each.strip() for each in reversed(given) if each.strip()), WITH_FACETS[0])
    if value not in WITH_FACETS:
        kinds = ", ".join(WITH_FACETS)
        reason = Message("%(value)s is none of: %(kinds)s", value=repr(value), kinds=kinds)
        raise BadQuery("facets", reason)
    return value == "none"


@cache
def _properties(shape: type[Shape]) -> dict[str, tuple[str, ...]]:
    """The properties of a shape by their dotted names, each with its keys for pydantic."""
    return dict(_walk(shape))


def _walk(shape: type[Shape]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, field in shape.model_fields.items():
        yield name, (name,)
        for keys, inner in _shapes_in(field.annotation):
            for below, path in _walk(inner):
                yield f"{name}.{below}", (name, *keys, *path)


def _shapes_in(kind: Any) -> Iterator[tuple[tuple[str, ...], type[Shape]]]:
    """The shapes within the type of a property, each with the keys that lead to it."""
    if isinstance(kind, type) and issubclass(kind, Shape):
        yield (), kind
        return
    origin = get_origin(kind)
    inner = get_args(kind)[:1] if origin is Annotated else get_args(kind)
    for each in inner:
        for keys, shape in _shapes_in(each):
            yield ((EACH, *keys) if origin is list else keys), shape


def _tree(paths: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Nest paths of keys; a property that is named as a whole is written as a whole."""
    tree: dict[str, Any] = {}
    for *parents, last in sorted(paths, key=len):
        branch: Any = tree
        for key in parents:
            branch = True if branch is True else branch.setdefault(key, {})
        if branch is not True:
            branch[last] = True
    return tree
