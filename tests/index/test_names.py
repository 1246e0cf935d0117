"""Names of outlets, sections and authors, as people type them."""

from datetime import date
from html import unescape

import pytest

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.category import Category
from backfile.index.model.filters import Filters
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from tests.builders import backfile, engines_in, fill, write_stories

SOURCES = ["www.cnn.com", "CNN Politics", "Fox News", "Fox News", "Foxtrot", "The Guardian"]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    stories = [
        {"id": str(n), "title": f"Report {n}", "text": "A ferry.", "source": source,
         "section": "Opinion", "author": "Ana Ruiz", "published": f"2023-03-0{n + 1}"}
        for n, source in enumerate(SOURCES)
    ]  # fmt: skip
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_stories(folder, stories))
    yield engines
    engines.catalog.close()


@pytest.fixture
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2), today=lambda: date(2024, 4, 3))


@pytest.fixture
def client(engines, searcher):
    return create_app(searcher, ArchiveReader(engines.catalog)).test_client()


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
    assert found(searcher, "source:gardian")[1] == [
        "no outlet is called gardian. Near: The Guardian (1)"
    ]
    assert found(searcher, 'source:"the gardian"')[1] == [
        "no outlet is called the gardian. Near: The Guardian (1)"
    ]


def test_the_shell_names_outlets_that_are_near(indexed_by_words):
    shell = backfile("search", "ferry", "--source", "Courrier", "--archive", indexed_by_words)
    assert "no outlet is called Courrier. Near: Courier (2)" in shell.stderr


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("fox news", [("", "source", "Fox News")]),
        ("Fox News ferry", [("ferry", "source", "Fox News")]),
        ("cnn ferry", [("ferry", "source", "www.cnn.com")]),
        (
            "opinion ferry ana ruiz",
            [("ferry ana ruiz", "section", "Opinion"), ("opinion ferry", "author", "Ana Ruiz")],
        ),
        ("ferry foxes", []),
        ('"fox news"', []),
        ("ferry zebra fox news", [("ferry zebra", "source", "Fox News")]),
        ("zebra fox news", []),  # it would find nothing
        ("ferry march 2023", [("ferry", "days", "2023-03-01 2023-03-31")]),
        ("ferry on 2 March 2023", [("ferry", "days", "2023-03-02 2023-03-02")]),
        ("ferry last year", [("ferry", "days", "2023-01-01 2023-12-31")]),
        ("in 2023", [("", "days", "2023-01-01 2023-12-31")]),
        ("ferry last week", []),  # nothing is from it
        ("ferry before:2024 2023", []),
    ],
)  # fmt: skip
def test_names_and_days_are_offered_as_filters_that_give_what_they_say(client, typed, expected):
    answer = client.get("/api/search", query_string={"q": typed, "mode": "keyword"}).json
    offers = [each for each in answer["offers"] if each["kind"] != "word"]
    assert [
        (each["q"], each["kind"], each["value"] or f"{each['since']} {each['until']}")
        for each in offers
    ] == expected
    for each in offers:
        asked = {"q": each["q"], "mode": "keyword", each["kind"]: each["value"]}
        asked |= {"since": each["since"] or "", "until": each["until"] or ""}
        asked.pop("days", None)
        assert client.get("/api/search", query_string=asked).json["total"] == each["articles"] > 0
    page = unescape(client.get("/", query_string={"q": typed, "mode": "keyword"}).text)
    assert page.count('aria-labelledby="offered"') == bool(expected)
    for _, kind, value in expected:
        named = {"source": "an outlet", "section": "a section", "author": "an author"}
        assert kind == "days" or f">{value}: {named[kind]}, " in page


def test_a_filter_is_offered_and_not_applied(client):
    answer = client.get("/api/search?q=ferry+fox+news&mode=keyword&match=some").json
    assert (answer["total"], answer["query"]["since"], answer["query"]["source"]) == (6, None, [])


def test_days_after_the_last_article_say_when_that_is_from(searcher):
    assert found(searcher, "ferry on:today") == (set(), ["the last articles are from 2023-03-06"])
    assert found(searcher, "ferry on:2023-03-06") == ({5}, [])


def test_the_shell_offers_options(indexed_by_words):
    shell = backfile("search", "ferry courier", "--mode", "keyword", "--archive", indexed_by_words)
    assert "as a filter: ferry --source Courier (2)" in shell.stderr
    shell = backfile("search", "ferry in 2024", "--mode", "keyword", "--archive", indexed_by_words)
    assert "as a filter: ferry --since 2024-01-01 --until 2024-12-31 (2)" in shell.stderr


def test_what_is_made_of_names_is_made_once_however_many_archives_are_open():
    made = []

    def count(names):
        made.append(names)
        return len(names)

    categories = [Category.of([[f"Outlet {n}"], ["Bay Herald"]]) for n in range(40)]
    for _ in range(2):
        assert [each.once(count) for each in categories] == [2] * 40
    assert len(made) == 40
    assert categories[0].once(min) == "Bay Herald"
