"""Reads a query whole: its words, its days, and each part with the query that lacks it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from archive.message import Message
from index.asking.named_days import NO_DAY, Condition, Dated, narrowed, take_days
from index.expression import (
    And,
    Expression,
    Field,
    Fuzzy,
    Leaf,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    Words,
    describe,
    describe_all,
    written,
)
from index.filters import Filters
from index.lexical.querying.mending import has_operator
from index.lexical.querying.parsing import PLAIN, parse
from index.query import Query

MOST_PARTS = 16
MOST_WORDS = 4  # of words alone; more are a question or prose, which nobody takes apart by words


class AskedKind(StrEnum):
    """What a part of a query is."""

    WORD = "word"
    PHRASE = "phrase"
    PREFIX = "prefix"
    FUZZY = "fuzzy"
    NEAR = "near"
    FIELD = "field"
    DATE = "date"
    EXCLUSION = "exclusion"


class AskedPart(NamedTuple):
    """A part of a query as it can be typed, and the text of the query without it."""

    kind: AskedKind
    text: str
    without: str


class Asked(NamedTuple):
    """How a query was read. `text` is what it asks for beside days, `filters` hold those days."""

    text: str
    expression: Expression | None
    filters: Filters
    parts: tuple[AskedPart, ...]
    notes: tuple[Message, ...]
    description: str


def read_query(query: Query, today: date) -> Asked:
    """Read a query's text; whatever is wrong in it is read as words, and a note says so."""
    dated = Dated(query.text) if query.plain else take_days(query.text, today)
    read = parse(dated.text, plain=query.plain)
    filters = narrowed(query.filters, dated.conditions)
    notes = [*dated.notes, *read.notes]
    if filters.since and filters.until and filters.since > filters.until:
        notes.append(NO_DAY)
    said = [describe(read.expression)] if read.expression else []
    said += [condition.text for condition in dated.conditions]
    parts = tuple(_parts(read.expression, dated.conditions))
    return Asked(dated.text, read.expression, filters, parts, tuple(notes), describe_all(said))


def undated(query: Query, asked: Asked) -> Query:
    """The same query without any day or other filter."""
    return replace(query, text=asked.text, filters=Filters())


def typed(expression: Expression) -> str:
    """Write an expression as it can be typed.

    >>> typed(Words((Word("ferry"), Or((Prefix("boat"), Not(Phrase("river Ash")))))))
    'ferry (boat* OR NOT "river Ash")'
    """
    match expression:
        case And(parts):
            return " AND ".join(map(_inner, parts))
        case Or(parts):
            return " OR ".join(map(_inner, parts))
        case Words(parts):
            return " ".join(map(_inner, parts))
        case Not(part):
            return f"NOT {_inner(part)}"
        case Word(text, field) if field is not Field.DATE and not _is_plain(text):
            return written(Phrase(text, field))
    return written(expression)


def _inner(expression: Expression) -> str:
    group = isinstance(expression, And | Or | Words | Near)
    return f"({typed(expression)})" if group else typed(expression)


def _is_plain(word: str) -> bool:
    """Whether a word is read as itself where it stands alone."""
    if PLAIN.fullmatch(word):
        return not has_operator(word)
    return parse(word) == (Words((Word(word),)), ())


def _parts(expression: Expression | None, conditions: tuple[Condition, ...]) -> Iterator[AskedPart]:
    days = [condition.text for condition in conditions]
    whole = [typed(expression)] if expression else []
    found = list(_leaves(expression)) if expression else []
    words = all(_kind(part) is AskedKind.WORD for part, _ in found)
    for part, left in found if len(found) <= (MOST_WORDS if words else MOST_PARTS) else ():
        rest = [typed(left)] if left else []
        yield AskedPart(_kind(part), typed(part), " ".join(rest + days))
    for place, day in enumerate(days):
        kept = days[:place] + days[place + 1 :]
        yield AskedPart(AskedKind.DATE, day, " ".join(whole + kept))


def _leaves(expression: Expression) -> Iterator[tuple[Leaf | Not, Expression | None]]:
    """Walk what can be taken out, each with what is then left."""
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            for place, part in enumerate(parts):
                for found, left in _leaves(part):
                    kept = (*parts[:place], *([left] if left else []), *parts[place + 1 :])
                    rest = kept[0] if len(kept) == 1 else type(expression)(kept)
                    yield found, rest if kept else None
        case _:
            yield expression, None


def _kind(part: Leaf | Not) -> AskedKind:
    match part:
        case Not():
            return AskedKind.EXCLUSION
        case _ if part.field is not Field.ANY:
            return AskedKind.FIELD
        case Phrase():
            return AskedKind.PHRASE
        case Prefix():
            return AskedKind.PREFIX
        case Fuzzy():
            return AskedKind.FUZZY
        case Near():
            return AskedKind.NEAR
    return AskedKind.WORD
