"""Tests of the dates that sources write."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.dates.calendar import EARLIEST_YEAR, LATEST_YEAR
from backfile.archive.formats.dates.order import DateOrder, usual_order
from backfile.archive.formats.dates.parsing import ParsedDate, is_date, parse_date, read_date
from backfile.archive.model.article import DateCertainty

FOURTH = date(2023, 11, 4)
TODAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-04",
        "  2023-11-4 ",
        "2023-11-04 (updated)",
        "2023/11/04",
        "2023.11.04",
        "2023. 11. 4.",
        "20231104",
        "20231104114000",
        "2023-W44-6",
        "04.11.2023",
        "4. 11. 2023",
        "4 November 2023",
        "Nov. 4, 2023",
        "November 4th, 2023",
        "the 4th of November 2023",
        "November 4, 2023 11:40 PM",
        "Updated 11:40 PM ET, Sat November 4, 2023",
        "Published: November 4, 2023 · 3 min read",
        "4 novembre 2023",
        "4. November 2023, 23:40 Uhr",
        "4 de noviembre de 2023",
        "sábado, 4 de novembro de 2023",
        "sabato 4 novembre 2023",
        "za 4 nov. 2023",
        "4 listopada 2023 r.",
        "4 ноября 2023 г.",
        "4.XI.2023",
        "2023. november 4.",
        "2023年11月4日（土）",
        "2023년 11월 4일",
        "٤ نوفمبر ٢٠٢٣",
        "٢٠٢٣-١١-٠٤",
        "4 नवंबर 2023",
    ],
)
def test_a_day_is_read_in_any_usual_notation(written):
    language = "pl" if "listopada" in written else ""
    assert read_date(written, language=language) == ParsedDate(FOURTH, None)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1er mars 2024", date(2024, 3, 1)),
        ("23. März 2024", date(2024, 3, 23)),
        ("mar. 23 avr. 2024", date(2024, 4, 23)),  # Tuesday is `mardi`
        ("23 d’octubre de 2024", date(2024, 10, 23)),
        ("23/03/2024", date(2024, 3, 23)),
        ("3/23/2024", date(2024, 3, 23)),
        ("03-23-2024 16:05", date(2024, 3, 23)),
        ("January 1, 1970", date(1970, 1, 1)),
    ],
)
def test_what_can_be_read_in_one_way_only_is_certain(written, day):
    assert read_date(written) == ParsedDate(day, None)


@pytest.mark.parametrize(
    "written",
    [
        "2023-11-04T23:40:00-05:00",
        "2023-11-04 23:40:00-05:00",
        "2023-11-04T23:40-05:00[America/Chicago]",
        "Sat, 04 Nov 2023 23:40:00 -0500",
        "Sat, 04 Nov 2023 23:40:00 EST",
        "Sat Nov 04 23:40:00 EST 2023",
        "Saturday, November 4, 2023 11:40 p.m. EST",
        "Saturday, 04-Nov-23 23:40:00 EST",
        "2023/11/04 23:40:00 -0500",
    ],
)
def test_an_offset_makes_the_instant_and_never_moves_the_day(written):
    dated = parse_date(written)
    assert dated.day == FOURTH
    assert dated.instant == datetime(2023, 11, 5, 4, 40, tzinfo=UTC)


@given(
    st.builds(
        datetime.combine, st.dates(date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR, 12, 31)), st.times()
    ),
    st.integers(-14 * 60, 14 * 60),
)
@settings(deadline=None)
def test_every_iso_instant_keeps_its_day(written, minutes):
    instant = written.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    if instant.date() in (date(1970, 1, 1), date(1900, 1, 1), date(1899, 12, 30)):
        instant = instant.replace(hour=12)
    assert parse_date(instant.isoformat()) == ParsedDate(written.date(), instant)


@pytest.mark.parametrize(
    "written", ["1699120800", "1699120800000", "1699120800.0", "1699120800000000"]
)
def test_seconds_and_smaller_parts_since_1970_are_instants(written):
    instant = datetime(2023, 11, 4, 18, 0, tzinfo=UTC)
    assert parse_date(written) == ParsedDate(FOURTH, instant)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "  ",
            "2023",
            "March 2024",
            "2024-03",
            "yesterday",
            "3 days ago",
            "Saturday",
            "12:30",
        ),
        *("Q1 2024", "3/23", "n/a", "1 " * 60, "March 23-25, 2024", "23–25 March 2024"),
        *("March 23 – April 2, 2024", "28 March – 2 April 2024", "2024 March 23-25", "17", "1/2/3"),
    ],
)
def test_what_names_no_single_day_is_no_date(written):
    assert parse_date(written) is None
    assert read_date(written).certainty is DateCertainty.NONE


@pytest.mark.parametrize(
    "written",
    [
        *("2023-02-30", "2023-13-01", "0999-01-01", "0000-00-00", "0000-00-00 00:00:00"),
        *("30 February 2023", "31.04.2023", "9999-12-31", "1403/01/04", "2567-03-23"),
        *(
            "0",
            "0.0",
            "1970-01-01",
            "1970-01-01T00:00:00Z",
            "1/1/1900",
            "1900-01-01",
            "99999999999",
        ),
    ],
)
def test_what_is_no_day_of_the_calendar_or_stands_for_none_gives_no_day_and_is_flagged(written):
    assert read_date(written) == ParsedDate(None, None, DateCertainty.DOUBTFUL)


@pytest.mark.parametrize(
    "written",
    ["Published March 23, 2024; updated March 24, 2024", "23.3.2024 – 25.3.2024"],
)
def test_of_several_days_the_first_is_likely(written):
    assert read_date(written) == ParsedDate(date(2024, 3, 23), None, DateCertainty.LIKELY)


@pytest.mark.parametrize(
    ("written", "order", "day"),
    [
        ("4/11/2023", DateOrder.DAY_FIRST, date(2023, 11, 4)),
        ("4/11/2023", DateOrder.MONTH_FIRST, date(2023, 4, 11)),
        ("4/11/23", DateOrder.DAY_FIRST, date(2023, 11, 4)),
        ("8/9/19", DateOrder.MONTH_FIRST, date(2019, 8, 9)),
        ("23-11-04", DateOrder.YEAR_FIRST, date(2023, 11, 4)),
        ("4-11-23", DateOrder.DAY_FIRST, date(2023, 11, 4)),
    ],
)
def test_the_order_of_day_and_month_is_likely_where_it_is_assumed(written, order, day):
    assert read_date(written, order, today=TODAY) == ParsedDate(day, None, DateCertainty.LIKELY)


def test_the_order_is_certain_where_it_was_told_even_with_dots():
    read = read_date("4.11.2023", DateOrder.MONTH_FIRST, order_given=True)
    assert read == ParsedDate(date(2023, 4, 11), None)


@pytest.mark.parametrize(
    ("written", "year"), [("1/1/26", 2026), ("1/2/26", 2026), ("1/3/26", 1926), ("8/9/68", 1968)]
)
def test_a_year_of_two_digits_is_the_last_that_is_not_in_the_future(written, year):
    assert read_date(written, today=TODAY).day.year == year


@pytest.mark.parametrize(
    ("tag", "host", "order"),
    [
        *(
            ("", "", "MDY"),
            ("en", "courier.com", "MDY"),
            ("en-US", "", "MDY"),
            ("en_PH", "", "MDY"),
        ),
        *(("en-GB", "", "DMY"), ("en_AU", "", "DMY"), ("en", "www.courier.co.uk", "DMY")),
        *(("", "courier.ie", "DMY"), ("en", "courier.fr", "DMY"), ("en", "courier.io", "MDY")),
        *(("de", "courier.com", "DMY"), ("fr", "", "DMY"), ("pt-BR", "", "DMY"), ("ja", "", "YMD")),
        *(
            ("es-PA", "", "MDY"),
            ("xx", "", "DMY"),
            ("../os", "", "DMY"),
            ("en", "courier.us", "MDY"),
        ),
    ],
)
def test_the_usual_order_is_that_of_the_language_and_the_country(tag, host, order):
    assert usual_order(tag, host) == order


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        *(("2023-11-04", True), ("Date: 2023-11-04", True), ("Saturday, 4 November 2023", True)),
        *(("4 November 2023, 16:05", True), ("2023年11月4日", True), ("1699120800", False)),
        *(("The flood of 4 November 2023", False), ("4 November", False), ("20231104", False)),
    ],
)
def test_a_line_is_a_date_where_it_holds_nothing_else(line, alone):
    assert is_date(line) is alone


@given(st.text("0123456789-/.:+TZ NovMon,年", max_size=40))
@example("Mon, 1 Jan 2020 00:00:00 +99999999999999999")
@example("1 Jan 2020 99:99:99 +9999")
@example("²/²/²²²²")
@example("-9999999999999999999")
@example("-99999999999")
@settings(max_examples=300, deadline=None)
def test_a_date_is_read_or_not_but_never_raises(written):
    dated = parse_date(written)
    assert dated is None or EARLIEST_YEAR <= dated.day.year <= LATEST_YEAR


def test_a_column_of_anything_but_dates_is_read_as_quickly():
    began = time.process_time()
    for n in range(2_000):
        read_date(f"{n} somehow {n % 31} or other, {n * 7919} / {n % 97}-{n % 13} in May of {n}")
    assert time.process_time() - began < 2  # dateparser takes 13 ms for each, 26 s


def test_the_words_in_the_dates_of_feeds_mean_the_same_in_all_languages():
    from backfile.archive.formats.dates.words import MONTHS, USUAL, _names

    for word, month in USUAL.items():
        assert set(_names(MONTHS).get(word, {}).values()) <= {month}
