"""Parses the query language with Whoosh's parser; no text makes it fail.

ferry timetable      words, rare ones weigh more            "river Ash"   words in this order
ferry AND bridge     AND OR NOT and parentheses             "a b"~5       at most 5 words apart
bridg*               any word with this beginning           title:ferry   field:word, field:"phrase"
bridg~               any word within one edit               date:none     without a date
a W/5 b              near each other, PRE/5 in this order   a W/S b       in one sentence, W/P
br?dge, "oil pip*"   ? is one letter, * any number          "a * b"       with any word between
=ferries, ="a b"     spelt exactly so                       ==Who         with these capitals
ALLCAPS(WHO)         CAPS(apple) NOCAPS(apple)              HLEAD(ferry)  title, first paragraph
ATLEAST3(ferry)      three times or more                    BYLINE(ruiz)  an author
LENGTH>800           in words
"""

import re
from typing import NamedTuple

from whoosh.qparser import QueryParser, plugins

from backfile.archive.model.message import Message
from backfile.index.lexical.analysis.ngrams import asked
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.lexical.query_parser.preprocess import (
    FIELDS,
    has_operator,
    is_exact,
    is_shouted,
    mended,
    spelled_out,
)
from backfile.index.lexical.query_parser.to_expression import (
    SideBySide,
    complaint,
    expression_of,
    nodes_of,
    simplified,
)
from backfile.index.lexical.query_parser.whoosh_plugins import (
    FuzzyPlugin,
    MarksPlugin,
    NearTagger,
    WordPrefixPlugin,
)
from backfile.index.model.expression import Expression, Field, Word, Words

PLAIN = re.compile(r"\s*[^\W_]+(?:\s+[^\W_]+)*[\s.?!]*")  # a text without anything to parse
ONE_PATTERN = re.compile(r"\s*\w+\?\s*")  # at the end of more words, ? is punctuation
SPELLED = Message("links were left out, and tags such as #SwingBridge read as the words in them")
DEEPEST = 40  # nested parentheses; Whoosh's parser recurses


class Read(NamedTuple):
    """The expression of a text, None if it has no words; notes describe what was unusual."""

    expression: Expression | None
    notes: tuple[Message, ...]


def parse(text: str) -> Read:
    """Parse a query; a text that cannot be parsed is read as plain words, with a note."""
    if PLAIN.fullmatch(text) and not has_operator(text) and not ONE_PATTERN.fullmatch(text):
        return Read(_words(text), ())
    spelled = text if is_exact(text) else spelled_out(text)
    read = _typed(spelled)
    return read if spelled == text else Read(read.expression, (SPELLED, *read.notes))


def _typed(text: str) -> Read:
    if is_shouted(text):
        shouted = Message("AND, OR and NOT were read as words in a text all in capitals")
        return Read(_words(text), (shouted,))
    if text.count("(") > DEEPEST:
        return Read(_words(text), (Message("too many parentheses: read as plain words"),))
    text, notes = mended(text)
    tree = _parser().process(text)
    notes += dict.fromkeys(filter(None, map(complaint, nodes_of(tree))))
    expression = simplified(expression_of(tree))
    if expression is None and WORD.search(text):
        unread = Message("could not be parsed: read as plain words")
        return Read(_words(text), (*notes, unread))
    return Read(expression, tuple(notes))


def _parser() -> QueryParser:
    return QueryParser(
        Field.ANY.value,
        None,
        plugins=[
            plugins.WhitespacePlugin(),
            MarksPlugin(),
            plugins.PhrasePlugin(),
            WordPrefixPlugin(),
            FuzzyPlugin(),
            plugins.FieldsPlugin(rf"(?<!\w)(?P<text>(?i:{FIELDS})):(?=\S)", remove_unknown=False),
            plugins.GroupPlugin(),
            plugins.OperatorsPlugin([(NearTagger(), 0)], AndNot=None, AndMaybe=None, Require=None),
        ],
        group=SideBySide,
    )


def _words(text: str) -> Expression | None:
    found = tuple(Word(each) for word in WORD.findall(text) for each in asked(word))
    return Words(found) if found else None
