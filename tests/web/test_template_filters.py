"""How passages, days and links are written for a reader."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from backfile.archive.model.article import Passage
from backfile.index.model.filters import Filters
from backfile.index.model.periods import Period, Unit
from backfile.index.model.query import Cursor, Query, Scale, Sort
from backfile.index.model.results import Bin, Explanation, PassageHit, Ranks, Timeline
from backfile.web.links import filter_url, outlet_url, period_url, search_url
from backfile.web.search.timeline import (
    CHARACTER,
    LEAST_HEIGHT,
    NARROWEST,
    SPACE,
    bars,
    name_of,
    ticks,
    wider,
)
from backfile.web.template_filters import EXCERPT, day, excerpt, marked, truncate


def hit(text, spans=(), heading=""):
    passage = Passage("a", 0, 0, len(text), heading, text)
    return PassageHit(passage, 1.0, Ranks(1, 1), 0.5, tuple(spans), Explanation("", ()))


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


def timeline_of(unit, counts):
    """A timeline of (a day, how many, of how many)."""
    periods = [(Period.around(day, unit), count, of) for day, count, of in counts]
    return Timeline(tuple(Bin(str(p), p.since, p.until, n, of) for p, n, of in periods), 0, unit)


MONTHS = timeline_of(Unit.MONTH, [(date(2023, 11, 4), 4, 400), (date(2024, 2, 1), 1, 2)])


def test_a_bar_of_the_timeline_links_to_its_period():
    *_, last = bars(MONTHS, Query())
    assert period_url(Query("x"), last) == "/?q=x&since=2024-02-01&until=2024-02-29"
    (day,) = bars(timeline_of(Unit.DAY, [(date(2024, 2, 29), 1, 1)]), Query())
    assert period_url(Query("x"), day) == "/?q=x&since=2024-02-29&until=2024-02-29"


def test_the_timeline_shows_empty_periods_too():
    found = bars(MONTHS, Query())
    assert [(b.name, b.count, b.height) for b in found] == [
        ("November 2023", 4, 100),
        ("December 2023", 0, 0),
        ("January 2024", 0, 0),
        ("February 2024", 1, 25),
    ]
    assert [(b.index, b.n) for b in found] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    years = timeline_of(Unit.YEAR, [(date(1963, 1, 1), 1, 1), (date(1970, 1, 1), 1, 1)])
    assert len(bars(years, Query())) == 8
    assert bars(Timeline((), 3, None), Query()) == []


def test_as_shares_the_bars_are_measured_by_what_the_archive_holds():
    found = bars(MONTHS, Query(timeline=Scale.SHARE))
    assert [b.height for b in found] == [LEAST_HEIGHT, 0, 0, 100]
    assert [b.share for b in found] == [0.01, 0, 0, 0.5]


def test_a_chosen_time_is_shown_to_its_ends_unless_that_makes_too_many_bars():
    def shown(since, until):
        found = bars(MONTHS, Query(filters=Filters(since=since, until=until)))
        return found[0].since, found[-1].until

    year = date(2023, 9, 3), date(2024, 5, 7)
    assert shown(*year) == (date(2023, 9, 1), date(2024, 5, 31))
    assert shown(date(1900, 1, 1), date(2024, 2, 29)) == (date(2023, 11, 1), date(2024, 2, 29))
    assert shown(date(2023, 9, 3), None) == (date(2023, 11, 1), date(2024, 2, 29))


@given(
    st.sampled_from(Unit),
    st.dates(date(1000, 1, 1), date(3000, 1, 1)),
    st.integers(0, 61),
    st.sampled_from([NARROWEST, 358, 720]),
)
def test_the_labels_of_the_axis_lie_within_it_and_apart(unit, day, more, width):
    first = Period.around(day, unit)
    ends = [(Period(unit, first.number + n).since, 1, 1) for n in (0, more)]
    shown = ticks(bars(timeline_of(unit, ends), Query()))
    reached = -SPACE
    for label, left, anchor in shown:
        size = CHARACTER * len(label)
        begin = left * width / 100 - {"start": 0, "middle": size / 2, "end": size}[anchor]
        assert begin >= max(0, reached + SPACE) - 0.05
        reached = begin + size
        assert reached <= width + 0.05
    assert len(shown) <= more + 1


@pytest.mark.parametrize(
    ("since", "until", "name"),
    [
        ("2024-03-05", "2024-03-05", "March 2024"),
        ("2024-03", "2024-03", "2024"),
        ("2024-03", "2024-05", "2024"),
        ("2024", "2024", "2020s"),
        ("2019", "2024", None),
        ("2019", "", None),
    ],
)
def test_zooming_out_leads_to_the_next_longer_period(since, until, name):
    query = Query.from_parameters({"since": [since], "until": [until]})
    around = wider(query)
    assert (around and name_of(around)) == name


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x", "http://[", ""])
def test_only_web_addresses_are_linked_to(url):
    assert outlet_url(url) == ""
    assert outlet_url("https://courier.example/a") == "https://courier.example/a"


def test_a_day_is_written_out():
    assert day(date(2024, 3, 3)) == "3 March 2024"
    assert day(None) == "no date"


def test_a_text_that_is_cut_ends_with_an_ellipsis():
    environment = Environment(autoescape=True)
    environment.filters["truncate"] = truncate
    cut = environment.from_string("{{ text | truncate(14) }}, {{ text | truncate(9, true, '') }}")
    assert cut.render(text="The ferry to Tolland Mills") == "The ferry to…, The ferry"
