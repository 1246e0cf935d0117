"""The help page: its examples are read as it says, and every page leads to it."""

import html
import re

import pytest

from backfile.archive.model.settings import Settings
from backfile.index.lexical.analysis.word_delimiter import WORD
from backfile.index.model.query import Query
from backfile.index.wiring import open_searcher
from backfile.web.help.pages import EXAMPLES
from tests.builders import ROOT, app_in, app_over, engines_in

TYPED = [each.typed for section in EXAMPLES.values() for each in section]
OPERATIVE = [
    each.typed for name, section in EXAMPLES.items() if name != "words" for each in section
]
# Words of languages that the sample lacks, and days that are counted from today.
NOT_IN_THE_SAMPLE = {"l'eau", "再開", 'bridge on:"last week"'}
GERMAN = {"Accept-Language": "de"}
ANCHORS = {"words", "phrases", "days", "copies", "why", "timeline", "keys"}
ARTICLE = "/article/cc-2023-004"
PAGES = [
    "/",
    "/?q=ferry",
    ARTICLE,
    "/history/cc-2023-004",
    "/overview",
    "/batch",
    "/api",
    "/nowhere",
]


@pytest.fixture(scope="module")
def searcher(sample):
    return open_searcher(Settings(archive=sample))


@pytest.fixture(scope="module")
def client(sample):
    return app_in(sample).test_client()


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def examples_on(page):
    """Each example on the page: the link's address, its text, and all that stands in its row."""
    rows = "".join(re.findall(r'<dl class="examples">(.*?)</dl>', page, re.DOTALL))
    for row in re.findall(r"<div>(.*?)</div>", rows, re.DOTALL):
        link, typed = re.search(r'<a href="([^"]*)"><code>(.*?)</code>', row).groups()
        yield html.unescape(link), html.unescape(typed), text_of(row)


@pytest.mark.parametrize("typed", TYPED)
def test_every_example_is_read_without_a_complaint(searcher, typed):
    reading = searcher.read(Query(typed))
    assert reading.description
    assert reading.notes == ()


@pytest.mark.parametrize("typed", OPERATIVE)
def test_no_example_of_the_query_language_is_read_as_plain_words(searcher, typed):
    plain = "the words " + " ".join(WORD.findall(typed))
    assert searcher.read(Query(typed)).description != plain


def test_every_example_finds_something_in_the_sample(searcher):
    found = {typed: searcher.search(Query(typed)).totals.articles for typed in TYPED}
    assert [typed for typed, articles in found.items() if not articles] == [
        typed for typed in TYPED if typed in NOT_IN_THE_SAMPLE
    ]


def test_every_example_is_a_link_to_a_search_that_is_read_as_the_page_says(client):
    shown = list(examples_on(client.get("/help").text))
    assert [typed for _, typed, _ in shown] == TYPED
    for link, typed, row in shown:
        query = client.get(link.replace("/?", "/api/search?")).json["query"]
        assert query["q"] == typed
        assert f"read as: {query['read_as']}" in row


def test_a_day_is_shown_with_the_days_that_it_stands_for(client):
    rows = {typed: row for _, typed, row in examples_on(client.get("/help").text)}
    assert rows["bridge before:2023-06"].endswith("(to 31 May 2023)")
    assert rows["bridge after:2023"].endswith("(from 1 January 2024)")
    assert rows["bridge on:2023-03-15"].endswith("(15 March 2023)")
    assert rows["after:2022 before:2024-07"].endswith("(from 1 January 2023 to 30 June 2024)")


def test_readings_are_told_in_the_language_of_the_page(client):
    rows = {typed: row for _, typed, row in examples_on(client.get("/help", headers=GERMAN).text)}
    assert rows["ferry timetable"].endswith("gelesen als: die Wörter ferry timetable")
    assert rows["ferry AND (bridge OR boat) NOT strike"].endswith(
        "gelesen als: (ferry und (bridge oder boat)), und nicht strike"
    )
    assert rows['author:"Ana Ruiz"'].endswith("gelesen als: „Ana Ruiz“ im Feld Autor/in")
    assert rows["brigde~"].endswith("gelesen als: brigde bis auf 1 Buchstaben")
    assert rows["swing PRE/3 bridge"].endswith(
        "gelesen als: „bridge“ höchstens 3 Wörter nach „swing“"
    )
    assert rows["bridge before:2023-06"].endswith("und before:2023-06 (bis 31. Mai 2023)")


@pytest.mark.parametrize("headers", [{}, GERMAN])
def test_every_section_is_there_to_be_linked_to(client, headers):
    page = client.get("/help", headers=headers).text
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    sections = re.findall(r'<h2 id="([^"]+)">', page.split("</main>")[0])
    assert set(sections) >= ANCHORS | set(EXAMPLES)
    contents = page.split("<nav ")[1].split("</nav>")[0]
    assert re.findall(r'href="#([^"]+)"', contents) == sections
    assert len(page.encode()) < 60_000


def test_links_into_the_help_lead_to_a_section(client):
    templates = (ROOT / "web" / "templates").glob("*.html")
    linked = {
        each for path in templates for each in re.findall(r"/help#([\w-]+)", path.read_text())
    }
    page = client.get("/help").text
    assert {"words", "keys"} <= linked
    assert [anchor for anchor in linked if f'<h2 id="{anchor}">' not in page] == []


@pytest.mark.parametrize("path", [*PAGES, "/nowhere"])
def test_every_page_leads_to_the_help_from_its_foot_and_its_keys(client, path):
    page = client.get(path).text
    assert '<a href="/help">Help</a>' in page.split('<footer class="foot">')[1]
    assert 'href="/help#keys"' in page.split("<dialog ")[1].split("</dialog>")[0]


@pytest.mark.parametrize("path", ["/", "/?q=ferry", ARTICLE, "/overview", "/help"])
def test_every_search_box_leads_to_the_help(client, path):
    box = client.get(path).text.split('role="search"')[1].split("</form>")[0]
    assert 'href="/help">Help</a>' in box


@pytest.mark.parametrize("path", ["/?q=zxqv", "/?q=zxqv&mode=keyword", "/?source=nowhere"])
def test_nothing_found_leads_to_the_help(client, path):
    empty = client.get(path).text.split('<div class="empty">')[1].split("</div>")[0]
    assert 'href="/help"' in empty


def test_the_search_tips_are_of_this_archive_and_each_finds_something(client):
    tips = client.get("/").text.split('<details class="syntax">')[1].split("</details>")[0]
    links = [html.unescape(each) for each in re.findall(r'href="(/[?]q=[^"]*)"', tips)]
    assert len(links) == 10
    for link in links:
        assert client.get(f"/api/search{link[1:]}&strict=1").json["total"] > 0, link
    assert 'href="/help#words"' in tips
    assert 'href="/api"' in tips


def test_an_empty_archive_has_no_tips(tmp_path):
    engines = engines_in(tmp_path / "empty", in_memory=True)
    assert "Search tips" not in app_over(engines).test_client().get("/").text
    engines.catalog.close()


def test_links_of_the_help_carry_the_language_until_a_cookie_does(sample):
    page = app_in(sample).test_client(use_cookies=False).get("/help?lang=de").text
    links = {html.unescape(each) for each in re.findall(r'href="(/(?!static|open)[^"]*)"', page)}
    assert len(links) > len(TYPED)
    assert [link for link in links if "lang=de" not in link] == []
