"""The query as a tree of words, phrases and operators; it depends on no engine.

Matching is decided for whole articles: an article matches `a AND b` when it contains both, in any
of its passages. Scores belong to passages.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum

from backfile.archive.model.message import Message


class Field(StrEnum):
    """Where a word is searched: ANY is title and text, the last five are columns of articles.

    The only value of DATE is `none`.
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
    """The part of a text that two words share, instead of a distance in words."""

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
INDEXED = (Field.TITLE, Field.TEXT)  # the fields that have posting lists
COLUMNS = (Field.SOURCE, Field.SECTION, Field.LANGUAGE, Field.AUTHOR, Field.DATE)
Gap = int | Stretch
"""The greatest distance in terms between two neighbours of a phrase, or the stretch they share."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the user typed it."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, with at most `slop - 1` other words between two neighbours."""

    text: str
    field: Field = Field.ANY
    slop: int = 1


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any word with this beginning."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Any word within `edits` edits of this spelling."""

    text: str
    field: Field = Field.ANY
    edits: int = 1


@dataclass(frozen=True, slots=True)
class Near:
    """A word or phrase at most `within` words from another, or in the same stretch of text.

    If `ordered`, the second follows the first.
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
class CloseRow:
    """A passage that words a quotation nearly so; `share` of its words are there, 0 to 1."""

    row: int
    share: float


@dataclass(frozen=True, slots=True)
class Quotation:
    """Most of these words near each other, in this order: the passages that were found so."""

    text: str
    field: Field = Field.ANY
    found: tuple[CloseRow, ...] = dataclass_field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Should:
    """A part that raises the score of what matches it, and excludes nothing."""

    part: "Leaf"


@dataclass(frozen=True, slots=True)
class And:
    """Matches if every part matches."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Matches if any part matches."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Matches if the part does not match."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Words:
    """Parts without an operator between them: plain words are weighted, other parts required."""

    parts: tuple["Expression", ...]

    @property
    def plain(self) -> tuple[Word, ...]:
        return tuple(p for p in self.parts if isinstance(p, Word) and p.field is Field.ANY)

    @property
    def required(self) -> tuple["Expression", ...]:
        others = (p for p in self.parts if not isinstance(p, Should))
        return tuple(p for p in others if not (isinstance(p, Word) and p.field is Field.ANY))

    @property
    def weighing(self) -> tuple[Should, ...]:
        return tuple(part for part in self.parts if isinstance(part, Should))


Leaf = Word | Phrase | Prefix | Fuzzy | Near | Quotation
Expression = Leaf | And | Or | Not | Words | Should


def positive_leaves(expression: Expression) -> Iterator[Leaf]:
    """Iterate over the leaves on title or text that are not below a Not."""
    match expression:
        case Not():
            return
        case And(parts) | Or(parts) | Words(parts):
            for part in parts:
                yield from positive_leaves(part)
        case Should(leaf):
            yield from positive_leaves(leaf)
        case Word() | Phrase() | Prefix() | Fuzzy() | Near() | Quotation():
            if expression.field in (Field.ANY, Field.TITLE, Field.TEXT):
                yield expression


def requires_words(expression: Expression) -> bool:
    """Whether title or text decide which articles an expression excludes.

    >>> requires_words(Words((Word("ferry"), Word("Courier", Field.SOURCE))))
    False
    >>> requires_words(Words((Word("ferry"), Not(Word("strike")))))
    True
    """
    required = expression.required if isinstance(expression, Words) else (expression,)
    return any(map(_reads_words, required))


def _reads_words(expression: Expression) -> bool:
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            return any(map(_reads_words, parts))
        case Not(part):
            return _reads_words(part)
        case Should():
            return False
    return expression.field not in COLUMNS


def written(leaf: Leaf) -> str:
    """Write a leaf in the query language.

    >>> written(Prefix("bridg")), written(Phrase("river Ash", Field.TITLE, 5))
    ('bridg*', 'title:"river Ash"~5')
    """
    field = "" if leaf.field is Field.ANY else f"{leaf.field.value}:"
    match leaf:
        case Phrase(text, _, slop):
            return f'{field}"{text}"' + (f"~{slop}" if slop > 1 else "")
        case Quotation(text):
            return f'{field}"{text}"'
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
    """Describe an expression in words: a Message that a page can translate, or plain text.

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
        case Quotation(text, field):
            return _with_field(Message('nearly "%(text)s"', text=text), field)
        case Should(part):
            return Message("if possible %(text)s", text=describe(part))
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
            words: list[str] = [Message("the words %(words)s", words=plain)] if plain else []
            others = (*expression.required, *expression.weighing)
            return describe_all([*words, *map(_inner, others)])


def describe_all(descriptions: Sequence[str]) -> str:
    """Join descriptions by "and".

    >>> describe_all(["the words ferry", "no date", "after:2023"])
    'the words ferry, and no date, and after:2023'
    """
    return _joined(_and_also, descriptions)


def _describe_near(near: Near) -> Message:
    sides = {"first": near.first, "second": near.second}
    match near.within:
        case Stretch.SENTENCE:
            text = Message('"%(first)s" in one sentence with "%(second)s"', **sides)
        case Stretch.PARAGRAPH:
            text = Message('"%(first)s" in one paragraph with "%(second)s"', **sides)
        case number:
            text = Message.counted(
                '"%(first)s" within %(number)s of "%(second)s"',
                '"%(first)s" within %(number)s of "%(second)s"',
                number,
                **sides,
            )
    return Message("%(said)s in this order", said=text) if near.ordered else text


def _joined(join: Callable[[str, str], str], descriptions: Sequence[str]) -> str:
    """Join in halves, so that n parts nest log2(n) deep and thousands do not exhaust the stack."""
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
    text = describe(expression)
    return Message("(%(said)s)", said=text) if isinstance(expression, And | Or | Words) else text


def _with_field(text: str, field: Field) -> str:
    match field:
        case Field.ANY:
            return text
        case Field.DATE:
            return Message("no date")
    return Message("%(said)s in %(field)s", said=text, field=FIELD_NAMES[field])
