"""Tests of searches as files and as feeds: all that matches, nothing else, and nothing harmful."""

import csv
import html
import io
import json
import re
from xml.etree import ElementTree

import feedparser
import pytest
from pybtex.database import parse_string

from backfile.web.api.citations import written
from backfile.web.app import create_app
from tests.builders import STORIES, app_over, engines_in, fill, write_stories

SEARCHES = ["", "q=ferry", "q=harbour&source=Gazette", "language=de", "q=zxqv", "since=2024"]


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def hits_of(client, search):
    return client.get(f"/api/search?{search}&limit=200").json["hits"]


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True).lstrip("\ufeff"))))


@pytest.mark.parametrize("search", SEARCHES)
def test_a_file_holds_every_hit_in_its_order_and_no_other(client, search):
    ids = [hit["article"]["id"] for hit in hits_of(client, search)]
    lines = client.get(f"/export.jsonl?{search}&limit=1").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert [row["id"] for row in rows_of(client.get(f"/export.csv?{search}"))] == ids
    assert client.get(f"/export.ris?{search}").text.count("TY  - NEWS\r\n") == len(ids)


def test_exported_lines_are_read_back_as_the_same_articles(client, engines, tmp_path):
    path = tmp_path / "again.jsonl"
    path.write_bytes(client.get("/export.jsonl").data)
    again = engines_in(tmp_path / "again", in_memory=True)
    assert fill(again, path).new == len(STORIES)
    for article, digest in engines.catalog.digests():
        copied = again.catalog.article(article.id)
        assert (copied.text, copied.published, copied.authors) == (
            article.text,
            article.published,
            article.authors,
        )
        if article.given_title:
            assert copied.digest == digest
    again.catalog.close()


@pytest.mark.parametrize("opening", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_taken_for_a_formula(tmp_path, opening):

    engines = engines_in(tmp_path / "archive", in_memory=True)
    story = {"id": "x", "title": f"{opening}cmd|' /C calc'!A0", "text": "Rain.", "source": "-1"}
    fill(engines, write_stories(tmp_path, [story]))
    client = app_over(engines).test_client()
    (row,) = rows_of(client.get("/export.csv"))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    engines.catalog.close()


def test_a_feed_reader_reads_the_hits_last_added_first(client):
    found = feedparser.parse(client.get("/search.atom?q=ferry").data)
    assert not found.bozo
    assert found.feed.title == "Backfile: ferry"
    hits = {hit["article"]["title"]: hit for hit in hits_of(client, "q=ferry&sort=added")}
    assert [entry.title for entry in found.entries] == list(hits)
    for entry in found.entries:
        published = hits[entry.title]["article"]["published"]
        assert entry.published.startswith(published or "0001-01-01")
        assert entry.link.startswith("http://localhost/article/")


def test_what_is_added_later_leads_the_feed_of_whatever_day_it_is(engines, tmp_path):
    old = {"id": "old", "title": "First ferry", "published": "1901-05-01", "text": "A ferry sails."}
    fill(engines, write_stories(tmp_path, [old]))
    client = app_over(engines).test_client()
    feed = client.get("/search.json?q=ferry").json
    assert feed["items"][0]["title"] == "First ferry"
    assert feed["items"][0]["date_published"] == "1901-05-01T12:00:00+00:00"


def test_markup_in_articles_stays_text_in_feeds(client):
    root = ElementTree.fromstring(client.get("/search.atom").data)
    titles = [each.text for each in root.iter("{http://www.w3.org/2005/Atom}title")]
    assert "<script>alert('title')</script> harbour" in titles
    assert not any("javascript:" in each.get("href", "") for each in root.iter())


def test_an_article_is_cited_in_each_style(client):
    plain = client.get("/cite/plain/ferry").text
    assert plain == (
        "Ana Ruiz, José Núñez, “Ferry timetable cut”, Courier, 23 March 2024, "
        "https://courier.example/ferry"
    )
    assert "AU  - José Núñez\r\n" in client.get("/cite/ris/ferry").text
    assert "DA  - 2024/03/23\r\n" in client.get("/cite/ris/ferry").text
    csl = client.get("/cite/csl/ferry").json
    assert csl["issued"] == {"date-parts": [[2024, 3, 23]]}
    bibtex = client.get("/cite/bibtex/ferry").text
    assert bibtex.startswith("@article{ferry,\n")
    assert "author = {{Ana Ruiz} and {José Núñez}}" in bibtex


def test_what_bibtex_would_take_for_commands_is_escaped(client):
    cited = client.get("/cite/bibtex/%3Cb%3Eid%3C%2Fb%3E").text
    assert cited.startswith("@article{b-id-b,\n")
    assert "javascript" not in cited


def test_an_unknown_style_is_refused_with_those_there_are(client):
    answer = client.get("/cite/mla/ferry")
    assert answer.status_code == 400
    assert "is none of" in answer.text


def test_a_bad_parameter_is_refused_before_anything_is_streamed(client):
    assert client.get("/export.csv?since=soon").status_code == 400


def test_a_browser_can_add_the_search(client):
    root = ElementTree.fromstring(client.get("/opensearch.xml").data)
    (template,) = (each.get("template") for each in root.iter() if each.get("type") == "text/html")
    assert template == "http://localhost/?q={searchTerms}"
    assert 'href="/opensearch.xml"' in client.get("/").text


def test_the_page_leads_to_its_files_and_feeds(client):
    page = client.get("/?q=ferry&source=Courier&limit=1&cursor=g1o1").text
    for path in ("/export.csv", "/export.jsonl", "/export.ris", "/search.atom"):
        (href,) = set(re.findall(rf'href="({path}[^"]*)"', page))
        assert href == f"{path}?q=ferry&amp;source=Courier"
        assert client.get(html.unescape(href)).status_code == 200


def test_the_article_leads_to_its_citations(client):
    page = client.get("/article/ferry").text
    paths = re.findall(r'href="(/cite/[^"]+)"', page)
    assert paths == [f"/cite/{style}/ferry" for style in ("plain", "bibtex", "ris", "csl")]
    assert all(client.get(path).status_code == 200 for path in paths)


BRACES = [
    "{",
    "}",
    "}{",
    "{{{ a",
    "a } b { c",
    "\\",
    "\\{",
    "% $ # & _ ~ ^",
    '"quoted',
    "@article{x,",
    "=",
]


@pytest.mark.parametrize("text", BRACES)
def test_what_is_cited_can_be_parsed_as_bibtex(make_article, text):
    article = make_article(id="one", title=text, source=text, authors=(text,), url="")
    cited = written(article)["bibtex"] + written(make_article(id="two"))["bibtex"]
    entries = parse_string(cited, "bibtex").entries
    assert list(entries) == ["one", "two"]
    assert len(entries["one"].persons["author"]) == 1
    assert entries["one"].fields["title"].startswith("{")
