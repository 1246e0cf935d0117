"""Queries and their URLs."""

import unicodedata
from datetime import UTC, date, datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import BadQuery
from backfile.index.model.filters import EXCLUSIONS, DateFilter, DayOfYear, Filters
from backfile.index.model.query import MOST_HITS, Copies, Cursor, Marking, Mode, Query, Scale, Sort

names = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12), max_size=3
).map(lambda values: tuple(dict.fromkeys(values)))
words = st.text(st.characters(exclude_categories=["C"]), max_size=40).map(
    lambda t: unicodedata.normalize("NFC", " ".join(t.split()))
)
days = st.none() | st.dates(date(1500, 1, 1))
instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
collections = words.map(lambda name: name.replace("/", "").replace("\\", "").strip(". "))


@st.composite
def queries(draw):
    since, until = sorted((draw(days), draw(days)), key=lambda day: day or date.min)
    if since is None:
        since, until = until, None
    return Query(
        text=draw(words),
        mode=draw(st.sampled_from(Mode)),
        filters=Filters(
            *(since, until, draw(names), draw(names), draw(names), draw(names)),
            date=draw(st.sampled_from(DateFilter)),
            day=draw(st.none() | st.dates().map(lambda day: DayOfYear(day.month, day.day))),
            **{name: draw(names) for name in EXCLUSIONS.values()},
            collection=draw(collections),
            added_since=draw(days | instants),
        ),
        sort=draw(st.sampled_from(Sort)),
        timeline=draw(st.sampled_from(Scale)),
        copies=draw(st.sampled_from(Copies)),
        mark=draw(st.sampled_from(Marking)),
        limit=draw(st.integers(1, MOST_HITS)),
        cursor=draw(st.none() | st.builds(Cursor, st.integers(0, 10**9), st.integers(0, 10**6))),
    )


@given(queries())
def test_a_query_survives_its_url(query):
    assert Query.from_parameters(parse_qs(query.to_url())) == query


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *(
                    "q",
                    "mode",
                    "since",
                    "until",
                    "date",
                    "sort",
                    "limit",
                    "cursor",
                    "author",
                    "day",
                ),
                *("collection", "added_since"),
            ]
        ),
        st.lists(st.text()),
    )
)
def test_parameters_make_a_query_or_a_bad_query(parameters):
    field = ""
    try:
        query = Query.from_parameters(parameters)
        assert 1 <= query.limit <= MOST_HITS
    except BadQuery as exc:
        field = exc.field
    assert field in ("", *parameters)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"mode": ["magic"]}, "mode"),
        ({"since": ["yesterday"]}, "since"),
        ({"until": ["2024-02-30"]}, "until"),
        ({"date": ["never"]}, "date"),
        ({"timeline": ["log"]}, "timeline"),
        ({"day": ["2024-03-23"]}, "day"),
        ({"day": ["02-30"]}, "day"),
        ({"day": ["13-01"]}, "day"),
        ({"since": ["2024"], "until": ["2023"]}, "since"),
        ({"limit": ["0"]}, "limit"),
        ({"limit": ["1e3"]}, "limit"),
        ({"cursor": ["7"]}, "cursor"),
        ({"sort": ["best"]}, "sort"),
        ({"q": ["x" * 5000]}, "q"),
    ],
)
def test_a_bad_parameter_is_named(parameters, field):
    with pytest.raises(BadQuery) as caught:
        Query.from_parameters(parameters)
    assert caught.value.field == field


def test_a_month_or_year_means_all_of_it():
    query = Query.from_parameters({"since": ["2023"], "until": ["2024-02"]})
    assert (query.filters.since, query.filters.until) == (date(2023, 1, 1), date(2024, 2, 29))
