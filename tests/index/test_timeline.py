"""The timeline's bins, on days of any century, and what the archive holds of each."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.model.dates import DateSpan
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.periods import Period, Unit, numbers
from tests.builders import span_of, timeline_of


def columns_of(*days):
    none = Category.of([()] * len(days))
    places = np.arange(len(days), dtype=np.int32)
    published = np.array([d.toordinal() if d else 0 for d in days], np.int32)
    alone = np.full(len(published), -1, np.int32)
    return ArticleTable(
        1, places, places >= 0, published, published, alone, alone, *[none] * 7, places, places
    )


@pytest.mark.parametrize(
    ("days", "unit", "bins", "undated"),
    [
        ((), None, {}, 0),
        ((None, None), None, {}, 2),
        ((date(2024, 2, 29),) * 2, Unit.DAY, {"2024-02-29": 2}, 0),
        (
            (date(2023, 12, 31), date(2024, 3, 1), date(2023, 12, 31)),
            Unit.DAY,
            {"2023-12-31": 2, "2024-03-01": 1},
            0,
        ),
        (
            (date(2024, 2, 29), date(2024, 2, 1), date(2023, 12, 29)),
            Unit.MONTH,
            {"2023-12": 1, "2024-02": 2},
            0,
        ),
        (
            (date(1965, 1, 1), date(2024, 12, 31), None),
            Unit.YEAR,
            {"1965": 1, "2024": 1},
            1,
        ),
        (
            (date(1605, 1, 1), date(1609, 1, 1), date(2024, 12, 31)),
            Unit.DECADE,
            {"1600s": 2, "2020s": 1},
            0,
        ),
        (
            (date.min, date(1999, 12, 31), date.max),
            Unit.CENTURY,
            {"0000-0099": 1, "1900-1999": 1, "9900-9999": 1},
            0,
        ),
    ],
)
def test_articles_are_counted_by_day_to_century_whichever_suits_their_span(
    days, unit, bins, undated
):
    table = columns_of(*days)
    everyone = np.ones(len(days), np.bool_)
    found = timeline_of(table, everyone)
    assert {each.value: each.count for each in found.bins} == bins
    assert (found.unit, found.undated) == (unit, undated)
    dated = [d for d in days if d]
    ends = [DateSpan(day, day) for day in (min(dated), max(dated))] if dated else []
    assert span_of(table, everyone) == (tuple(ends) or None)


some_days = st.dates(date(2023, 1, 1), date(2023, 2, 20)) | st.dates()


@settings(deadline=None)
@given(st.lists(st.none() | some_days, min_size=1), st.data())
def test_every_article_is_in_one_bin_and_each_bin_knows_what_the_archive_holds(days, data):
    table = columns_of(*days)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(days), max_size=len(days))))
    found = timeline_of(table, chosen)
    matching = [day for day, is_chosen in zip(days, chosen, strict=True) if is_chosen]
    assert found.undated == matching.count(None)
    assert sum(each.count for each in found.bins) == len(matching) - found.undated
    for each in found.bins:
        assert each.count == sum(each.since <= d <= each.until for d in matching if d) > 0
        assert each.of == sum(each.since <= d <= each.until for d in days if d)
    ends = [day for each in found.bins for day in (each.since, each.until)]
    assert ends == sorted(ends)


@given(st.dates(), st.sampled_from(Unit))
def test_a_day_lies_in_its_period_and_beside_it_lie_others(day, unit):
    period = Period.around(day, unit)
    assert period.since <= day <= period.until
    assert numbers(np.array([day.toordinal()]), unit).tolist() == [period.number]
    if period.until < date.max:
        following = Period(unit, period.number + 1)
        assert following.since == period.until + timedelta(days=1)


@given(st.dates(), st.dates())
def test_no_span_makes_more_bars_than_can_be_told_apart(one, other):
    first, last = sorted((one, other))
    unit = next(each for each in Unit if each.fits(first, last))
    bars = Period.around(last, unit).number - Period.around(first, unit).number + 1
    assert bars <= 100
    assert unit is not Unit.MONTH or bars > 2
