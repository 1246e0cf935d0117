"""A query with its filters, order and page, and its URL parameters."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import urlencode

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.collections_file import clean_name
from backfile.index.model.filters import (
    FACET_FILTERS,
    DateFilter,
    Filters,
    parse_day,
    parse_day_of_year,
    parse_instant,
    written_instant,
)
from backfile.index.model.groups import Group

DEFAULT_HITS = 10
MOST_HITS = 200
LONGEST_TEXT = 4_000  # characters
COMPARE, MOST_COMPARED = "compare", 4  # other searches in one chart
LONGEST_VALUE = 300  # characters of a filter's value
MOST_VALUES = 50  # of one filter
MOST_FILTERS = 200  # values of all filters
CURSOR = re.compile(r"g(\d{1,18})o(\d{1,12})")
SWITCH = ("0", "1")
Choice = TypeVar("Choice", bound=StrEnum)


class Mode(StrEnum):
    """The rankings of a query: by words, by meaning, or both fused."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    SEMANTIC = "semantic"


class Sort(StrEnum):
    """The order of the hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    ADDED = "added"
    """The article added last comes first, whatever its day."""


class Copies(StrEnum):
    """Whether the copies of one cluster are one hit, or a hit each."""

    FOLD = "fold"
    SHOW = "show"


class Scale(StrEnum):
    """The unit of the timeline: numbers of articles, or shares of the archive's articles."""

    COUNT = "count"
    SHARE = "share"


class Marking(StrEnum):
    """The marks in hits: matched words only, or also the sentence nearest in meaning."""

    WORDS = "words"
    SENTENCE = "sentence"


class View(StrEnum):
    """The form of the hits on a page: excerpts, a line each, or each matched word in context."""

    EXCERPTS = "excerpts"
    LIST = "list"
    CONTEXT = "kwic"
    """Keyword in context: https://en.wikipedia.org/wiki/Key_Word_in_Context"""


class ContextOrder(StrEnum):
    """The order of matched words in context: by the words right or left of them, date or outlet."""

    RIGHT = "right"
    LEFT = "left"
    DATE = "date"
    SOURCE = "source"


class QueryPartKind(StrEnum):
    """The kind of a part of a query."""

    WORD = "word"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy"
    NEAR = "near"
    FIELD = "field"
    DATE = "date"
    EXCLUSION = "exclusion"


class QueryPart(NamedTuple):
    """A part of a query in the query language, and the query's text without this part."""

    kind: QueryPartKind
    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The start of a page: its offset in hits, and the generation of the first page."""

    generation: int
    offset: int

    def __str__(self) -> str:
        return f"g{self.generation}o{self.offset}"


@dataclass(frozen=True, slots=True)
class Query:
    """A query: its text, mode, filters, order, and page."""

    text: str = ""
    mode: Mode = Mode.HYBRID
    filters: Filters = Filters()
    match: Group | None = None
    """The last group that is wanted, with those before it; None as suits the answer."""
    sort: Sort = Sort.RELEVANCE
    copies: Copies = Copies.FOLD
    timeline: Scale = Scale.COUNT
    mark: Marking = Marking.WORDS
    view: View = View.EXCERPTS
    context: ContextOrder = ContextOrder.RIGHT
    compare: tuple[str, ...] = ()
    """The texts of other searches under the same filters, for a chart of all."""
    strict: bool = False
    """Whether quotation marks and operators bind even if nothing is found."""
    limit: int = DEFAULT_HITS
    cursor: Cursor | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """Read a query from parameters with the names of its fields and those of Filters.

        The text is `q`. Facets and their `not_` forms may be repeated; of other parameters the last
        value counts. Unknown parameters are ignored. Raises BadQuery with the parameter's name.
        """

        def last(name: str) -> str:
            values = [value.strip() for value in parameters.get(name, ()) if value.strip()]
            return values[-1] if values else ""

        filters = Filters(
            since=parse_day("since", last("since"), end=False),
            until=parse_day("until", last("until"), end=True),
            date=_choice(DateFilter, "date", last("date")),
            day=parse_day_of_year("day", last("day")),
            collection=_collection(last("collection")),
            added_since=parse_instant("added_since", last("added_since")),
            **_facet_values(parameters),
        )
        if filters.since and filters.until and filters.since > filters.until:
            since, until = str(filters.since), str(filters.until)
            reason = Message("%(since)s is after until=%(until)s", since=since, until=until)
            raise BadQuery("since", reason)
        return cls(
            text=_text(last("q")),
            mode=_choice(Mode, "mode", last("mode")),
            filters=filters,
            match=_choice(Group, "match", last("match")) if last("match") else None,
            sort=_choice(Sort, "sort", last("sort")),
            copies=_choice(Copies, "copies", last("copies")),
            timeline=_choice(Scale, "timeline", last("timeline")),
            mark=_choice(Marking, "mark", last("mark")),
            view=_choice(View, "view", last("view")),
            context=_choice(ContextOrder, "context", last("context")),
            compare=_compared(parameters.get(COMPARE, ())),
            strict=_switch("strict", last("strict")),
            limit=parse_limit(last("limit"), most=MOST_HITS),
            cursor=parse_cursor("cursor", last("cursor")),
        )

    def of_any_day(self) -> Self:
        """The same query without `since` and `until`, from its first page on."""
        filters = replace(self.filters, since=None, until=None)
        return replace(self, filters=filters, cursor=None)

    def to_parameters(self) -> list[tuple[str, str]]:
        """List the parameters that differ from their defaults, always in the same order."""
        default = Query()
        pairs = [("q", self.text)] if self.text else []
        if self.mode is not default.mode:
            pairs.append(("mode", self.mode.value))
        for name in ("since", "until"):
            day = getattr(self.filters, name)
            pairs += [(name, day.isoformat())] if day else []
        if self.filters.date is not default.filters.date:
            pairs.append(("date", self.filters.date.value))
        if self.filters.day:
            pairs.append(("day", str(self.filters.day)))
        for name in FACET_FILTERS:
            pairs.extend((name, value) for value in getattr(self.filters, name))
        if self.filters.collection:
            pairs.append(("collection", self.filters.collection))
        if self.filters.added_since:
            pairs.append(("added_since", written_instant(self.filters.added_since)))
        if self.match:
            pairs.append(("match", self.match.value))
        for name in ("sort", "copies", "timeline", "mark", "view", "context"):
            choice = getattr(self, name)
            pairs += [(name, choice.value)] if choice is not getattr(default, name) else []
        pairs.extend((COMPARE, text) for text in self.compare)
        if self.strict:
            pairs.append(("strict", SWITCH[True]))
        if self.limit != default.limit:
            pairs.append(("limit", str(self.limit)))
        if self.cursor:
            pairs.append(("cursor", str(self.cursor)))
        return pairs

    def to_url(self) -> str:
        return urlencode(self.to_parameters())

    def first_page(self) -> Self:
        return replace(self, cursor=None)


def _text(value: str) -> str:
    if len(value) > LONGEST_TEXT:
        most, long = LONGEST_TEXT, len(value)
        reason = Message("%(long)s characters; at most %(most)s are taken", long=long, most=most)
        raise BadQuery("q", reason)
    text = unicodedata.normalize("NFC", " ".join(value.replace("\x00", " ").split()))
    return text.encode("utf-8", "replace").decode()


def _compared(given: Sequence[str]) -> tuple[str, ...]:
    """The texts of compared searches, each once; raise BadQuery if there are too many."""
    texts = tuple(dict.fromkeys(text for value in given if (text := _text(value))))
    if len(texts) > MOST_COMPARED:
        reason = Message(
            "%(number)s values; at most %(most)s are taken", number=len(texts), most=MOST_COMPARED
        )
        raise BadQuery(COMPARE, reason)
    return texts


def _collection(value: str) -> str:
    return clean_name("collection", value) if value else ""


def _facet_values(parameters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The values of each facet filter, each once; raise BadQuery if there are too many."""
    found, total = {}, 0
    for name in FACET_FILTERS:
        given = (value.strip() for value in parameters.get(name, ()))
        values = tuple(dict.fromkeys(value for value in given if value))
        total += len(values)
        if len(values) > MOST_VALUES:
            number, most = len(values), MOST_VALUES
            reason = Message(
                "%(number)s values; at most %(most)s are taken", number=number, most=most
            )
            raise BadQuery(name, reason)
        if total > MOST_FILTERS:
            reason = Message("at most %(most)s values are taken in all filters", most=MOST_FILTERS)
            raise BadQuery(name, reason)
        if any(len(value) > LONGEST_VALUE for value in values):
            reason = Message("a value has more than %(most)s characters", most=LONGEST_VALUE)
            raise BadQuery(name, reason)
        found[name] = values
    return found


def _choice(kind: type[Choice], name: str, value: str) -> Choice:
    if not value:
        return next(iter(kind))
    try:
        return kind(value)
    except ValueError as exc:
        kinds = ", ".join(kind)
        reason = Message("%(value)s is none of: %(kinds)s", value=repr(value), kinds=kinds)
        raise BadQuery(name, reason) from exc


def _switch(name: str, value: str) -> bool:
    if value and value not in SWITCH:
        kinds = ", ".join(SWITCH)
        reason = Message("%(value)s is none of: %(kinds)s", value=repr(value), kinds=kinds)
        raise BadQuery(name, reason)
    return value == SWITCH[True]


def parse_limit(value: str, *, most: int, usual: int = DEFAULT_HITS) -> int:
    """Read the parameter `limit`, 1 to `most`; `usual` if it is empty. Raises BadQuery."""
    if not value.strip():
        return usual
    if not re.fullmatch(r"[0-9]{1,6}", value.strip()) or not 1 <= int(value) <= most:
        reason = Message(
            "%(value)s is not a number from 1 to %(most)s", value=repr(value), most=most
        )
        raise BadQuery("limit", reason)
    return int(value)


def parse_cursor(name: str, value: str) -> Cursor | None:
    """Read a cursor; None for an empty value. Raises BadQuery."""
    if not value:
        return None
    match = CURSOR.fullmatch(value)
    if not match:
        reason = Message("%(value)s is not one that an answer gave as `next`", value=repr(value))
        raise BadQuery(name, reason)
    return Cursor(int(match[1]), int(match[2]))
