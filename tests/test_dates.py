"""Tests of the dates that sources write."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.reading.dates import Dated, parse_date

FOURTH = date(2023, 11, 4)


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-04",
        "  2023-11-4 ",
        "2023-11-04 (updated)",
        "2023/11/04",
        "20231104",
        "11/4/23",
        "11/04/2023",
        "04.11.2023",
        "4. 11. 2023",
        "4 November 2023",
        "Nov. 4, 2023",
        "November 4, 2023 11:40 PM",
        "4 novembre 2023",
        "4. November 2023",
    ],
)
def test_a_day_is_read_in_any_usual_notation(written):
    assert parse_date(written) == Dated(FOURTH, None)


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-04T23:40:00-05:00",
        "2023-11-04 23:40:00-05:00",
        "Sat, 04 Nov 2023 23:40:00 -0500",
    ],
)
def test_an_offset_makes_the_instant_and_never_moves_the_day(written):
    dated = parse_date(written)
    assert dated.day == FOURTH
    assert dated.instant == datetime(2023, 11, 5, 4, 40, tzinfo=UTC)


@given(
    st.builds(datetime.combine, st.dates(date(1400, 1, 1)), st.times()),
    st.integers(-14 * 60, 14 * 60),
)
@settings(deadline=None)
def test_every_iso_instant_keeps_its_day(written, minutes):
    instant = written.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_date(instant.isoformat()) == Dated(written.date(), instant)


@pytest.mark.parametrize("written", ["1699120800", "1699120800000", "1699120800.0"])
def test_seconds_and_milliseconds_of_the_epoch_are_instants(written):
    instant = datetime(2023, 11, 4, 18, 0, tzinfo=UTC)
    assert parse_date(written) == Dated(FOURTH, instant)


@pytest.mark.parametrize(
    "written",
    [
        *("", "  ", "2023", "March 2024", "yesterday", "3 days ago", "Saturday", "12:30"),
        *("2023-02-30", "2023-13-01", "0999-01-01", "n/a", "1 " * 60),
    ],
)
def test_what_names_no_single_day_is_no_date(written):
    assert parse_date(written) is None


@given(st.text("0123456789-/.:+TZ NovMon,年", max_size=40))
@example("Mon, 1 Jan 2020 00:00:00 +99999999999999999")
@settings(max_examples=40, deadline=None)
def test_a_date_is_read_or_not_but_never_raises(written):
    dated = parse_date(written)
    assert dated is None or dated.day.year >= 1400
