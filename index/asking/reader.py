"""Reads a query whole: its words, its days, and each part with the query that lacks it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple, Self

from backfile.archive.model.message import Message
from backfile.index.asking.dates import NO_DAY, Condition, narrowed, take_days
from backfile.index.lexical.query_parser.parser import PLAIN, parse
from backfile.index.lexical.query_parser.preprocess import has_operator
from backfile.index.model.expression import (
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
    wanted,
    written,
)
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query, QueryPart, QueryPartKind, Sort

MOST_PARTS = 16
MOST_WORDS = 4  # of words alone; more are a question or prose, which nobody takes apart by words


class ReadQuery(NamedTuple):
    """A query and how its text was read.

    `text` is the text without the days that it names, `filters` are the query's own, narrowed to
    those days. `query` is as it was given, but for the sort of one that asks for nothing but days:
    the newest first.
    """

    query: Query
    text: str
    expression: Expression | None
    filters: Filters
    parts: tuple[QueryPart, ...]
    notes: tuple[Message, ...]
    description: str

    @property
    def meaning(self) -> str:
        """The text to embed: the words that are wanted; empty where the mode is by words alone."""
        if self.query.mode is Mode.KEYWORD or self.expression is None:
            return ""
        return " ".join(leaf.text for leaf in wanted(self.expression))

    def without_filters(self) -> Self:
        """The same text, asked of the whole archive."""
        return self._replace(filters=Filters())


def read_query(query: Query, today: date) -> ReadQuery:
    """Read a query's text. What is wrong in it is read as words, and a note says so."""
    dated = take_days(query.text, today)
    parsed = parse(dated.text)
    filters = narrowed(query.filters, dated.conditions)
    notes = [*dated.notes, *parsed.notes]
    if filters.since and filters.until and filters.since > filters.until:
        notes.append(NO_DAY)
    described = [describe(parsed.expression)] if parsed.expression else []
    described += [condition.text for condition in dated.conditions]
    return ReadQuery(
        query=_sorted(query, dated.text),
        text=dated.text,
        expression=parsed.expression,
        filters=filters,
        parts=tuple(_parts(parsed.expression, dated.conditions)),
        notes=tuple(notes),
        description=describe_all(described),
    )


def _sorted(query: Query, text: str) -> Query:
    """The query in its default order: the newest first where no words are asked for."""
    browsing = query.sort is Sort.RELEVANCE and not text
    return replace(query, sort=Sort.NEWEST) if browsing else query


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


def _parts(expression: Expression | None, conditions: tuple[Condition, ...]) -> Iterator[QueryPart]:
    days = [condition.text for condition in conditions]
    whole = [typed(expression)] if expression else []
    found = list(_leaves(expression)) if expression else []
    words = all(_kind(part) is QueryPartKind.WORD for part, _ in found)
    for part, left in found if len(found) <= (MOST_WORDS if words else MOST_PARTS) else ():
        rest = [typed(left)] if left else []
        yield QueryPart(_kind(part), typed(part), " ".join(rest + days))
    for place, day in enumerate(days):
        kept = days[:place] + days[place + 1 :]
        yield QueryPart(QueryPartKind.DATE, day, " ".join(whole + kept))


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


def _kind(part: Leaf | Not) -> QueryPartKind:
    match part:
        case Not():
            return QueryPartKind.EXCLUSION
        case _ if part.field is not Field.ANY:
            return QueryPartKind.FIELD
        case Phrase():
            return QueryPartKind.PHRASE
        case Prefix():
            return QueryPartKind.PREFIX
        case Fuzzy():
            return QueryPartKind.FUZZY
        case Near():
            return QueryPartKind.NEAR
    return QueryPartKind.WORD
