"""What a query's text asks for, as a tree that belongs to no engine.

Matching is decided for whole articles (an article holds `a AND b` when both stand in it, in
whatever passages), scoring for passages.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backfile.archive.model.message import Message


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


FIELD_NAMES = {
    Field.TITLE: Message("title"),
    Field.TEXT: Message("text"),
    Field.SOURCE: Message("source"),
    Field.SECTION: Message("section"),
    Field.LANGUAGE: Message("language"),
    Field.AUTHOR: Message("author"),
}
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
    """Say in words how a query was read; a page can say it in its own language.

    >>> describe(Words((Word("ferry"), Not(Phrase("river Ash")))))
    'the words ferry, and not "river Ash"'
    """
    match expression:
        case Near():
            return _with_field(_describe_near(expression), expression.field)
        case Word(text, field):
            return _with_field(text, field)
        case Phrase(text, field, slop):
            near = Message('"%(text)s" within %(slop)s words', text=text, slop=str(slop))
            return _with_field(near if slop > 1 else Message('"%(text)s"', text=text), field)
        case Prefix(text, field):
            return _with_field(f"{text}…", field)
        case Fuzzy(text, field, edits):
            spelt = Message.counted(
                "%(text)s but for %(number)s letter",
                "%(text)s but for %(number)s letters",
                edits,
                text=text,
            )
            return _with_field(spelt, field)
        case And(parts):
            return _joined(_and, [_inner(part) for part in parts])
        case Or(parts):
            return _joined(_or, [_inner(part) for part in parts])
        case Not(part):
            return Message("not %(text)s", text=_inner(part))
        case Words():
            plain = " ".join(word.text for word in expression.plain)
            said: list[str] = [Message("the words %(words)s", words=plain)] if plain else []
            return describe_all([*said, *(_inner(part) for part in expression.required)])


def describe_all(descriptions: Sequence[str]) -> str:
    """Say that all of several descriptions hold.

    >>> describe_all(["the words ferry", "no date", "after:2023"])
    'the words ferry, and no date, and after:2023'
    """
    return _joined(_and_also, descriptions)


def _describe_near(near: Near) -> Message:
    sides = {"first": near.first, "second": near.second}
    match near.within:
        case Stretch.SENTENCE:
            said = Message('"%(first)s" in one sentence with "%(second)s"', **sides)
        case Stretch.PARAGRAPH:
            said = Message('"%(first)s" in one paragraph with "%(second)s"', **sides)
        case number:
            said = Message.counted(
                '"%(first)s" within %(number)s of "%(second)s"',
                '"%(first)s" within %(number)s of "%(second)s"',
                number,
                **sides,
            )
    return Message("%(said)s in this order", said=said) if near.ordered else said


def _joined(join: Callable[[str, str], str], descriptions: Sequence[str]) -> str:
    """Join in halves: thousands of parts nest only as deep as their logarithm."""
    if len(descriptions) < 2:
        return descriptions[0] if descriptions else ""
    half = len(descriptions) // 2
    return join(_joined(join, descriptions[:half]), _joined(join, descriptions[half:]))


def _and(first: str, second: str) -> Message:
    return Message("%(first)s and %(second)s", first=first, second=second)


def _or(first: str, second: str) -> Message:
    return Message("%(first)s or %(second)s", first=first, second=second)


def _and_also(first: str, second: str) -> Message:
    return Message("%(first)s, and %(second)s", first=first, second=second)


def _inner(expression: Expression) -> str:
    said = describe(expression)
    return Message("(%(said)s)", said=said) if isinstance(expression, And | Or | Words) else said


def _with_field(said: str, field: Field) -> str:
    match field:
        case Field.ANY:
            return said
        case Field.DATE:
            return Message("no date")
    return Message("%(said)s in %(field)s", said=said, field=FIELD_NAMES[field])
