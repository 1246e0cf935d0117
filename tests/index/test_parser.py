"""The query language: what is typed, and how it is read."""

import re
from itertools import product
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.lexical.analysis.analyser import term_spans
from backfile.index.lexical.highlighter import Highlighter
from backfile.index.lexical.query_parser import parser
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.model.description import describe
from backfile.index.model.expression import (
    And,
    AtLeast,
    Field,
    Form,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Stretch,
    Wildcard,
    Word,
    Words,
)


def words(*texts):
    return Words(tuple(Word(text) for text in texts))


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("ferry timetable", words("ferry", "timetable")),
        ("Covid-19", words("Covid-19")),
        ("=ferries", Words((Word("ferries", form=Form.SPELLING),))),
        ('="No comment"', Phrase("No comment", form=Form.SPELLING)),
        ("title:==Who", Words((Word("Who", Field.TITLE, Form.CASE),))),
        ("ALLCAPS(WHO)", Words((Word("WHO", form=Form.ALLCAPS),))),
        (
            "NOCAPS(a OR b)",
            Or((Word("a", form=Form.NOCAPS), Word("b", form=Form.NOCAPS))),
        ),
        ("NOT CAPS(apple)", Words((Not(Word("apple", form=Form.CAPS)),))),
        (
            'HLEAD(a AND "b c")',
            And((Word("a", Field.LEAD), Phrase("b c", Field.LEAD))),
        ),
        ('BYLINE("Ana Ruiz")', Phrase("Ana Ruiz", Field.AUTHOR)),
        ("ATLEAST3(ferry)", AtLeast(Word("ferry"), 3)),
        ("ATLEAST2(bridg*)", AtLeast(Prefix("bridg"), 2)),
        ("ATLEAST1(ferry)", words("ferry")),
        ("LENGTH>800", Words((Word(">800", Field.LENGTH),))),
        ("length:<=300", Words((Word("<=300", Field.LENGTH),))),
        ("br?dge", Wildcard("br?dge")),
        ("bridge?", Wildcard("bridge?")),
        ("is it the bridge?", words("is", "it", "the", "bridge")),
        ("joh?n*", Wildcard("joh?n*")),
        ('"oil pipel* leak"', Phrase("oil pipel* leak")),
        ('"* a * b *"', Phrase("a * b")),
        ('"bridg*"', Prefix("bridg")),
        ('"who are you?"', Phrase("who are you")),
        ('צה"ל', words("צה״ל")),
        ("it cost 1,200 (or so).", words("it", "cost", "1,200", "or", "so")),
        ("“river Ash”", Phrase("river Ash")),
        ('"a b"~0', Phrase("a b")),
        ("title:case*", Prefix("case", Field.TITLE)),
        ("Title:ferry AND x", And((Word("ferry", Field.TITLE), Word("x")))),
        ('"river Ash"', Phrase("river Ash")),
        ('"river Ash"~5', Phrase("river Ash", slop=5)),
        ("bridg*", Prefix("bridg")),
        ("a AND b", And((Word("a"), Word("b")))),
        ("a OR b OR c", Or((Word("a"), Word("b"), Word("c")))),
        ("ferry NOT bridge", Words((Word("ferry"), Not(Word("bridge"))))),
        ("(a OR b) AND c", And((Or((Word("a"), Word("b"))), Word("c")))),
        ("title:ferry", words("x")),
        ('author:"Ana Ruiz" ferry', Words((Phrase("Ana Ruiz", Field.AUTHOR), Word("ferry")))),
        ("and or not", words("and", "or", "not")),
        ("https://courier.example/a", words("https://courier.example/a")),
        ("(a AND b) OR c", Or((And((Word("a"), Word("b"))), Word("c")))),
        ("(NOT a) OR b", Or((Words((Not(Word("a")),)), Word("b")))),
        ("what: now", words("what", "now")),
        ("", None),
        ("?! …", None),
        ('""', None),
    ],
)
def test_a_text_is_read_as_it_is_meant(text, expression):
    if text == "title:ferry":
        expression = Words((Word("ferry", Field.TITLE),))
    assert parse(text).expression == expression
    assert parse(text).notes == ()


@pytest.mark.parametrize(
    "text", ['"river Ash', "(ferry", "ferry)", "((((", '"', "ferry AND", "AND", "NOT", "OR OR"]
)
def test_what_is_broken_is_read_as_words(text):
    read = parse(text)
    if read.expression is not None:
        assert describe(read.expression)


@pytest.mark.parametrize(
    ("text", "expression", "said"),
    [
        ("ferry -strike", Words((Word("ferry"), Not(Word("strike")))), "read as NOT"),
        ("ferry AND", words("ferry"), "nothing beside it"),
        ("OR ferry NOT", words("ferry"), "nothing beside it"),
        ("h*ring", words("h*ring"), "only after two letters"),
        ("SECTION(ferry)", words("ferry"), "is no function"),
        ("bridg* W/2 quay", Near("bridg*", "quay", within=2), "any word of this pattern"),
        ("ATLEAST(ferry)", words("ferry"), "is no function"),
    ],
)
def test_what_is_read_otherwise_than_typed_is_said(text, expression, said):
    read = parse(text)
    assert read.expression == expression
    assert said in " ".join(read.notes)


def test_a_lonely_quotation_mark_is_left_out_and_said_so():
    read = parse('"river Ash')
    assert read.expression == words("river", "Ash")
    assert "quotation mark" in read.notes[0]


def test_a_long_text_in_capitals_has_no_operators():
    text = "NUMBER OF SHIPS AND BOATS IN THE HARBOUR OR NOT"
    read = parse(text)
    assert read.expression == words(*text.split())
    assert read.notes
    assert isinstance(parse("NATO AND EU").expression, And)


POST = "At last the #SwingBridge over the Ash is open https://courier.example/a, @AshHarbour says"


def test_a_post_is_read_without_its_links_and_with_the_words_of_its_tags():
    read = parse(POST)
    said = "At last the Swing Bridge over the Ash is open Ash Harbour says"
    assert read.expression == words(*said.split())
    assert "links were left out" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("#SwingBridge", words("SwingBridge")),
        ("@AshHarbour ferry", words("AshHarbour", "ferry")),
        ("courier.example/a ferry", words("courier.example/a", "ferry")),
    ],
)
def test_a_short_text_is_looked_for_as_it_stands(text, expression):
    assert parse(text).expression == expression


def test_what_is_asked_for_exactly_is_not_spelled_out():
    read = parse(f'"#SwingBridge reopens" {POST}')
    assert isinstance(read.expression, Words)
    assert read.expression.parts[0] == Phrase("SwingBridge reopens")
    assert Word("AshHarbour") in read.expression.parts
    assert parse("source:https://courier.example/a is where the ferry sails to now").notes == ()


@given(st.text(max_size=200) | st.text(alphabet='ab "()*:~ANDORT', max_size=60))
def test_nothing_that_is_typed_fails(text):
    read = parse(text)
    assert read.expression is None or describe(read.expression)


@given(
    st.text(alphabet="aábcAB.'’-_ 1\n", max_size=60), st.sampled_from(["a", "b", "ab", "1", "c"])
)
def test_words_are_marked_where_the_analyser_finds_their_terms(text, word):
    expected = {(s.start, s.end) for s in term_spans(text) if s.term == word}
    assert set(Highlighter(Words((Word(word),))).mark(text)) == expected


@given(st.lists(st.sampled_from("abcx"), max_size=40), st.integers(1, 6), st.booleans())
def test_what_is_marked_as_near_is_what_stands_near(letters, within, ordered):
    words = [f"word{letter}" for letter in letters]
    text = " ".join(words)
    leaf = Near("worda", "wordb wordc", within=within, ordered=ordered)
    expected = set()
    for one, other in product(range(len(words)), range(len(words))):
        if words[one] == "worda" and words[other : other + 2] == ["wordb", "wordc"]:
            ahead, behind = other - one, one - (other + 1)
            if 1 <= ahead <= within or (not ordered and 1 <= behind <= within):
                expected |= {one, other, other + 1}
    marked = {
        place
        for start, end in Highlighter(leaf).mark(text)
        for place, _ in enumerate(words)
        if start <= 6 * place and 6 * place + 5 <= end
    }
    assert marked == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ferry W/S bridge", Near("ferry", "bridge", within=Stretch.SENTENCE)),
        ("ferry /s bridge", Near("ferry", "bridge", within=Stretch.SENTENCE)),
        ("ferry W/p bridge", Near("ferry", "bridge", within=Stretch.PARAGRAPH)),
        ("ferry SAME bridge", Near("ferry", "bridge", within=Stretch.PARAGRAPH)),
        ("ferry PRE/S bridge", Near("ferry", "bridge", within=Stretch.SENTENCE, ordered=True)),
        ("the same bridge", words("the", "same", "bridge")),
        ("THE SAME BRIDGE", words("THE", "SAME", "BRIDGE")),
        ("NEARS ADJP bridge", words("NEARS", "ADJP", "bridge")),
        ('"the SAME bridge"', Phrase("the SAME bridge")),
    ],
)
def test_one_sentence_and_one_paragraph_are_asked_for_as_in_nexis_and_factiva(text, expected):
    read = parse(text)
    assert read.expression == expected
    assert read.notes == ()


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [(Stretch.SENTENCE, ["bridge", "ferry"]), (Stretch.PARAGRAPH, ["ferry", "bridge", "ferry"])],
)
def test_what_is_marked_as_together_stands_in_one_sentence_or_paragraph(stretch, expected):
    text = "A ferry came. The bridge let the ferry by.\n\nThis bridge did not."
    leaf = Near("ferry", "bridge", within=stretch)
    assert [text[start:end] for start, end in Highlighter(leaf).mark(text, "en")] == expected


@given(st.lists(st.sampled_from(["ferry", "OR", "or", "Zoë", "2024", "a"]), min_size=1, max_size=9))
def test_a_text_with_nothing_to_parse_is_read_as_the_parser_would(words):
    text = " ".join(words)
    with patch.object(parser, "PLAIN", re.compile("(?!)")):
        expected = parse(text)
    assert parse(text) == expected
