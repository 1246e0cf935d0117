"""What a reader is told of a day that is not certain."""

from datetime import date

import pytest

from backfile.archive.formats.dates.article_day import DateReading
from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.model.article import DateCertainty, DateSource, Origin
from backfile.web.i18n.phrases import date_note

TODAY = date(2026, 1, 1)


def article(written, order=None, language="", **more):
    names = FieldMap(dates=DateReading(order, None, TODAY))
    record = {"text": "Rain.", "date": written, "language": language}
    return article_from(record | more, Origin("a.jsonl", 1), names)


@pytest.mark.parametrize(
    ("written", "language", "note"),
    [
        ("2024-03-23", "", ""),
        ("", "", ""),
        ("4/3/2024", "de", "as written: 4/3/2024; read with the day first"),
        ("4/3/2024", "", "as written: 4/3/2024; read with the month first"),
        ("4/3/24", "", "as written: 4/3/24; read with the month first and as of 2024"),
        ("23/3/24", "", "as written: 23/3/24; read as of 2024"),
        ("23.3.24", "", "as written: 23.3.24; read as of 2024"),
        ("23-Mar-24", "", "as written: 23-Mar-24; read as of 2024"),
        (
            "23.3.2024 / 25.3.2024",
            "",
            "as written: 23.3.2024 / 25.3.2024; the first of several days",
        ),
        ("2024-02-30", "", "as written: 2024-02-30; no article can be of that day"),
        ("2031-02-03", "", "as written: 2031-02-03; in the future when it was read"),
        ("spring 2024", "", "as written: spring 2024; no date is named"),
        ("March 2024", "", ""),
    ],
)
def test_what_is_not_certain_is_shown_as_it_was_written_with_what_was_assumed(
    written, language, note
):
    assert date_note(article(written, language=language)) == note


def test_a_day_from_another_place_says_which():
    url = "https://courier.example/2024/03/23/bridge"
    assert date_note(article("", url=url)) == "taken from its address or its text"
    found = article("March 2024", url=url)
    assert date_note(found) == "as written: March 2024; taken from its address or its text"
    assert (found.date_source, found.date_certainty) == (DateSource.TEXT, DateCertainty.LIKELY)


def test_an_order_that_was_told_is_no_assumption():
    assert date_note(article("4/3/2024", DateOrder.DAY_FIRST)) == ""
    note = date_note(article("24-03-04", DateOrder.YEAR_FIRST))
    assert note == "as written: 24-03-04; read with the year first and as of 2024"
