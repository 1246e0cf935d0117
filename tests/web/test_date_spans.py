"""Months, years and intervals on pages, in JSON, in files, in feeds and in citations."""

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from pybtex.database import parse_string

from tests.builders import app_over, engines_in, fill, visible_text, write_records

RECORDS = [
    {"id": "day", "title": "Ferry late", "text": "The ferry is late.", "date": "2024-03-23"},
    {"id": "late", "title": "Ferry later", "text": "The ferry is later.", "date": "2024-06-02"},
    {"id": "month", "title": "Ferry month", "text": "A ferry in May.", "date": "May 2024"},
    {"id": "year", "title": "Ferry year", "text": "A ferry all year.", "date": "2024"},
    {"id": "months", "title": "Ferry spring", "text": "A spring ferry.", "date": "2024-03/2024-05"},
    {"id": "none", "title": "Ferry lost", "text": "A ferry, once.", "date": ""},
]
WRITTEN = {
    "day": "2024-03-23",
    "late": "2024-06-02",
    "month": "2024-05",
    "year": "2024",
    "months": "2024-03/2024-05",
    "none": None,
}


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spans")
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_records(folder / "a.jsonl", RECORDS))
    yield engines
    engines.catalog.close()


@pytest.fixture
def client(engines):
    return app_over(engines).test_client()


def found(client, search):
    answer = client.get(f"/api/search?q=ferry&mode=keyword&{search}").json
    return {hit["article"]["id"] for hit in answer["hits"]}


def test_json_has_the_date_as_exact_as_it_is_and_a_day_only_where_there_is_one(client):
    hits = client.get("/api/search?q=ferry&mode=keyword").json["hits"]
    articles = {hit["article"]["id"]: hit["article"] for hit in hits}
    assert {name: each["date"] for name, each in articles.items()} == WRITTEN
    published = {name: each["published"] for name, each in articles.items()}
    days = {"day": "2024-03-23", "late": "2024-06-02"}
    assert published == dict.fromkeys(WRITTEN) | days


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("since=2024-05&until=2024-05", {"month", "year", "months"}),
        ("since=2024-05&until=2024-05&date=within", {"month"}),
        ("since=2024-03&until=2024-05&date=within", {"day", "month", "months"}),
        ("since=2024-06", {"late", "year"}),
        ("since=2025", set()),
        ("day=05-01", set()),
        ("day=03-23", {"day"}),
        ("date=none", {"none"}),
    ],
)
def test_filters_find_what_overlaps_or_lies_within(client, search, ids):
    assert found(client, search) == ids


def test_each_bar_leads_to_as_many_hits_as_it_counts_and_the_others_are_beside(client):
    search = "/?q=ferry&mode=keyword"
    drawn = client.get(f"/api/search{search[1:]}").json["timeline"]
    assert (drawn["unit"], drawn["crossing"], drawn["undated"]) == ("month", 2, 1)
    assert [(each["value"], each["count"]) for each in drawn["bins"]] == [
        ("2024-03", 1),
        ("2024-05", 1),
        ("2024-06", 1),
    ]
    page = client.get(search).text
    assert "2 dated to more than one bar" in page
    for each in drawn["bins"]:
        days = f"since={each['since']}&until={each['until']}&date=within"
        assert days.replace("&", "&amp;") in page
        assert len(found(client, days)) == each["count"]
    narrowed = client.get(f"{search}&since=2024-05-01&until=2024-05-31&date=within").text
    assert "only dates within" in narrowed


def test_pages_show_no_day_that_nobody_wrote(client):
    page = visible_text(client.get("/?q=ferry&mode=keyword").text)
    for shown in ("May 2024", "March\u2009–\u2009May 2024", "23 March 2024"):
        assert shown in page
    assert "1 May 2024" not in page
    assert "1 January 2024" not in page
    article = client.get("/article/month").text
    assert '<time datetime="2024-05">May 2024</time>' in article
    assert '<time datetime="2024">2024</time>' in client.get("/article/year").text
    assert "März–Mai 2024" in client.get("/article/months?lang=de").text
    overview = visible_text(client.get("/overview").text)
    assert "1 January 2024" not in overview


@pytest.mark.parametrize(
    ("name", "plain", "ris", "bibtex", "csl"),
    [
        ("day", "23 March 2024", "2024/03/23", {"year": "2024", "month": "3", "day": "23"},
         [[2024, 3, 23]]),
        ("month", "May 2024", "2024/05//", {"year": "2024", "month": "5"}, [[2024, 5]]),
        ("year", "2024", "2024///", {"year": "2024"}, [[2024]]),
        ("months", "March–May 2024", "2024///March–May 2024",
         {"year": "2024", "date": "2024-03/2024-05"}, [[2024, 3], [2024, 5]]),
        ("none", "no date", None, {}, None),
    ],
)  # fmt: skip
def test_a_citation_has_the_fields_that_are_known(client, name, plain, ris, bibtex, csl):
    def cited(style):
        return client.get(f"/cite/{style}/{name}").text

    assert f", {plain}" in cited("plain")
    lines = cited("ris").split("\r\n")
    assert [line for line in lines if line.startswith("DA")] == ([f"DA  - {ris}"] if ris else [])
    (entry,) = parse_string(cited("bibtex"), "bibtex").entries.values()
    fields = {key: entry.fields[key] for key in ("date", "year", "month", "day")
              if key in entry.fields}  # fmt: skip
    assert fields == bibtex
    issued = json.loads(cited("csl")).get("issued")
    assert issued == ({"date-parts": csl} if csl else None)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_an_export_that_is_indexed_again_has_the_same_dates(client, tmp_path, kind):
    path = tmp_path / f"again.{kind}"
    path.write_bytes(client.get(f"/export.{kind}").data)
    again = engines_in(tmp_path / "again", in_memory=True)
    assert fill(again, path).new == len(RECORDS)
    spans = {article.id: article.date_span for article, _ in again.catalog.digests()}
    assert {name: str(span) if span else None for name, span in spans.items()} == WRITTEN
    again.catalog.close()
    rows = csv.DictReader(io.StringIO(client.get("/export.csv").text.lstrip("\ufeff")))
    assert {row["id"]: row["date"] or None for row in rows} == WRITTEN


def test_a_feed_names_no_instant_of_a_month(client):
    items = client.get("/search.json?q=ferry&mode=keyword").json["items"]
    dated = {item["title"] for item in items if item.get("date_published")}
    assert dated == {"Ferry late", "Ferry later"}
    feed = ElementTree.fromstring(client.get("/search.atom?q=ferry&mode=keyword").data)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = {entry.findtext(f"{atom}title"): entry for entry in feed.iter(f"{atom}entry")}
    assert entries["Ferry month"].find(f"{atom}published") is None
    added = entries["Ferry month"].findtext(f"{atom}updated")
    assert added == entries["Ferry late"].findtext(f"{atom}updated")  # in one run
    assert entries["Ferry late"].findtext(f"{atom}published").startswith("2024-03-23")
