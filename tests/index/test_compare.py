"""Tests of searches compared over time: the same periods for all, and exact numbers in them."""

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from backfile.archive.model.errors import BadQuery, EngineUnavailable
from backfile.index.model.filters import Filters
from backfile.index.model.query import MOST_COMPARED, Copies, Mode, Query
from backfile.index.search.compare import compare_searches
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, write_stories

TOPICS = ("ferry", "bridge", "harbour")
NEWS = [
    {
        "id": f"n{n}",
        "source": ("Wire", "Courier")[n % 2],
        "published": f"2024-{1 + n % 7:02}-{1 + n % 28:02}" if n % 9 else "",
        "text": f"The {TOPICS[n % 3]} and the {TOPICS[n % 2]} in report {n}.",
    }
    for n in range(60)
]
ASKED = Query("ferry", mode=Mode.KEYWORD, compare=("bridge", "zxqv"))


@pytest.fixture
def news(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path, NEWS))
    yield Searcher(engines, RankingOptions())
    engines.catalog.close()


def months(word, source=""):
    return Counter(
        each["published"][:7]
        for each in NEWS
        if word in each["text"] and each["published"] and source in each["source"]
    )


def counts(series):
    return {each.value: each.count for each in series.timeline.bins}


def test_each_search_is_counted_in_the_same_periods(news):
    compared = compare_searches(news, ASKED)
    assert [each.text for each in compared.series] == ["ferry", "bridge", "zxqv"]
    for each in compared.series:
        assert counts(each) == months(each.text)
        assert each.timeline.undated == len(
            [1 for one in NEWS if each.text in one["text"] and not one["published"]]
        )
        assert each.articles == sum(counts(each).values()) + each.timeline.undated


def test_the_filters_are_those_of_the_query_for_all(news):
    filtered = replace(ASKED, filters=Filters(source=("Wire",)))
    for each in compare_searches(news, filtered).series:
        assert counts(each) == months(each.text, "Wire")


def test_the_unit_suits_all_searches_together(news):
    """A search of one week alone is counted by day, and by month beside one of many months."""
    short = replace(ASKED, compare=("report 1", "harbour"))
    units = {each.timeline.unit for each in compare_searches(news, short).series}
    assert len(units) == 1


def test_a_search_alone_has_the_numbers_of_its_timeline(news):
    (alone,) = compare_searches(news, replace(ASKED, compare=())).series
    shown = news.search(replace(ASKED, compare=(), copies=Copies.SHOW))
    assert alone.timeline == shown.timeline
    assert alone.articles == shown.totals.articles


def test_a_search_is_compared_once(news):
    compared = compare_searches(news, replace(ASKED, compare=("ferry", "bridge")))
    assert [each.text for each in compared.series] == ["ferry", "bridge"]


def test_searches_of_two_states_of_the_archive_are_not_compared(news, monkeypatch):
    generations, find_all = count(), news.find_all

    def find_in_another_state(query, **options):
        found = find_all(query, **options)
        return replace(found, answer=replace(found.answer, generation=next(generations)))

    monkeypatch.setattr(news, "find_all", find_in_another_state)
    with pytest.raises(EngineUnavailable, match="try again"):
        compare_searches(news, ASKED)


def test_compared_searches_are_read_from_the_address_and_written_to_it():
    query = Query.from_parameters({"q": ["a"], "compare": [" b  c ", "", "b c", "d"]})
    assert query.compare == ("b c", "d")
    assert query.to_url() == "q=a&compare=b+c&compare=d"
    many = [str(n) for n in range(MOST_COMPARED + 1)]
    with pytest.raises(BadQuery, match="at most 4"):
        Query.from_parameters({"compare": many})
