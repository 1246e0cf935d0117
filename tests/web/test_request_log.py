"""Ids of requests, and lines of the log: what they hold, and that they keep what readers ask."""

import io
import json
import logging
import re

import pytest

from backfile.archive.model.settings import Settings
from backfile.web.app import create_app
from backfile.web.metrics import SearchMetrics
from backfile.web.request_log import JsonLines, log_to_stderr, requests

FIELDS = ["time", "level", "logger", "worker", "request_id", "method", "status", "ms", "bytes"]


@pytest.fixture
def log(monkeypatch):
    """A stream to which everything is logged as JSON, by worker 3."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(3))
    root = logging.getLogger()
    root.addHandler(handler)
    requests.setLevel(logging.INFO)
    yield stream
    requests.setLevel(logging.NOTSET)
    root.removeHandler(handler)


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.fixture
def client(searcher, reader):
    searches = SearchMetrics()
    searcher._recorder = searches
    return create_app(searcher, reader, searches=searches).test_client()


def ask(client, path, **options):
    """Ask, and read the answer to its end, as a server sends it."""
    return client.get(path, buffered=True, **options)


def test_each_answer_has_an_id_of_its_own(client):
    found = {ask(client, path).headers["X-Request-Id"] for path in ("/", "/", "/nowhere")}
    assert len(found) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in found)


def test_a_short_plain_id_of_the_request_is_taken(client):
    for given in ("a", "0af7651916cd43dd8448eb211c80319c", "proxy-1:7f.2_3", "x" * 64):
        assert ask(client, "/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == (
            given
        )


@pytest.mark.parametrize("given", ["", "x" * 65, 'a" , "b', "a b", "<b>", "é", "-a", "a\tb"])
def test_an_id_that_could_forge_a_log_is_replaced(client, given):
    made = ask(client, "/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{16}", made)


def test_a_problem_and_the_log_of_an_unexpected_error_have_the_id(client, caplog, monkeypatch):
    bad = ask(client, "/api/search?limit=no", headers={"X-Request-Id": "bad-1"})
    assert bad.json["request_id"] == "bad-1"
    monkeypatch.setattr("backfile.index.search.searcher.Searcher.search", lambda *_: 1 / 0)
    wrong = ask(client, "/api/search?q=secret+affair", headers={"X-Request-Id": "wrong-1"})
    assert wrong.json["request_id"] == "wrong-1"
    assert "request wrong-1: while answering GET /api/search" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "affair" not in caplog.text


def test_a_request_is_one_line_without_what_was_asked(client, log):
    answer = ask(client, "/api/search?q=secret+affair", headers={"X-Request-Id": "a-1"})
    ask(client, "/article/ferry?q=secret")
    (searched, shown) = lines(log)
    assert list(searched) == [*FIELDS, "route", "mode", "outcome"]
    assert (searched["request_id"], searched["worker"], searched["level"]) == ("a-1", 3, "info")
    assert (searched["method"], searched["route"]) == ("GET", "/api/search")
    assert searched["status"] == 200
    assert searched["bytes"] == len(answer.data)
    assert 0 < searched["ms"] < 10_000
    assert searched["mode"] == "hybrid"
    assert searched["outcome"] in ("none", "weak", "strong")
    assert shown["route"] == "/article/<id:article_id>"
    for secret in ("affair", "secret", "127.0.0.1", '"/article/ferry'):
        assert secret not in log.getvalue()


def test_queries_are_logged_only_where_that_is_set(searcher, reader, log):
    client = create_app(searcher, reader, log_queries=True).test_client()
    ask(client, "/api/search?q=secret+affair")
    ask(client, "/api/search?q=" + "a" * 5000)
    (first, second) = lines(log)
    assert first["query"] == "q=secret+affair"
    assert len(second["query"]) == 2000


def test_an_export_is_logged_with_its_bytes_when_it_was_sent(client, log):
    answer = ask(client, "/export.csv?q=ferry")
    sent = answer.get_data()
    (line,) = lines(log)
    assert line["bytes"] == len(sent) > 0
    assert line["outcome"] == "strong"


def test_refused_and_unknown_requests_have_their_line(searcher, reader, log):
    client = create_app(searcher, reader, trusted_hosts=["localhost"], rate=2).test_client()
    ask(client, "/nowhere")
    ask(client, "/", headers={"Host": "evil.example"})
    ask(client, "/help")
    found = [(line["status"], line["route"]) for line in lines(log)]
    assert found == [(404, None), (400, None), (429, "/help")]


def test_a_warning_within_a_request_has_its_id_and_its_error_in_one_line(client, log, monkeypatch):
    monkeypatch.setattr("backfile.index.search.searcher.Searcher.search", lambda *_: 1 / 0)
    ask(client, "/api/search", headers={"X-Request-Id": "b-2"})
    (error, line) = lines(log)
    assert (error["level"], error["request_id"]) == ("error", "b-2")
    assert error["error"].count("\n") > 3  # a traceback, within one line of the log
    assert line["status"] == 500
    logging.getLogger("elsewhere").warning("no request, %s", "a\nb")
    last = lines(log)[-1]
    assert last["message"] == "no request, a\nb"
    assert "request_id" not in last


@pytest.mark.parametrize(("kind", "logged"), [("text", False), ("json", True)])
def test_the_setting_chooses_the_form_and_whether_requests_are_logged(kind, logged, monkeypatch):
    given = []
    monkeypatch.setattr(logging, "basicConfig", lambda **options: given.append(options))
    try:
        log_to_stderr(Settings(log=kind), 2)
        assert requests.isEnabledFor(logging.INFO) is logged
    finally:
        requests.setLevel(logging.NOTSET)
    (handler,) = given[0]["handlers"]
    record = logging.LogRecord("a", logging.WARNING, "", 0, "a %s", ("b",), None)
    text = handler.format(record)
    assert (text == "WARNING a: a b") is not logged
    assert not logged or json.loads(text)["worker"] == 2
