"""Tests of following lists: feeds in OPML, and the new pages of sitemaps, politely."""

import gzip
from datetime import UTC, date, datetime, timedelta

import pytest

from backfile.archive.follow.client import Fetcher
from backfile.archive.follow.feeds import FeedRun, Outcome, Subscriptions
from backfile.archive.follow.sitemaps import MOST_PAGES
from backfile.archive.model.article import Article
from tests.archive.web_server import WebServer
from tests.builders import FERRY_ITEM, backfile, rss, web_page

NOW = datetime(2024, 3, 23, 12, tzinfo=UTC)
XML = {"Content-Type": "application/xml"}
OPML = """<?xml version="1.0"?><opml version="2.0"><body><outline text="News">
<outline type="rss" text="A" xmlUrl="{0}"/><outline text="B" xmlUrl="{1}"/></outline>
<outline text="A again" XMLURL="{0}"/><outline text="no feed"/></body></opml>"""
NEWS = """<url><loc>{url}</loc><news:news><news:publication><news:name>Coastal Courier</news:name>
<news:language>en</news:language></news:publication>
<news:publication_date>{day}</news:publication_date><news:title>Ferry {n}</news:title></news:news>
<image:image><image:loc>https://a.example/a.jpg</image:loc></image:image></url>"""
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{}</urlset>"""
INDEX = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>"""


@pytest.fixture
def server():
    with WebServer() as made:
        made.answers["/robots.txt"] = (404, {}, b"")
        made.answers["/feed"] = (200, XML, rss(FERRY_ITEM).encode())
        for n in range(4):
            made.answers[f"/p{n}"] = (200, {"Content-Type": "text/html"}, web_page().encode())
        yield made


@pytest.fixture
def follow(tmp_path):
    clock = [NOW]
    pauses = []

    def run(*urls, later=0):
        clock[0] += timedelta(minutes=later)
        subscriptions = Subscriptions(tmp_path / "followed.json")
        feed_run = FeedRun(
            urls, subscriptions, Fetcher(private=True), clock=lambda: clock[0], pause=pauses.append
        )
        found = list(feed_run)
        subscriptions.write()
        return found, feed_run.reports

    run.pauses = pauses
    return run


def listed(server, *numbers, host=None):
    entries = (
        NEWS.format(url=server.url(f"/p{n}"), day=f"2024-03-{20 + n}T08:00:00+01:00", n=n)
        for n in numbers
    )
    content = "".join(entries)
    return SITEMAP.format(content.replace("127.0.0.1", host) if host else content).encode()


def asked(server):
    return [path for path, _ in server.asked if path.startswith("/p")]


def test_the_pages_of_a_news_sitemap_are_read(server, follow):
    server.answers["/news.xml"] = (200, XML, listed(server, 2, 1))
    found, (report,) = follow(server.url("/news.xml"))
    assert [each.published for each in found] == [date(2024, 3, 21), date(2024, 3, 22)]
    assert [each.url for each in found] == [server.url("/p1"), server.url("/p2")]
    assert (report.outcome, report.entries) == (Outcome.READ, 2)
    assert follow.pauses == [1.0]  # between the two


def test_only_new_pages_are_fetched_again(server, follow):
    server.answers["/news.xml"] = (200, XML, gzip.compress(listed(server, 1, 2)))
    follow(server.url("/news.xml"))
    server.answers["/news.xml"] = (200, XML, gzip.compress(listed(server, 1, 2, 3)))
    found, _ = follow(later=60)
    assert [each.url for each in found] == [server.url("/p3")]
    assert asked(server) == ["/p1", "/p2", "/p3"]


def test_what_the_host_forbids_is_not_fetched(server, follow):
    rules = b"User-agent: *\nDisallow: /p1\nCrawl-delay: 3\n"
    server.answers["/robots.txt"] = (200, {"Content-Type": "text/plain"}, rules)
    server.answers["/news.xml"] = (200, XML, listed(server, 0, 1, 2))
    found, _ = follow(server.url("/news.xml"))
    assert [each.reason for each in found if not isinstance(each, Article)] == [
        "its host forbids programs to fetch it"
    ]
    assert asked(server) == ["/p0", "/p2"]
    assert follow.pauses == [3.0]
    assert [path for path, _ in server.asked].count("/robots.txt") == 1


def test_pages_of_another_host_and_without_a_date_are_not_fetched(server, follow):
    server.answers["/news.xml"] = (200, XML, listed(server, 1, host="other.example"))
    (refused,), _ = follow(server.url("/news.xml"))
    assert refused.reason == "on another host than the sitemap that lists it"
    page = f"<url><loc>{server.url('/p1')}</loc></url>"
    server.answers["/old.xml"] = (200, XML, SITEMAP.format(page).encode())
    (refused,), _ = follow(server.url("/old.xml"))
    assert refused.reason == "none of its pages has a date (lastmod)"
    assert asked(server) == []


def test_a_page_that_fails_is_listed_and_the_others_are_read(server, follow):
    server.answers["/p1"] = (500, {}, b"")
    server.answers["/news.xml"] = (200, XML, listed(server, 1, 2))
    refused, article = follow(server.url("/news.xml"))[0]
    assert refused.reason == "the server answered with status 500"
    assert isinstance(article, Article)


def of_days(server, **days):
    """A sitemap of pages by name, each with its date."""
    pages = (NEWS.format(url=server.url(f"/{name}"), day=day, n=name) for name, day in days.items())
    return SITEMAP.format("".join(pages)).encode()


def test_a_page_that_is_added_on_the_same_day_is_fetched(server, follow):
    days = {"p0": "2024-03-22", "p1": "2024-03-23"}
    server.answers["/news.xml"] = (200, XML, of_days(server, **days))
    follow(server.url("/news.xml"))
    server.answers["/news.xml"] = (200, XML, of_days(server, **days, p2="2024-03-23"))
    for _ in range(2):
        follow(later=60)
    assert asked(server) == ["/p0", "/p1", "/p2"]


def test_a_page_that_has_changed_is_fetched_again(server, follow):
    for day in ("2024-03-23", "2024-03-23T09:00:00Z", "2024-03-24"):
        server.answers["/news.xml"] = (200, XML, of_days(server, p1=day))
        follow(server.url("/news.xml"), later=60)
    assert asked(server) == ["/p1"] * 3


@pytest.mark.parametrize("status", [503, 429])
def test_a_page_that_the_server_did_not_give_is_asked_for_again(server, follow, status):
    good, server.answers["/p1"] = server.answers["/p1"], (status, {}, b"")
    server.answers["/news.xml"] = (200, {**XML, "ETag": '"1"'}, listed(server, 0, 1, 2))
    follow(server.url("/news.xml"))
    follow(later=60)
    server.answers["/p1"] = good
    (article,), _ = follow(later=60)
    assert article.url == server.url("/p1")
    assert follow(later=60)[0] == []
    assert asked(server) == ["/p0", "/p1", "/p2", "/p1", "/p1"]


def test_a_page_that_fails_for_good_or_for_long_is_given_up(server, follow):
    server.answers["/p1"] = (503, {}, b"")
    server.answers["/p2"] = (404, {}, b"")
    days = {"p0": "2024-03-20", "p1": "2024-03-21", "p2": "2024-03-22"}
    server.answers["/news.xml"] = (200, XML, of_days(server, **days))
    follow(server.url("/news.xml"))
    week = 7 * 24 * 60
    server.answers["/news.xml"] = (200, XML, of_days(server, **days, p3="2024-03-30"))
    for later in (week, week):
        follow(later=later)
    assert asked(server) == ["/p0", "/p1", "/p2", "/p1", "/p3"]


def test_a_page_with_a_day_of_the_future_does_not_hide_the_next_ones(server, follow):
    days = {"p0": "2042-03-20"}
    server.answers["/news.xml"] = (200, XML, of_days(server, **days))
    follow(server.url("/news.xml"))
    server.answers["/news.xml"] = (200, XML, of_days(server, **days, p1="2024-03-24"))
    follow(later=24 * 60)
    assert asked(server) == ["/p0", "/p1"]


def test_of_many_pages_the_latest_are_fetched_first_and_then_the_oldest(server, follow):
    names = [f"p1?{n}" for n in range(2 * MOST_PAGES + 10)]
    days = {name: f"2024-03-23T{n // 60:02}:{n % 60:02}:00Z" for n, name in enumerate(names)}
    server.answers |= {f"/{name}": server.answers["/p1"] for name in names}
    first = dict(list(days.items())[: MOST_PAGES + 5])
    server.answers["/news.xml"] = (200, XML, of_days(server, **first))
    refused, *_ = follow(server.url("/news.xml"))[0]
    assert refused.reason == "its 5 oldest pages are left out; at most 100 are fetched at once"
    assert asked(server) == [f"/{name}" for name in names[5 : MOST_PAGES + 5]]
    server.answers["/news.xml"] = (200, XML, of_days(server, **days))
    refused, *_ = follow(later=60)[0]
    assert refused.reason == (
        "its 5 newest pages are left for the next run; at most 100 are fetched at once"
    )
    follow(later=60)
    assert asked(server) == [f"/{name}" for name in names[5:]]


def test_an_index_leads_to_its_latest_sitemaps(server, follow):
    entry = "<sitemap><loc>{}</loc><lastmod>{}</lastmod></sitemap>"
    maps = [
        entry.format(server.url("/old.xml"), "2024-01-01"),
        entry.format(server.url("/new.xml"), "2024-03-22"),
        entry.format("https://other.example/x.xml", "2024-03-22"),
    ]
    server.answers["/index.xml"] = (200, XML, INDEX.format("".join(maps)).encode())
    server.answers["/old.xml"] = (200, XML, listed(server, 0))
    server.answers["/new.xml"] = (200, XML, listed(server, 2))
    found, _ = follow(server.url("/index.xml"))
    assert [each.url for each in found] == [server.url("/p0"), server.url("/p2")]
    server.answers["/new.xml"] = (200, XML, listed(server, 2, 3))
    server.asked.clear()
    assert [each.url for each in follow(later=60)[0]] == [server.url("/p3")]


def test_an_index_is_asked_for_whole_as_its_sitemaps_change_without_it(server, follow):
    entry = f"<sitemap><loc>{server.url('/new.xml')}</loc></sitemap>"
    headers = XML | {"ETag": '"1"', "Last-Modified": "Sat, 23 Mar 2024 08:00:00 GMT"}
    server.answers["/index.xml"] = (200, headers, INDEX.format(entry).encode())
    server.answers["/new.xml"] = (200, XML, listed(server, 2))
    follow(server.url("/index.xml"))
    server.asked.clear()
    server.answers["/new.xml"] = (200, XML, listed(server, 2, 3))
    assert [each.url for each in follow(later=60)[0]] == [server.url("/p3")]
    conditions = [set(asked) for path, asked in server.asked if path == "/index.xml"]
    assert conditions
    assert not any({"If-None-Match", "If-Modified-Since"} & each for each in conditions)


def test_the_feeds_of_a_list_are_followed_from_then_on(server, follow, tmp_path):
    gone = server.url("/gone")
    server.answers["/gone"] = (404, {}, b"")
    server.answers["/list"] = (200, XML, OPML.format(server.url(), gone).encode())
    article, refused = follow(server.url("/list"))[0]
    assert (article.id, refused.origin) == ("cc-7", gone)
    assert [each.url for each in Subscriptions(tmp_path / "followed.json")] == [server.url()]
    server.answers["/in"] = (200, XML, OPML.format(server.url("/list"), gone).encode())
    assert all(not isinstance(each, Article) for each in follow(server.url("/in"), later=60)[0])


def test_a_list_of_feeds_may_be_a_file(server, tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_text(OPML.format(server.url(), server.url()))
    options = ("--archive", tmp_path / "archive", "--no-vectors", "--allow-private", "--json")
    report = backfile("follow", path, *options)
    assert '"new": 1' in report.stdout
    path.write_text("no list")
    refused = backfile("follow", path, *options)
    assert "is no list of feeds (OPML)" in refused.stderr


@pytest.mark.parametrize("content", [b"<opml><body>", b"<opml><body/></opml>", b"<urlset><url>"])
def test_a_broken_list_is_refused(server, follow, content):
    server.answers["/list"] = (200, XML, content)
    found, (report,) = follow(server.url("/list"))
    assert len(found) == 1
    assert report.outcome is Outcome.REFUSED
