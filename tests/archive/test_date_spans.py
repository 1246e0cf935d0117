"""Dates of a month, a year or an interval: how they are written, read and kept."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.formats.dates.article_day import DateContext, DateReading, settle_day
from backfile.archive.formats.dates.spans import read_span
from backfile.archive.formats.fields import FieldMap, article_from, record_of
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.article import DateCertainty, DateSource, Origin
from backfile.archive.model.dates import DateSpan
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.database import bring_up
from backfile.archive.store.row_layout import article_of, article_values
from tests.builders import engines_in, fill, nitf, rss, web_page

TODAY = date(2026, 1, 1)
FIELD, TEXT, FILE = DateSource.FIELD, DateSource.TEXT, DateSource.FILE
days = st.dates(date(1450, 1, 1), date(2199, 12, 31))
spans = st.one_of(
    st.builds(DateSpan.of, st.integers(1450, 2199)),
    st.builds(DateSpan.of, st.integers(1450, 2199), st.integers(1, 12)),
    st.tuples(days, days).map(lambda ends: DateSpan(min(ends), max(ends))),
    st.tuples(st.integers(1450, 2199), st.integers(0, 9)).map(
        lambda pair: DateSpan(date(pair[0], 1, 1), date(min(2199, sum(pair)), 12, 31))
    ),
)


@given(spans)
def test_a_date_is_read_back_as_it_is_written(span):
    assert DateSpan.parse(str(span)) == span
    assert [span.is_day, span.is_month, span.is_year, span.is_interval].count(True) == 1
    assert read_span(str(span)) == (None if span.is_day else span)


@given(st.text(alphabet="0123456789-/ May", max_size=16))
def test_no_text_ends_the_reading_of_a_date(written):
    found = read_span(written)
    assert found is None or found.first < found.last


def test_reversed_days_are_no_span():
    with pytest.raises(ValueError, match="is before"):
        DateSpan(date(2024, 5, 2), date(2024, 5, 1))


@pytest.mark.parametrize(
    ("written", "span"),
    [
        *(("2024", "2024"), ("2024.0", "2024"), ("2024-00-00", "2024"), ("2024-05", "2024-05")),
        *(("2024-05-00", "2024-05"), ("05/2024", "2024-05"), ("5.2024", "2024-05")),
        *(("May 2024", "2024-05"), ("mayo de 2024", "2024-05"), ("2024年5月", "2024-05")),
        *(("Published: May, 2024", "2024-05"), ("2024 Mai", "2024-05"), ("Sept. 1931", "1931-09")),
        *(("March–April 2024", "2024-03/2024-04"), ("Mar/Apr 2024", "2024-03/2024-04")),
        *(("März bis April 2024", "2024-03/2024-04"), ("juin et juillet 1931", "1931-06/1931-07")),
        *(("December 2023 – January 2024", "2023-12/2024-01"), ("1998-2001", "1998/2001")),
        *(("2024-03/2024-05", "2024-03/2024-05"), ("2024-03-23/2024-03-25",) * 2),
        *(("23–25 March 2024", "2024-03-23/2024-03-25"),),
        *(("March 30 - April 2, 2024", "2024-03-30/2024-04-02"),),
        *((each, None) for each in ("May", "2024-13", "13/2024", "Q1 2024", "spring 2024")),
        *((each, None) for each in ("December–January 2024", "2001-1998", "1403", "3/23", "")),
        *((each, None) for each in ("2024-05-12", "May 12, 2024", "the fire of May 2024")),
    ],
)
def test_what_is_written_is_read_as_exact_as_it_is(written, span):
    found = read_span(written)
    assert (str(found) if found else None) == span


@pytest.mark.parametrize(
    ("written", "beside", "date_written", "source"),
    [
        ("May 2024", {}, "2024-05", FIELD),
        ("May 2024", {"file_name": "2024-05-01.txt"}, "2024-05", FIELD),
        ("May 2024", {"url": "https://a.example/2024/05/12/x"}, "2024-05-12", TEXT),
        ("May 2024", {"url": "https://a.example/2024/03/04/x"}, "2024-05", FIELD),
        ("May 2024", {"text": "LONDON, May 12, 2024 — Rain fell."}, "2024-05-12", TEXT),
        ("", {"url": "https://a.example/2024/05/x"}, "2024-05", TEXT),
        ("", {"url": "https://a.example/2024/may/"}, "2024-05", TEXT),
        ("", {"url": "https://a.example/2024/x"}, None, DateSource.NONE),
        ("", {"url": "https://a.example/2099/05/x"}, None, DateSource.NONE),
        ("", {"file_name": "gazette/2024-05-bridge.txt"}, "2024-05", FILE),
        ("", {"file_name": "gazette/2024/05/bridge.txt"}, "2024-05", FILE),
        ("", {"file_name": "gazette/2024-05/bridge.txt"}, "2024-05", FILE),
        ("", {"file_name": "2024-05-2024-06.txt"}, None, DateSource.NONE),
    ],
)
def test_a_written_month_is_the_date_unless_the_address_or_the_opening_has_its_day(
    written, beside, date_written, source
):
    found = settle_day(written, FIELD, DateContext(**beside), DateReading(today=TODAY))
    span = found.period or (found.published and DateSpan(found.published, found.published))
    assert (str(span) if span else None, found.date_source) == (date_written, source)
    sure = found.date_certainty is DateCertainty.CERTAIN
    assert sure == (source is FIELD)


def test_a_month_to_come_is_doubtful_and_a_guessed_one_likely():
    context, reading = DateContext(), DateReading(today=TODAY)
    assert settle_day("May 2031", FIELD, context, reading).date_certainty is DateCertainty.DOUBTFUL
    assert settle_day("May 2024", TEXT, context, reading).date_certainty is DateCertainty.LIKELY


STORY = "The ferry sails again after a long winter, and the quay is full of people. " * 6
META = '<meta property="article:published_time" content="2024-05">'
FEED_ITEM = (
    "<item><title>Ferry</title><link>https://a.example/ferry</link>"
    "<description>It sails.</description>"
)
INPUTS = {
    "a.json": json.dumps([{"title": "Ferry", "text": STORY, "date": "May 2024"}]),
    "a.jsonl": json.dumps({"title": "Ferry", "text": STORY, "date": "2024-05"}) + "\n",
    "a.csv": f"title,text,date\nFerry,{STORY.replace(',', '')},May 2024\n",
    "a.md": f"---\ndate: 2024-05\n---\n# Ferry\n\n{STORY}\n",
    "a.txt": f"Ferry\nMay 2024\n\n{STORY}\n",
    "native.txt": f" date 2024-05 {STORY}\n",
    "a.html": web_page(META),
    "ld.html": web_page('<script type="application/ld+json">{"@type": "NewsArticle", '
                        '"datePublished": "2024-05"}</script>'),
    "2024-05-ferry.txt": f"Ferry\n\n{STORY}\n",
    "a.rss": rss(f"{FEED_ITEM}<pubDate>May 2024</pubDate></item>"),
    "figures.rss": rss(f"{FEED_ITEM}<pubDate>2024-05</pubDate></item>"),
    "feed.json": json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "items": [{"id": "1", "title": "Ferry", "content_text": STORY,
                       "date_published": "2024-05"}],
        }
    ),
    "a.eml": f"From: a@b.example\nSubject: Ferry\nDate: May 2024\n\n{STORY}\n",
    "ninjs.json": json.dumps(
        {"uri": "urn:1", "headline": "Ferry", "body_text": STORY, "versioncreated": "2024-05"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_every_format_keeps_a_month_a_month(tmp_path, name):
    content = INPUTS[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (article,) = Reading([tmp_path], FieldMap())
    assert (str(article.date_span), article.published) == ("2024-05", None)


def test_nitf_keeps_a_year_a_year(tmp_path):
    content = nitf()
    content = content if isinstance(content, str) else content.decode()
    dated = content.replace('norm="', 'norm="1931" was="')
    (tmp_path / "a.xml").write_text(dated)
    (article,) = Reading([tmp_path], FieldMap())
    assert str(article.date_span) == "1931"


def test_two_lines_with_the_years_of_a_life_are_no_title_with_a_date(tmp_path):
    (tmp_path / "a.txt").write_text(f"Ada Nokes\n1931–2024\n\n{STORY}\n")
    (article,) = Reading([tmp_path], FieldMap())
    assert article.date_span is None


def made(span):
    record = {"id": "a", "title": "Ferry", "text": STORY, "date": str(span)}
    return article_from(record, Origin("a.jsonl", 1), FieldMap(dates=DateReading(today=TODAY)))


@given(spans)
def test_the_record_and_the_catalogue_keep_the_precision(span):
    article = made(span)
    assert article.date_span == span
    assert (article.published is None) != span.is_day
    again = article_from(record_of(article), article.origin, FieldMap())
    assert (again.date_span, again.digest) == (span, article.digest)
    assert article_of(article_values(article, 1)) == article


def test_the_digest_of_a_day_is_that_of_earlier_releases_and_a_month_has_its_own():
    day = made(DateSpan.of(2024, 5, 1))
    month, year = made(DateSpan.of(2024, 5)), made(DateSpan.of(2024))
    assert len({day.digest, month.digest, year.digest}) == 3
    undated = replace(month, period=None)
    assert undated.digest != month.digest
    older = {k: v for k, v in article_values(day, 1).items() if k != "published_last"}
    assert article_of(older).digest == day.digest


def test_an_archive_without_the_column_is_read_as_it_is_and_then_brought_up(tmp_path):
    news = tmp_path / "a.jsonl"
    news.write_text(INPUTS["a.jsonl"].replace("2024-05", "2024-05-12"))
    fill(engines_in(tmp_path / "archive", in_memory=True), news)
    path = next((tmp_path / "archive").glob("catalog.db"))
    with closing(sqlite3.connect(path)) as older, older:
        older.execute("ALTER TABLE articles DROP COLUMN published_last")
        version = older.execute("PRAGMA user_version").fetchone()[0]
        older.execute(f"PRAGMA user_version = {version - 1}")
    with closing(Catalog(path)) as catalog:
        ((article, _),) = catalog.digests()
        assert article.published == date(2024, 5, 12)
        (row,) = catalog.article_table()
        assert row.published_last is None
        with closing(sqlite3.connect(path)) as plain:
            names = {row[1] for row in plain.execute("PRAGMA table_info(articles)")}
            assert "published_last" not in names
        bring_up(path)
        assert len(list(catalog.digests())) == 1
    with closing(Catalog(path)) as catalog:
        assert [article.published for article, _ in catalog.digests()] == [date(2024, 5, 12)]
