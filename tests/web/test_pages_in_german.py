"""Pages are in the reader's language, and programs are answered in English whatever is asked."""

import html
import json
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from backfile.web.app import create_app
from backfile.web.i18n.negotiation import REMEMBERED
from tests.browser.page_states import EMPTY_STATES, SAMPLE_STATES
from tests.builders import app_in, app_over, engines_in, fill, write_stories

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.7"}
STATES = SAMPLE_STATES | EMPTY_STATES
OF_THE_ARCHIVE = {"bdi", "code", "pre", "kbd", "script"}  # and whatever runs in its own direction
SHOWN = ("aria-label", "title", "placeholder", "alt")
# The same in both languages: names, months, and what an article's own links are made of.
SAME = re.compile(
    r"Backfile|BibTeX|RIS|CSL-JSON|CSV|JSON Lines|Text|Filter|English|Deutsch|id|"
    r"API|Atom|JSON Feed|Link|Original|SVG|"
    r"(?:Apr|April|Aug|August|Feb|Jan|Jul|Jun|Nov|November|September)(?: \d+)?(?:: [\d· ]+)?"
)


class Said(HTMLParser):
    """Collects what a page says to those who see or hear it, beside what is of the archive."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        archive = tag in OF_THE_ARCHIVE or "dir" in values or values.get("class") == "quoted"
        if tag not in ("meta", "link", "input"):
            self.open.append((tag, archive))
        if values.get("class") != "Z3988":  # a citation for programs
            self.found += [values[name] for name in SHOWN if values.get(name)]

    def handle_startendtag(self, tag, attributes):
        """Leave shapes alone: they say nothing, and are closed at once."""

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(archive for _, archive in self.open):
            self.found.append(" ".join(data.replace(" · Backfile", "").split()))


@pytest.fixture(scope="module")
def apps(sample, tmp_path_factory):
    engines = engines_in(tmp_path_factory.mktemp("none") / "archive", in_memory=True)
    empty = app_over(engines, floor=0.2)
    yield {"sample": app_in(sample), "empty": empty}
    engines.catalog.close()


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def language_of(page):
    return re.search(r'<html lang="([^"]*)"', page.text)[1]


def of_the_archive(client, path):
    """What articles are called and made by, what was asked, and the words offered instead."""
    articles = [json.loads(line) for line in client.get("/export.jsonl").text.splitlines()]
    named = [each[name] for each in articles for name in ("title", "source", "section")]
    authors = [name for each in articles for name in each["authors"]]
    asked = client.get(path.replace("/?", "/api/search?")).json if path.startswith("/?") else {}
    query = asked.get("query", {"q": ""})["q"]
    compared = parse_qs(urlsplit(path).query).get("compare", [])
    offered = [offer["q"] for offer in asked.get("offers", ())]
    meant = (asked.get("did_you_mean") or {"text": ""})["text"]
    return {*named, *authors, *compared, query, *query.split(), *offered, meant, *meant.split()}


@pytest.mark.parametrize("state", STATES)
def test_no_english_is_left_on_a_page_in_german(apps, state):
    client = apps["empty" if state in EMPTY_STATES else "sample"].test_client()
    path = STATES[state][0].partition("#")[0]
    english, german = client.get(path), client.get(path, headers=GERMAN)
    assert (language_of(english), language_of(german)) == ("en", "de")
    assert english.status_code == german.status_code
    said = set(Said(english.text).found) - of_the_archive(client, path)
    left = [each for each in Said(german.text).found if each in said and not SAME.fullmatch(each)]
    assert [each for each in left if re.search(r"[^\W\d_]{2}", each)] == []


@pytest.mark.parametrize(
    ("parameter", "cookie", "header", "language"),
    [
        ("", "", "", "en"),
        ("", "", "de", "de"),
        ("", "", "de-AT,de;q=0.9", "de"),
        ("", "", "fr,de;q=0.8,en;q=0.5", "de"),
        ("", "", "fr", "en"),
        ("", "", "de;q=0.3,en-GB", "en"),
        ("", "en", "de", "en"),
        ("", "de", "en", "de"),
        ("de", "en", "en", "de"),
        ("en", "de", "de", "en"),
        ("DE", "", "en", "en"),
        ("fr", "de", "en", "de"),
        ("../de", "", "de", "de"),
        ("", "<script>", "de", "de"),
    ],
)
def test_what_was_chosen_comes_before_what_the_browser_likes(
    client, parameter, cookie, header, language
):
    if cookie:
        client.set_cookie("lang", cookie)
    page = client.get("/", query_string={"lang": parameter}, headers={"Accept-Language": header})
    assert page.status_code == 200
    assert language_of(page) == page.headers["Content-Language"] == language
    assert {"Accept-Language", "Cookie"} <= {
        each.strip() for each in page.headers["Vary"].split(",")
    }


@pytest.mark.parametrize(
    "path", ["/", "/article/ferry", "/overview", "/batch", "/nowhere", "/?limit=x"]
)
def test_the_switch_keeps_all_that_was_asked_and_is_remembered(client, path):
    text = 'swing "bridge" & <ferry>'
    asked = [("q", text), ("source", "Gazette"), ("source", "Courier"), ("language", "en")]
    page = client.get(path, query_string=None if "?" in path else asked)
    switch = re.search(
        r'<a href="([^"]*)" lang="de" hreflang="de" rel="nofollow">Deutsch<', page.text
    )
    assert '<span aria-current="true">English</span>' in page.text
    chosen = client.get(path.partition("?")[0] + html.unescape(switch[1]))
    kept = dict(parse_qs(urlsplit(html.unescape(switch[1])).query))
    assert kept.pop("lang") == ["de"]
    assert kept == (
        {"limit": ["x"]}
        if "?" in path
        else {
            "q": [text],
            "source": ["Gazette", "Courier"],
            "language": ["en"],
        }
    )
    assert (language_of(chosen), chosen.status_code) == ("de", page.status_code)
    (cookie,) = chosen.headers.getlist("Set-Cookie")
    assert cookie.startswith("lang=de; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={REMEMBERED}"} <= set(
        cookie.split("; ")
    )
    later = client.get("/overview")
    assert language_of(later) == "de"
    assert "lang=" not in str(later.headers.getlist("Set-Cookie"))


def links_of(page):
    return {html.unescape(link) for link in re.findall(r'(?:href|action)="(/[^"]*)"', page.text)}


def test_links_carry_the_language_until_a_cookie_does(searcher, reader):
    app = create_app(searcher, reader)
    page = app.test_client(use_cookies=False).get("/?q=ferry&since=2023&lang=de")
    programs = ("/static", "/search.", "/export.", "/opensearch", "/cite/")
    pages = {link for link in links_of(page) if not link.startswith(programs)}
    assert len(pages) > 15
    for link in pages - {"/"}:  # the forms say it in a field of their own
        assert "lang=de" in link, link
        assert language_of(app.test_client(use_cookies=False).get(link)) == "de"
    assert (
        page.text.count('<input type="hidden" name="lang" value="de">')
        == page.text.count("<form ") - 1
    )
    assert not any("lang=" in link for link in links_of(page) - pages)
    with_cookies = app.test_client()
    with_cookies.get("/?lang=de")
    for path in ("/?q=ferry&lang=de", "/?q=ferry"):
        remembered = with_cookies.get(path)
        assert language_of(remembered) == "de"
        assert [link for link in links_of(remembered) if "lang=" in link] == []
        assert 'name="lang"' not in remembered.text


ANSWERS = [
    "/api/search?q=swing+bridge+tagg&since=2023",
    "/api/search?q=zxqv",
    "/api/search?limit=many",
    "/api/search?q=%22ferry+colour:red+-x+*",
    "/api/articles/ferry",
    "/api/articles/nowhere",
    "/api/nowhere",
    "/api/articles/ferry/related",
    "/search.atom?q=ferry",
    "/search.json?q=ferry",
    "/export.csv?q=ferry",
    "/export.ris",
    "/cite/plain/ferry",
    "/opensearch.xml",
    "/openapi.json",
    "/healthz",
]


@pytest.mark.parametrize("path", ANSWERS)
def test_programs_are_answered_in_english_whatever_is_asked(client, path):
    client.set_cookie("lang", "de")
    known = {"X-Request-Id": "a-1"}
    answers = [client.get(path, headers=known | headers) for headers in ({}, GERMAN)]
    told = [re.sub(r'"took_ms":\{[^}]*\}', "", answer.text) for answer in answers]
    assert told[0] == told[1]
    for answer in answers:
        assert not {"Content-Language", "Set-Cookie"} & set(answer.headers.keys())
        assert "Cookie" not in answer.headers.get("Vary", "")
    if "colour" in path:
        notes = answers[1].json["query"]["notes"]
        assert "a quotation mark has no partner and was left out" in notes
        assert "colour: is no field, and was read as a word" in notes


def test_a_table_of_hits_is_in_english(client):
    answer = client.post("/batch?lang=de", data={"lines": "zxqv\nq"}, headers=GERMAN)
    assert answer.mimetype == "text/csv"
    assert "lang" not in str(answer.headers.get("Set-Cookie"))
    refused = client.post("/batch?lang=de", data={"lines": ""})
    assert "Es steht keine Suche darin" in html.unescape(refused.text).replace("Queries: es", "Es")


HOSTILE = "%(x)s %s {0} {x} <script>alert(1)</script> %"


@pytest.mark.parametrize("headers", [{}, GERMAN])
def test_gaps_and_markup_in_articles_and_queries_are_text(tmp_path, headers):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    story = {"title": HOSTILE, "source": HOSTILE, "section": HOSTILE, "authors": [HOSTILE]}
    more = {"id": HOSTILE, "date": "4/3/24", "language": "xx", "url": "https://a.example/"}
    path = write_stories(tmp_path, [story | more | {"text": f"The ferry of {HOSTILE} sails."}])
    fill(engines, path)
    fill(engines, write_stories(tmp_path, [story | more | {"text": "The ferry sails. Twice."}]))
    client = app_over(engines).test_client()
    article = "/article/" + quote(HOSTILE, safe="")
    for path in (
        "/",
        "/overview",
        article,
        article.replace("article", "history"),
        "/article/%25(x)s",
    ):
        for text in ("ferry", HOSTILE, f'"{HOSTILE}" %(name)s:x'):
            asked = {"q": text, "source": HOSTILE, "not_author": "%(y)s"}
            page = client.get(path, query_string=asked, headers=headers)
            assert page.status_code in (200, 404), path
            assert "<script>alert" not in page.text
            assert page.status_code == 404 or "%(x)s" in html.unescape(page.text)
    page = html.unescape(client.get(article, headers=headers).text)
    assert f'<h1 dir="auto">{HOSTILE}</h1>' in page
    assert ("Datum: im Original: 4/3/24" if headers else "Date as written: 4/3/24") in page
    bad = client.get("/", query_string={"since": HOSTILE}, headers=headers)
    assert html.escape(HOSTILE, quote=False) in bad.text
    engines.catalog.close()


def test_a_page_says_numbers_plurals_and_days_as_its_language_does(apps):
    client = apps["sample"].test_client()
    english = html.unescape(client.get("/?q=swing+bridge&since=2023").text)
    german = html.unescape(client.get("/?q=swing+bridge&since=2023", headers=GERMAN).text)
    assert "from 1 January 2023" in english
    assert "ab 1. Januar 2023" in german
    near = r"(?:fairly )?close in meaning \(0\.\d\d\); \d+(?:st|nd|rd|th) by words"
    assert re.search(rf'Contains "swing" and "bridge"; {near}', english)
    near = r"(?:einigermaßen )?sinnverwandt \(0,\d\d\); \d+\. nach Wörtern"
    assert re.search(rf"Enthält „swing“ und „bridge“; {near}", german)
    one, many = (client.get(f"/?q=swing+bridge&limit={n}", headers=GERMAN).text for n in (1, 50))
    assert "Treffer je Seite:" in one
    assert re.search(r">\d+ Dubletten?<", many)
