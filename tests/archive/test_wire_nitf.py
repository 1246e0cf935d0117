"""Tests of NITF, of bylines and datelines, and of bodies in markup."""

from datetime import UTC, date, datetime

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.formats.wire.bodies import text_of_html
from backfile.archive.formats.wire.bylines import names_in, with_dateline
from backfile.archive.formats.wire.nitf import read_nitf
from backfile.archive.model.article import Article
from backfile.archive.model.errors import WithdrawnArticle
from tests.builders import nitf


@pytest.fixture
def read(tmp_path):
    def read_all(content, now=None):
        path = tmp_path / "a.xml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = SourceFile.at(path, path.name)
        return list(
            read_nitf(file, FieldMap(), lambda: now) if now else read_file(file, FieldMap())
        )

    return read_all


def test_nitf_is_read_with_all_that_an_article_has(read):
    (article,) = read(nitf())
    assert (article.id, article.version) == ("cc-7", 2)
    assert (article.title, article.source) == ("Night ferry stops", "Coastal Courier")
    assert (article.section, article.authors) == ("politics", ("Ana Ruiz", "José Núñez"))
    assert article.published == date(2024, 3, 23)
    assert article.published_at == datetime(2024, 3, 24, 4, 40, tzinfo=UTC)


def test_its_text_is_its_paragraphs_headings_lists_and_tables_without_captions(read):
    (article,) = read(nitf())
    assert article.text.split("\n\n") == [
        "ASHFORD, March 23 – The ferry stops in May.",
        "The vote",
        "It was five to four.",
        "Ash",
        "Elm",
        "Yes 5",
        "No 4",
        "a 1\nb 2",
    ]


def test_a_lead_that_is_sent_apart_and_with_the_whole_is_read_once(read):
    lead = "<p>The night ferry across the Ash stops in May, the board says.</p>"
    whole = f"{lead}<p>A bus replaces it.</p>"
    content = f'<block class="lead">{lead}</block><block class="full">{whole}</block>'
    (article,) = read(nitf(content))
    assert article.text.count("stops in May") == 1
    assert article.text.endswith("A bus replaces it.")


def test_an_abstract_stands_in_where_there_is_no_text(read):
    (article,) = read(nitf(""))
    assert article.text == "ASHFORD, March 23 – The lead again."


def test_a_papers_own_section_and_day_and_address_go_before_the_agencys(read):
    meta = """<meta name="online_sections" content="Transport; Front Page"/>
    <pubdata date.publication="20240324T000000" name="The Ash Herald" position.section="B"
    ex-ref="https://herald.example/ferry"/>"""
    (article,) = read(nitf(meta=meta))
    assert (article.section, article.source) == ("Transport", "The Ash Herald")
    assert article.published == date(2024, 3, 24)
    assert article.url == "https://herald.example/ferry"


@pytest.mark.parametrize(
    ("identified", "expected"),
    [
        ('<doc-id id-string="cc-7"/><du-key key="ferry" version="2"/>', "cc-7"),
        ('<doc-id id-string="ferry_47"/><du-key key="ferry" version="48"/>', "ferry"),
        ('<doc-id id-string="ferry-vote"/><du-key key="ferry"/>', "ferry-vote"),
        ('<doc-id regsrc="CC"/><du-key key="ferry"/>', "ferry:2024-03-23"),
        ('<doc-id regsrc="CC"/>', ""),
    ],
)
def test_an_id_is_the_same_in_each_version(read, identified, expected):
    known = '<doc-id id-string="cc-7" regsrc="CC"/><du-key key="ferry" version="2"/>'
    (article,) = read(nitf().replace(known, identified))
    assert article.id == expected if expected else article.id.startswith("text-")


def test_persons_in_a_byline_are_its_names(read):
    (article,) = read(nitf(bylines="<byline>From <person>Ana Ruiz</person> in Ashford</byline>"))
    assert article.authors == ("Ana Ruiz",)


def test_a_document_that_is_taken_back_or_under_embargo_is_kept_out(read):
    (withdrawn,) = read(nitf(status=' management-status="canceled"'))
    assert isinstance(withdrawn, WithdrawnArticle)
    assert (withdrawn.article_id, withdrawn.version) == ("cc-7", 2)
    content = nitf(
        status=' management-status="embargoed"',
        release='<date.release norm="20240325T120000Z"/>',
    )
    (refused,) = read(content, datetime(2024, 3, 25, tzinfo=UTC))
    assert refused.reason == "under embargo until 2024-03-25T12:00:00+00:00"
    (article,) = read(content, datetime(2024, 3, 26, tzinfo=UTC))
    assert article.published == date(2024, 3, 25)
    (refused,) = read(nitf(status=' management-status="embargoed"'))
    assert refused.reason == "under embargo, and not until when"


def test_named_entities_of_html_are_characters(read):
    (article,) = read(nitf("<p>Caf&eacute; &amp; &mdash; &#233;t&#xe9;</p>"))
    assert article.text.endswith("Café & — été")


def test_an_encoding_that_is_declared_is_kept_to(read):
    (article,) = read(nitf(encoding="windows-1252", content="<p>“Fähre”</p>").encode("cp1252"))
    assert article.text.endswith("“Fähre”")
    (article,) = read(b"\n  " + nitf().encode())
    assert isinstance(article, Article)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By JANE DOE and JOHN ROE, Staff writers", ["JANE DOE", "JOHN ROE"]),
        ("Von Christian Holm, dpa", ["Christian Holm"]),
        ("By Tom Kras, The Ash Tribune =", ["Tom Kras"]),
        ("Paula Santa and Frances d'Emil", ["Paula Santa", "Frances d'Emil"]),
        ("Par Ana Ruiz / AFP", ["Ana Ruiz"]),
        ("By ANN RUIZ, AP Sports Writer", ["ANN RUIZ"]),
        ("John Smith, Jr. & Ana Ruiz", ["John Smith, Jr", "Ana Ruiz"]),
        ("CC", ["CC"]),
        ("Staff Reporter", ["Staff Reporter"]),
        ("- 7 -", []),
        ("gr/bp", []),
        ("Geir Moln / Fakt.no", ["Geir Moln"]),
        ("本田太郎", ["本田太郎"]),
        ("", []),
        ("A sentence that is no byline. " * 20, []),
    ],
)
def test_a_byline_is_read_as_the_names_in_it(byline, names):
    assert names_in(byline) == names


@pytest.mark.parametrize(
    ("text", "dateline", "expected"),
    [
        ("Rain fell.", "LONDON, March 23 (CC) -", "LONDON, March 23 (CC) – Rain fell."),
        ("LONDON (CC) - Rain fell.", "London", "LONDON (CC) - Rain fell."),
        ("(London, March 23) Rain fell.", "London", "(London, March 23) Rain fell."),
        (
            "By Ana. LONDON, March 23 - Rain.",
            "LONDON, March 23",
            "By Ana. LONDON, March 23 - Rain.",
        ),
        ("Londoners met rain.", "London", "London – Londoners met rain."),
        ("Rain fell.", "", "Rain fell."),
        ("Rain fell.", "--", "Rain fell."),
        ("Rain fell.", "20240323T120000Z", "Rain fell."),
        ("Rain fell.", "3/4/2024", "Rain fell."),
        ("雨が降った。", "東京", "東京 – 雨が降った。"),
        ("", "London", ""),
    ],
)
def test_a_dateline_stands_before_its_text_once(text, dateline, expected):
    assert with_dateline(text, dateline) == expected


def test_a_page_in_a_body_is_read_without_what_stands_beside_its_text():
    page = """<html><head><title>T</title><script>x()</script></head><body><h1>T</h1>
    <div class="dat"><span>Ash</span></div><p>Rain.<!-- no --></p>
    <figure><figcaption>No</figcaption></figure><blockquote>Snow.</blockquote></body></html>"""
    assert text_of_html(page, "a") == "T\n\nRain.\n\nSnow."
