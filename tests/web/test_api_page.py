"""The page of the API: every route, with a request that works and its real answer."""

import html
import json
import re

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.web.api.openapi import WRONG, description
from backfile.web.app import create_app
from backfile.web.help.api_page import shortened
from tests.builders import (
    app_over,
    engines_in,
    fill,
    visible_text,
    write_stories,
    writes_to,
)

LARGEST = 60_000  # bytes, as of all pages


@pytest.fixture
def client(engines, searcher, reader):
    return create_app(searcher, reader, writes=writes_to(engines)).test_client()


def described():
    return description(writes=True)["paths"]


def sections_of(page):
    """The text of each section, by its heading."""
    found = re.findall(r"<section>\s*<h2[^>]*>(.*?)</h2>(.*?)</section>", page, re.DOTALL)
    return {visible_text(heading): body for heading, body in found}


def requests_on(page):
    links = re.findall(r'<p class="request">.*?<a href="([^"]+)"', page, re.DOTALL)
    return [html.unescape(link) for link in links]


def test_every_route_has_its_section_with_its_parameters(client):
    sections = sections_of(client.get("/api").text)
    for path, methods in described().items():
        for method, operation in methods.items():
            shown = visible_text(sections[f"{method.upper()} {path}"])
            assert operation["summary"].replace("`", "") in shown
            named = [each["name"] for each in operation["parameters"]]
            assert [name for name in named if name not in shown and len(named) < 9] == []


def test_the_parameters_of_a_search_stand_there_with_values_and_examples(client):
    shown = sections_of(client.get("/api").text)["GET /api/search"]
    for each in description()["paths"]["/api/search"]["get"]["parameters"]:
        assert f"<dt><code>{each['name']}=" in shown
        assert each["description"].replace("`", "") in visible_text(shown)
        for value in each["schema"].get("enum", ()):
            assert f"<code>{value}</code>" in shown
    assert "1 to 200; without it: 10" in visible_text(shown)


def test_every_request_works_and_its_answer_is_the_one_that_is_shown(client):
    sections = sections_of(client.get("/api").text)
    for path, methods in described().items():
        for method, operation in methods.items():
            if "security" in operation:
                continue
            shown = examples_in(sections[f"{method.upper()} {path}"])
            if method == "post":
                sent, answered = shown
                lines = client.post(path, data=sent.encode()).text.splitlines()
                assert [json.loads(line) for line in lines] == [
                    json.loads(line) for line in answered.splitlines()
                ]
                continue
            (url,) = requests_on(sections[f"GET {path}"])
            with client.get(url) as answer:
                assert answer.status_code == 200, url
                if "json" in answer.mimetype and "ndjson" not in answer.mimetype:
                    assert json.loads(shown[0]).keys() == shortened(answer.json).keys()
    assert json.loads(examples_in(sections["GET /api/search"])[0])["total"] > 0


def test_writes_are_shown_where_they_are_possible_and_nothing_is_written_for_it(
    client, engines, searcher, reader
):
    sections = sections_of(client.get("/api").text)
    shown = visible_text(sections["PUT /api/articles/{article_id}"])
    assert 'curl -X PUT -H "Authorization: Bearer $BACKFILE_TOKEN"' in shown
    assert json.loads(examples_in(sections["POST /api/articles"])[0])["text"]
    assert not engines.catalog.inbox.folder.exists()
    without = sections_of(create_app(searcher, reader).test_client().get("/api").text)
    assert "PUT /api/articles/{article_id}" not in without
    assert "GET /api/search" in without


def examples_in(section):
    return [
        html.unescape(each) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", section, re.DOTALL)
    ]


def test_errors_are_listed(client):
    shown = sections_of(client.get("/api").text)["Errors"]
    assert re.findall(r"<dt><code>(\d+)</code>", shown) == list(WRONG)


def test_the_page_is_small_and_speaks_german(client):
    page = client.get("/api", headers={"Accept-Language": "de"}).text
    assert '<html lang="de">' in page
    assert "Nach Wörtern finden, nach Bedeutung oder nach beidem." in visible_text(page)
    assert "höchstens 4.000 Zeichen" in visible_text(page)
    assert len(page.encode()) < LARGEST
    assert len(re.findall(r'\sid="([^"]+)"', page)) == len(set(re.findall(r'\sid="([^"]+)"', page)))


def test_pages_lead_to_it(client):
    assert '<a href="/api">The API</a>' in client.get("/help").text
    for path in ("/", "/help", "/overview"):
        assert '<a href="/api">API</a>' in client.get(path).text.split('class="foot"')[1]


def test_an_empty_archive_has_the_routes_and_no_examples(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    page = app_over(engines).test_client().get("/api")
    assert page.status_code == 200
    assert "GET /api/search" in sections_of(page.text)
    assert requests_on(page.text) == []
    engines.catalog.close()


def test_an_archive_without_the_usual_words_is_asked_for_its_own_and_stays_harmless(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    story = {"id": "<b>/\"'", "title": "<script>alert(1)</script> & rain", "text": "Rain fell."}
    fill(engines, write_stories(tmp_path, [story]))
    client = app_over(engines).test_client()
    page = client.get("/api").text
    assert "<script>alert" not in page
    assert '<b>/"' not in page
    assert [url for url in requests_on(page) if client.get(url).status_code != 200] == []
    engines.catalog.close()


def test_examples_are_asked_for_once_in_a_generation(client, searcher, monkeypatch):
    first = client.get("/api").text
    monkeypatch.setattr(type(searcher), "search", lambda *_: pytest.fail("it was searched"))
    assert client.get("/api").text == first


def test_an_engine_that_is_out_costs_only_its_examples(client, searcher, monkeypatch):
    def out(*_, **__):
        raise EngineUnavailable("words", "the files cannot be read")

    monkeypatch.setattr(type(searcher), "suggest", out)
    sections = sections_of(client.get("/api").text)
    assert [
        name for name, text in sections.items() if requests_on(text) and "<pre" not in text
    ] == ["GET /api/suggest"]
    monkeypatch.undo()
    assert "<pre" in sections_of(client.get("/api").text)["GET /api/suggest"]


def test_long_answers_are_shortened():
    long = {"text": "x" * 500, "list": [1, 2], "deep": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}}
    assert shortened(long) == {
        "text": "x" * 72 + "…",
        "list": [1, "…"],
        "deep": {"a": 1, "b": 2, "c": 3, "d": 4, "…": "…"},
    }
