"""Tests of the pages of all hits: who had it first, and the list of citations."""

import csv
import html
import io
import re
from urllib.parse import urljoin

import pytest

from backfile.web.app import create_app
from backfile.web.search.all_hits import MOST_CITED, MOST_ROWS
from tests.builders import app_over, engines_in, fill, write_stories

SEARCHES = ["", "q=ferry", "q=harbour&source=Gazette", "q=zxqv", "since=2024", "date=none"]
MOST = 60_000  # bytes of a page


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


@pytest.fixture
def many(tmp_path):
    """An archive of many outlets with long headlines."""
    engines = engines_in(tmp_path / "archive", in_memory=True)
    stories = [
        {
            "id": f"s{n}",
            "source": f"Outlet {n} of the north",
            "title": f"Ferry {n} " + "stops again and " * 12,
            "published": f"2024-01-{n % 28 + 1:02}",
            "text": f"The ferry stops for the {n}th time.",
        }
        for n in range(MOST_ROWS + 30)
    ]
    fill(engines, write_stories(tmp_path, stories))
    yield app_over(engines).test_client()
    engines.catalog.close()


def rows_of(client, search):
    text = client.get(f"/outlets.csv?{search}").get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def links(page):
    base = re.search(r'<base href="([^"]*)"', page)
    found = re.findall(r'<a[^>]*? href="([^"]*)"', page)
    return [urljoin(base[1] if base else "/", html.unescape(each)) for each in found]


@pytest.mark.parametrize("search", SEARCHES)
def test_page_file_and_api_sum_up_the_same_outlets(client, search):
    found = client.get(f"/api/outlets?{search}").json
    rows = rows_of(client, search)
    assert [row["outlet"] for row in rows] == [each["source"] for each in found["outlets"]]
    assert sum(int(row["articles"]) for row in rows) == found["articles"]
    counted = client.get(f"/api/search?{search}&copies=show&sort=newest").json["total"]
    assert found["articles"] == counted
    page = client.get(f"/outlets?{search}").text
    for each in found["outlets"]:
        assert html.escape(each["source"]).replace("&#x27;", "&#39;") in page


def test_an_outlet_leads_to_as_many_hits_as_it_counts_and_to_its_first_article(client):
    page = client.get("/outlets?q=ferry&mode=keyword").text
    (courier,) = [each for each in links(page) if "source=Courier" in each and "/?" in each]
    assert "copies=show" in courier
    row = next(each for each in rows_of(client, "q=ferry&mode=keyword") if each["articles"] == "2")
    assert client.get("/api/search" + courier[1:]).json["total"] == 2
    assert (row["outlet"], row["first"]) == ("Courier", "2023-03-15")
    assert row["first_article"] == "bridge"
    assert any(each.startswith("/article/bridge?") for each in links(page))


def test_outlets_are_in_either_order_and_no_other(client):
    by_number = client.get("/api/outlets?q=ferry&by=articles").json["outlets"]
    assert by_number[0]["source"] == "Courier"
    assert client.get("/api/outlets?by=size").json["field"] == "by"
    assert client.get("/outlets?by=size").status_code == 400
    assert "by=articles" in client.get("/outlets?q=ferry").text


@pytest.mark.parametrize("path", ["/outlets", "/cite"])
@pytest.mark.parametrize("search", ["q=ferry", "q=" + "ferry+" * 600, ""])
def test_a_page_is_small_and_says_what_it_leaves_out(many, path, search):
    page = many.get(f"{path}?{search}")
    assert page.status_code == 200
    assert len(page.data) < MOST
    assert ("and 30 more in the file" if path == "/outlets" else "the files have all") in page.text


def test_each_link_of_a_long_search_leads_on(many):
    page = many.get("/outlets?q=" + "ferry+" * 600).text
    packed = [each for each in links(page) if each.startswith("/search/")]
    assert any("/outlets?by=articles" in each for each in packed)
    for link in packed[:6]:
        answer = many.get(link, follow_redirects=True)
        assert answer.status_code == 200, link


def test_the_page_of_citations_has_those_of_the_file_and_leads_to_it(client, many):
    page = client.get("/cite?q=ferry").text
    cited = client.get("/export.txt?q=ferry").text.splitlines()
    shown = re.findall(r'<p dir="auto">(.*)</p>', page)
    assert [html.unescape(each) for each in shown] == cited != []
    for kind in ("bib", "ris", "txt"):
        assert f"/export.{kind}?q=ferry" in links(page)
    assert many.get("/cite?q=ferry").text.count('<p dir="auto">') <= MOST_CITED


def test_the_search_leads_to_all_that_can_be_done_with_its_hits(client):
    page = client.get("/?q=ferry&source=Courier").text
    found = links(page)
    for path in ("/export.bib", "/search.atom", "/search.json", "/cite", "/outlets", "/batch"):
        assert f"{path}?q=ferry&source=Courier" in found
        assert client.get(f"{path}?q=ferry&source=Courier").status_code == 200
    nothing = links(client.get("/?q=zxqv").text)
    assert not any(each.startswith(("/export", "/cite", "/outlets")) for each in nothing)
    assert "/search.atom?q=zxqv" in nothing
