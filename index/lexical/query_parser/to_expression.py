"""Converts the syntax tree of Whoosh's parser into an expression."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, dropwhile, pairwise

from whoosh.qparser import plugins, syntax

from backfile.archive.model.message import Message
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.query_parser.preprocess import NEARNESS
from backfile.index.lexical.query_parser.whoosh_plugins import (
    FuzzyNode,
    Marked,
    MarkNode,
    NearOperator,
    Neighbours,
)
from backfile.index.model.expression import (
    WORDED,
    And,
    AtLeast,
    Counted,
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
)

SHORTEST_FUZZY = 3  # letters
MOST_EDITS = 2
MOST_PAIRS = 16  # of alternatives on both sides of a nearness operator
SHORTEST_PREFIX = 2
ANY_WORD = "*"
WILD = re.compile(r"[*?]")
PATTERN = re.compile(r"\w{2}[\w*]*[*?][\w*?]*")  # a word with a wildcard after two letters or more
FORMS = {form.value for form in Form if form is not Form.ANY}
FUNCTIONS = {"HLEAD", "BYLINE", "ATLEAST", *FORMS}


class SideBySide(syntax.GroupNode):
    """Parts without an operator between them."""


def expression_of(node: syntax.SyntaxNode) -> Expression | None:
    match node:
        case plugins.PhrasePlugin.PhraseNode():
            return _phrase(node.text, _field(node), node.slop)
        case plugins.PrefixPlugin.PrefixNode():
            return _prefix(node.text, _field(node))
        case FuzzyNode():
            return _fuzzy(node)
        case Marked():
            return _marked(node)
        case Neighbours():
            return _near(node) or Words(_parts(node))
        case syntax.NotGroup():
            parts = _parts(node)
            return Not(parts[0] if len(parts) == 1 else Words(parts)) if parts else None
        case syntax.AndGroup():
            return And(_parts(node))
        case SideBySide():
            return Words(_parts(node))
        case syntax.OrGroup():
            return Or(_parts(node))
        case syntax.TextNode():
            return _word(node.text, _field(node))
        case syntax.GroupNode():
            return Words(_parts(node))
    return None


def _parts(node: syntax.GroupNode) -> tuple[Expression, ...]:
    parts = (simplified(expression_of(child)) for child in node)
    return tuple(part for part in parts if part is not None)


def _word(text: str, field: Field) -> Expression | None:
    """A word from its first letter to its last; `covid-19` is one word."""
    if field is Field.LENGTH:
        return Word(text, field)
    if field in WORDED and (pattern := PATTERN.fullmatch(text)):
        return Wildcard(pattern.group(), field)
    found = list(WORD.finditer(text))
    if not found:
        return None
    whole = text[found[0].start() : found[-1].end()]
    words = tuple(Word(each, field) for each in asked(whole))
    return words[0] if len(words) == 1 else Words(words)


def _phrase(text: str, field: Field, slop: int) -> Expression | None:
    """A phrase; its words may have wildcards, and `*` alone is any word between two others."""
    found: list[str] = []
    pieces = text.split()
    if len(pieces) > 2:  # the end of a question, not a letter
        pieces[-1] = pieces[-1].rstrip("?")
    for piece in pieces:
        wild = field in WORDED and (piece == ANY_WORD or PATTERN.fullmatch(piece))
        found += [piece] if wild else WORD.findall(piece)
    while found and found[-1] == ANY_WORD:
        found.pop()
    words = list(dropwhile(lambda word: word == ANY_WORD, found))
    if len(words) == 1 and PATTERN.fullmatch(words[0]):
        return _wild(words[0], field)
    if len(words) > 1:
        return Phrase(" ".join(words), field, min(slop, 100))
    return Phrase(words[0], field) if words else None


def _prefix(text: str, field: Field) -> Expression | None:
    if PATTERN.fullmatch(text):
        return Wildcard(f"{text}*", field)
    found = WORD.findall(text)
    if not found:
        return None
    if len(found) > 1 or len(found[0]) < SHORTEST_PREFIX:
        return Phrase(" ".join(found), field)
    return Prefix(found[0], field)


def _wild(pattern: str, field: Field) -> Expression:
    """A pattern; one that ends with its only wildcard, a star, is a prefix."""
    beginning = pattern.removesuffix("*")
    return Wildcard(pattern, field) if WILD.search(beginning) else Prefix(beginning, field)


def _marked(node: Marked) -> Expression | None:
    """What stands behind a sign or in a function's parentheses."""
    parts = _parts(node)
    if len(parts) != 1:
        return None
    (part,) = parts
    if isinstance(part, Words) and len(part.parts) == 1:
        (part,) = part.parts
    return _each_leaf(part, lambda leaf: _changed(leaf, node.mark))


def _changed(leaf: Leaf, mark: MarkNode) -> Expression:
    """A leaf behind a mark; one that the mark does not apply to stays as it is."""
    match mark.name:
        case "HLEAD":
            return replace(leaf, field=Field.LEAD)
        case "BYLINE":
            return Phrase(leaf.text, Field.AUTHOR)
        case "ATLEAST" if isinstance(leaf, Counted) and (mark.number or 0) > 1:
            return AtLeast(leaf, mark.number or 0)
        case name if name in FORMS and isinstance(leaf, Word | Phrase):
            return replace(leaf, form=Form(name))
    return leaf


def _each_leaf(expression: Expression, change: Callable[[Leaf], Expression]) -> Expression:
    """The expression with each leaf changed that searches words."""
    match expression:
        case And(parts) | Or(parts) | Words(parts):
            return type(expression)(tuple(_each_leaf(part, change) for part in parts))
        case Not(part):
            return Not(_each_leaf(part, change))
        case AtLeast(part, number):
            changed = _each_leaf(part, change)
            return AtLeast(changed, number) if isinstance(changed, Counted) else changed
        case Should():
            return expression
    return change(expression) if expression.field in WORDED else expression


def _fuzzy(node: FuzzyNode) -> Expression | None:
    found = WORD.findall(node.text)
    if len(found) != 1 or len(found[0]) < SHORTEST_FUZZY or not 1 <= node.edits <= MOST_EDITS:
        return _word(node.text, _field(node))
    return Fuzzy(found[0], _field(node), node.edits)


def _near(node: Neighbours) -> Expression | None:
    """Each side near the one before it; None if a side is no word, phrase or choice of these."""
    sides = [_choices(simplified(expression_of(child))) for child in node]
    pairs = [
        [_pair(one, other, step) for one in before for other in behind]
        for (before, behind), step in zip(pairwise(sides), node.steps, strict=True)
    ]
    if not all(0 < len(each) <= MOST_PAIRS and all(each) for each in pairs):
        return None
    found = [each[0] if len(each) == 1 else Or(tuple(filter(None, each))) for each in pairs]
    return found[0] if len(found) == 1 else And(tuple(filter(None, found)))


def _choices(expression: Expression | None) -> list[Word | Phrase]:
    match expression:
        case Word(form=Form.ANY) | Phrase(slop=1, form=Form.ANY):
            return [expression]
        case Prefix(text, field):
            return [Word(f"{text}*", field)]
        case Wildcard(text, field):
            return [Word(text, field)]
        case Words((Word() as only,)):
            return [only]
        case Or(parts) if all(map(_choices, parts)):
            return [each for part in parts for each in _choices(part)]
    return []


def _pair(one: Word | Phrase, other: Word | Phrase, step: NearOperator) -> Near | None:
    fields = {one.field, other.field} - {Field.ANY}
    if len(fields) > 1 or not fields <= {Field.TITLE, Field.TEXT}:
        return None
    field = next(iter(fields), Field.ANY)
    return Near(one.text, other.text, field, step.within, step.ordered)


def complaint(node: syntax.SyntaxNode) -> Message | None:
    """A note about a node that could not be read as it was typed, or None."""
    match node:
        case FuzzyNode() if not isinstance(_fuzzy(node), Fuzzy):
            return Message(
                "~ allows for up to %(most)s letters, of a word of %(least)s or more",
                most=MOST_EDITS,
                least=SHORTEST_FUZZY,
            )
        case Neighbours() if _near(node) is None:
            return Message("only words and phrases can be near each other: read as words")
        case Neighbours() if patterns := _patterns(node):
            return Message("%(words)s: any word of this pattern", words=", ".join(patterns))
        case Marked(mark=mark) if not _is_known(mark):
            return Message(
                "%(name)s( is no function: what stands in its parentheses was searched",
                name=mark.name,
            )
        case syntax.WordNode() if NEARNESS.fullmatch(node.text):
            return Message("%(typed)s with nothing beside it was read as a word", typed=node.text)
    return None


def _patterns(node: Neighbours) -> list[str]:
    """The sides of a nearness operator that have wildcards, as they are searched."""
    near = _near(node)
    leaves = positive_leaves(near) if near else ()
    sides = [
        side for leaf in leaves if isinstance(leaf, Near) for side in (leaf.first, leaf.second)
    ]
    return list(dict.fromkeys(side for side in sides if WILD.search(side)))


def _is_known(mark: MarkNode) -> bool:
    return mark.name in FUNCTIONS and (mark.number is not None) == (mark.name == "ATLEAST")


def nodes_of(node: syntax.SyntaxNode) -> Iterator[syntax.SyntaxNode]:
    yield node
    if isinstance(node, syntax.GroupNode):
        for child in node:
            yield from nodes_of(child)


def _field(node: syntax.SyntaxNode) -> Field:
    return Field(node.fieldname.lower()) if node.fieldname else Field.ANY


def simplified(expression: Expression | None) -> Expression | None:
    """Drop empty groups, unwrap groups of one part, and flatten nested groups of words."""
    match expression:
        case And(parts) | Or(parts) if len(parts) == 1:
            return parts[0]
        case Words(parts):
            nested = ((p.parts if isinstance(p, Words) else (p,)) for p in parts)
            flat = tuple(chain.from_iterable(nested))
            alone = len(flat) == 1 and not isinstance(flat[0], Word | Not)
            return flat[0] if alone else Words(flat) if flat else None
        case And(()) | Or(()):
            return None
    return expression
