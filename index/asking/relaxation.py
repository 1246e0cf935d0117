"""Rewrites a query so that it demands less: quotations of pasted texts, and what finds nothing."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeGuard

from backfile.index.lexical.analysis.analyser import words_of
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.expression import (
    COLUMNS,
    And,
    AtLeast,
    CloseRow,
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
    Wildcard,
    Word,
    Words,
    positive_leaves,
)
from backfile.index.model.results import Rule

LONG = 12  # words; in a longer text, a quotation is part of what was pasted
SHORTEST = 3  # words of a phrase that is relaxed to near words
Find = Callable[[Phrase], tuple[CloseRow, ...]]
"""Finds the passages that word a phrase nearly so."""


def without_binding_quotations(expression: Expression) -> Expression:
    """Let the quotations within a text of more than LONG words weigh, and not bind.

    Their words are then plain words, and the phrase raises the score of what holds it. A text of
    quotations alone is as it was.
    """
    if not isinstance(expression, Words) or not expression.plain:
        return expression
    quoted = [part for part in expression.parts if _is_quotation(part)]
    length = len(expression.plain) + sum(len(words_of(phrase.text)) for phrase in quoted)
    if not quoted or length <= LONG:
        return expression
    parts = [plain(p.text) if _is_quotation(p) else (p,) for p in expression.parts]
    return Words((*chain.from_iterable(parts), *map(Should, quoted)))


def relaxed_forms(expression: Expression) -> Iterator[Expression]:
    """Iterate over what to mark in an article: an expression, and its relaxed forms."""
    yield expression
    for relaxed in (
        with_near_words(expression, lambda _: ()),
        as_words(expression, all_parts=True),
    ):
        if relaxed:
            yield relaxed


def with_near_words(expression: Expression, find: Find) -> Expression | None:
    """Relax phrases to near words; None if there is no phrase of SHORTEST words or more."""
    relaxed = _with_near_words(expression, find)
    return None if relaxed == expression else relaxed


def _with_near_words(expression: Expression, find: Find) -> Expression:
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            return type(expression)(tuple(_with_near_words(part, find) for part in parts))
        case Phrase(text, field) if field not in COLUMNS and len(words_of(text)) >= SHORTEST:
            return Quotation(text, field, find(expression))
    return expression


def as_words(expression: Expression, *, all_parts: bool) -> Words | None:
    """Relax a query to plain words, which do not bind; None if no words bind.

    Conditions on source, section, language and author, prefixes and misspelt words still bind,
    unless `all_parts`. `date:none` always does, as a filter.
    """
    if not any(True for _ in rules(expression, all_parts=all_parts)):
        return None
    relaxed = Words(tuple(_loose(expression, all_parts=all_parts)))
    return relaxed if any(True for _ in positive_leaves(relaxed)) else None


def _loose(expression: Expression, *, all_parts: bool) -> Iterator[Expression]:
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            for part in parts:
                yield from _loose(part, all_parts=all_parts)
        case Not() | Should() | Word(field=Field.DATE | Field.LENGTH):
            yield expression
        case AtLeast(part):
            yield from _loose(part, all_parts=all_parts)
        case _ if expression.field in COLUMNS:
            yield from () if all_parts else (expression,)
        case Prefix() | Wildcard() | Fuzzy() if not all_parts:
            yield expression
        case Phrase(text, field, slop):
            yield from plain(text)
            yield Should(Phrase(text, field, slop))
        case _:
            yield from plain(expression.text)


def rules(expression: Expression, *, all_parts: bool = True) -> Iterator[Rule]:
    """Iterate over the rules that `as_words` relaxes; some may be repeated."""
    match expression:
        case And(parts):
            yield Rule.AND
            for part in parts:
                yield from rules(part, all_parts=all_parts)
        case Or(parts) | Words(parts):
            for part in parts:
                yield from rules(part, all_parts=all_parts)
        case Not() | Should() | Word(field=Field.DATE | Field.LENGTH):
            return
        case AtLeast(part):
            yield Rule.SPELLING
            yield from rules(part, all_parts=all_parts)
        case _ if expression.field in COLUMNS:
            yield from (Rule.FIELD,) if all_parts else ()
        case Phrase():
            yield Rule.PHRASE
        case Near():
            yield Rule.NEAR
        case Prefix() | Wildcard() | Fuzzy():
            yield from (Rule.SPELLING,) if all_parts else ()
        case Word(form=form) if form is not Form.ANY:
            yield Rule.SPELLING
        case _ if expression.field is not Field.ANY:
            yield Rule.FIELD


def _is_quotation(part: Expression) -> TypeGuard[Phrase]:
    return isinstance(part, Phrase) and part.field is Field.ANY and part.slop == 1


def plain(text: str) -> tuple[Word, ...]:
    """The plain words of a text."""
    return tuple(Word(each) for word in WORD.findall(text) for each in asked(word))
