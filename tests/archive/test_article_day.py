"""How the day of an article is settled: its field, else its address, else its file."""

import gzip
import json
from collections import Counter
from datetime import date

import pytest

from backfile.archive.formats.dates.article_day import (
    DateContext,
    DateReading,
    day_in_address,
    day_in_file_name,
    settle_day,
)
from backfile.archive.formats.dates.order import DateOrder, order_shown
from backfile.archive.formats.fields import FieldMap, article_from
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import Article, DateCertainty, DateSource, Origin
from tests.builders import ROOT

ALLSIDES = ROOT.parent / "shared/data/allsides/articles.jsonl.gz"
TODAY = date(2026, 1, 1)
DAY = date(2024, 3, 4)
CERTAIN, LIKELY, DOUBTFUL, NONE = DateCertainty
ADDRESS = "https://courier.example/2024/03/04/bridge"


def settled(written, beside=None, order=None, source=DateSource.FIELD, shown=None):
    beside = DateContext(**(beside or {}))
    return settle_day(written, source, beside, DateReading(order, shown, TODAY))


def read(tmp_path, name, content, names=None):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    return list(Reading([tmp_path], names or FieldMap()))


@pytest.mark.parametrize(
    ("beside", "day"),
    [
        ({}, date(2024, 4, 3)),
        ({"language": "en"}, date(2024, 4, 3)),
        ({"language": "en-GB"}, DAY),
        ({"language": "de"}, DAY),
        ({"url": "https://www.courier.co.uk/bridge"}, DAY),
        ({"source": "courier.com.au"}, DAY),
        ({"source": "Courier of St. Uk"}, date(2024, 4, 3)),
    ],
)
def test_day_or_month_first_is_told_by_language_and_country_and_only_likely(beside, day):
    found = settled("04/03/2024", beside)
    assert (found.published, found.date_certainty) == (day, LIKELY)
    assert found.date_written == "04/03/2024"


def test_an_address_that_names_one_of_both_days_settles_it():
    for url in (ADDRESS, "https://courier.example/2024/mar/04/bridge"):
        found = settled("04/03/2024", {"url": url})
        assert (found.published, found.date_source) == (DAY, DateSource.FIELD)
        assert (found.date_certainty, found.date_written) == (CERTAIN, "")
    assert settled("3/4/24", {"url": ADDRESS}).date_certainty is CERTAIN


def test_what_is_written_goes_before_an_address_that_says_otherwise():
    found = settled("2024-05-06", {"url": ADDRESS})
    assert (found.published, found.date_source) == (date(2024, 5, 6), DateSource.FIELD)


def test_the_order_that_is_told_goes_before_all_others():
    british = {"language": "en-GB"}
    told = settled("04/03/2024", british, DateOrder.MONTH_FIRST)
    assert (told.published, told.date_certainty) == (date(2024, 4, 3), CERTAIN)
    shown = settled("04/03/2024", british, shown=DateOrder.MONTH_FIRST)
    assert (shown.published, shown.date_certainty) == (date(2024, 4, 3), LIKELY)


def test_a_day_beyond_tomorrow_is_kept_and_flagged():
    assert settled("2026-01-02").date_certainty is CERTAIN
    found = settled("2026-01-03")
    assert (found.published, found.date_certainty) == (date(2026, 1, 3), DOUBTFUL)
    assert found.date_written == "2026-01-03"


def test_what_is_no_day_is_flagged_and_kept_as_it_was_written():
    found = settled("2021-02-30")
    assert (found.published, found.date_source, found.date_certainty) == (
        None,
        DateSource.NONE,
        DOUBTFUL,
    )
    assert found.date_written == "2021-02-30"


def test_what_names_no_day_is_kept_as_it_was_written():
    found = settled("March\n2024 " + "x" * 200)
    assert (found.published, found.date_certainty) == (None, NONE)
    assert found.date_written.startswith("March 2024 x")
    assert len(found.date_written) == 100


@pytest.mark.parametrize("written", ["", "spring 2024", "1970-01-01", "0000-00-00"])
def test_where_no_day_is_written_the_address_tells_it_and_else_the_file(written):
    beside = {"url": ADDRESS, "file_name": "news/2024-05-06.txt"}
    found = settled(written, beside)
    assert (found.published, found.date_source) == (DAY, DateSource.TEXT)
    assert (found.date_certainty, found.date_written) == (LIKELY, written)
    found = settled(written, {"file_name": "news/2024-05-06.txt"})
    assert (found.published, found.date_source) == (date(2024, 5, 6), DateSource.FILE)
    assert found.date_certainty is LIKELY


def test_a_guess_is_never_certain():
    found = settled("2024-03-04", source=DateSource.TEXT)
    assert (found.published, found.date_certainty, found.date_written) == (DAY, LIKELY, "")


@pytest.mark.parametrize(
    ("path", "day"),
    [
        *(("2024/03/04/bridge.html", DAY), ("2024/3/4/", DAY), ("news/2024/Mar/4", DAY)),
        *(("news/2024-03-04/bridge", DAY), ("bridge-2024-03-04", DAY), ("20240304/bridge", DAY)),
        *(("2024/0304/bridge", DAY), ("2024/03/bridge", None), ("news/8202403041", None)),
        *(("bridge-20240304-7", None), ("2024/13/04/bridge", None), ("2099/03/04/bridge", None)),
        *(("2024/03/04/on-2023-01-01", None), ("?on=2024/03/04/", None), ("a/1-2024-03-04", None)),
    ],
)
def test_an_address_names_a_day_in_its_path_or_none(path, day):
    assert day_in_address(f"https://courier.example/{path}", TODAY) == day


@pytest.mark.parametrize(
    ("key", "day"),
    [
        *(("news/2024-03-04-bridge.txt", DAY), ("news/20240304_bridge.txt", DAY)),
        *(
            ("news/bridge.2024.03.04.md", DAY),
            ("2024/03/04/x.html", DAY),
            ("2024-03-04/x.txt", DAY),
        ),
        *(("export-2024-03-04/x.txt", None), ("news/1202403041.txt", None), ("2024/x.txt", None)),
        *(("dump-2024-03-04.zip!/x.txt", None), ("a.zip!/2024-03-04.txt", DAY)),
        *(("news/2024-03-04-2024-03-05.txt", None), ("news/2024-03-99.txt", None)),
    ],
)
def test_the_name_of_a_file_names_a_day_or_none(key, day):
    assert day_in_file_name(key, TODAY) == day


def test_an_address_that_is_none_is_no_obstacle():
    assert settled("04/03/2024", {"url": "http://[::1"}).published == date(2024, 4, 3)
    assert day_in_address("http://[::1", TODAY) is None


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("date,text\n04/03/2024,a\n23/03/2024,b", DateOrder.DAY_FIRST),
        ('{"date": "3/23/24"}\n{"date":"3/4/24"}', DateOrder.MONTH_FIRST),
        ('{"date":"23\\/03\\/2024 16:05"}', DateOrder.DAY_FIRST),
        ("date\n04/03/2024", None),
        ("date\n23/03/2024\n03/23/2024", None),
        ("date\n24-03-23", None),
        ("text\nthe 23/03/2024 vote", None),
    ],
)
def test_a_file_shows_the_order_where_a_figure_is_no_month(text, order):
    assert order_shown(text) == order


def test_a_column_of_dates_is_read_in_the_order_that_one_of_them_shows(tmp_path):
    rows = "title,text,date\nA,Rain.,04/03/2024\nB,Hail.,23/03/2024\n"
    first, second = read(tmp_path, "news.csv", rows)
    assert (first.published, first.date_certainty) == (DAY, LIKELY)
    assert (second.published, second.date_certainty) == (date(2024, 3, 23), CERTAIN)
    lines = '{"text": "Rain.", "date": "04/03/2024"}\n{"text": "Hail.", "date": "23/03/2024"}\n'
    for content in (lines, f"[{lines.strip().replace(chr(10), ',')}]"):
        (tmp_path / "news.csv").unlink(missing_ok=True)
        assert read(tmp_path, "news.json", content)[0].published == DAY
    told = FieldMap(dates=DateReading(DateOrder.MONTH_FIRST))
    assert read(tmp_path, "news.json", lines, told)[0].published == date(2024, 4, 3)


@pytest.mark.parametrize("empty", ["", " ", None, []])
def test_an_empty_date_field_means_none_and_an_absent_one_leaves_it_to_the_address(tmp_path, empty):
    record = {"text": "Rain.", "url": ADDRESS}
    (article,) = read(tmp_path, "a.jsonl", json.dumps(record | {"date": empty}) + "\n")
    assert (article.published, article.date_source) == (None, DateSource.NONE)
    assert article.date_certainty is NONE
    (article,) = read(tmp_path, "a.jsonl", json.dumps(record) + "\n")
    assert (article.published, article.date_source) == (DAY, DateSource.TEXT)
    assert article.date_certainty is LIKELY


def test_a_file_of_one_article_is_dated_by_its_name_and_one_of_many_is_not(tmp_path):
    (article,) = read(tmp_path / "a", "2024/03/04/bridge.txt", "Bridge closed\n\nIt rained.\n")
    assert (article.published, article.date_source) == (DAY, DateSource.FILE)
    (article,) = read(tmp_path / "b", "2024-03-04.jsonl", '{"text": "It rained."}\n')
    assert (article.published, article.date_source) == (None, DateSource.NONE)


@pytest.mark.parametrize(
    "line", ["Saturday, March 4, 2024", "Published: 4 March 2024", "4. März 2024", "2024-03-04"]
)
def test_a_line_that_is_only_a_date_in_any_notation_dates_plain_text(tmp_path, line):
    (article,) = read(tmp_path, "bridge.txt", f"Bridge closed\n\n{line}\n\nIt rained.\n")
    assert (article.published, article.date_certainty) == (DAY, CERTAIN)
    assert article.text == "It rained."


def test_an_article_gets_the_same_day_in_whatever_file_it_stands():
    record = {"text": "Rain.", "date": "04/03/2024", "language": "en-GB"}
    days = {article_from(record, Origin(f"{n}.jsonl", n), FieldMap()).published for n in range(3)}
    assert days == {DAY}


@pytest.mark.long
@pytest.mark.skipif(not ALLSIDES.exists(), reason="the AllSides articles are not on this machine")
def test_every_date_of_allsides_is_read_right_and_the_missing_ones_are_none():
    written = {}
    with gzip.open(ALLSIDES, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            written[record["id"]] = record["date"]
    forms: Counter[str] = Counter()
    for article in Reading([ALLSIDES], FieldMap()):
        assert isinstance(article, Article)
        value = written.pop(article.id)
        if "/" in value:
            month, day, year = value.split("/")
            form, value = "M/D/YY", f"20{year}-{month:0>2}-{day:0>2}"
        else:
            form = "ISO" if value else "none"
        assert (article.published.isoformat() if article.published else "") == value
        assert article.date_certainty is (CERTAIN if value else NONE)
        forms[form] += 1
    assert not written
    assert forms == {"ISO": 8382, "M/D/YY": 7, "none": 1118}


@pytest.mark.parametrize(
    ("opening", "day"),
    [
        ("9 novembre 2012. - La fête commence.", date(2012, 11, 9)),
        ("LONDON, March 23, 2024 (Wire) — Rain fell.", date(2024, 3, 23)),
        ("Hafenstadt, 3. Mai 2023 – Die Fähre fährt.", date(2023, 5, 3)),
        ("2024-03-23: Rain fell.", date(2024, 3, 23)),
        ("March 23, 2024 was a wet day - so wet.", None),
        ("LONDON, March 23 (Wire) — Rain fell.", None),
        ("The plan of March 23, 2024 - a bold one - failed.", None),
        ("1/2/2024 - Rain fell.", None),
        ("Rain fell.", None),
    ],
)
def test_a_text_that_opens_with_its_day_tells_it(opening, day):
    language = "fr" if "novembre" in opening else "de" if "Mai" in opening else "en"
    found = settle_day("", DateSource.FIELD, DateContext(language, text=opening), DateReading())
    assert found.published == day
    expected = DateCertainty.LIKELY if day else DateCertainty.NONE
    assert found.date_certainty is expected
