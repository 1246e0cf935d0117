"""Turns what a program gives, dicts or articles, into articles and refusals, one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import replace
from datetime import date
from functools import cache
from numbers import Number
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID

from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.fields import MAP_TEXT, USUAL_NAMES, FieldMap
from backfile.archive.formats.records import article_of
from backfile.archive.formats.values import DEEPEST_VALUE
from backfile.archive.model.article import PROGRAM, Article, Origin
from backfile.archive.model.errors import BadSetting, UnreadableArticle

Given = Mapping[str, Any] | Article
Found = Article | UnreadableArticle


class Foreign(NamedTuple):
    """Stands for a value that no article can be made of: an array, bytes, an object."""

    kind: str


class Records:
    """The articles that a program gives, as an input to be indexed: read once, as a stream.

    What cannot become an article is refused, by the rules for a record of a file; its place is its
    number, from 1. `bytes_done` of `bytes_total` counts articles. An error of the iterable itself
    ends the input and is kept as `failure`, so that what came before it can be indexed first.
    """

    def __init__(self, given: Iterable[Given], names: FieldMap) -> None:
        self._given = given
        self._names = names
        self._length = len(given) if isinstance(given, Sized) else 0
        self.bytes_done = 0
        self.failure: Exception | None = None

    @property
    def bytes_total(self) -> int:
        return max(self._length, self.bytes_done)

    def __iter__(self) -> Iterator[Found]:
        given = iter(self._given)
        while True:
            try:
                each = next(given)
            except StopIteration:
                return
            except Exception as exc:
                self.failure = exc
                return
            self.bytes_done += 1
            yield read(each, Origin(PROGRAM, self.bytes_done), self._names)


def names_of(fields: Mapping[str, str] | None, date_order: str | None) -> FieldMap:
    """Say which field of a record feeds which of an article's; raise BadSetting.

    >>> dict(names_of({"text": "Body"}, None).chosen)
    {'text': 'Body'}
    """
    for name in fields or ():
        if name not in USUAL_NAMES:
            raise BadSetting("fields", f"{name!r} is none of: {', '.join(USUAL_NAMES)}")
    try:
        order = DateOrder(date_order).value if date_order else ""
    except ValueError as exc:
        orders = ", ".join(DateOrder)
        raise BadSetting("date_order", f"{date_order!r} is none of: {orders}") from exc
    return replace(FieldMap.from_stored(dict(fields or {}), order), remedy=MAP_TEXT)


def read(given: Given, origin: Origin, names: FieldMap) -> Found:
    """Read a dict, or check an article; what is neither is refused."""
    if isinstance(given, Article):
        fault = fault_of(given)
        return UnreadableArticle(str(origin), fault) if fault else given
    if not isinstance(given, Mapping):
        reason = f"neither a dict nor an Article, but of type {type(given).__name__}"
        return UnreadableArticle(str(origin), reason)
    record = {str(name): _plain_or_foreign(value) for name, value in given.items()}
    for ours, theirs, value in names.mapped_fields(record):
        if isinstance(value, Foreign):
            reason = (
                f"its field {theirs!r} is of type {value.kind}; {ours} is made of text, a number, "
                "a day, or a list of these"
            )
            named = f"{reason} ({_name_of(record, names)})"
            return UnreadableArticle(str(origin), named, record=given)
    found = article_of(record, origin, names)
    if type(found) is UnreadableArticle and MAP_TEXT in found.reason:
        reason = found.reason.replace(MAP_TEXT, 'fields={"text": NAME}')
        return UnreadableArticle(found.origin, reason, record=given)
    return found


def fault_of(article: Article) -> str:
    """Say which field of an article cannot be stored, and why; nothing where all can."""
    for name, kind in _kinds().items():
        value = getattr(article, name)
        texts = value if name == "authors" and isinstance(value, tuple) else (value,)
        right = all(isinstance(each, kind) for each in texts)
        if not right or (name == "published" and type(value) not in (date, type(None))):
            return f"its field {name!r} is of type {type(value).__name__} (id {article.id!r})"
        if name == "period" and value and (article.published or value.is_day):
            return f"its field 'period' is a day, or stands beside one (id {article.id!r})"
        if any(isinstance(each, str) and not _is_storable(each) for each in texts):
            return f"its field {name!r} holds half of a surrogate pair (id {article.id!r})"
    for name in ("id", "text"):
        if not getattr(article, name).strip():
            return f"its field {name!r} is empty (id {article.id!r})"
    return ""


@cache
def _kinds() -> dict[str, Any]:
    """The type of each field of an article, of each author for the authors."""
    return get_type_hints(Article) | {"authors": str}


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain_or_foreign(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError as exc:
        return Foreign(str(exc))


def plain(value: Any, levels: int = DEEPEST_VALUE) -> Any:
    """Write a value as JSON would have it; raise TypeError with the type of what is foreign to it.

    What is missing in a table (NaN, NaT) becomes None; what lies deeper than a reader looks is
    left out.

    >>> plain({"when": date(2024, 3, 23), "score": float("nan"), "by": ("A", "B")})
    {'when': '2024-03-23', 'score': None, 'by': ['A', 'B']}
    """
    if value is None or isinstance(value, str):
        return value
    if not levels:
        return None
    match value:
        case date() | Number() if value != value:  # only NaN and NaT differ from themselves
            return None
        case date():
            return value.isoformat()
        case Number():
            return value
        case UUID():
            return str(value)
        case Mapping():
            return {str(name): plain(each, levels - 1) for name, each in value.items()}
        case list() | tuple():
            return [plain(each, levels - 1) for each in value]
    raise TypeError(type(value).__name__)


def _name_of(record: Mapping[str, Any], names: FieldMap) -> str:
    """Name a record for a person, by its id or else its title."""
    found = names.find(record)
    for name in ("id", "title"):
        if (value := found.get(name)) and not isinstance(value, Foreign):
            return f"{name} {value!r}"
    return "without id and title"
