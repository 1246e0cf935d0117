"""Tests of following feeds: what is new is read, and servers are asked no more than they like."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from backfile.archive.follow.client import Fetcher
from backfile.archive.follow.feeds import (
    LONGEST_WAIT,
    FeedRun,
    Outcome,
    Subscription,
    Subscriptions,
    due_after,
    due_after_refusal,
    minutes_to_live,
)
from backfile.archive.model.article import Article
from backfile.archive.model.errors import EngineUnavailable, UnreadableArticle
from tests.archive.web_server import WebServer
from tests.builders import FERRY_ITEM, backfile, rss

NOW = datetime(2024, 3, 23, 12, tzinfo=UTC)
FEED = {"Content-Type": "application/rss+xml", "ETag": '"1"', "Last-Modified": "Sat, 23 Mar 2024"}


@pytest.fixture
def server():
    with WebServer() as made:
        made.answers["/feed"] = (200, FEED, rss(FERRY_ITEM).encode())
        yield made


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def follow(tmp_path):
    clock = Clock()

    def run(*urls, later=0):
        clock.now += timedelta(minutes=later)
        subscriptions = Subscriptions(tmp_path / "followed.json")
        feed_run = FeedRun(urls, subscriptions, Fetcher(private=True), clock=clock)
        found = list(feed_run)
        subscriptions.write()
        return found, feed_run.reports

    return run


def outcomes(reports):
    return [each.outcome for each in reports]


def test_the_entries_of_a_feed_are_articles_from_its_address(server, follow):
    (article,), (report,) = follow(server.url())
    assert article.title == "Night ferry & letters"
    assert str(article.origin) == f"{server.url()}:1"
    assert (report.url, report.outcome, report.entries) == (server.url(), Outcome.READ, 1)


def test_only_what_is_new_is_asked_for_and_nothing_is_read_twice(server, follow):
    follow(server.url())
    server.answers["/feed"] = (304, {}, b"")
    found, reports = follow()
    assert (found, outcomes(reports)) == ([], [Outcome.UNCHANGED])
    _, headers = server.asked[-1]
    assert headers["If-None-Match"] == '"1"'
    assert headers["If-Modified-Since"] == "Sat, 23 Mar 2024"
    assert "If-None-Match" not in server.asked[0][1]


def test_a_feed_that_could_not_be_read_is_asked_for_whole_again(server, follow):
    server.answers["/feed"] = (200, FEED, b"Rain.")
    (refused,), _ = follow(server.url())
    assert (refused.origin, refused.reason) == (server.url(), "not a feed, but a plain text")
    found, reports = follow()
    assert (found, reports) == ([], [])  # nor is it followed


def test_what_a_feed_says_of_its_life_holds_also_while_nothing_is_new(server, follow):
    channel = rss(FERRY_ITEM).replace("<channel>", "<channel><ttl>30</ttl>")
    server.answers["/feed"] = (200, FEED, channel.encode())
    follow(server.url())
    server.answers["/feed"] = (304, {}, b"")
    assert outcomes(follow(later=30)[1]) == [Outcome.UNCHANGED]
    assert outcomes(follow(later=29)[1]) == [Outcome.NOT_DUE]


def test_a_fresh_feed_is_not_asked_again_before_its_time(server, follow):
    server.answers["/feed"] = (
        200,
        {**FEED, "Cache-Control": "max-age=600"},
        rss(FERRY_ITEM).encode(),
    )
    follow(server.url())
    found, (report,) = follow(later=9)
    assert (found, report.outcome) == ([], Outcome.NOT_DUE)
    assert report.due_at == NOW + timedelta(minutes=10)
    assert len(server.asked) == 1
    assert outcomes(follow(later=1)[1]) == [Outcome.READ]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_left_alone_for_as_long_as_it_says(server, follow, status):
    server.answers["/feed"] = (status, {"Retry-After": "3600"}, b"")
    (refused,), _ = follow(server.url())
    assert refused.reason.startswith(f"the server asks to wait ({status}); it is asked again from")
    assert refused.reason.endswith("2024-03-23 13:00 UTC on")
    assert outcomes(follow(later=59)[1]) == [Outcome.NOT_DUE]
    server.answers["/feed"] = (200, FEED, rss(FERRY_ITEM).encode())
    assert outcomes(follow(later=1)[1]) == [Outcome.READ]


def test_one_feed_that_fails_does_not_keep_the_others_from_being_read(server, follow):
    server.answers |= {"/gone": (410, {}, b""), "/broken": (500, {}, b"")}
    urls = [server.url(path) for path in ("/gone", "/broken", "/feed")]
    (gone, broken, article), reports = follow("file:///etc/passwd", *urls)[0][1:], follow(*urls)[1]
    assert gone.reason.startswith("the server says that it is gone for good")
    assert broken.reason == "the server answered with status 500"
    assert isinstance(article, Article)
    assert outcomes(reports) == [Outcome.REFUSED, Outcome.REFUSED, Outcome.READ]


def test_a_feed_that_moved_for_good_is_asked_there_and_keeps_its_name(server, follow):
    server.answers["/old"] = (301, {"Location": "/feed"}, b"")
    (article,), _ = follow(server.url("/old"))
    assert article.origin.file == server.url("/old")
    (again,), _ = follow()
    assert [path for path, _ in server.asked] == ["/old", "/feed", "/feed"]
    assert again.id == article.id
    server.answers["/feed"] = (302, {"Location": "/detour"}, b"")
    server.answers["/detour"] = (200, FEED, rss(FERRY_ITEM).encode())
    follow()
    follow()
    assert [path for path, _ in server.asked[3:]] == ["/feed", "/detour"] * 2


def test_a_page_is_searched_for_the_feed_that_it_names(server, follow):
    link = '<link rel="alternate" type="application/rss+xml" href="feed">'
    server.answers["/"] = (200, {}, f"<!doctype html><head>{link}</head><p>Hello.".encode())
    (article,), (report,) = follow(server.url("/"))
    assert article.origin.file == report.url == server.url()
    server.answers["/none"] = (200, {}, b"<!doctype html><p>Hello.")
    (refused,), _ = follow(server.url("/none"))
    assert refused.reason == "not a feed, but a web page"


def test_a_page_that_names_itself_as_its_feed_is_refused(server, follow):
    link = '<link rel="alternate" type="application/rss+xml" href="/">'
    server.answers["/"] = (200, {}, f"<!doctype html><head>{link}</head>".encode())
    (refused,), _ = follow(server.url("/"))
    assert refused.reason == "not a feed, but a web page"


def test_an_entry_without_a_name_keeps_its_id_when_another_comes_before_it(server, follow):
    def entry(n):
        return f"<item><title>Story {n}</title><description>Rain.</description></item>"

    server.answers["/feed"] = (200, {}, rss(entry(1)).encode())
    (first,), _ = follow(server.url())
    server.answers["/feed"] = (200, {}, rss(entry(2) + entry(1)).encode())
    (newer, same), _ = follow()
    assert same.id == first.id != newer.id


@pytest.mark.parametrize(
    ("headers", "content", "minutes"),
    [
        ({}, b"", 0),
        ({"cache-control": "public, max-age=600"}, b"", 10),
        ({"cache-control": "s-maxage=600"}, b"", 0),
        ({"cache-control": "max-age=600, no-cache"}, b"", 0),
        ({"cache-control": "max-age=600", "age": "300"}, b"", 5),
        ({"cache-control": "max-age=60"}, b"<rss><channel><ttl> 30 </ttl>", 30),
        ({"cache-control": "max-age=0", "age": "300"}, b"", 0),
        ({"cache-control": "max-age=999999999"}, b"", 24 * 60),
        ({}, b"<ttl>999999</ttl>", 24 * 60),
    ],
)
def test_an_answer_is_fresh_for_as_long_as_server_and_feed_say(headers, content, minutes):
    assert due_after(headers, minutes_to_live(content), NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Sat, 23 Mar 2024 12:05:00 GMT", timedelta(minutes=5)),
        ("Sat, 23 Mar 2024 11:00:00 GMT", timedelta()),
        ("soon", timedelta(minutes=30)),
        ("", timedelta(minutes=30)),
        ("999999999", LONGEST_WAIT),
        ("99999999999999999999", timedelta(minutes=30)),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says(said, wait):
    assert due_after_refusal({"retry-after": said}, NOW) == NOW + wait


def test_what_is_followed_is_kept_with_the_archive(tmp_path):
    path = tmp_path / "followed.json"
    subscriptions = Subscriptions(path)
    kept = Subscription("https://a.example/", "https://b.example/", '"1"', "Sat", 30, NOW, NOW)
    subscriptions.put(Subscription("https://c.example/"))
    subscriptions.put(kept)
    subscriptions.write()
    assert list(Subscriptions(path)) == [Subscription("https://c.example/"), kept]
    path.write_text('{"feeds": [{"etag": 1}]}')
    with pytest.raises(EngineUnavailable, match=r"remove it, and follow each feed again"):
        Subscriptions(path)


@pytest.mark.parametrize(
    "body", [b"", b"\x00\x01", b"PK\x03\x04", b"\x1f\x8b\x08rain", b"<rss>", b"{" * 900]
)
def test_whatever_a_server_sends_is_read_or_refused(server, follow, body):
    server.answers["/feed"] = (200, {}, body)
    found, _ = follow(server.url())
    assert found
    assert all(isinstance(each, UnreadableArticle) for each in found)


def test_the_command_fetches_indexes_lists_and_forgets(server, tmp_path):
    def run(*arguments):
        return backfile("follow", *arguments, "--no-vectors", "--archive", tmp_path / "archive")

    url = server.url()
    assert "no feed is followed yet" in run().stderr
    refused = run(url)
    assert refused.exit_code == 1
    assert "127.0.0.1 is no public address; --allow-private allows it" in refused.stderr
    assert server.asked == []
    first = run(url, "--allow-private")
    assert first.exit_code == 0
    assert re.search(r"^new +1$", first.stdout, re.M)
    server.answers["/feed"] = (304, {}, b"")
    assert f"{url}: nothing new" in run("--allow-private").stdout
    again = run("--allow-private", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    server.answers["/feed"] = (
        200,
        {**FEED, "Cache-Control": "max-age=900"},
        rss(FERRY_ITEM).encode(),
    )
    report = json.loads(run("--allow-private", "--json").stdout)
    assert (report["unchanged"], report["refused"]) == (1, [])
    (feed,) = report["feeds"]
    assert (feed["url"], feed["outcome"], feed["entries"]) == (url, "read", 1)
    waiting = run()
    assert waiting.exit_code == 0
    assert f"{url}: not asked before" in waiting.stdout
    assert url in run("--list").stdout
    assert json.loads(run("--list", "--json").stdout)[0]["url"] == url
    again = backfile("reread", "--no-vectors", "--json", "--archive", tmp_path / "archive")
    assert json.loads(again.stdout)["unchanged"] == 1
    assert run("--forget", url).exit_code == 0
    assert run("--forget", url).exit_code == 1
    assert run("--list").exit_code == 1
    found = backfile("search", "ferry", "--mode", "keyword", "--archive", tmp_path / "archive")
    assert "Night ferry & letters" in found.stdout


def test_index_says_that_an_address_is_for_another_command(tmp_path):
    given = backfile("index", "https://courier.example/rss", "--archive", tmp_path / "archive")
    assert given.exit_code == 2
    assert given.stderr.endswith("`backfile follow https://courier.example/rss` fetches feeds\n")
