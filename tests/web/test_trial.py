"""An empty archive takes a file to show how it would be read, and keeps nothing of it."""

import io
import json

import pytest

from backfile.web.app import create_app
from tests.builders import app_over, engines_in, visible_text

TABLE = "Headline,Body,Outlet,Weather\nBridge shut,It closed at noon.,Courier,rain\n"


@pytest.fixture
def empty(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    yield app_over(engines).test_client()
    engines.catalog.close()


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def try_file(client, content, name="news.csv"):
    return client.post("/try", data={"file": (io.BytesIO(content), name)})


def test_an_empty_archive_asks_for_a_file(empty):
    for path in ("/", "/overview"):
        page = empty.get(path).text
        assert 'action="/try"' in page
        assert "backfile index FOLDER" in page


def test_a_table_is_shown_with_its_columns_and_its_first_articles(empty):
    answer = try_file(empty, TABLE.encode()).text
    page = visible_text(answer)
    assert "1 article can be read. Nothing was stored." in page
    assert '<bdi>Headline</bdi></td><th scope="row"><code>title</code></th><td>1</td>' in answer
    assert "Not used: Weather" in page
    assert "Bridge shut" in page
    assert empty.get("/api/search").json["total"] == 0


def test_json_lines_with_hostile_words_are_escaped(empty):
    line = json.dumps({"title": "<script>alert(1)</script>", "text": "It closed.", "<b>": 1})
    page = try_file(empty, line.encode(), "news.jsonl").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_what_cannot_be_read_is_refused_with_its_reason(empty):
    page = visible_text(try_file(empty, b'{"title": "", "text": ""}\n', "news.jsonl").text)
    assert "0 articles can be read." in page
    assert "1 refused:" in page
    assert "/tmp" not in page


@pytest.mark.parametrize("name", ["news.exe", "news", ""])
def test_only_tables_and_json_are_taken(empty, name):
    assert try_file(empty, b"x", name).status_code == 400


def test_more_than_a_request_may_hold_is_refused(empty):
    kind = "multipart/form-data; boundary=b"
    answer = empty.post("/try", data=b"a" * (1 << 20 | 1), content_type=kind)
    assert answer.status_code == 413


def test_an_archive_with_articles_takes_no_file(client):
    assert try_file(client, TABLE.encode()).status_code == 404


def test_a_file_of_unknown_names_is_shown_the_options_that_would_read_it(empty):
    record = {"payload": {"copy": "The night ferry across the Ash stops in May, they said."}}
    page = visible_text(try_file(empty, json.dumps([record]).encode(), "a.json").text)
    assert "try --map text=payload.copy" in " ".join(page.split())
    assert "backfile index --map text=payload.copy FILE" in " ".join(page.split())
