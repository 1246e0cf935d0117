"""A search as a person or a program asks it, and its form as URL parameters."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, Self, TypeVar
from urllib.parse import urlencode

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.index.model.filters import (
    FACET_FILTERS,
    DateFilter,
    Filters,
    parse_day,
    parse_day_of_year,
)

DEFAULT_HITS = 10
MOST_HITS = 200
LONGEST_TEXT = 4_000  # characters
CURSOR = re.compile(r"g(\d{1,18})o(\d{1,12})")
Choice = TypeVar("Choice", bound=StrEnum)


class Mode(StrEnum):
    """Which rankings answer: words, meaning, or both fused."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    SEMANTIC = "semantic"


class Sort(StrEnum):
    """The order of the hits."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    ADDED = "added"
    """Last added to the archive first, whatever day it is of."""


class Copies(StrEnum):
    """Whether copies of one story are one hit, or one each."""

    FOLD = "fold"
    SHOW = "show"


class Scale(StrEnum):
    """What the timeline shows: how many articles, or which share of what the archive holds."""

    COUNT = "count"
    SHARE = "share"


class Marking(StrEnum):
    """What is marked in hits: the words, or also the sentence that is nearest in meaning."""

    WORDS = "words"
    SENTENCE = "sentence"


class QueryPartKind(StrEnum):
    """What a part of a query is."""

    WORD = "word"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy"
    NEAR = "near"
    FIELD = "field"
    DATE = "date"
    EXCLUSION = "exclusion"


class QueryPart(NamedTuple):
    """A part of a query as it can be typed, and the text of the query without it."""

    kind: QueryPartKind
    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: how many hits came before it, and in which generation."""

    generation: int
    offset: int

    def __str__(self) -> str:
        return f"g{self.generation}o{self.offset}"


@dataclass(frozen=True, slots=True)
class Query:
    """One search."""

    text: str = ""
    mode: Mode = Mode.HYBRID
    filters: Filters = Filters()
    sort: Sort = Sort.RELEVANCE
    copies: Copies = Copies.FOLD
    timeline: Scale = Scale.COUNT
    mark: Marking = Marking.WORDS
    limit: int = DEFAULT_HITS
    cursor: Cursor | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """Read `q mode since until date day`, the facets, `sort copies timeline mark limit cursor`.

        `not_source` and the like are read as `source` is. Raises BadQuery with the parameter's
        name. Unknown parameters are left alone.
        """

        def last(name: str) -> str:
            values = [value.strip() for value in parameters.get(name, ()) if value.strip()]
            return values[-1] if values else ""

        def several(name: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(v.strip() for v in parameters.get(name, ()) if v.strip()))

        filters = Filters(
            since=parse_day("since", last("since"), end=False),
            until=parse_day("until", last("until"), end=True),
            date=_choice(DateFilter, "date", last("date")),
            day=parse_day_of_year("day", last("day")),
            **{name: several(name) for name in FACET_FILTERS},
        )
        if filters.since and filters.until and filters.since > filters.until:
            since, until = str(filters.since), str(filters.until)
            reason = Message("%(since)s is after until=%(until)s", since=since, until=until)
            raise BadQuery("since", reason)
        return cls(
            text=_text(last("q")),
            mode=_choice(Mode, "mode", last("mode")),
            filters=filters,
            sort=_choice(Sort, "sort", last("sort")),
            copies=_choice(Copies, "copies", last("copies")),
            timeline=_choice(Scale, "timeline", last("timeline")),
            mark=_choice(Marking, "mark", last("mark")),
            limit=parse_limit(last("limit"), most=MOST_HITS),
            cursor=parse_cursor("cursor", last("cursor")),
        )

    def to_parameters(self) -> list[tuple[str, str]]:
        """Write the parameters that differ from their defaults, in a settled order."""
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
        for name in ("sort", "copies", "timeline", "mark"):
            choice = getattr(self, name)
            pairs += [(name, choice.value)] if choice is not getattr(default, name) else []
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


def _choice(kind: type[Choice], name: str, value: str) -> Choice:
    if not value:
        return next(iter(kind))
    try:
        return kind(value)
    except ValueError as exc:
        kinds = ", ".join(kind)
        reason = Message("%(value)s is none of: %(kinds)s", value=repr(value), kinds=kinds)
        raise BadQuery(name, reason) from exc


def parse_limit(value: str, *, most: int, usual: int = DEFAULT_HITS) -> int:
    """Read how many are wanted, `usual` where nothing is said; raise BadQuery."""
    if not value.strip():
        return usual
    if not re.fullmatch(r"[0-9]{1,6}", value.strip()) or not 1 <= int(value) <= most:
        reason = Message(
            "%(value)s is not a number from 1 to %(most)s", value=repr(value), most=most
        )
        raise BadQuery("limit", reason)
    return int(value)


def parse_cursor(name: str, value: str) -> Cursor | None:
    """Read a place in an answer, nothing where none is given; raise BadQuery."""
    if not value:
        return None
    match = CURSOR.fullmatch(value)
    if not match:
        reason = Message("%(value)s is not one that an answer gave as `next`", value=repr(value))
        raise BadQuery(name, reason)
    return Cursor(int(match[1]), int(match[2]))
