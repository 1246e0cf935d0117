"""How passages, days and links are written for a reader."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.article import Passage
from index.query import Cursor, Filters, Query, Sort
from index.results import FacetCount, PassageHit, Ranks, Timeline, Why
from web.links import filter_url, outlet_url, period_url, search_url
from web.presentation import EXCERPT, bars, day, excerpt, marked


def hit(text, spans=(), heading=""):
    passage = Passage("a", 0, 0, len(text), heading, text)
    return PassageHit(passage, 1.0, Ranks(1, 1), 0.5, tuple(spans), Why("", ()))


def test_a_short_passage_is_shown_whole():
    assert str(excerpt(hit("The ferry stops."))) == "The ferry stops."


def test_an_excerpt_leaves_its_heading_out():
    assert str(excerpt(hit("Next Steps\n\nThe council votes.", heading="Next Steps"))) == (
        "The council votes."
    )


def test_a_long_passage_is_cut_at_words_around_the_first_marked_one():
    text = "word " * 200 + "ferry " + "tail " * 200
    shown = str(excerpt(hit(text, [(1000, 1005)])))
    assert shown.startswith("… word ")
    assert shown.endswith("tail\u00a0…")
    assert "<mark>ferry</mark>" in shown


@given(st.text(max_size=1200), st.lists(st.integers(0, 1199), max_size=4))
def test_an_excerpt_is_a_part_of_its_passage_and_never_markup_of_it(text, starts):
    spans = [(s, s + 1) for s in sorted(set(starts)) if s < len(text)]
    shown = re.sub(r"</?mark>", "", str(excerpt(hit(text, spans))))
    assert "<" not in shown
    assert len(marked(text, spans).striptags()) <= len(text) + 10
    assert len(text) < EXCERPT or shown


def test_a_facet_link_adds_a_value_takes_it_away_and_starts_at_the_first_page():
    query = Query("ferry", cursor=Cursor(3, 20))
    added = filter_url(query, "source", "Courier & Co")
    assert added == "/?q=ferry&source=Courier+%26+Co"
    chosen = Query("ferry", filters=Filters(source=("Courier & Co",)))
    assert filter_url(chosen, "source", "Courier & Co") == "/?q=ferry"
    assert search_url(query, sort=Sort.NEWEST) == "/?q=ferry&sort=newest"


def test_a_bar_of_the_timeline_links_to_its_period():
    assert period_url(Query("x"), "2024-02") == "/?q=x&since=2024-02-01&until=2024-02-29"
    assert period_url(Query("x"), "2024") == "/?q=x&since=2024-01-01&until=2024-12-31"


def test_the_timeline_shows_empty_months_and_years_too():
    months = Timeline((FacetCount("2023-11", 4), FacetCount("2024-02", 1)), 0)
    assert [(b["label"], b["height"]) for b in bars(months)] == [
        ("2023-11", 100),
        ("2023-12", 0),
        ("2024-01", 0),
        ("2024-02", 25),
    ]
    assert len(bars(Timeline((FacetCount("1963", 1), FacetCount("1970", 1)), 0))) == 8
    assert bars(Timeline((), 3)) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x", "http://[", ""])
def test_only_web_addresses_are_linked_to(url):
    assert outlet_url(url) == ""
    assert outlet_url("https://courier.example/a") == "https://courier.example/a"


def test_a_day_is_written_out():
    assert day(date(2024, 3, 3)) == "3 March 2024"
    assert day(None) == "no date"
