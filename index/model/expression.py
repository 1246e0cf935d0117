"""The query as a tree of words, phrases and operators; it depends on no engine.

Matching is decided for whole articles: an article matches `a AND b` when it contains both, in any
of its passages. Scores belong to passages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from enum import StrEnum


class Field(StrEnum):
    """Where a word is searched: ANY is title and text, LEAD the title and the first paragraph.

    The last six are columns of articles. The only value of DATE is `none`; a value of LENGTH is a
    number of words with its comparison: `>800`.
    """

    ANY = "any"
    TITLE = "title"
    TEXT = "text"
    LEAD = "lead"
    SOURCE = "source"
    SECTION = "section"
    LANGUAGE = "language"
    AUTHOR = "author"
    DATE = "date"
    LENGTH = "length"


class Form(StrEnum):
    """How a word must be written; the value is what is typed in front of it."""

    ANY = ""
    """In any form of the word: ferry, Ferries."""
    SPELLING = "="
    """As it was typed, but for capitals."""
    CASE = "=="
    """As it was typed."""
    ALLCAPS = "ALLCAPS"
    """In capitals alone: WHO."""
    CAPS = "CAPS"
    """With a capital: Apple."""
    NOCAPS = "NOCAPS"
    """Without a capital: apple."""

    def accepts(self, typed: str, written: str) -> bool:
        """Whether a word of a text is written as this form of the typed word must be.

        >>> Form.SPELLING.accepts("ferry", "Ferry's"), Form.CASE.accepts("Who", "WHO")
        (True, False)
        """
        match self:
            case Form.SPELLING:
                return bare(typed).casefold() == bare(written).casefold()
            case Form.CASE:
                return bare(typed) == bare(written)
            case Form.ALLCAPS:
                return written.isupper()
            case Form.CAPS:
                return written != written.lower()
            case Form.NOCAPS:
                return written == written.lower()
        return True


def bare(word: str) -> str:
    """A word without a possessive, its apostrophes straight.

    >>> bare("Howell’s")
    'Howell'
    """
    return word.replace("’", "'").removesuffix("'s")


class Stretch(StrEnum):
    """The part of a text that two words share, instead of a distance in words."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


INDEXED = (Field.TITLE, Field.TEXT)  # the fields that have posting lists
WORDED = (Field.ANY, Field.TITLE, Field.TEXT, Field.LEAD)  # the fields of words
COLUMNS = tuple(field for field in Field if field not in WORDED)
Gap = int | Stretch
"""The greatest distance in terms between two neighbours of a phrase, or the stretch they share."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the user typed it, or several that are searched as one.

    `alike` are other texts that stand for it: its synonyms.
    """

    text: str
    field: Field = Field.ANY
    form: Form = Form.ANY
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, with at most `slop - 1` other words between two neighbours.

    A word may have wildcards, and `*` alone is any word. `alike` are other texts that stand for it.
    """

    text: str
    field: Field = Field.ANY
    slop: int = 1
    form: Form = Form.ANY
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any word with this beginning."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Any word of this pattern: `?` is one letter, `*` any number of letters."""

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
class AtLeast:
    """Matches if an article holds a word or phrase at least so many times."""

    part: "Counted"
    number: int


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
        return tuple(p for p in self.parts if isinstance(p, Word) and is_plain(p))

    @property
    def required(self) -> tuple["Expression", ...]:
        return tuple(p for p in self.parts if not (is_plain(p) or isinstance(p, Should)))

    @property
    def weighing(self) -> tuple[Should, ...]:
        return tuple(part for part in self.parts if isinstance(part, Should))


Counted = Word | Phrase | Prefix | Wildcard | Fuzzy
Leaf = Counted | Near | Quotation
Expression = Leaf | AtLeast | And | Or | Not | Words | Should


def is_plain(part: Expression) -> bool:
    """Whether a part without an operator is weighed, and not required."""
    return isinstance(part, Word) and part.field is Field.ANY and part.form is Form.ANY


def positive_leaves(expression: Expression) -> Iterator[Leaf]:
    """Iterate over the leaves on title or text that are not below a Not."""
    match expression:
        case Not():
            return
        case And(parts) | Or(parts) | Words(parts):
            for part in parts:
                yield from positive_leaves(part)
        case AtLeast(part) | Should(part):
            yield from positive_leaves(part)
        case Word() | Phrase() | Prefix() | Wildcard() | Fuzzy() | Near() | Quotation():
            if expression.field in WORDED:
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
        case Not(part) | AtLeast(part):
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
        case Word(form=form) | Phrase(form=form) if form is not Form.ANY:
            plain = written(replace(leaf, field=Field.ANY, form=Form.ANY))
            return f"{field}{form}({plain})" if form.isalpha() else f"{field}{form}{plain}"
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


def length_range(text: str) -> tuple[int, int | None]:
    """The least and the most words of a comparison; None for no upper bound.

    >>> length_range(">800"), length_range("<=300")
    ((801, None), (0, 300))
    """
    number = int(text.lstrip("<>="))
    if text.startswith(">"):
        return number + ("=" not in text), None
    return 0, number - ("=" not in text)
