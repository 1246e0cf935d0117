"""Describes an expression in words: a Message that a page can translate, or plain text."""

from collections.abc import Callable, Sequence

from backfile.archive.model.message import Message
from backfile.index.model.expression import (
    And,
    AtLeast,
    Expression,
    Field,
    Form,
    Fuzzy,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Quotation,
    Should,
    Stretch,
    Wildcard,
    Word,
    Words,
    length_range,
)

FIELD_NAMES = {
    Field.TITLE: Message("title"),
    Field.TEXT: Message("text"),
    Field.LEAD: Message("title or first paragraph"),
    Field.SOURCE: Message("source"),
    Field.SECTION: Message("section"),
    Field.LANGUAGE: Message("language"),
    Field.AUTHOR: Message("author"),
}


def describe(expression: Expression) -> str:
    """Describe an expression in words: a Message that a page can translate, or plain text.

    >>> describe(Words((Word("ferry"), Not(Phrase("river Ash")))))
    'the words ferry, and not "river Ash"'
    """
    match expression:
        case Near():
            return _with_field(_describe_near(expression), expression.field)
        case Word(text, Field.LENGTH):
            return _describe_length(text)
        case Word(text, field, form):
            return _with_field(_or_alike(_in_form(text, form), expression.alike), field)
        case Phrase(text, field, slop, form):
            near = Message('"%(text)s" within %(slop)s words', text=text, slop=str(slop))
            said = near if slop > 1 else Message('"%(text)s"', text=text)
            return _with_field(_or_alike(_in_form(said, form), expression.alike), field)
        case Quotation(text, field):
            return _with_field(Message('nearly "%(text)s"', text=text), field)
        case Should(part):
            return Message("if possible %(text)s", text=describe(part))
        case Prefix(text, field):
            return _with_field(f"{text}…", field)
        case Wildcard(text, field):
            return _with_field(text, field)
        case AtLeast(part, number):
            return Message.counted(
                "%(text)s at least %(number)s time",
                "%(text)s at least %(number)s times",
                number,
                text=describe(part),
            )
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
            plain = " ".join(_or_alike(word.text, word.alike) for word in expression.plain)
            words: list[str] = [Message("the words %(words)s", words=plain)] if plain else []
            others = (*expression.required, *expression.weighing)
            return describe_all([*words, *map(_inner, others)])


def describe_all(descriptions: Sequence[str]) -> str:
    """Join descriptions by "and".

    >>> describe_all(["the words ferry", "no date", "after:2023"])
    'the words ferry, and no date, and after:2023'
    """
    return _joined(_and_also, descriptions)


def _or_alike(text: str, alike: Sequence[str]) -> str:
    """A word or phrase with its synonyms, as alternatives of the query language."""
    return " ".join(["(" + text, *(f"OR {other}" for other in alike)]) + ")" if alike else text


def _in_form(text: str, form: Form) -> str:
    match form:
        case Form.SPELLING:
            return Message("exactly %(text)s", text=text)
        case Form.CASE:
            return Message("exactly %(text)s, capitals too", text=text)
        case Form.ALLCAPS:
            return Message("%(text)s in capitals", text=text)
        case Form.CAPS:
            return Message("%(text)s with a capital", text=text)
        case Form.NOCAPS:
            return Message("%(text)s without capitals", text=text)
    return text


def _describe_length(text: str) -> Message:
    least, most = length_range(text)
    if most is None:
        return Message("%(number)s words or more", number=least)
    return Message("%(number)s words at most", number=most)


def _describe_near(near: Near) -> Message:
    sides = {"first": near.first, "second": near.second}
    match near.within:
        case Stretch.SENTENCE:
            text = Message('"%(first)s" in one sentence with "%(second)s"', **sides)
        case Stretch.PARAGRAPH:
            text = Message('"%(first)s" in one paragraph with "%(second)s"', **sides)
        case number if near.ordered:
            return Message.counted(
                '"%(second)s" within %(number)s word after "%(first)s"',
                '"%(second)s" within %(number)s words after "%(first)s"',
                number,
                **sides,
            )
        case number:
            return Message.counted(
                '"%(first)s" within %(number)s word of "%(second)s"',
                '"%(first)s" within %(number)s words of "%(second)s"',
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
