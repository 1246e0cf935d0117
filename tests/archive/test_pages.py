"""Tests of web pages: the article alone, what the page says of it, and pages made to do harm."""

import gzip
import time
from base64 import encodebytes
from datetime import UTC, date, datetime
from quopri import encodestring

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.registry import format_of
from backfile.archive.formats.web.pages import MOST_ATTRIBUTES, MOST_ELEMENTS
from backfile.archive.model.article import Article, DateSource
from backfile.archive.model.errors import UnreadableArticle
from backfile.scripts.bench.extraction import compared, main
from tests.builders import PAGE_BODY, PARAGRAPHS, ROOT, web_page

PAGES = ROOT.parent / "shared/data/formats/html_article_extraction_benchmark"
LINKED = """<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "Not this"},
{"@type": ["Thing", "NewsArticle"], "headline": "Night ferry &amp; letters",
"datePublished": "2024-03-23T23:40:00-05:00", "articleSection": ["Transport", "Front page"],
"author": [{"@type": "Person", "name": "Ana Ruiz"}, {"name": "José Núñez"}], "inLanguage": "en-GB",
"publisher": {"name": "Coastal Courier"}}]}</script>"""


@pytest.fixture
def read(tmp_path):
    def read_one(content, name="a.html", **told):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = SourceFile.at(path, name)
        (found,) = read_file(SourceFile(file.place, file.key, file.raw, 1, told), FieldMap())
        return found

    return read_one


def test_the_article_is_read_without_what_surrounds_it(read):
    assert read(web_page()).text == "\n\n".join(PARAGRAPHS)


def test_json_ld_says_what_an_article_is(read):
    article = read(web_page(LINKED))
    assert article.title == "Night ferry & letters"
    assert (article.published, article.date_source) == (date(2024, 3, 23), DateSource.META)
    assert article.published_at == datetime(2024, 3, 24, 4, 40, tzinfo=UTC)
    assert (article.source, article.section) == ("Coastal Courier", "Transport")
    assert (article.authors, article.language) == (("Ana Ruiz", "José Núñez"), "en")


def test_opengraph_and_meta_marks_say_it_where_there_is_no_json_ld(read):
    article = read(
        web_page(
            """<meta property="og:title" content="Night ferry stops | Coastal Courier">
            <meta property="og:site_name" content="Coastal Courier">
            <meta property="article:published_time" content="2024-03-23T08:00:00+01:00">
            <meta property="article:section" content="Transport">
            <meta name="author" content="By Ana Ruiz and José Núñez">
            <link rel="canonical" href="https://courier.example/ferry">""",
            lang="de-AT",
        )
    )
    assert (article.title, article.source) == ("Night ferry stops", "Coastal Courier")
    assert (article.published, article.section) == (date(2024, 3, 23), "Transport")
    assert (article.authors, article.language) == (("Ana Ruiz", "José Núñez"), "de")
    assert article.url == "https://courier.example/ferry"


def test_a_page_without_marks_has_its_title_and_no_day(read):
    article = read(web_page(lang=""))
    assert (article.title, article.published) == ("Ferry - Coastal Courier", None)
    assert (article.date_source, article.source) == (DateSource.NONE, "")


def test_a_day_that_only_the_address_holds_is_a_guess(read):
    article = read(web_page(), url="https://courier.example/2024/03/23/ferry.html")
    assert (article.published, article.date_source) == (date(2024, 3, 23), DateSource.TEXT)
    assert (article.url, article.source) == (
        "https://courier.example/2024/03/23/ferry.html",
        "courier.example",
    )


def test_a_canonical_address_that_names_the_site_alone_names_no_article(read):
    head = '<link rel="canonical" href="https://courier.example/">'
    told = "https://courier.example/ferry"
    assert read(web_page(head), url=told).url == told
    head = '<link rel="canonical" href="/ferry?id=3"><meta property="og:url" content="http://[">'
    assert read(web_page(head), url="https://courier.example/x").url.endswith("/ferry?id=3")


def test_the_headline_is_not_the_first_paragraph_as_well(read):
    head = '<meta property="og:title" content="Night ferry stops in May after the vote">'
    article = read(web_page(head, f"<h1>Night ferry stops in May after the vote</h1>{PAGE_BODY}"))
    assert article.text.startswith("The night ferry")


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("windows-1252", "cp1252"), ("iso-8859-1", "cp1252"), ("koi8-r", "koi8-r"), ("no", "utf-8")],
)
def test_a_page_is_decoded_as_it_declares(read, declared, encoding):
    word = "«Ферри»" if encoding == "koi8-r" else "“Fährenstraße”"
    word = "Ферри" if encoding == "koi8-r" else word
    text = f"<p>{word} {PARAGRAPHS[0]}</p>{PAGE_BODY}"
    content = web_page(f'<meta charset="{declared}">', text).encode(encoding)
    assert read(content).text.startswith(word)


@pytest.mark.parametrize("name", ["a.html", "a.txt", "a", "a.html.gz"])
def test_a_page_is_told_by_its_content(read, tmp_path, name):
    content = web_page().encode()
    article = read(gzip.compress(content) if name.endswith(".gz") else content, name)
    assert isinstance(article, Article)
    assert format_of(SourceFile.at(tmp_path / name, name)).name == "web page"


def test_xhtml_with_a_declaration_is_a_page(read):
    content = '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml">'
    assert read(web_page().replace('<!DOCTYPE html><html lang="en">', content)).text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<!DOCTYPE html><html><body></body></html>", "no article was found on the page"),
        ("<html><p>x" + "<i>a</i>" * (MOST_ELEMENTS + 1), "more than 20,000 elements in one page"),
        (
            "<html><p " + " a=b" * (MOST_ATTRIBUTES + 1) + ">Rain",
            "more than 5,000 attributes in one tag",
        ),
        ("<html><p>" + "rain " * (2 << 20), "longer than 8 MiB, too long for one page"),
    ],
)
def test_what_is_no_article_or_takes_too_long_is_refused_at_once(read, content, reason):
    began = time.process_time()
    refused = read(content)
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason == reason
    assert time.process_time() - began < 5


def test_an_image_in_a_tag_is_no_attribute(read):
    image = "/=" * MOST_ATTRIBUTES
    assert read(web_page(body=f'<img src="data:image/png;base64,{image}">{PAGE_BODY}')).text


@pytest.mark.long
@given(
    st.lists(
        st.sampled_from(
            [
                *("<html>", "<p>", "</p>", "<meta name=date content=", "'", '"', ">", "<script"),
                *(" type='application/ld+json'>", '{"@type": "NewsArticle",', '"author": [[', "}"),
                *(
                    "</script>",
                    "<title>",
                    "&#0;",
                    "&amp;",
                    "<!--",
                    "]]>",
                    "Rain fell. ",
                    "2024-13-45",
                ),
                *(
                    '"datePublished": 7,',
                    "<time pubdate datetime=x>",
                    "<link rel=canonical href=",
                    "//[",
                ),
            ]
        ),
        max_size=30,
    )
)
@settings(deadline=None, max_examples=150)
def test_no_page_makes_the_reader_raise(tmp_path_factory, parts):
    path = tmp_path_factory.getbasetemp() / "arbitrary.html"
    path.write_text("<!doctype html><html><head>" + "".join(parts))
    for found in read_file(SourceFile.at(path, path.name), FieldMap()):
        assert isinstance(found, Article | UnreadableArticle)


def test_texts_are_compared_by_runs_of_words():
    assert compared("", "") == (1, 0, 0)
    assert compared("a b c d e", "a b c d e") == (1, 0, 0)
    assert compared("a b c d e", "") == (0, 0, 1)
    assert compared("one two", "three") == (0, 0.5, 0.5)


@pytest.mark.long
@pytest.mark.skipif(not PAGES.exists(), reason="../shared/data is not here")
def test_articles_of_real_pages_are_found():
    printed = CliRunner().invoke(main, [str(PAGES)], catch_exceptions=False).output
    assert float(printed.split("F1 ")[1].split(",")[0]) >= 0.95


ADDRESS = "https://courier.example/2024/03/23/ferry"
MHTML = """From: <Saved by Blink>
Snapshot-Content-Location: {address}
Subject: Night ferry
Date: Mon, 1 Apr 2024 10:00:00 -0000
MIME-Version: 1.0
Content-Type: multipart/related;
\ttype="text/html";
\tboundary="----x"

------x
Content-Type: {kind}
Content-Transfer-Encoding: quoted-printable
Content-Location: {address}

{page}
------x
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Location: https://courier.example/a.png

iVBORw0KGgo=
------x--
"""


def saved_as_mhtml(page, kind="text/html", address=ADDRESS):
    return MHTML.format(address=address, kind=kind, page=encodestring(page).decode())


def test_a_page_saved_as_mhtml_is_a_page(read):
    article = read(saved_as_mhtml(web_page(LINKED).encode()).replace("\n", "\r\n"), "a.mhtml")
    assert article.title == "Night ferry & letters"
    assert (article.url, article.source) == (ADDRESS, "Coastal Courier")
    assert article.text == "\n\n".join(PARAGRAPHS)
    assert article.published == date(2024, 3, 23)  # not the day on which it was saved


def test_a_page_saved_as_mhtml_has_its_own_encoding(read):
    page = web_page().replace("May", "Mäi").encode("latin-1")
    assert "Mäi" in read(saved_as_mhtml(page, 'text/html; charset="iso-8859-1"'), "a.mht").text


def test_a_saved_page_may_lie_within_other_parts(read):
    outer = f"From: <Saved by Blink>\nSnapshot-Content-Location: {ADDRESS}\nMIME-Version: 1.0\n"
    outer += 'Content-Type: multipart/mixed; boundary="A"\n\n--A\n'
    inner = 'Content-Type: multipart/related; boundary="B"\n\n--B\nContent-Type: text/html\n'
    inner += "Content-Transfer-Encoding: base64\n\n"
    page = encodebytes(web_page(LINKED).encode()).decode()
    article = read(f"{outer}{inner}{page}--B--\n--A--\n", "a.mht")
    assert (article.url, article.text) == (ADDRESS, "\n\n".join(PARAGRAPHS))


def test_a_page_saved_by_word_is_a_page(read):
    _, parts = saved_as_mhtml(web_page(LINKED).encode()).split("MIME-Version")
    word = f"MIME-Version{parts}".replace(f"Content-Location: {ADDRESS}", "Content-Location: a.htm")
    assert read(word, "a.mht").text == "\n\n".join(PARAGRAPHS)


def test_a_page_saved_without_its_pictures_is_a_page(read):
    headers = f"From: <Saved by Blink>\nSnapshot-Content-Location: {ADDRESS}\nMIME-Version: 1.0\n"
    article = read(f"{headers}Content-Type: text/html\n\n{web_page(LINKED)}", "a.mhtml")
    assert (article.url, article.text) == (ADDRESS, "\n\n".join(PARAGRAPHS))


@pytest.mark.parametrize("mark", ["To: a@b.example", "Message-ID: <1@b.example>"])
def test_a_newsletter_with_an_address_is_mail(read, mark):
    _, parts = saved_as_mhtml(web_page().encode()).split("MIME-Version")
    headers = f"From: Courier <n@courier.example>\n{mark}\nSubject: Ferry\n"
    headers += f"Date: Sat, 23 Mar 2024 07:00:00 +0000\nContent-Location: {ADDRESS}\n"
    article = read(f"{headers}MIME-Version{parts}", "a.eml")
    assert (article.title, article.source) == ("Ferry", "Courier")
    assert article.published == date(2024, 3, 23)


def test_mhtml_without_a_page_is_refused(read):
    refused = read(saved_as_mhtml(b"x", "image/gif"), "a.mhtml")
    assert refused.reason == "a saved page (MHTML) without HTML in it"
    cut = read(saved_as_mhtml(web_page().encode())[:260], "a.mhtml")
    assert isinstance(cut, UnreadableArticle)


@pytest.mark.parametrize(
    "comment",
    [
        f"<!-- saved from url=(0042){ADDRESS} -->",
        f"<!--\n Page saved with SingleFile \n url: {ADDRESS} \n saved date: Mon Apr 01 2024\n-->",
    ],
)
def test_a_page_that_a_browser_saved_says_where_it_was(read, comment):
    page = web_page().replace("<html", f"{comment}<html", 1)
    assert read(page).url == ADDRESS


def test_pictures_inside_of_a_page_do_not_make_it_too_long(read):
    picture = f'<img src="data:image/png;base64,{"A" * (9 << 20)}">'
    assert read(web_page(body=PAGE_BODY + picture)).text == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize(
    "before",
    [
        "\n<br />\n<b>Warning</b>: Undefined index in /var/www/x.php on line 3<br />\n",
        "Notice: Undefined variable $x in x.php\n",
        "<!-- cached --><!-- 0.3 s -->\n",
        "<style>p {color: red}</style>\n",
    ],
)
def test_what_a_program_wrote_before_a_page_is_not_in_the_article(read, before):
    article = read(before + web_page(LINKED))
    assert (article.title, article.language) == ("Night ferry & letters", "en")
    assert article.text == "\n\n".join(PARAGRAPHS)
