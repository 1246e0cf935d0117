"""Tests of the page for many searches: its table, its files, and the form that is filled again."""

import csv
import html
import io
import re

import pytest

from backfile.web.api.batch import MOST_QUERIES
from backfile.web.api.exports import QUERY_COLUMNS
from backfile.web.app import create_app
from backfile.web.search.batch import MOST_TEXT

NAMES = "ferry\nswing bridge\nzxqv\n"


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def ask(client, lines, kind="page", **fields):
    return client.post("/batch", data={"lines": lines, "as": kind, "mode": "keyword", **fields})


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))


def cells_of(page):
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def test_each_search_has_a_row_on_the_page(client):
    page = ask(client, NAMES)
    assert page.headers["Content-Language"] == "en"
    assert cells_of(page.text) == [
        ["ferry", "3", "2", "15 March 2023", "23 March 2024", "found"],
        ["swing bridge", "1", "1", "15 March 2023", "15 March 2023", "found"],
        ["zxqv", "0", "0", "", "", "nothing found"],
    ]
    assert 'href="/?q=swing+bridge&amp;mode=keyword"' in page.text


def test_the_page_and_its_file_have_the_same_rows(client):
    page, rows = cells_of(ask(client, NAMES).text), rows_of(ask(client, NAMES, "queries"))
    assert tuple(rows[0]) == QUERY_COLUMNS
    assert [row[:3] for row in page] == [[r["query"], r["hits"], r["outlets"]] for r in rows]
    assert rows[0]["first"] == "2023-03-15"
    assert rows[1]["url"] == "http://localhost/?q=swing+bridge&mode=keyword"


def test_a_line_can_be_a_phrase(client):
    loose = rows_of(ask(client, "ferry Ash\nnight ferry", "queries"))
    exact = rows_of(ask(client, "ferry Ash\nnight ferry", "queries", phrase="1"))
    assert [row["hits"] for row in exact] == ["0", "1"]
    assert loose[0]["hits"] != "0"
    assert [row["query"] for row in exact] == ['"ferry Ash"', '"night ferry"']
    assert exact[0]["relaxed"] == ""


def test_a_search_that_cannot_be_answered_says_so_in_its_row(client):
    answered = ask(client, "q,since\nferry,soon\n<b>ferry</b>,\n")
    first, second = cells_of(answered.text)
    assert "soon" in first[1]
    assert first[0] == "ferry"
    assert second[0] == "<b>ferry</b>"
    assert "<b>ferry" not in answered.text


def test_the_form_is_filled_again_and_its_buttons_ask_for_the_files_of_the_same_list(client):
    page = ask(client, "\n ferry\n&amp;", since="2024", source="Courier", phrase="1").text
    (lines,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert html.unescape(lines) == "\n ferry\n&amp;"
    assert '<input type="hidden" name="source" value="Courier">' in page
    assert 'name="since" value="2024-01-01"' in page
    assert 'name="phrase" value="1" checked' in page
    assert re.findall(r'<button[^>]* value="(\w+)"', page) == ["queries", "hits", "page"]


def test_a_search_leads_to_the_form_with_itself_in_it(client):
    page = client.get("/batch?q=%22night+ferry%22&source=Courier&mode=semantic").text
    assert "&#34;night ferry&#34;</textarea>" in page
    assert '<input type="hidden" name="source" value="Courier">' in page
    assert 'value="semantic" checked' in page


def test_a_list_without_a_kind_is_answered_with_its_hits_as_for_programs(client):
    answer = client.post("/batch", data={"lines": "ferry", "mode": "keyword"})
    assert answer.mimetype == "text/csv"
    assert {row["article"] for row in rows_of(answer)} == {"ferry", "bridge", "<b>id</b>"}
    assert ask(client, "ferry", "pdf").status_code == 400


def test_a_list_that_is_too_long_is_refused_or_not_sent_again(client):
    assert ask(client, "ferry\n" * (MOST_QUERIES + 1)).status_code == 400
    long = ask(client, "ferry" + " " * MOST_TEXT)
    assert long.status_code == 200
    assert "too long to be sent again" in long.text
    assert len(long.data) < 60_000


@pytest.mark.parametrize("path", ["/batch", "/history/ferry", "/nowhere", "/?q=ferry&since=soon"])
def test_every_page_has_a_search_box(client, path):
    page = client.get(path).text
    assert 'role="search"' in page
    assert ('value="ferry"' in page) == ("q=ferry" in path)
