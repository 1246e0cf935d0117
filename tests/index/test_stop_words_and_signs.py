"""What few search engines find: names of stop words alone, C++, AT&T, emoji and flags."""

import pytest

from backfile.index.lexical.analysis.analyser import terms
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import FAMILIES, engines_in, fill, write_stories

TEXTS = {
    "who": "Fans saw The Who play in Leeds.",
    "other": "The man who sang is the one to be seen, or not.",
    "hamlet": "To be or not to be, that is the question.",
    "cpp": "She writes C++ at AT&T and listens to R&B.",
    "sharp": "He prefers C# and F#.",
    "vitamin": "Vitamin C helps at T junctions.",
    "heart": "We \u2764\ufe0f Leeds \U0001f44d\U0001f3fd",
    "flag": "\U0001f1fa\U0001f1f8 beat \U0001f1ec\U0001f1e7",
    "family": "A \U0001f468\u200d\U0001f469\u200d\U0001f467 photo",
}


@pytest.fixture(scope="module", params=FAMILIES)
def searcher(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("signs")
    stories = [{"id": name, "title": "Report", "text": text} for name, text in TEXTS.items()]
    engines = engines_in(folder / "archive", in_memory=request.param == "memory")
    fill(engines, write_stories(folder, stories))
    yield Searcher(engines, RankingOptions(floor=0.2))
    engines.catalog.close()


def found(searcher, text):
    hits = searcher.search(Query(text, mode=Mode.KEYWORD)).hits
    return {hit.article.id for hit in hits}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("The Who", {"who"}),
        ("to be or not to be", {"hamlet"}),
        ("C++", {"cpp"}),
        ("c++", {"cpp"}),
        ("C#", {"sharp"}),
        ("F#", {"sharp"}),
        ("C", {"vitamin"}),
        ("AT&T", {"cpp"}),
        ("at&t's", {"cpp"}),
        ("R&B", {"cpp"}),
        ('"C++ at AT&T"', {"cpp"}),
        ("\u2764", {"heart"}),
        ("\u2764\ufe0f", {"heart"}),
        ("\U0001f44d", {"heart"}),
        ("\U0001f1fa\U0001f1f8", {"flag"}),
        ("\U0001f1ec\U0001f1e7", {"flag"}),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", {"family"}),
        ("\U0001f468", set()),
    ],
)
def test_stop_words_and_signs_find_what_they_name(searcher, typed, expected):
    assert found(searcher, typed) == expected


def test_stop_words_that_stand_nowhere_together_are_searched_one_by_one(searcher):
    answer = searcher.search(Query("who not", mode=Mode.KEYWORD))
    assert answer.hits[0].article.id == "other"
    assert answer.reading.description == "the words who not"


def test_the_phrase_is_shown_marked_and_explained_as_such(searcher):
    answer = searcher.search(Query("The Who before:2100", mode=Mode.KEYWORD))
    assert answer.total == 0  # the article has no day
    answer = searcher.search(Query("The Who", mode=Mode.KEYWORD))
    (passage,) = answer.hits[0].passages
    assert [passage.passage.text[a:b] for a, b in passage.highlights] == ["The Who"]
    assert answer.reading.description == '"The Who"'


def test_a_letter_before_another_sign_stays_a_word():
    assert terms("C+ #C A&P1 Rock&Roll a&b&c x_AT&T") == [
        "c", "c", "a", "p1", "rock", "roll", "a", "b", "c", "x", "at", "t",
    ]  # fmt: skip


def test_ticks_arrows_and_bullets_are_no_words():
    assert WORD.findall("\u2714 \u27a1 \u2022 \u25cf \u25ba done") == ["done"]
