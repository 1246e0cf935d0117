"""Limits of requests: for each address, told in headers, and off unless they are set."""

import time

import pytest

from backfile.web.app import create_app
from backfile.web.rates import client_of

MOST = 5


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader, rate=MOST).test_client()


def from_address(address):
    return {"environ_base": {"REMOTE_ADDR": address}}


def test_without_the_setting_nothing_is_limited_or_told(searcher, reader):
    client = create_app(searcher, reader).test_client()
    for _ in range(3 * MOST):
        answer = client.get("/api/suggest?q=fer")
        assert answer.status_code == 200
    assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]


def test_headers_say_what_is_left_until_it_is_refused(client):
    for n in range(MOST):
        answer = client.get("/api/suggest?q=fer")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"minute";q=5;w=60'
        left, seconds = answer.headers["RateLimit"].removeprefix('"minute";r=').split(";t=")
        assert int(left) == MOST - 1 - n
        assert 55 <= int(seconds) <= 60
    refused = client.get("/api/suggest?q=fer")
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert refused.json["detail"] == "at most 5 requests a minute from one address"
    assert 55 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit"].startswith('"minute";r=0;t=')


def test_a_page_that_is_refused_is_a_page(client):
    for _ in range(MOST):
        client.get("/help")
    page = client.get("/help", headers={"Accept-Language": "de"})
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert "Zu viele Anfragen" in page.text
    assert int(page.headers["Retry-After"]) > 50


def test_a_refused_request_is_not_searched(client, searcher, monkeypatch):
    for _ in range(MOST):
        client.get("/api/search")
    monkeypatch.setattr(type(searcher), "search", lambda *_: pytest.fail("it was searched"))
    monkeypatch.setattr(type(searcher), "table", lambda *_: pytest.fail("it was opened"))
    assert client.get("/api/search").status_code == 429


def test_each_address_has_its_own_number(client):
    for _ in range(MOST + 1):
        last = client.get("/api/suggest", **from_address("192.0.2.1"))
    assert last.status_code == 429
    assert client.get("/api/suggest", **from_address("192.0.2.2")).status_code == 200
    for n in range(MOST + 1):
        last = client.get("/api/suggest", **from_address(f"2001:db8::{n:x}"))
    assert last.status_code == 429
    assert client.get("/api/suggest", **from_address("2001:db8:0:1::1")).status_code == 200


def test_health_and_the_parts_of_a_page_are_free(client):
    for _ in range(MOST + 1):
        last = client.get("/api/suggest")
    assert last.status_code == 429
    for path in ("/healthz", "/static/backfile.css"):
        with client.get(path) as answer:
            assert answer.status_code == 200
            assert "RateLimit" not in answer.headers


def test_requests_that_are_a_minute_old_no_longer_count(client, monkeypatch):
    for _ in range(MOST + 1):
        last = client.get("/api/suggest")
    assert last.status_code == 429
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.get("/api/suggest").status_code == 200


def test_what_is_no_address_counts_as_one_client():
    assert client_of("") == ""
    assert client_of("unix:") == "unix:"
    assert client_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert client_of("fe80::1%eth0") == client_of("fe80::2%eth1")
