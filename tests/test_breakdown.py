"""The timeline's bins, on days of any century."""

from datetime import date

import numpy as np
import pytest

from index.breakdown import span, timeline
from index.columns import Category, Columns


def columns_of(*days):
    none = Category.of([()] * len(days))
    places = np.arange(len(days), dtype=np.int32)
    published = np.array([d.toordinal() if d else 0 for d in days], np.int32)
    alone = np.full(len(published), -1, np.int32)
    return Columns(1, places, places >= 0, published, alone, alone, *[none] * 4)


@pytest.mark.parametrize(
    ("days", "bins", "undated"),
    [
        ((), {}, 0),
        ((None, None), {}, 2),
        (
            (date(2024, 2, 29), date(2024, 2, 1), date(2023, 12, 31)),
            {"2023-12": 1, "2024-02": 2},
            0,
        ),
        ((date(1605, 1, 1), date(2024, 12, 31), None), {"1605": 1, "2024": 1}, 1),
    ],
)
def test_articles_are_counted_by_month_or_over_long_spans_by_year(days, bins, undated):
    columns = columns_of(*days)
    everyone = np.ones(len(days), np.bool_)
    found = timeline(columns, everyone)
    assert {count.value: count.count for count in found.bins} == bins
    assert found.undated == undated
    dated = [d for d in days if d]
    assert span(columns, everyone) == ((min(dated), max(dated)) if dated else None)
