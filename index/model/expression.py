"""What a query's text asks for, as a tree that belongs to no engine.

Matching is decided for whole articles (an article holds `a AND b` when both stand in it, in
whatever passages), scoring for passages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """Where a word is looked for; ANY is title and text, the last five are article columns.

    Of DATE there is one word, `none`.
    """

    ANY = "any"
    TITLE = "title"
    TEXT = "text"
    SOURCE = "source"
    SECTION = "section"
    LANGUAGE = "language"
    AUTHOR = "author"
    DATE = "date"


class Stretch(StrEnum):
    """What two words can stand in together, other than a number of words."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


COLUMNS = (Field.SOURCE, Field.SECTION, Field.LANGUAGE, Field.AUTHOR, Field.DATE)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was typed."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, at most `slop - 1` others between two of them."""

    text: str
    field: Field = Field.ANY
    slop: int = 1


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any word that begins so."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Any word spelt so, but for so many letters."""

    text: str
    field: Field = Field.ANY
    edits: int = 1


@dataclass(frozen=True, slots=True)
class Near:
    """A word or phrase within so many words of another, or in one stretch of text with it.

    The second stands behind the first where that is `ordered`.
    """

    first: str
    second: str
    field: Field = Field.ANY
    within: int | Stretch = 1
    ordered: bool = False

    @property
    def text(self) -> str:
        return f"{self.first} {self.second}"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but it."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Words:
    """Parts that stand side by side: what is marked is required, plain words are weighed."""

    parts: tuple["Expression", ...]

    @property
    def plain(self) -> tuple[Word, ...]:
        return tuple(p for p in self.parts if isinstance(p, Word) and p.field is Field.ANY)

    @property
    def required(self) -> tuple["Expression", ...]:
        return tuple(p for p in self.parts if not (isinstance(p, Word) and p.field is Field.ANY))


Leaf = Word | Phrase | Prefix | Fuzzy | Near
Expression = Leaf | And | Or | Not | Words


def wanted(expression: Expression) -> Iterator[Leaf]:
    """Walk the leaves that are looked for in title and text, leaving out what is excluded."""
    match expression:
        case Not():
            return
        case And(parts) | Or(parts) | Words(parts):
            for part in parts:
                yield from wanted(part)
        case Word() | Phrase() | Prefix() | Fuzzy() | Near():
            if expression.field in (Field.ANY, Field.TITLE, Field.TEXT):
                yield expression


def written(leaf: Leaf) -> str:
    """Write a leaf as it is typed.

    >>> written(Prefix("bridg")), written(Phrase("river Ash", Field.TITLE, 5))
    ('bridg*', 'title:"river Ash"~5')
    """
    field = "" if leaf.field is Field.ANY else f"{leaf.field.value}:"
    match leaf:
        case Phrase(text, _, slop):
            return f'{field}"{text}"' + (f"~{slop}" if slop > 1 else "")
        case Prefix(text):
            return f"{field}{text}*"
        case Fuzzy(text, _, edits):
            return f"{field}{text}~" + (f"{edits}" if edits > 1 else "")
        case Near():
            operator = "PRE" if leaf.ordered else "W"
            sides = (f'"{side}"' if " " in side else side for side in (leaf.first, leaf.second))
            within = leaf.within[0].upper() if isinstance(leaf.within, Stretch) else leaf.within
            return f" {operator}/{within} ".join(field + side for side in sides)
    return f"{field}{leaf.text}"


def describe(expression: Expression) -> str:
    """Say in words how a query was read.

    >>> describe(Words((Word("ferry"), Not(Phrase("river Ash")))))
    'the words ferry, and not "river Ash"'
    """
    match expression:
        case Word(text, field):
            return _with_field(text, field)
        case Phrase(text, field, slop):
            near = f" within {slop} words" if slop > 1 else ""
            return _with_field(f'"{text}"{near}', field)
        case Prefix(text, field):
            return _with_field(f"{text}…", field)
        case Fuzzy(text, field, edits):
            return _with_field(f"{text} but for {edits} letter{'s' * (edits > 1)}", field)
        case Near(first, second, field, within, ordered):
            where = (
                f"in one {within} with" if isinstance(within, Stretch) else f"within {within} of"
            )
            order = " in this order" if ordered else ""
            return _with_field(f'"{first}" {where} "{second}"{order}', field)
        case And(parts):
            return " and ".join(_inner(part) for part in parts)
        case Or(parts):
            return " or ".join(_inner(part) for part in parts)
        case Not(part):
            return f"not {_inner(part)}"
        case Words():
            plain = " ".join(word.text for word in expression.plain)
            said = [f"the words {plain}"] if plain else []
            return ", and ".join(said + [_inner(part) for part in expression.required])


def _inner(expression: Expression) -> str:
    said = describe(expression)
    return f"({said})" if isinstance(expression, And | Or | Words) else said


def _with_field(said: str, field: Field) -> str:
    if field is Field.DATE:
        return "no date"
    return said if field is Field.ANY else f"{said} in {field.value}"
