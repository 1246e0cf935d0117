"""Reads the query language with Whoosh's parser, and never fails on what a person types.

ferry timetable      words, weighed by how rare they are    "river Ash"   words in this order
ferry AND bridge     AND OR NOT and parentheses             "a b"~5       at most 5 words apart
bridg*               any word that begins so                title:ferry   field:word, field:"phrase"
bridg~               any word spelt so but for a letter     date:none     without a date
a W/5 b              near each other, PRE/5 in this order   a W/S b       in one sentence, W/P
"""

import re
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import NamedTuple

from whoosh.qparser import QueryParser, plugins, syntax

from archive.message import Message
from index.expression import (
    And,
    Expression,
    Field,
    Fuzzy,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    Words,
)
from index.lexical.language.analysis import WORD
from index.lexical.language.ngrams import asked
from index.lexical.querying.operators import (
    NEAR,
    FuzzyNode,
    FuzzyPlugin,
    NearOperator,
    NearTagger,
    Neighbours,
    WordPrefixPlugin,
)

WORDED = (field.value for field in Field if field not in (Field.ANY, Field.DATE))
FIELDS = "|".join((*WORDED, r"date(?=:none(?!\w))"))
FIELD = re.compile(rf"(?i:{FIELDS}):")
OPERATOR = re.compile(r"(?:^|\s)(?:AND|OR|NOT)(?:\s|$)")
NEARNESS = re.compile(rf"(?<!\S){NEAR}(?!\S)")
SAME = re.compile(r'"[^"]*"|(?<!\S)(?P<sign>SAME)(?!\S)')  # as Factiva has it
COLON = re.compile(r'"[^"]*"|(?<!\S)(?P<name>[^\W\d_]+):(?P<rest>(?:[^\W_]|")\S*)')
SHORTEST_FUZZY = 3  # letters
MOST_EDITS = 2
MOST_PAIRS = 16  # of words that are near each other, where either side is one of several
PLAIN = re.compile(r"\s*[^\W_]+(?:\s+[^\W_]+)*[\s.?!]*")  # in which there is nothing to parse
QUESTION_LENGTH = 7  # words; a longer text is prose: in capitals throughout, it has no operators
# What is in a pasted post: read so, hybrid nDCG@10 on CheckThat train is .897 instead of .883.
LINK = re.compile(r"(?<!:)https?://[^\s\"]+|(?<![\w:/.])[\w.]+\.[a-z]{2,}/[^\s\"]*")
TAG = re.compile(r"(?<!\w)[#@]\w+")
NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|_+")  # within a tag
SPELLED = Message("links were left out, and tags such as #SwingBridge read as the words in them")
SHORTEST_PREFIX = 2
QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„‟«»＂「」『』", '"'))
ZERO_SLOP = re.compile(r'"~0+(?!\d)')
MINUS = re.compile(r'(^|[\s(])-(?=["(]|[^\W\d_])')
DANGLING = re.compile(r"^\s*(?:(?:AND|OR)\s+)+|(?:^|\s+)(?:(?:AND|OR|NOT)\s*)+$")
IDLE_STAR = re.compile(r"(?:^|[\s:])\w?\*|\*\w")
DEEPEST = 40  # nested parentheses; Whoosh's parser recurses


class Read(NamedTuple):
    """How a text was read: None if it holds nothing to look for; notes say what was unusual."""

    expression: Expression | None
    notes: tuple[Message, ...]


class SideBySide(syntax.GroupNode):
    """Parts with no operator between them."""


def parse(text: str, *, plain: bool = False) -> Read:
    """Read a query; what cannot be parsed is read as plain words, and a note says so."""
    if PLAIN.fullmatch(text) and (plain or not has_operator(text)):
        return Read(_words(text), ())
    spelled = _spelled_out(text, plain=plain)
    read = Read(_words(spelled), ()) if plain else _typed(spelled)
    return read if spelled == text else Read(read.expression, (SPELLED, *read.notes))


def has_operator(text: str) -> bool:
    """Whether a text of nothing but words and blanks may hold an operator."""
    return any(each.search(text) for each in (OPERATOR, NEARNESS, SAME))


def _typed(text: str) -> Read:
    if _is_shouted(text):
        shouted = Message("AND, OR and NOT were read as words in a text all in capitals")
        return Read(_words(text), (shouted,))
    if text.count("(") > DEEPEST:
        return Read(_words(text), (Message("too many parentheses: read as plain words"),))
    text, notes = _mended(text)
    tree = _parser().process(text)
    notes += dict.fromkeys(filter(None, map(_complaint, _nodes(tree))))
    expression = _simplified(_expression(tree))
    if expression is None and WORD.search(text):
        unread = Message("could not be parsed: read as plain words")
        return Read(_words(text), (*notes, unread))
    return Read(expression, tuple(notes))


def _spelled_out(text: str, *, plain: bool) -> str:
    """Make words of the tags in a post that was pasted, and leave out its links.

    >>> _spelled_out("The #SwingBridge is open at last, says @AshHarbour a.example/1", plain=True)
    'The #Swing Bridge is open at last, says @Ash Harbour  '
    """
    prose = LINK.sub(" ", text)
    exact = '"' in text.translate(QUOTATION_MARKS) or OPERATOR.search(text)
    if len(WORD.findall(prose)) <= QUESTION_LENGTH or (exact and not plain):
        return text
    return TAG.sub(lambda tag: NEXT_WORD.sub(" ", tag.group()), prose)


def _mended(text: str) -> tuple[str, list[Message]]:
    """Make of a text what Whoosh's parser takes as it is meant; say what was left out."""
    notes = []
    text = ZERO_SLOP.sub('"', text.translate(QUOTATION_MARKS))
    if text.count('"') % 2:
        notes.append(Message("a quotation mark has no partner and was left out"))
        before, _, after = text.rpartition('"')
        text = f"{before} {after}"
    if text.count("(") != text.count(")"):
        notes.append(Message("a parenthesis has no partner and was left out"))
        text = re.sub(r"[()]", " ", text)
    if MINUS.search(text):
        notes.append(Message("a minus in front of a word was read as NOT"))
        text = MINUS.sub(r"\1NOT ", text)
    if (joined := DANGLING.sub(" ", text)) != text:
        notes.append(Message("AND, OR or NOT with nothing beside it was left out"))
        text = joined
    if IDLE_STAR.search(text):
        notes.append(Message("* stands for the rest of a word only after two letters or more"))
    if not text.isupper():
        text = SAME.sub(lambda found: "W/P" if found["sign"] else found.group(), text)
    return _without_unknown_fields(text, notes), notes


def _without_unknown_fields(text: str, notes: list[Message]) -> str:
    """Read as words what looks like a field and is none."""

    def read(found: re.Match[str]) -> str:
        if not found["name"] or FIELD.match(found.group()):
            return found.group()
        notes.append(Message("%(name)s: is no field, and was read as a word", name=found["name"]))
        return f"{found['name']} {found['rest']}"

    return COLON.sub(read, text)


def _parser() -> QueryParser:
    return QueryParser(
        Field.ANY.value,
        None,
        plugins=[
            plugins.WhitespacePlugin(),
            plugins.PhrasePlugin(),
            WordPrefixPlugin(),
            FuzzyPlugin(),
            plugins.FieldsPlugin(rf"(?<!\w)(?P<text>(?i:{FIELDS})):(?=\S)", remove_unknown=False),
            plugins.GroupPlugin(),
            plugins.OperatorsPlugin([(NearTagger(), 0)], AndNot=None, AndMaybe=None, Require=None),
        ],
        group=SideBySide,
    )


def _is_shouted(text: str) -> bool:
    """All in capitals and long, as wire copy of the sixties is: its AND is no operator."""
    words = text.split()
    shouted = text.upper() == text and len(words) > QUESTION_LENGTH
    return shouted and '"' not in text and bool(OPERATOR.search(text))


def _words(text: str) -> Expression | None:
    found = tuple(Word(each) for word in WORD.findall(text) for each in asked(word))
    return Words(found) if found else None


def _expression(node: syntax.SyntaxNode) -> Expression | None:
    match node:
        case plugins.PhrasePlugin.PhraseNode():
            return _phrase(node.text, _field(node), node.slop)
        case plugins.PrefixPlugin.PrefixNode():
            return _prefix(node.text, _field(node))
        case FuzzyNode():
            return _fuzzy(node)
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
    parts = (_simplified(_expression(child)) for child in node)
    return tuple(part for part in parts if part is not None)


def _word(text: str, field: Field) -> Expression | None:
    """A word as it stands, from its first letter to its last; `covid-19` is one to a reader."""
    found = list(WORD.finditer(text))
    if not found:
        return None
    whole = text[found[0].start() : found[-1].end()]
    words = tuple(Word(each, field) for each in asked(whole))
    return words[0] if len(words) == 1 else Words(words)


def _phrase(text: str, field: Field, slop: int) -> Expression | None:
    found = WORD.findall(text)
    if len(found) > 1:
        return Phrase(" ".join(found), field, min(slop, 100))
    return Phrase(found[0], field) if found else None


def _prefix(text: str, field: Field) -> Expression | None:
    found = WORD.findall(text)
    if not found:
        return None
    if len(found) > 1 or len(found[0]) < SHORTEST_PREFIX:
        return Phrase(" ".join(found), field)
    return Prefix(found[0], field)


def _fuzzy(node: FuzzyNode) -> Expression | None:
    found = WORD.findall(node.text)
    if len(found) != 1 or len(found[0]) < SHORTEST_FUZZY or not 1 <= node.edits <= MOST_EDITS:
        return _word(node.text, _field(node))
    return Fuzzy(found[0], _field(node), node.edits)


def _near(node: Neighbours) -> Expression | None:
    """Each side near the one before it; None where a side is no word, phrase or choice of them."""
    sides = [_choices(_simplified(_expression(child))) for child in node]
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
        case Word() | Phrase(slop=1):
            return [expression]
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


def _complaint(node: syntax.SyntaxNode) -> Message | None:
    """Say what of a tree could not be read as it was typed."""
    match node:
        case FuzzyNode() if not isinstance(_fuzzy(node), Fuzzy):
            return Message(
                "~ allows for up to %(most)s letters, of a word of %(least)s or more",
                most=MOST_EDITS,
                least=SHORTEST_FUZZY,
            )
        case Neighbours() if _near(node) is None:
            return Message("only words and phrases can be near each other: read as words")
        case syntax.WordNode() if NEARNESS.fullmatch(node.text):
            return Message("%(typed)s with nothing beside it was read as a word", typed=node.text)
    return None


def _nodes(node: syntax.SyntaxNode) -> Iterator[syntax.SyntaxNode]:
    yield node
    if isinstance(node, syntax.GroupNode):
        for child in node:
            yield from _nodes(child)


def _field(node: syntax.SyntaxNode) -> Field:
    return Field(node.fieldname.lower()) if node.fieldname else Field.ANY


def _simplified(expression: Expression | None) -> Expression | None:
    """Drop empty groups, unwrap groups of one, and lay words side by side in one group."""
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
