"""A query read whole: its days, its parts, and what is said of its mistakes."""

from datetime import date
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.asking.dates import day_range, take_days
from backfile.index.asking.reader import read_query, typed
from backfile.index.lexical.query_parser.parser import parse
from backfile.index.model.expression import Word, Words
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query, QueryPartKind
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import everything

TODAY = date(2024, 5, 8)  # a Wednesday
PIECES = [
    *("ferry", "bridge", '"river Ash"', '"', "(", ")", "AND", "OR", "NOT", "-", "W/5", "PRE/2"),
    *("bridg~", "bri~9", "bridg*", "title:", "titel:x", "before:2024", "after:", 'on:"last week"'),
    *("on:yesterday", "before:0001", "after:9999", "/S", "~", "*", ":", "東京", "a/5"),
]


def read(text, **filters):
    return read_query(Query(text, filters=Filters(**filters)), TODAY)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("before:2024-03-23", None, date(2024, 3, 22)),
        ("before:2024-03", None, date(2024, 2, 29)),
        ("after:2023", date(2024, 1, 1), None),
        ("on:2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("ON:yesterday", date(2024, 5, 7), date(2024, 5, 7)),
        ("on:today", TODAY, TODAY),
        ("on:“last week”", date(2024, 4, 29), date(2024, 5, 5)),
        ('after:"last week"', date(2024, 5, 6), None),
        ('on:"last month"', date(2024, 4, 1), date(2024, 4, 30)),
        ('before:"last year"', None, date(2022, 12, 31)),
        ("after:2023 before:2024-03", date(2024, 1, 1), date(2024, 2, 29)),
    ],
)
def test_days_in_the_text_are_read_as_filters(text, since, until):
    asked = read(f"ferry {text}")
    assert asked.expression == Words((Word("ferry"),))
    assert (asked.filters.since, asked.filters.until) == (since, until)
    assert asked.notes == ()


def test_days_in_the_text_narrow_those_of_the_parameters():
    asked = read("ferry after:2022 before:2024-03", since=date(2023, 6, 1), until=TODAY)
    assert (asked.filters.since, asked.filters.until) == (date(2023, 6, 1), date(2024, 2, 29))
    assert "leave none" in read("after:2024 before:2023").notes[0]


@pytest.mark.parametrize("text", ["a AND after:2023", "after:2023 AND a", "a after:2023"])
def test_an_operator_beside_a_day_goes_with_it(text):
    assert take_days(text, TODAY).text == "a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ferry before:tomorrow", "names no day"),
        ("ferry on:2024-02-30", "names no day"),
        ("ferry before:0001", "names no day"),
        ("ferry after:9999", "names no day"),
        ("(ferry before:2024) OR boat", "the whole search only"),
        ("ferry OR before:2024", "the whole search only"),
        ("ferry NOT before:2024", "the whole search only"),
        ("titel:ferry", "is no field"),
        ("ferry W/5", "nothing beside it"),
        ("(a AND b) W/5 c", "near each other"),
        ("fer~7", "up to 2 letters"),
    ],
)
def test_a_mistake_is_read_as_words_and_said(text, said):
    asked = read(text)
    assert said in " ".join(asked.notes)
    assert asked.filters == Filters()
    assert asked.expression is not None


def test_a_day_in_quotation_marks_is_a_phrase():
    assert read('"on:today before:2024"').filters == Filters()


def test_each_part_says_what_it_is_and_what_is_left_without_it():
    asked = read('ferry "river Ash" title:shut bridg* fery~ NOT strike before:2024')
    assert [(part.kind, part.text) for part in asked.parts] == [
        (QueryPartKind.WORD, "ferry"),
        (QueryPartKind.PHRASE, '"river Ash"'),
        (QueryPartKind.FIELD, "title:shut"),
        (QueryPartKind.PREFIX, "bridg*"),
        (QueryPartKind.FUZZY, "fery~"),
        (QueryPartKind.EXCLUSION, "NOT strike"),
        (QueryPartKind.DATE, "before:2024"),
    ]
    assert asked.parts[0].without == ('"river Ash" title:shut bridg* fery~ NOT strike before:2024')
    assert asked.parts[-1].without == 'ferry "river Ash" title:shut bridg* fery~ NOT strike'


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=80))
def test_no_text_fails_and_every_part_can_be_taken_out(text):
    with patch.multiple("backfile.index.asking.reader", MOST_PARTS=99, MOST_WORDS=99):
        asked = read(text)
        for part in asked.parts:
            assert len(read(part.without).parts) < len(asked.parts)
    assert isinstance(asked.description, str)


@given(st.text(max_size=30), st.dates())
def test_no_period_ends_before_it_begins(text, today):
    for value in (text, "today", "last month"):
        if today > date(2, 1, 1) and (period := day_range(value, today)):
            assert period.first <= period.last


def test_a_search_obeys_the_days_in_its_text(engines):
    searcher = Searcher(engines, RankingOptions(floor=0.2), today=lambda: date(2024, 3, 24))
    for text, expected in [
        ("ferry on:yesterday", {"ferry"}),
        ("ferry before:2024", {"bridge"}),
        ("on:2023", {"bridge", "untitled", "/2023/05/pier%20"}),
    ]:
        _, hits = everything(searcher, Query(text, mode=Mode.KEYWORD))
        assert {hit.article.id for hit in hits} == expected
        assert all(hit.article.published for hit in hits)


@pytest.mark.parametrize(
    ("text", "expected", "marks"),
    [
        ("fery~", {"ferry", "bridge", "<b>id</b>"}, {"ferry"}),
        ("brigde~", {"bridge", "undated"}, {"bridge"}),
        ("inspetcor~2", {"bridge"}, {"inspectors"}),
        ("swing W/3 shut", {"bridge"}, {"swing", "shut"}),
        ("shut W/3 swing", {"bridge"}, {"swing", "shut"}),
        ("shut PRE/3 swing", set(), set()),
        ('"swing bridge" PRE/2 shut', {"bridge"}, {"swing bridge", "shut"}),
        ("swing W/1 shut", set(), set()),
        ("(boat OR lamp) W/4 keeper", {"undated"}, {"keeper", "lamp"}),
    ],
)
def test_what_is_nearly_spelt_or_near_is_found_and_marked(searcher, text, expected, marks):
    _, hits = everything(searcher, Query(text, mode=Mode.KEYWORD, strict=True))
    assert {hit.article.id for hit in hits} == expected
    marked = {
        passage.passage.text[start:end].casefold()
        for hit in hits
        for passage in hit.passages
        for start, end in passage.highlights
    }
    assert marked == marks


@given(
    st.sampled_from(
        ["ferry W/5 bridge", "a PRE/2 b", '"a b" W/3 c', "(a OR b) W/9 c", "a W/S b", "a PRE/P b"]
    )
)
def test_near_is_written_as_it_can_be_read_again(text):
    expression = parse(text).expression
    assert parse(typed(expression)).expression == expression


def test_a_question_is_not_taken_apart_by_its_words():
    asked = read_query(Query("what became of the old swing bridge before:2024"), TODAY)
    assert [part.text for part in asked.parts] == ["before:2024"]
