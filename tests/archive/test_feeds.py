"""Tests of feeds: entries as articles, days as they are written, and feeds that are broken."""

import json
import time
from datetime import UTC, date, datetime
from functools import partial

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile, open_bytes
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.web.markup import text_of
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import FERRY_ITEM, ROOT, rss

FEEDS = ROOT.parent / "shared/data/formats/feeds"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://blatt.example/">
<title>Hafenbote</title><entry>
<title type="html">Die F&amp;auml;hre</title><id>tag:blatt,2024:1</id>
<link href="faehre"/><published>2024-03-23T00:10:00+13:00</published><author><name>Jan Voß</name>
</author><summary>Die Nachtfähre fährt nicht mehr.</summary></entry></feed>"""


@pytest.fixture
def read(tmp_path):
    def read_all(content, name="feed.xml"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_file(SourceFile.at(path, name), FieldMap()))

    return read_all


def test_an_rss_item_is_an_article_with_its_full_content(read):
    (article,) = read(rss(FERRY_ITEM))
    assert (article.id, article.title) == ("cc-7", "Night ferry & letters")
    assert article.text == "The night ferry stops in May.\n\nCommuters were told\nby letter."
    assert (article.source, article.section) == ("Coastal Courier", "Transport")
    assert (article.authors, article.language) == (("Ana Ruiz",), "en")
    assert (article.url, article.origin.offset) == ("https://courier.example/ferry", 1)


def test_the_day_is_the_one_that_is_written(read):
    (article,) = read(rss(FERRY_ITEM))
    assert article.published == date(2024, 3, 23)
    assert article.published_at == datetime(2024, 3, 24, 4, 40, tzinfo=UTC)
    (article,) = read(ATOM)
    assert article.published == date(2024, 3, 23)


def test_an_atom_entry_is_an_article_with_its_summary(read):
    (article,) = read(ATOM)
    assert (article.id, article.title) == ("tag:blatt,2024:1", "Die Fähre")
    assert (article.source, article.language) == ("Hafenbote", "de")
    assert article.url == "https://blatt.example/faehre"
    assert (article.text, article.authors) == ("Die Nachtfähre fährt nicht mehr.", ("Jan Voß",))


def test_a_json_feed_is_read(read):
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Coastal Courier",
        "language": "en",
        "home_page_url": "https://courier.example/",
        "items": [
            {
                "id": "7",
                "url": "/ferry",
                "title": "Ferry",
                "content_html": "<p>The ferry stops.</p><p>In May.</p>",
                "date_published": "2024-03-23T23:40:00-05:00",
                "authors": [{"name": "Ana Ruiz"}],
                "tags": ["Transport"],
            },
            {"id": "8", "content_text": "A post without a title."},
            {"id": "9"},
            "no object",
        ],
    }
    first, second, third, fourth = read(json.dumps(feed), "feed.json")
    assert (first.text, first.published) == ("The ferry stops.\n\nIn May.", date(2024, 3, 23))
    assert (first.url, first.authors) == ("https://courier.example/ferry", ("Ana Ruiz",))
    assert (first.source, first.section, first.language) == ("Coastal Courier", "Transport", "en")
    assert second.text == "A post without a title."
    assert third.reason == "an entry with neither title nor text"
    assert fourth.reason == "an item that is no object"


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "utf-16", "koi8-r"])
def test_a_feed_is_decoded_as_it_declares(read, encoding):
    item = (
        "<item><title>Ночной паром</title><description>Паром больше не ходит.</description></item>"
    )
    (article,) = read(rss(item, encoding=encoding).encode(encoding))
    assert (article.title, article.text) == ("Ночной паром", "Паром больше не ходит.")


def test_a_broken_feed_is_read_as_far_as_it_goes(read):
    first, *_ = read(rss(FERRY_ITEM, "<item><title>Cut o").removesuffix("</channel></rss>"))
    assert first.title == "Night ferry & letters"


def test_entries_without_text_are_refused_one_by_one(read, tmp_path):
    article, refused = read(rss(FERRY_ITEM, "<item><guid>x</guid></item>"))
    assert isinstance(article, Article)
    assert refused.origin == f"{tmp_path / 'feed.xml'}:2"
    assert refused.reason == "an entry with neither title nor text"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (rss(), "no entries"),
        ('<rss version="2.0"><channel><title>Cut', "not a feed that can be read"),
        ('{"version": "https://jsonfeed.org/version/1", "items": []}', "a JSON Feed without items"),
        ('{"version": "https://jsonfeed.org/version/1", "items": [', "not valid JSON"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(read, content, reason):
    (refused,) = read(content)
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason.startswith(reason)


def test_entities_neither_multiply_nor_read_files(read, tmp_path):
    (tmp_path / "secret").write_text("do not show")
    entities = '<!ENTITY a "ha ha "><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("bcdefgh", "cdefghi", strict=True)
    )
    entities += f'<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">'
    item = "<item><title>Rain &i; &x;</title></item>"
    content = rss(item).replace("<rss", f"<!DOCTYPE rss [{entities}]><rss")
    began = time.process_time()
    found = read(content)
    assert time.process_time() - began < 5
    assert all("do not show" not in str(each) for each in found)
    assert all(len(each.text) < 1_000 for each in found if isinstance(each, Article))


def test_html_becomes_paragraphs():
    assert text_of("No marks\nat all.") == "No marks\nat all."
    assert text_of("<div>One <i>two</i><ul><li>three<li>four</ul></div>five") == (
        "One two\n\nthree\n\nfour\n\nfive"
    )
    assert text_of("<b>" * 20_000 + "deep") in ("deep", "<b>" * 20_000 + "deep", "")
    assert text_of("a &lt; b<!-- no -->") == "a < b"


@pytest.mark.skipif(not FEEDS.exists(), reason="../shared/data is not here")
def test_every_feed_of_a_collection_is_read_or_refused():
    read_of = {}
    for path in sorted(path for path in FEEDS.rglob("*") if path.is_file()):
        began = time.process_time()
        found = list(read_file(SourceFile.at(path, path.name), FieldMap()))
        assert time.process_time() - began < 5
        assert found, f"{path.name} is neither read nor refused"
        assert all(isinstance(each, Article) or each.reason for each in found)
        read_of[path] = sum(isinstance(each, Article) for each in found)
    assert sum(map(bool, read_of.values())) >= 97


RELATIVE = """<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel{base}><title>Wire</title>{about}<item><title>Pier</title>{item}
<guid isPermaLink="false">pier-1</guid><description>The pier reopened.</description></item>
</channel></rss>"""
SITE = "<link>https://wire.example/news/</link>"
SELF = '<atom:link rel="self" href="https://feeds.example/wire/all.xml"/>'


@pytest.mark.parametrize(
    ("about", "link", "url"),
    [
        (SITE, "/2024/pier", "https://wire.example/2024/pier"),
        (SITE, "//wire.example/pier", "https://wire.example/pier"),
        (SITE, " pier\n", "https://wire.example/news/pier"),
        (SITE + SELF, "pier", "https://wire.example/news/pier"),
        (SELF, "pier", "https://feeds.example/wire/pier"),
        ("<link>/site/</link>" + SELF, "pier", "https://feeds.example/site/pier"),
        (SITE, "mailto:desk@wire.example", ""),
        ("", "pier", ""),
    ],
)
def test_a_relative_link_is_one_of_the_site_or_of_the_feed(read, about, link, url):
    (article,) = read(RELATIVE.format(base="", about=about, item=f"<link>{link}</link>"))
    assert (article.id, article.url) == ("pier-1", url)


def test_a_declared_base_comes_before_the_site(read):
    base = ' xml:base="https://base.example/a/"'
    item = "<link>pier</link>"
    (article,) = read(RELATIVE.format(base=base, about=SITE, item=item))
    assert article.url == "https://base.example/a/pier"
    item = '<link xml:base="https://nearer.example/">pier</link>'
    (article,) = read(RELATIVE.format(base=base, about=SITE, item=item))
    assert article.url == "https://nearer.example/pier"


def test_the_base_of_an_entry_is_not_that_of_the_next(read):
    entry = (
        "<entry{}><title>Pier</title><id>{}</id><link href='p'/><summary>It fell.</summary></entry>"
    )
    entries = entry.format(' xml:base="/2024/"', "tag:wire,2024:1") + entry.format(
        "", "tag:wire,2024:2"
    )
    about = '<title>Wire</title><link href="https://wire.example/news/"/>'
    found = read(f'<feed xmlns="http://www.w3.org/2005/Atom">{about}{entries}</feed>')
    urls = [each.url for each in found]
    assert urls == ["https://wire.example/2024/p", "https://wire.example/news/p"]
    assert [each.id for each in found] == ["tag:wire,2024:1", "tag:wire,2024:2"]


def test_a_feed_that_was_fetched_has_an_address_of_its_own():
    address = "https://wire.example/feeds/all"
    content = RELATIVE.format(base="", about="", item="<link>pier</link>").encode()
    (article,) = read_file(SourceFile(address, address, partial(open_bytes, content)), FieldMap())
    assert article.url == "https://wire.example/feeds/pier"


def test_the_links_of_a_json_feed_may_be_relative_to_the_feed(read):
    item = {"id": "1", "url": "../pier", "content_text": "The pier reopened."}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": [item]}
    feed["feed_url"] = "https://wire.example/feeds/all.json"
    (article,) = read(json.dumps(feed), "feed.json")
    assert article.url == "https://wire.example/pier"
