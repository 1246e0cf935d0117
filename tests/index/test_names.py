"""Names of outlets, sections and authors, as people type them."""

import pytest

from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import backfile, engines_in, fill, write_stories

SOURCES = ["www.cnn.com", "CNN Politics", "Fox News", "Fox News", "Foxtrot", "The Guardian"]


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    stories = [
        {"id": str(n), "title": f"Report {n}", "text": "A ferry.", "source": source,
         "section": "Opinion", "author": "Ana Ruiz", "published": f"2023-03-0{n + 1}"}
        for n, source in enumerate(SOURCES)
    ]  # fmt: skip
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_stories(folder, stories))
    yield Searcher(engines, RankingOptions(floor=0.2))
    engines.catalog.close()


def found(searcher, text="", **filters):
    query = Query(text, mode=Mode.KEYWORD, filters=Filters(**filters))
    answer = searcher.search(query)
    return {int(hit.article.id) for hit in answer.hits}, [str(n) for n in answer.reading.notes]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("source:cnn", {0, 1}),
        ("source:cnn.com", {0}),
        ("source:www.cnn.com", {0}),
        ("source:fox", {2, 3}),  # whole words come first
        ("source:foxt", {4}),
        ("source:guard", set()),  # begins no name: The Guardian
        ('source:"the guard"', {5}),
    ],
)
def test_outlets_match_without_www_and_by_their_beginning(searcher, typed, expected):
    assert found(searcher, typed)[0] == expected


def test_a_filter_is_exact_but_for_www_and_names_what_is_near_if_nothing_is(searcher):
    assert found(searcher, source=("cnn.com",)) == ({0}, [])
    assert found(searcher, source=("Fox News",)) == ({2, 3}, [])
    assert found(searcher, "ferry", source=("Fox",)) == (
        set(),
        ["no outlet is called Fox. Near: Fox News (2), Foxtrot (1)"],
    )
    assert found(searcher, section=("Opinions",))[1] == [
        "no section is called Opinions. Near: Opinion (6)"
    ]
    assert found(searcher, author=("Nobody",))[1] == ["no author is called Nobody"]
    assert found(searcher, "source:gardian")[1] == ["no outlet is called gardian"]
    assert found(searcher, 'source:"the gardian"')[1] == [
        "no outlet is called the gardian. Near: The Guardian (1)"
    ]


def test_the_shell_names_outlets_that_are_near(indexed_by_words):
    shell = backfile("search", "ferry", "--source", "Courrier", "--archive", indexed_by_words)
    assert "no outlet is called Courrier. Near: Courier (2)" in shell.stderr
