"""Tests of searches as files and as feeds: all that matches, nothing else, and nothing harmful."""

import csv
import html
import io
import json
import re
from urllib.parse import quote
from xml.etree import ElementTree

import feedparser
import pytest
from pybtex.database import parse_string
from werkzeug.http import parse_options_header

from backfile.archive.store import entries
from backfile.web.api.citations import plain, written
from backfile.web.api.filenames import today
from backfile.web.app import create_app
from tests.builders import STORIES, app_over, engines_in, fill, write_stories

SEARCHES = ["", "q=ferry", "q=harbour&source=Gazette", "language=de", "q=zxqv", "since=2024"]
LATER = "2231-05-01T10:00:00+00:00"


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
    assert len(parse_string(client.get(f"/export.bib?{search}").text, "bibtex").entries) == len(ids)
    cited = [client.get(f"/cite/plain/{quote(each, safe='')}").text for each in ids]
    assert client.get(f"/export.txt?{search}").text.splitlines() == cited


@pytest.mark.parametrize(
    ("search", "name", "whole"),
    [
        ("q=Swing+bridge%3F", "swing-bridge", None),
        ("q=Drehbr%C3%BCcke", "drehbrucke", "drehbrücke"),
        ("q=%D0%BC%D0%BE%D1%81%D1%82%D1%8B", "search", "мосты"),
        ("q=..%2F..%2Fetc%0D%0AX-Y:+z%22;", "etc-x-y-z", None),
        ("q=" + "harbour+" * 40, "harbour-harbour-harbour-harbour-harbour-harbour", None),
        ("source=Courier&until=2024", "courier-2024-12-31", None),
        ("", "backfile", None),
    ],
)
def test_a_file_is_named_after_its_search_and_the_day(client, search, name, whole):
    header = client.get(f"/export.bib?{search}").headers["Content-Disposition"]
    kind, options = parse_options_header(header)
    assert kind == "attachment"
    assert options["filename"] == f"{whole or name}-{today()}.bib"
    assert f"filename={name}-{today()}.bib" in header
    assert ("filename*" in header) == bool(whole)


def test_two_articles_never_have_the_same_key_in_bibtex(make_article):
    ids = ["a-b", "a/b", "A-B", "a b", "-a-b", "x" * 70, "x" * 71, "/", "?"]
    cited = "".join(written(make_article(id=each))["bibtex"] for each in ids)
    assert len(parse_string(cited, "bibtex").entries) == len(ids)


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


def test_a_feed_reader_reads_the_hits_last_added_first(client, engines):
    found = feedparser.parse(client.get("/search.atom?q=ferry").data)
    assert not found.bozo
    assert found.feed.title == "Backfile: ferry"
    hits = {hit["article"]["title"]: hit for hit in hits_of(client, "q=ferry&sort=added")}
    assert [entry.title for entry in found.entries] == list(hits)
    added = {each.id: kept_at(engines, each.id) for each, _ in engines.catalog.digests()}
    for entry in found.entries:
        article = hits[entry.title]["article"]
        assert entry.get("published", "")[:10] == (article["published"] or "")
        assert entry.updated == added[article["id"]]
        assert entry.link.startswith("http://localhost/article/")
    assert found.feed.updated == max(entry.updated for entry in found.entries)


def kept_at(engines, article_id):
    return engines.catalog.stored_article(article_id).kept_at


def test_an_article_that_changes_is_updated_in_its_feed_under_the_same_id(
    engines, tmp_path, monkeypatch
):
    client = app_over(engines).test_client()
    before = client.get("/search.json?q=lighthouse").json["items"][0]
    changed = {**STORIES[3], "text": "The keeper of the lighthouse lit the lamp at dawn."}
    monkeypatch.setattr(entries, "moment", lambda _: LATER)
    fill(engines, write_stories(tmp_path, [changed]))
    after = app_over(engines).test_client().get("/search.json?q=lighthouse").json["items"][0]
    assert after["id"] == before["id"]
    assert after["date_modified"] == LATER > before["date_modified"]
    assert "date_published" not in after  # it is undated


def test_the_ids_of_a_feed_are_the_same_wherever_it_is_served(client):
    here, there = (
        feedparser.parse(client.get("/search.atom?q=ferry", base_url=base).data)
        for base in ("http://localhost", "http://localhost:8443")
    )
    ids = [entry.id for entry in here.entries]
    assert ids == [entry.id for entry in there.entries]
    assert here.feed.id == there.feed.id
    assert len({*ids, here.feed.id}) == len(ids) + 1
    assert all(each.startswith("urn:uuid:") for each in ids)
    assert ids == [each["id"] for each in client.get("/search.json?q=ferry").json["items"]]
    assert here.entries[0].link != there.entries[0].link


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


def test_quotation_marks_of_a_headline_are_single_within_those_of_the_citation(make_article):
    cited = plain(make_article(id="a", title="“Late again”: ferry cut, “for good”", authors=()))
    assert cited.startswith("“‘Late again’: ferry cut, ‘for good’”, ")


def test_what_bibtex_would_take_for_commands_is_escaped(client):
    cited = client.get("/cite/bibtex/%3Cb%3Eid%3C%2Fb%3E").text
    assert cited.startswith("@article{b-id-b-91916c5b,\n")
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
