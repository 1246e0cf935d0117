"""Tests of what a page says of its articles to reference managers, with their own parsers."""

import json
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote

import pytest

from backfile.archive.model.dates import DateSpan
from backfile.web.api.embedded import citation_tags, coins, linked_data
from backfile.web.app import create_app
from tests.builders import STORIES

PAGE = "http://localhost/article/tide"
BAD = "</script><script>alert(1)</script>\u2028&amp;\"'"


class Page(HTMLParser):
    """The descriptions of articles on a page."""

    def __init__(self, text):
        super().__init__()
        self.coins, self.tags, self.scripts, self._kind = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if values.get("class") == "Z3988":
            self.coins.append(parse_qs(values["title"], strict_parsing=True))
        if values.get("name", "").startswith("citation_"):
            self.tags.append((values["name"], values["content"]))
        if tag == "script":
            self._kind = values.get("type")
            self.scripts += [[self._kind, ""]]

    def handle_data(self, data):
        if self._kind:
            self.scripts[-1][1] += data

    def handle_endtag(self, tag):
        self._kind = None

    @property
    def linked_data(self):
        return [json.loads(text) for kind, text in self.scripts if kind == "application/ld+json"]


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def test_an_article_is_described_in_three_ways(client):
    page = Page(client.get("/article/ferry").text)
    (described,) = page.linked_data
    assert described == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "Ferry timetable cut",
        "author": [{"@type": "Person", "name": name} for name in ("Ana Ruiz", "José Núñez")],
        "datePublished": "2024-03-23",
        "publisher": {"@type": "Organization", "name": "Courier"},
        "articleSection": "Transport",
        "inLanguage": "en",
        "url": "https://courier.example/ferry",
        "archivedAt": "http://localhost/article/ferry",
        "identifier": "ferry",
    }
    assert page.tags == [
        ("citation_title", "Ferry timetable cut"),
        ("citation_author", "Ana Ruiz"),
        ("citation_author", "José Núñez"),
        ("citation_publication_date", "2024/03/23"),
        ("citation_journal_title", "Courier"),
        ("citation_language", "en"),
        ("citation_public_url", "https://courier.example/ferry"),
    ]
    (found,) = page.coins
    assert found["rft.type"] == ["newspaperArticle"]
    assert found["rft.title"] == ["Ferry timetable cut"]
    assert found["rft.creator"] == ["Ana Ruiz", "José Núñez"]
    assert (found["rft.source"], found["rft.date"]) == (["Courier"], ["2024-03-23"])
    assert found["rft.identifier"] == ["https://courier.example/ferry"]


def test_each_hit_is_described_in_the_order_of_the_page(client):
    hits = client.get("/api/search?q=ferry").json["hits"]
    titles = [each["rft.title"][0] for each in Page(client.get("/?q=ferry").text).coins]
    assert titles == [hit["article"]["title"] for hit in hits] != []


@pytest.mark.parametrize("story", STORIES, ids=[story["id"] for story in STORIES])
def test_every_article_has_data_of_its_own_and_no_script(client, story):
    found = client.get(f"/article/{quote(story['id'], safe='')}")
    page = Page(found.text)
    (described,) = page.linked_data
    assert described["identifier"] == story["id"]
    assert described["url"].startswith(("https://courier.example/", "http://localhost/article/"))
    assert len(page.coins) == 1
    assert "alert" not in "".join(text for kind, text in page.scripts if kind is None)


def test_markup_in_an_article_stays_in_its_data(make_article):
    article = make_article(
        id=BAD, title=BAD, source=BAD, section=BAD, authors=(BAD,), language=BAD, url="javascript:x"
    )
    page = Page(linked_data(article, PAGE) + citation_tags(article, PAGE) + coins(article))
    (described,) = page.linked_data
    assert len(page.scripts) == 1
    assert described["headline"] == described["publisher"]["name"] == BAD
    assert described["url"] == PAGE
    assert ("citation_title", BAD) in page.tags
    assert page.coins[0]["rft.title"] == [BAD]
    assert "rft.identifier" not in page.coins[0]


def test_what_is_written_for_a_hit_is_bounded(make_article):
    article = make_article(title="t" * 5_000, authors=("a" * 900,) * 50, source="s" * 5_000)
    assert len(coins(article)) < 3_500


@pytest.mark.parametrize(
    ("dates", "data", "tag"),
    [
        ({}, None, None),
        ({"period": DateSpan.of(2024, 5)}, "2024-05", "2024/05"),
        ({"period": DateSpan.parse("2024-03/2024-05")}, "2024-03", "2024/03"),
        ({"published": date(2024, 5, 9)}, "2024-05-09", "2024/05/09"),
        (
            {
                "published": date(2024, 5, 9),
                "published_at": datetime(2024, 5, 9, 7, tzinfo=UTC),
            },
            "2024-05-09T07:00:00+00:00",
            "2024/05/09",
        ),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(make_article, dates, data, tag):
    article = make_article(**dates)
    page = Page(linked_data(article, PAGE) + citation_tags(article, PAGE))
    assert page.linked_data[0].get("datePublished") == data
    assert dict(page.tags).get("citation_publication_date") == tag
