"""The names in articles: below the article, as facets of a search, and in JSON."""

import json
import re
from html import unescape

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from tests.builders import app_over, engines_in, indexer_of, write_stories
from tests.fakes import CapitalisedNames

FIRST, LAST = ("Ann", "Ben", "Cid", "Dan"), ("Ash", "Elm", "Oak", "Yew")
PEOPLE = [f"{first} {last}" for first in FIRST for last in LAST]
NEWS = [
    {"id": "vote", "language": "en",
     "text": "It was Marian Holt who won in Wexmoor. So said Ana Ruiz of the BBC."},
    {"id": "many", "language": "en", "text": f"Those who came: {', '.join(PEOPLE)}."},
    {"id": "both", "language": "en", "text": "Now it was Marian Holt who sat in Ostley."},
    {"id": "none", "language": "en", "text": "The tide came in. The boats went out."},
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    engines = engines_in(folder / "archive", in_memory=True, names=CapitalisedNames())
    indexer_of(engines).run(Reading([write_stories(folder, NEWS)], FieldMap()))
    yield app_over(engines).test_client()
    engines.catalog.close()


def names_on(page):
    """The section with names, None where there is none."""
    found = re.search(r'<section class="names".*?</section>', page, re.DOTALL)
    return found and unescape(found[0])


def test_an_article_names_people_organisations_and_places_with_links_that_find_them(client):
    shown = names_on(client.get("/article/vote").text)
    assert re.findall(r"<p>(\w+):", shown) == ["People", "Organisations", "Places"]
    links = dict(re.findall(r'<a href="([^"]+)"><bdi>(.*?)</bdi>', shown))
    assert list(links.values()) == ["Marian Holt", "Ana Ruiz", "BBC", "Wexmoor"]
    for link in links:
        assert "/article/vote" in client.get(link).text
    assert "/article/none" not in client.get(next(iter(links))).text


def test_an_article_without_names_has_no_empty_list(client):
    assert names_on(client.get("/article/none").text) is None


def test_of_many_names_the_rest_can_be_opened(client):
    shown = names_on(client.get("/article/many").text)
    assert "and 4 more" in shown
    assert all(name in shown for name in PEOPLE)


def test_names_are_facets_of_the_page_and_chips_once_they_are_chosen(client):
    page = client.get("/").text
    assert "Marian Holt" in page
    chosen = client.get("/?person=Marian+Holt&not_place=Ostley").text
    assert "person: <bdi>Marian Holt</bdi>" in chosen
    assert "not place: <bdi>Ostley</bdi>" in chosen
    assert "/article/both" not in chosen


@pytest.mark.parametrize("search", ["", "?q=the", "?q=the&compare=was"])
def test_each_facet_says_how_many_values_it_does_not_list(client, search):
    page = client.get(f"/{search}").text
    totals = client.get("/api/search" + search.partition("&")[0]).json["facets_total"]
    for facet in re.findall(
        r'<details class="facet".*?</details>\n(?=<details class="facet|<p)', page, re.S
    ):
        at_once, _, rest = facet.partition('<details class="rest">')
        name = re.search(r'type="checkbox" name="(\w+)"', facet)[1]
        more = re.search(r"<summary>(\d+) more", rest)
        assert at_once.count(f'name="{name}"') + int(more[1] if more else 0) == totals[name]
        assert rest.count(f'name="{name}"') if more else True


def test_json_has_the_facets_and_an_article_its_names(client):
    found = client.get("/api/search?person=marian+holt").json
    assert {hit["article"]["id"] for hit in found["hits"]} == {"vote", "both"}
    assert {"value": "Marian Holt", "count": 2} in found["facets"]["person"]
    assert found["facets_total"]["place"] == 2
    article = client.get("/api/articles/vote").json
    assert article["people"] == ["Marian Holt", "Ana Ruiz"]
    assert (article["organisations"], article["places"]) == (["BBC"], ["Wexmoor"])
    history = client.get("/api/articles/vote/history").json
    assert "people" not in history["versions"][0]


def test_the_overview_counts_names(client):
    page = client.get("/overview").text
    assert "By person" in page
    assert "/?person=Marian+Holt" in page


def test_exports_are_as_they_were(client):
    (line,) = client.get("/export.jsonl?person=Ana+Ruiz").text.splitlines()
    assert json.loads(line)["id"] == "vote"
    assert "people" not in json.loads(line)
