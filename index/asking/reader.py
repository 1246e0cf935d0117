"""Reads a query: its expression, its date conditions, and its parts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple, Self

from backfile.archive.model.message import Message
from backfile.index.asking.dates import NO_DAY, Condition, narrowed, take_days
from backfile.index.asking.relaxation import LONG, without_binding_quotations
from backfile.index.asking.synonyms import NO_SYNONYMS, Synonyms
from backfile.index.lexical.query_parser.parser import PLAIN, parse
from backfile.index.lexical.query_parser.preprocess import has_operator, is_shouted, require_bounded
from backfile.index.model.description import describe, describe_all
from backfile.index.model.expression import (
    And,
    AtLeast,
    Expression,
    Field,
    Form,
    Fuzzy,
    Leaf,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Should,
    Wildcard,
    Word,
    Words,
    positive_leaves,
    written,
)
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query, QueryPart, QueryPartKind, Sort
from backfile.index.model.results import Loosened, Relaxation

QUESTION_MARKS = ("?", "？", "؟")
QUESTION_WORDS = {
    "who", "whom", "whose", "what", "which", "when", "where", "why", "how",
    "wer", "wen", "wem", "wessen", "was", "welche", "welcher", "welches", "wann", "wo", "wohin",
    "woher", "warum", "wieso", "weshalb", "wie", "qui", "que", "quoi", "quand", "où", "pourquoi",
    "comment", "quién", "qué", "cuándo", "dónde", "cómo", "chi", "cosa", "dove", "perché",
}  # fmt: skip
WILDCARDS = re.compile(r"\s*[*?]+\s*")
COMPARED = (Field.DATE, Field.LENGTH)  # their values are no words
MOST_PARTS = 16
WEIGHS = Message(
    "in a text of more than %(number)s words, a quotation weighs and need not be there", number=LONG
)
MOST_WORDS = 4  # parts of a query of words only; a longer one is a question or prose


class ReadQuery(NamedTuple):
    """A query, and how its text was read.

    `text` is the text without its date conditions; `filters` are the query's filters, narrowed to
    these days. `query` is the given query; without words, its default sort is by newest. `relaxed`
    says how the expression was relaxed, if it was.
    """

    query: Query
    text: str
    expression: Expression | None
    filters: Filters
    parts: tuple[QueryPart, ...]
    notes: tuple[Message, ...]
    description: str
    relaxed: Relaxation | None = None

    @property
    def meaning(self) -> str:
        """The text to embed: the words of the positive leaves.

        Empty in keyword mode, and for a quotation relaxed to near words: its wording counts.
        """
        by_wording = self.relaxed is not None and self.relaxed.to is Loosened.NEAR
        if self.query.mode is Mode.KEYWORD or self.expression is None or by_wording:
            return ""
        parts = self.expression.parts if isinstance(self.expression, Words) else (self.expression,)
        stated = [part for part in parts if not isinstance(part, Should)]  # its words are beside it
        leaves = (leaf for part in stated for leaf in positive_leaves(part))
        return " ".join(WILDCARDS.sub(" ", leaf.text) for leaf in leaves).strip()

    @property
    def is_question(self) -> bool:
        """Whether the text asks something: it ends with a question mark, or begins like one."""
        text = self.text.rstrip(" \"'”’»)")
        first = text.split(maxsplit=1)[0].removeprefix("¿") if text else ""
        written = first in (first.lower(), first.capitalize())  # not WHO
        return text.endswith(QUESTION_MARKS) or (written and first.lower() in QUESTION_WORDS)

    def in_mode(self, mode: Mode) -> Self:
        """The same query in another mode."""
        return self._replace(query=replace(self.query, mode=mode))

    def in_other_words(self, expression: Expression) -> Self:
        """The same query with another expression of its words."""
        days = [part.text for part in self.parts if part.kind is QueryPartKind.DATE]
        described = describe_all([describe(expression), *days])
        return self._replace(expression=expression, description=described)

    def without_filters(self) -> Self:
        """The same query without filters."""
        return self._replace(filters=Filters())


def read_query(query: Query, today: date, synonyms: Synonyms = NO_SYNONYMS) -> ReadQuery:
    """Read a query's text. Syntax errors are read as words, with a note.

    Raises BadQuery for more operators than can be answered in time.
    """
    if not is_shouted(query.text):
        require_bounded(query.text)
    dated = take_days(query.text, today)
    parsed = parse(dated.text)
    filters = narrowed(query.filters, dated.conditions)
    notes = [*dated.notes, *parsed.notes]
    if filters.since and filters.until and filters.since > filters.until:
        notes.append(NO_DAY)
    expression = parsed.expression
    if expression and not query.strict:
        expression = without_binding_quotations(expression)
        notes += [WEIGHS] if expression != parsed.expression else []
    expression = synonyms.expanded(expression) if expression else None
    described = [describe(expression)] if expression else []
    described += [condition.text for condition in dated.conditions]
    return ReadQuery(
        query=_sorted(query, dated.text),
        text=dated.text,
        expression=expression,
        filters=filters,
        parts=tuple(_parts(parsed.expression, dated.conditions)),
        notes=tuple(notes),
        description=describe_all(described),
    )


def _sorted(query: Query, text: str) -> Query:
    """Sort a query without words by newest if it has the default sort."""
    browsing = query.sort is Sort.RELEVANCE and not text
    return replace(query, sort=Sort.NEWEST) if browsing else query


def typed(expression: Expression) -> str:
    """Write an expression in the query language.

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
        case AtLeast(part, number):
            return f"ATLEAST{number}({typed(part)})"
        case Should(part):
            return written(part)
        case Word(text, field, Form.ANY) if field not in COMPARED and not _is_plain(text):
            return written(Phrase(text, field))
    return written(expression)


def _inner(expression: Expression) -> str:
    group = isinstance(expression, And | Or | Words | Near)
    return f"({typed(expression)})" if group else typed(expression)


def _is_plain(word: str) -> bool:
    """Whether a word alone is parsed as that word."""
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
    for i, day in enumerate(days):
        others = days[:i] + days[i + 1 :]
        yield QueryPart(QueryPartKind.DATE, day, " ".join(whole + others))


Removable = Leaf | AtLeast | Not | Should


def _leaves(expression: Expression) -> Iterator[tuple[Removable, Expression | None]]:
    """Iterate over the removable parts, each with the expression without it."""
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            for i, part in enumerate(parts):
                for found, left in _leaves(part):
                    others = (*parts[:i], *([left] if left else []), *parts[i + 1 :])
                    rest = others[0] if len(others) == 1 else type(expression)(others)
                    yield found, rest if others else None
        case _:
            yield expression, None


def _kind(part: Removable) -> QueryPartKind:
    match part:
        case Should(leaf):
            return _kind(leaf)
        case Not():
            return QueryPartKind.EXCLUSION
        case AtLeast(counted):
            return _kind(counted)
        case _ if part.field is not Field.ANY:
            return QueryPartKind.FIELD
        case Phrase():
            return QueryPartKind.PHRASE
        case Prefix() | Wildcard():
            return QueryPartKind.PREFIX
        case Fuzzy():
            return QueryPartKind.FUZZY
        case Near():
            return QueryPartKind.NEAR
    return QueryPartKind.WORD
