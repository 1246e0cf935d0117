"""Months, years and intervals in filters, sorts, the timeline, copies and related articles."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.dates import DateSpan
from backfile.index.duplicates.folding import Folding
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.filtering import passing_articles
from backfile.index.model.filters import DateFilter, DayOfYear, Filters
from backfile.index.model.periods import Period, Unit
from backfile.index.model.query import Copies, Sort
from backfile.index.search.ranking import in_order
from tests.builders import engines_in, fill, span_of, timeline_of, write_records

near_days = st.dates(date(2023, 11, 1), date(2025, 2, 20))
some_days = near_days | st.dates(date(1900, 1, 1), date(2030, 1, 1))
spans = st.one_of(
    st.builds(lambda day: DateSpan(day, day), some_days),
    st.builds(lambda day: DateSpan.of(day.year, day.month), some_days),
    st.builds(lambda day: DateSpan.of(day.year), some_days),
    st.builds(lambda day, n: DateSpan(day, day + timedelta(n)), some_days, st.integers(1, 900)),
)
dates = st.lists(st.none() | spans, min_size=1, max_size=12)


def table_of(found, clusters=None):
    none = Category.of([()] * len(found))
    ordinals = np.arange(len(found), dtype=np.int32)
    first = np.array([each.first.toordinal() if each else 0 for each in found], np.int32)
    last = np.array([each.last.toordinal() if each else 0 for each in found], np.int32)
    cluster = np.array(clusters or [-1] * len(found), np.int32)
    rank = np.where(cluster >= 0, ordinals, -1).astype(np.int32)
    return ArticleTable(
        1, ordinals, ordinals >= 0, first, last, cluster, rank, *[none] * 7, ordinals, ordinals
    )


@settings(deadline=None)
@given(dates, st.none() | some_days, st.none() | some_days, st.sampled_from(DateFilter))
def test_a_date_filter_passes_what_overlaps_or_what_lies_within(found, since, until, kept):
    chosen = passing_articles(table_of(found), Filters(since=since, until=until, date=kept))
    for each, is_chosen in zip(found, chosen.tolist(), strict=True):
        if each is None:
            assert is_chosen == (since is None and until is None)
            continue
        begin, end = since or date.min, until or date.max
        every_day = [each.first + timedelta(n) for n in range((each.last - each.first).days + 1)]
        passing = [begin <= day <= end for day in every_day]
        expected = all(passing) if kept is DateFilter.WITHIN else any(passing)
        assert is_chosen == (expected and kept is not DateFilter.NONE)


@given(dates, near_days)
def test_a_day_of_the_year_is_only_that_of_articles_with_a_day(found, day):
    chosen = passing_articles(table_of(found), Filters(day=DayOfYear(day.month, day.day)))
    for each, is_chosen in zip(found, chosen.tolist(), strict=True):
        same = each and (each.first.month, each.first.day) == (day.month, day.day)
        assert is_chosen == bool(same and each.is_day)


@settings(deadline=None, max_examples=300)
@given(dates, st.data())
def test_a_bar_counts_what_a_click_on_it_finds_and_nothing_is_left_out(found, data):
    size = len(found)
    clusters = data.draw(st.lists(st.integers(-1, 2), min_size=size, max_size=size))
    table = table_of(found, clusters)
    matching = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    for copies in Copies:
        drawn = timeline_of(table, matching, copies)

        def number(chosen, copies=copies):
            folded = copies is Copies.FOLD
            return int((Folding.of(table, chosen).leads if folded else chosen).sum())

        dated = [each for each, is_in in zip(found, matching, strict=True) if each and is_in]
        assert drawn.undated == number(matching & table.undated)
        for each in drawn.bins:
            bar = Period.around(each.since, drawn.unit)
            within = passing_articles(table, Filters(bar.since, bar.until, date=DateFilter.WITHIN))
            assert each.count == number(within & matching) > 0
            assert each.of == number(within)
            if not drawn.crossing:
                overlapping = passing_articles(table, Filters(bar.since, bar.until))
                assert each.count == number(overlapping & matching)
        if copies is Copies.SHOW:
            placed = sum(each.count for each in drawn.bins)
            assert placed + drawn.crossing == len(dated)
            assert 2 * placed >= len(dated) or drawn.unit in (None, Unit.CENTURY)


def test_years_are_drawn_by_year_and_a_year_is_beside_the_months():
    years = [DateSpan.of(year) for year in (2023, 2023, 2024)]
    drawn = timeline_of(table_of(years), np.ones(3, np.bool_))
    assert (drawn.unit, drawn.crossing) == (Unit.YEAR, 0)
    assert {each.value: each.count for each in drawn.bins} == {"2023": 2, "2024": 1}
    mixed = [*(DateSpan.of(2024, month) for month in (3, 3, 5)), DateSpan.of(2024)]
    drawn = timeline_of(table_of(mixed), np.ones(4, np.bool_))
    assert (drawn.unit, drawn.crossing) == (Unit.MONTH, 1)
    assert {each.value: each.count for each in drawn.bins} == {"2024-03": 2, "2024-05": 1}
    crossing = [DateSpan(date(1899, 12, 1), date(1900, 1, 31))]
    drawn = timeline_of(table_of(crossing), np.ones(1, np.bool_))
    assert (drawn.bins, drawn.crossing) == ((), 1)


@given(dates)
def test_the_span_of_an_answer_is_from_its_first_day_to_its_last(found):
    dated = [each for each in found if each]
    ends = span_of(table_of(found), np.ones(len(found), np.bool_))
    if not dated:
        assert ends is None
        return
    assert ends[0].first == min(each.first for each in dated)
    assert ends[1].last == max(each.last for each in dated)
    assert ends[0] in dated
    assert ends[1] in dated


@given(dates, st.sampled_from([Sort.NEWEST, Sort.OLDEST]))
def test_dates_are_sorted_by_their_beginning_and_undated_articles_are_last(found, sort):
    size = len(found)
    every, scores = np.ones(size, np.bool_), np.zeros(size, np.float32)
    ordered = [found[n] for n in in_order(table_of(found), every, scores, sort).tolist()]
    firsts = [each.first for each in ordered if each]
    assert firsts == sorted(firsts, reverse=sort is Sort.NEWEST)
    assert ordered[len(firsts) :] == [None] * (size - len(firsts))


LONG = "The harbour board has decided that the night ferry over the Ash stops sailing in May. " * 5


def test_a_copy_of_a_year_does_not_lead_one_of_a_day(tmp_path):
    records = [
        {"id": "year", "title": "Ferry stops", "text": LONG, "date": "2024", "source": "A"},
        {"id": "day", "title": "Ferry stops", "text": LONG, "date": "2024-03-23", "source": "B"},
    ]
    engines = engines_in(tmp_path / "archive", in_memory=True)
    write_records(tmp_path / "a.jsonl", records)
    fill(engines, tmp_path / "a.jsonl")
    (table,) = [ArticleTable.load(engines.catalog, engines.catalog.generation())]
    numbered = dict(zip([a.id for a, _ in engines.catalog.digests()], range(2), strict=True))
    assert table.cluster_rank[numbered["day"]] < table.cluster_rank[numbered["year"]]
    others = engines.catalog.clusters.copies_of("day")
    assert [(copy.id, str(copy.date_span)) for copy in others.listed] == [("year", "2024")]
    engines.catalog.close()


@pytest.mark.parametrize(("dated", "changed"), [("2024-05", 0), ("2024-05-12", 1), ("2024", 1)])
def test_a_date_that_becomes_more_or_less_exact_is_a_correction(tmp_path, dated, changed):
    record = {"id": "news-1", "title": "Ferry stops", "text": LONG, "source": "A"}
    engines = engines_in(tmp_path / "archive", in_memory=True)
    for written in ("May 2024", dated):
        write_records(tmp_path / "a.jsonl", [record | {"date": written}])
        report = fill(engines, tmp_path / "a.jsonl")
    assert (report.new, report.changed, report.unchanged) == (0, changed, 1 - changed)
    assert str(engines.catalog.article("news-1").date_span) == dated
    past = engines.catalog.history.of("news-1")
    assert [str(each.article.date_span) for each in past] == ["2024-05"] * changed
    engines.catalog.close()


def test_two_issues_with_one_id_are_two_articles(tmp_path):
    records = [
        {"id": "1", "title": "Editorial", "text": f"{month} words.", "source": "A", "date": month}
        for month in ("May 2024", "June 2024")
    ]
    engines = engines_in(tmp_path / "archive", in_memory=True)
    write_records(tmp_path / "a.jsonl", records)
    assert len(list(Reading([tmp_path / "a.jsonl"], FieldMap()))) == 2
    assert fill(engines, tmp_path / "a.jsonl").new == 2
    engines.catalog.close()
