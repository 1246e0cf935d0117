"""The search page: its views, its fields of days, and errors beside the field they are about."""

import csv
import html
import io
import re
from datetime import date

import pytest

from backfile.web.app import create_app
from backfile.web.search.days import days_of, presets, with_days
from tests.builders import visible_text

TODAY = date(2024, 5, 15)


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


@pytest.mark.parametrize(
    ("typed", "language", "days"),
    [
        ("May 1, 2013", "en", "2013-05-01"),
        ("1 May 2013", "en", "2013-05-01"),
        ("5/1/2013", "en", "2013-05-01"),
        ("1.5.2013", "de", "2013-05-01"),
        ("1. Mai 2013", "de", "2013-05-01"),
        ("May 2013", "en", "2013-05"),
        ("2013", "en", "2013"),
        ("last week", "en", "2024-05-06/2024-05-12"),
    ],
)
def test_days_are_read_as_people_write_them(typed, language, days):
    assert str(days_of(typed, language, TODAY)) == days


@pytest.mark.parametrize("typed", ["May 32", "the day after", "13/13/2013", "x" * 500])
def test_what_is_no_day_is_left_to_the_query(typed):
    assert days_of(typed, "en", TODAY) is None
    assert with_days({"since": [typed]}, "en", TODAY) == {"since": [typed]}


def test_a_month_bounds_a_search_from_its_first_to_its_last_day():
    read = with_days({"since": ["Feb 2024"], "until": ["Feb 2024"], "q": ["x"]}, "en", TODAY)
    assert read == {"since": ["2024-02-01"], "until": ["2024-02-29"], "q": ["x"]}


def test_the_day_of_the_calendar_counts_where_both_fields_are_filled(client):
    page = client.get("/?q=ferry&since=2020&since=2024-01-01").text
    assert 'name="since" form="narrowing" value="2024-01-01"' in page
    empty = client.get("/?q=ferry&since=2020&since=").text
    assert 'name="since" form="narrowing" value="2020-01-01"' in empty


def test_an_error_keeps_the_form_and_stands_beside_its_field(client):
    answer = client.get("/?q=ferry&source=Courier&mode=keyword&since=May+32")
    assert answer.status_code == 400
    page = answer.text
    assert 'name="q" value="ferry"' in page
    assert 'value="May 32"' in page
    assert page.count('name="source" value="Courier"') == 2  # of a new search, and of the days
    described = re.search(r'id="since"[^>]*aria-describedby="([^"]*)"', page)[1]
    assert f'<p class="wrong" id="{described}">' in page
    assert 'value="keyword" aria-pressed="true"' in page
    mended = client.get("/?q=ferry&source=Courier&mode=keyword&since=May+1,+2023")
    assert mended.status_code == 200
    assert 'value="2023-05-01"' in mended.text


@pytest.mark.parametrize(
    "parameters", ["limit=many", "sort=best", "q=" + "x" * 4001, "view=map", "collection=no"]
)
def test_any_other_error_keeps_the_form_too(client, parameters):
    answer = client.get(f"/?source=Courier&{parameters}")
    assert answer.status_code == 400
    assert 'class="wrong"' in answer.text
    assert 'name="source" value="Courier"' in answer.text


def test_hostile_parameters_of_an_error_are_escaped(client):
    page = client.get("/?since=%3Cscript%3E&%3Cb%3E=%3Cscript%3E").text
    assert "<script>" not in page.replace("<script src=", "")
    assert "<b>" not in page


def test_presets_lie_in_the_days_of_the_archive(searcher):
    overview = searcher.overview()
    found = list(presets(overview, TODAY))
    assert [str(each.name) for each in found] == ["Last week", "Last month", "This year", "2023"]
    for each in found:
        assert each.since <= each.until
    late = [str(each.name) for each in presets(overview, date(2031, 1, 1))]
    assert late == ["2024", "2023"]


def test_the_mode_applies_at_once_and_enter_keeps_it(client):
    page = client.get("/?q=ferry&mode=keyword").text
    form = page.split('role="search"')[1].split("</form>")[0]
    first, *modes = re.findall(r"<button[^>]*>", form)
    assert 'name="mode" value="keyword"' in first  # Enter presses the first button
    assert [re.search('value="([^"]*)"', each)[1] for each in modes] == [
        "hybrid", "keyword", "semantic"
    ]  # fmt: skip
    assert [each for each in modes if 'aria-pressed="true"' in each] == [modes[1]]
    assert '<input type="hidden" name="mode"' not in form


def test_a_list_has_a_line_for_each_hit(client):
    total = client.get("/api/search?q=ferry").json["total"]
    page = client.get("/?q=ferry&view=list").text
    assert page.count('<article class="hit line">') == total
    assert 'class="passage"' not in page


def test_words_in_context_are_on_the_page_and_in_a_file(client):
    page = client.get("/?q=ferry&view=kwic&mode=keyword").text
    rows = re.findall(r'<td class="match"><a href="([^"]*)"', page)
    assert rows
    for link in rows[:3]:
        assert client.get(html.unescape(link)).status_code == 200
    answer = client.get("/context.csv?q=ferry&mode=keyword&context=date")
    listed = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert len(listed) == len(rows)
    assert all(re.search("ferr(y|ies)", each["match"], re.I) for each in listed)
    assert f"{len(rows)} occurrences" in visible_text(page)


def test_a_formula_in_a_context_is_no_formula_in_the_file(client):
    answer = client.get("/context.csv?q=ferry")
    for row in csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))):
        assert not any(value.startswith(("=", "+", "@")) for value in row)


def test_words_without_a_match_say_so(client):
    page = visible_text(client.get("/?q=ferry&view=kwic&mode=semantic").text)
    assert "occurrence" in page


def test_hits_show_one_excerpt_and_open_to_the_others(client):
    page = client.get("/?q=the").text
    hits = re.findall(r'<article class="hit">(.*?)</article>', page, re.S)
    assert hits
    for hit in hits:
        closed = re.sub(r"<details.*?</details>", "", hit, flags=re.S)
        assert closed.count('class="passage"') == 1
