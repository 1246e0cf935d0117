"""Tests of the summary by outlet: exact counts, and who had it first."""

from collections import Counter
from dataclasses import replace

import pytest

from backfile.archive.model.errors import BadQuery
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.search.outlets import OutletOrder, summarize_outlets
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, write_stories

BRIDGE = "The swing bridge is shut."
NEWS = [
    {"id": "w2", "source": "Wire", "published": "2024-03-02", "text": BRIDGE},
    {"id": "w1", "source": "Wire", "published": "2024-03-01", "text": f"{BRIDGE} Cracks."},
    {"id": "c1", "source": "Courier", "published": "2024-03-03", "text": BRIDGE},
    {"id": "c2", "source": "courier", "published": "2024-05-09", "text": f"{BRIDGE} Still."},
    {"id": "c3", "source": "Courier", "published": "2024-04-09", "text": f"{BRIDGE} Paint."},
    {"id": "m", "source": "Monthly", "date": "2024-03", "text": f"{BRIDGE} Why."},
    {"id": "g", "source": "Gazette", "text": f"{BRIDGE} Undated."},
    {"id": "n", "published": "2020-01-01", "text": f"{BRIDGE} Nobody."},
    {"id": "other", "source": "Wire", "published": "1999-01-01", "text": "Rain all day."},
]
ASKED = Query("bridge", mode=Mode.KEYWORD)


@pytest.fixture
def news(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path, NEWS))
    yield Searcher(engines, RankingOptions())
    engines.catalog.close()


def rows(summary):
    return [(each.name, each.articles, str(each.first), str(each.last)) for each in summary.outlets]


def test_each_outlet_has_its_articles_and_its_first_and_last_day(news):
    summary = summarize_outlets(news, ASKED)
    assert rows(summary) == [
        ("", 1, "2020-01-01", "2020-01-01"),
        ("Wire", 2, "2024-03-01", "2024-03-02"),
        ("Courier", 3, "2024-03-03", "2024-05-09"),
        ("Monthly", 1, "2024-03", "2024-03"),  # its month ends after all days of the others began
        ("Gazette", 1, "None", "None"),
    ]
    assert summary.articles == 8
    assert sum(each.share for each in summary.outlets) == pytest.approx(1)
    assert [each.first_article and each.first_article.id for each in summary.outlets] == [
        "n", "w1", "c1", "m", None,
    ]  # fmt: skip


def test_outlets_are_also_sorted_by_their_number_of_articles(news):
    summary = summarize_outlets(news, ASKED, OutletOrder.read("articles"))
    assert [each.name for each in summary.outlets] == ["Courier", "Wire", "", "Monthly", "Gazette"]
    with pytest.raises(BadQuery, match="none of: first, articles"):
        OutletOrder.read("size")


def test_a_copy_counts_for_its_outlet_whether_or_not_copies_are_folded(news):
    folded = summarize_outlets(news, ASKED)
    assert rows(folded) == rows(summarize_outlets(news, replace(ASKED, copies=Copies.SHOW)))


def test_what_finds_nothing_has_no_outlets(news):
    summary = summarize_outlets(news, Query("zxqv", mode=Mode.KEYWORD))
    assert (summary.articles, summary.outlets) == (0, ())


@pytest.mark.parametrize("text", ["", "ferry", "bridge", "harbour"])
def test_the_counts_are_those_of_all_hits_with_copies(searcher, text):
    query = Query(text, mode=Mode.KEYWORD, copies=Copies.SHOW)
    found = searcher.find_all(query, relaxes=False)
    expected = Counter(each.article.source for each in searcher.articles(found))
    summary = summarize_outlets(searcher, query)
    assert {each.name: each.articles for each in summary.outlets} == dict(expected)
