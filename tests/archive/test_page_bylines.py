"""The authors of web pages: as metadata name them, as the page shows them, and who is none."""

import time

import pytest
from trafilatura import load_html

from backfile.archive.formats.web.page_metadata import metadata_of
from tests.builders import PARAGRAPHS

SITE = "Coastal Courier"


def page(byline, head="", below=""):
    text = "".join(f"<p>{each}</p>" for each in PARAGRAPHS)
    return f"""<html><head><meta property="og:site_name" content="{SITE}">{head}</head><body>
    <nav><a class="author" href="/staff/">Harbour Staff</a></nav>
    <h1>The night ferry stops</h1>{byline}<article>{text}</article>{below}</body></html>"""


def authors_on(markup):
    return metadata_of(load_html(markup), "https://courier.example/ferry")["authors"]


def linked_data(author):
    return f"""<script type="application/ld+json">[{{"@type": "NewsArticle", "author": {author}}},
    {{"@type": "Person", "@id": "#ana", "name": "Ana Ruiz"}}]</script>"""


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ('<p class="byline">By Ana Ruiz</p>', ["Ana Ruiz"]),
        ("<p>By Ana Ruiz</p>", ["Ana Ruiz"]),
        ("<div>Von Ansgar Petersen publiziert am 3. Mai 2024</div>", ["Ansgar Petersen"]),
        (
            '<div class="c-byline">By <a href="/authors/ana">ANA RUIZ</a> and '
            '<a href="/authors/jose">JOSÉ NÚÑEZ</a><span>Staff Writers</span></div>',
            ["Ana Ruiz", "José Núñez"],
        ),
        (
            '<ul class="article-authors"><li>by Tom Keel</li><li>@tomkeel</li>'
            "<li>Nov 18, 2023 at 9:24 pm</li></ul>",
            ["Tom Keel"],
        ),
        ('<span rel="author">Hester Valk, Coastal Courier</span>', ["Hester Valk"]),
        ('<p class="byline">By Hester Valk | Special to the Courier</p>', ["Hester Valk"]),
        ('<p class="byline">Analysis by Jonah van Pryce, WXB Editor</p>', ["Jonah van Pryce"]),
        ('<p class="articleByline__name">Mira Castelnau, MS, RDN</p>', ["Mira Castelnau"]),
        (
            '<p class="byline">By Ana Ruiz , Tom Keel and Hester Valk Monday, May 6, 2024</p>',
            ["Ana Ruiz", "Tom Keel", "Hester Valk"],
        ),
        ('<div class="byline">Текст: Лида Буслаева</div>', ["Лида Буслаева"]),
    ],
)  # fmt: skip
def test_the_byline_that_a_page_shows_is_read(byline, names):
    assert authors_on(page(byline)) == names


@pytest.mark.parametrize(
    "byline",
    [
        '<p class="byline">By Staff Reports</p>',
        '<p class="byline">By Reuters</p>',
        '<p class="byline">By Coastal Courier</p>',
        '<p class="author">admin</p>',
        '<p class="byline">May 6, 2024</p>',
        '<p class="byline">By the harbour, at noon</p>',
        '<div class="comments"><p class="comment-author">Gil Pomfret</p></div>',
        '<div class="author-bio"><p class="author">About Gil Pomfret</p></div>',
        '<figure><p class="byline">By Gil Pomfret</p></figure>',
        "<p>By noon the ferry had left the harbour, and nobody waited on the pier.</p>",
    ],
)
def test_who_is_no_author_is_not_taken_for_one(byline):
    assert authors_on(page(byline)) == []


def test_the_byline_of_another_article_below_is_not_taken():
    others = '<aside class="related"><p class="byline">By Gil Pomfret</p></aside>'
    assert authors_on(page("<p>Saturday</p>", below=others)) == []


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ('{"@type": "Person", "name": "Ana Ruiz | News Media for courier.example"}', ["Ana Ruiz"]),
        ('{"@type": "Person", "name": "By ANA RUIZ, AP Auto Writer"}', ["Ana Ruiz"]),
        ('{"@id": "#ana"}', ["Ana Ruiz"]),
        ('{"@type": "Person", "name": "Regan"}', ["Regan"]),
        ('{"@type": "Organization", "name": "Coastal Courier"}', []),
        ('{"@type": "Person", "name": "Reuters"}', []),
        ('"News Bureau"', []),
        ('[["Ana"], {"name": {"name": 3}}, null, 7]', ["Ana"]),
    ],
)
def test_what_metadata_claim_is_checked(author, names):
    assert authors_on(page("", linked_data(author))) == names


def test_a_byline_that_names_more_is_believed_before_metadata():
    byline = '<p class="byline">By Ana Ruiz, Tom Keel</p>'
    assert authors_on(page(byline, linked_data('{"name": "Ana Ruiz"}'))) == ["Ana Ruiz", "Tom Keel"]


def test_a_byline_is_believed_before_the_account_that_published_the_page():
    byline = '<p class="byline">By Tom Keel</p>'
    assert authors_on(page(byline, '<meta name="author" content="Gil Pomfret">')) == ["Tom Keel"]
    assert authors_on(page(byline, linked_data('{"name": "Ana Ruiz"}'))) == ["Ana Ruiz"]


@pytest.mark.parametrize(
    "byline",
    [
        "<div class='byline'>" * 300 + "x" + "</div>" * 300,
        "<p class='byline'>" + "By " * 20_000 + "</p>",
        "".join(f"<p class='author'>{n} a</p>" for n in range(5_000)),
        "<p class='byline'>" + "<b>A</b>, " * 5_000 + "</p>",
    ],
)
def test_bylines_made_to_do_harm_take_no_time(byline):
    tree = load_html(page(byline))
    began = time.process_time()
    metadata_of(tree, "")
    assert time.process_time() - began < 2
