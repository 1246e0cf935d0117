"""Another spelling: offered where a word is nowhere, as a whole query, and only then."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query
from backfile.web.app import create_app
from tests.builders import backfile


def meant(searcher, text, **changes):
    found = searcher.search(Query(text, mode=Mode.KEYWORD, **changes)).did_you_mean
    return found and found.text


@pytest.mark.long
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("swing brigde", "swing bridge"),
        ("brigde AND (swing OR ferry)", "bridge AND (swing OR ferry)"),
        ("Brigde", None),
        ("BRIGDE", None),
        (" ".join(["brigde", *(f"word{n}" for n in range(12))]), None),
        ("title:brigde before:2024", "title:bridge before:2024"),
        ('"swing brigde" ferry', '"swing bridge" ferry'),
        ("swign W/3 brigde", "swing W/3 bridge"),
        ("brigde NOT ferri", "bridge NOT ferri"),
        ("ferry NOT brigde", None),
        ("source:Couriir ferry", None),
        ("swing bridge", None),
        ("brigde~", None),
        ("zzzzzz", None),
        ("brg", None),
        ("", None),
    ],
)
def test_a_query_is_corrected_word_by_word_and_else_stays_as_typed(searcher, typed, expected):
    assert meant(searcher, typed) == expected


def test_a_word_that_is_corrected_stays_as_it_is_where_it_is_excluded(searcher):
    assert meant(searcher, "ferry brigde NOT brigde") == "ferry bridge NOT brigde"


def test_a_name_of_the_archive_is_no_misspelling_though_no_text_holds_it(searcher):
    assert meant(searcher, "gazete") is None
    assert meant(searcher, "Courier") is None


def test_the_number_of_articles_obeys_the_filters_and_none_is_no_offer(searcher):
    found = searcher.search(Query("brigde", mode=Mode.KEYWORD)).did_you_mean
    assert (found.text, found.corrected) == ("bridge", ((0, 6),))
    assert found.articles == searcher.search(Query("bridge", mode=Mode.KEYWORD)).totals.by_words
    assert meant(searcher, "brigde", filters=Filters(source=("Nobody",))) is None


def test_page_api_and_shell_say_it_and_the_query_stays(searcher, reader, sample):
    client = create_app(searcher, reader).test_client()
    answer = client.get("/api/search?q=swing+brigde&mode=keyword").json
    assert answer["query"]["q"] == "swing brigde"
    assert answer["did_you_mean"]["text"] == "swing bridge"
    page = client.get("/?q=swing+brigde&mode=keyword&source=Courier").text
    assert "swing <em>bridge</em></a>?" in page
    assert 'href="/?q=swing+bridge&amp;mode=keyword&amp;source=Courier"' in page
    shell = backfile("search", "swing brigde", "--archive", sample)
    assert "Did you mean: swing bridge" in shell.stderr


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["brigde", "ferry", "AND", "NOT", "(", ")", "before:2024"])))
def test_what_is_offered_is_read_as_what_was_typed_but_for_the_words(searcher, pieces):
    query = Query(" ".join(pieces), mode=Mode.KEYWORD)
    found = searcher.search(query).did_you_mean
    if found:
        read = searcher.read(query).description
        assert searcher.read(Query(found.text)).description.count("bridge") >= 1
        assert len(searcher.read(Query(found.text)).description) == len(read)
