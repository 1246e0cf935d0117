"""This day in other years: short lists that are searches, on the start page and by an article."""

import html
import json
import re
from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from backfile.web.search import pages
from backfile.web.search.pages import other_years
from tests.builders import engines_in, indexer_of

TODAY = date(2024, 9, 17)
DAYS = {
    **{f"leap{year}": f"{year}-02-29" for year in (1996, 2000, 2020, 2024)},
    "before": "2019-02-28",
    "after": "2021-03-01",
    "today": TODAY.replace(year=2000).isoformat(),
    "alone": "2020-07-07",
    "undated": "",
}


@pytest.fixture
def engines(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    lines = [json.dumps({"id": n, "text": f"News of {n}.", "date": DAYS[n]}) for n in DAYS]
    (tmp_path / "news.jsonl").write_text("\n".join(lines))
    indexer_of(engines).index(Reading([tmp_path / "news.jsonl"], FieldMap()))
    yield engines
    engines.catalog.close()


@pytest.fixture
def years(engines):
    return Searcher(engines, RankingOptions())


def ids(years):
    return [hit.article.id for hit in years.results.hits]


def test_the_years_next_to_its_own_come_first(years):
    later, earlier = other_years(years, date(2020, 2, 29))
    assert (earlier.later, ids(earlier)) == (False, ["leap2000", "leap1996"])
    assert (later.later, ids(later)) == (True, ["leap2024"])


def test_29_february_is_a_day_of_leap_years_alone(years):
    assert [ids(each) for each in other_years(years, date(2023, 2, 28))] == [["before"]]
    assert [ids(each) for each in other_years(years, date(2023, 3, 1))] == [["after"]]


@pytest.mark.parametrize("day", [None, date(2020, 7, 7), date.min, date.max])
def test_where_no_other_year_has_it_nothing_is_said(years, day):
    assert other_years(years, day) == []


def test_the_lists_lead_to_searches_that_give_what_they_say(years, reader):
    client = create_app(years, reader).test_client()
    page = client.get("/article/leap2020").text
    assert re.findall("News of leap[0-9]+", page.split("in other years")[1]) == [
        *("News of leap2024", "News of leap2000", "News of leap1996")
    ]
    links = re.findall(r'href="(/\?[^"]*day=02-29[^"]*)">(\d+) articles? of', page)
    assert [int(count) for _, count in links] == [1, 2]
    for link, count in links:
        answer = client.get(f"/api/search{html.unescape(link)[1:]}").json
        assert answer["total"] == int(count)
        assert answer["query"]["day"] == "02-29"
        assert "29 February of any year" in client.get(html.unescape(link)).text
    assert "other years" not in client.get("/article/alone").text
    assert "other years" not in client.get("/article/undated").text


def test_the_start_page_shows_today_in_other_years_and_searches_do_not(years, reader, monkeypatch):
    monkeypatch.setattr(pages, "today", lambda: TODAY)
    client = create_app(years, reader).test_client()
    page = client.get("/").text
    assert "in other years" in page
    assert "News of today." in page.split("in other years")[1].split("</section>")[0]
    assert "in other years" not in client.get("/?q=news").text
    assert "in other years" not in client.get("/?since=1990").text
