"""Tests of the chart of searches: page, table and picture have the same numbers."""

import csv
import html
import io
import re
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.web.app import create_app
from backfile.web.search.compare import MOST_TICKS, STYLES, scale
from tests.builders import app_over, engines_in, fill, write_stories

SVG = "{http://www.w3.org/2000/svg}"
ASKED = "q=ferry&mode=keyword&compare=bridge&compare=harbour"
BAD = "</text><script>alert(1)</script>\x08"


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def rows_of(client, search):
    text = client.get(f"/compare.csv?{search}").get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def table_of(page):
    (table,) = re.findall(r'<table class="counts">(.*?)</table>', page, re.DOTALL)
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", each)) for each in re.findall(CELL, row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    ]


CELL = r"<t[hd].*?</t[hd]>"


def test_page_and_file_have_the_same_numbers(client):
    head, *shown = table_of(client.get(f"/?{ASKED}").text)
    rows = rows_of(client, ASKED)
    assert head[1:] == ["ferry", "bridge", "harbour"]
    assert [each[1:] for each in shown] == [[row[name] for name in head[1:]] for row in rows]
    assert sum(int(row["ferry"]) for row in rows) == 3
    assert rows[0]["period"] == "2023-03"
    assert rows[0]["ferry (share)"] == "1.000000"


def test_the_chart_is_by_share_on_demand(client):
    page = client.get(f"/?{ASKED}&timeline=share").text
    assert "% of all articles" in page
    assert "1 (100.0%)" in page
    assert "100%</text>" in page
    wanted = f"/compare.svg?{ASKED.replace('&compare', '&timeline=share&compare', 1)}"
    assert led(client, page, "compare.svg") == wanted


def test_the_picture_stands_alone(client):
    answer = client.get(f"/compare.svg?{ASKED}")
    assert answer.mimetype == "image/svg+xml"
    assert "compare-ferry-bridge-harbour-" in answer.headers["Content-Disposition"]
    root = ElementTree.fromstring(answer.data)
    lines = list(root.iter(f"{SVG}polyline"))
    assert [each.get("stroke") for each in lines] == [style.colour for style in STYLES[:3]]
    assert len({each.get("stroke-dasharray") for each in lines}) == 3
    words = " ".join("".join(each.itertext()) for each in root.iter(f"{SVG}text"))
    for name in ("ferry (3)", "bridge (", "harbour ("):
        assert name in words
    assert "href" not in answer.text
    assert "style=" not in answer.text


def test_markup_in_a_search_stays_text(client):
    search = {"q": "ferry", "compare": BAD}
    root = ElementTree.fromstring(client.get("/compare.svg", query_string=search).data)
    assert not list(root.iter(f"{SVG}script"))
    assert "</text><script>" in " ".join(root.itertext())
    assert "<script>alert" not in client.get("/", query_string=search).text
    header = client.get("/compare.csv", query_string={"q": "ferry", "compare": "=1+1"}).text
    assert ",'=1+1," in header.splitlines()[0]


def test_each_search_can_be_taken_away_and_stays_in_the_links_of_the_page(client):
    page = html.unescape(client.get(f"/?{ASKED}").text)
    removed = re.findall(r'class="remove" href="([^"]+)"', page)
    assert [led(client, page, each) for each in removed] == [
        "/?q=bridge&mode=keyword&compare=harbour",
        "/?q=ferry&mode=keyword&compare=harbour",
        "/?q=ferry&mode=keyword&compare=bridge",
    ]
    (newest,) = re.findall(r'href="(\?sort=newest)"', page)
    expected = "/?q=ferry&mode=keyword&sort=newest&compare=bridge&compare=harbour"
    assert led(client, page, newest) == expected
    assert led(client, page, "?compare=pier").endswith("&compare=harbour&compare=pier")
    assert '<input name="compare"' in page


def led(client, page, link):
    """Where a short link of the page leads."""
    base = re.search(r'<base href="([^"]*)"', page)[1]
    return client.get(urljoin(base, link)).headers["Location"]


def test_five_searches_are_the_most(client):
    five = ASKED + "&compare=pier&compare=council"
    assert '<input name="compare"' not in client.get(f"/?{five}").text
    assert client.get(f"/?{five}&compare=boat").status_code == 400
    assert client.get(f"/compare.csv?{five}&compare=boat").json["field"] == "compare"


def test_what_has_no_date_has_no_chart_but_its_numbers(client):
    search = "q=lighthouse&mode=keyword&compare=zxqv"
    page = client.get(f"/?{search}").text
    assert "None of these articles has a date" in page
    assert rows_of(client, search) == []
    assert client.get(f"/compare.svg?{search}").status_code == 200


def test_a_page_with_a_chart_is_small(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    days = [f"2024-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 30)]
    topics = ("ferry", "bridge", "harbour", "council", "pier")
    stories = [
        {"id": day, "source": f"Outlet {day}", "published": day, "text": " ".join(topics)}
        for day in days
    ]
    fill(engines, write_stories(tmp_path, stories))
    client = app_over(engines).test_client()
    search = "q=ferry&timeline=share&" + "&".join(f"compare={topic}" for topic in topics[1:])
    assert len(client.get(f"/?{search}").data) < 60_000
    long = "q=ferry&" + "&".join(f"compare={topic}+{'boat+' * 100}" for topic in topics[1:])
    page = client.get(f"/?{long}")
    assert len(page.data) < 60_000
    csv_link = re.search(r'href="([^"]*compare\.csv[^"]*)"', page.text)[1]
    base = re.search(r'<base href="([^"]*)"', page.text)[1]
    led = client.get(base + csv_link)
    assert led.headers["Location"].count("compare=") == 4
    engines.catalog.close()


@given(st.integers(1, 10**7), st.booleans())
def test_a_scale_reaches_the_highest_value_in_few_even_steps(number, whole):
    highest = number if whole else number / 10**7
    values = scale(highest, whole=whole)
    assert values[0] == 0
    assert values[-1] >= highest * (1 - 1e-6)
    assert values[-2] < highest
    assert 2 <= len(values) <= MOST_TICKS + 2
    assert not whole or all(value == int(value) for value in values)
