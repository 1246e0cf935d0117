"""Tests of exports of WordPress: published posts are articles, the rest is listed."""

from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article

EXPORT = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- This is a WordPress eXtended RSS file -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Coastal Courier</title><link>https://courier.example</link><language>en-GB</language>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_id>2</wp:author_id><wp:author_login><![CDATA[ana]]></wp:author_login>
<wp:author_display_name><![CDATA[Ana Ruiz]]></wp:author_display_name></wp:author>
<wp:category><wp:cat_name>Travel</wp:cat_name></wp:category>
{items}
</channel></rss>"""
ITEM = """<item><title>Night ferry ends</title><link>https://courier.example/ferry/</link>
<pubDate>Sat, 23 Mar 2024 23:30:00 +0000</pubDate><dc:creator><![CDATA[ana]]></dc:creator>
<guid isPermaLink="false">https://courier.example/?p={n}</guid><description></description>
<content:encoded><![CDATA[{content}]]></content:encoded>
<excerpt:encoded><![CDATA[It stops.]]></excerpt:encoded><wp:post_id>{n}</wp:post_id>
<wp:post_date><![CDATA[2024-03-24 00:30:00]]></wp:post_date>
<wp:status><![CDATA[{status}]]></wp:status><wp:post_type><![CDATA[{kind}]]></wp:post_type>
<category domain="post_tag" nicename="boats"><![CDATA[Boats]]></category>
<category domain="category" nicename="travel"><![CDATA[Travel]]></category>
<wp:postmeta><wp:meta_key>_edit_last</wp:meta_key><wp:meta_value>2</wp:meta_value></wp:postmeta>
<wp:comment><wp:comment_author>Bo</wp:comment_author>
<wp:comment_content>First!</wp:comment_content></wp:comment></item>"""
BLOCKS = """<!-- wp:paragraph --><p>The night ferry stops in <b>May</b>.</p><!-- /wp:paragraph -->
<!-- wp:image --><figure><img src="a.jpg"/></figure><!-- /wp:image -->
<p>Commuters were told by letter.</p>"""
CLASSIC = """The night ferry stops in <b>May</b>.

[caption id="1" width="9"]<img src="a.jpg" /> The old ferry[/caption]

Commuters were told by letter."""


def item(n=12, content=BLOCKS, status="publish", kind="post"):
    return ITEM.format(n=n, content=content, status=status, kind=kind)


@pytest.fixture
def read(tmp_path):
    def read_all(*items, cut=None):
        path = tmp_path / "export.xml"
        path.write_text(EXPORT.format(items="".join(items))[:cut])
        return list(read_file(SourceFile.at(path, path.name), FieldMap()))

    return read_all


@pytest.mark.parametrize("content", [BLOCKS, CLASSIC])
def test_a_published_post_is_an_article(read, content):
    (article,) = read(item(content=content))
    assert article.text == "The night ferry stops in May.\n\nCommuters were told by letter."
    assert (article.id, article.title) == ("https://courier.example/?p=12", "Night ferry ends")
    assert (article.source, article.section) == ("Coastal Courier", "Travel")
    assert (article.authors, article.language) == (("Ana Ruiz",), "en")
    assert article.published == date(2024, 3, 24)  # as the paper's clock had it
    assert article.url == "https://courier.example/ferry/"


def test_the_rest_is_listed(read):
    found = read(
        item(1, status="draft"),
        item(2, kind="page"),
        item(3, kind="attachment", status="inherit"),
        item(4),
    )
    assert [each.reason for each in found[:3]] == [
        "not published, but draft (Night ferry ends)",
        "of the type page, not a post (Night ferry ends)",
        "of the type attachment, not a post (Night ferry ends)",
    ]
    assert isinstance(found[3], Article)
    assert found[3].origin.offset == 4


def test_the_content_is_the_text_also_behind_the_excerpt(read):
    head, tail = item().split("<content:encoded>")
    content, rest = tail.split("<excerpt:encoded>")
    excerpt, rest = rest.split("<wp:post_id>")
    (article,) = read(
        f"{head}<excerpt:encoded>{excerpt}<content:encoded>{content}<wp:post_id>{rest}"
    )
    assert article.text == "The night ferry stops in May.\n\nCommuters were told by letter."


def test_a_post_without_content_has_its_excerpt(read):
    (article,) = read(item(content=""))
    assert article.text == "It stops."


def test_an_export_that_is_cut_short_is_read_as_far_as_it_goes(read):
    whole = len(EXPORT.format(items=item(1) + item(2)))
    first, refused = read(item(1), item(2), cut=whole - 300)
    assert isinstance(first, Article)
    assert "not well-formed XML" in refused.reason
    (refused,) = read(cut=None)
    assert refused.reason == "an export of WordPress without posts"
