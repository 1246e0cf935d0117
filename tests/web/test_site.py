"""Tests of the page that says what the archive holds and how it was filled."""

import html
import re

import pytest

from backfile.archive.store.history import RUNS_KEPT
from backfile.web.app import create_app
from tests.builders import app_over, engines_in, fill


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def test_every_number_leads_to_as_many_articles(client):
    page = client.get("/overview").text
    rows = re.findall(
        r'<th scope="row"><a [^>]*href="([^"]+)">[^<]*</a></th><td>([\d,]+)</td>', page
    )
    assert len(rows) >= 8
    for href, count in rows:
        answer = client.get("/api/search" + html.unescape(href).removeprefix("/")).json
        assert answer["totals"]["articles"] == int(count), href


def test_undated_articles_are_counted_apart(client):
    assert re.search(r'<th scope="row">no date</th><td>1</td>', client.get("/overview").text)


def test_what_was_refused_is_listed_with_its_reason(engines, searcher, reader, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"title": \n')
    fill(engines, tmp_path / "bad.jsonl")
    page = create_app(searcher, reader).test_client().get("/overview").text
    assert "1 refused" in page
    assert "bad.jsonl:1</code> not valid JSON" in page


def test_an_empty_archive_says_how_it_is_filled(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    client = app_over(engines).test_client()
    assert "backfile index FOLDER" in client.get("/overview").text
    engines.catalog.close()


def test_only_the_latest_runs_are_remembered(engines):
    for n in range(RUNS_KEPT + 3):
        engines.catalog.finish(counts={"read": n})
    kept = [run.counts["read"] for run in engines.catalog.runs.latest(RUNS_KEPT + 9)]
    assert kept == list(reversed(range(3, RUNS_KEPT + 3)))
