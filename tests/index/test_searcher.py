"""Answers can be trusted: totals, facets, filters and pages agree with each other."""

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.model.errors import ArchiveMissing, EngineUnavailable
from backfile.index.model.filters import EXCLUSIONS, FACETS, DateFilter, DayOfYear, Filters
from backfile.index.model.groups import Group
from backfile.index.model.query import Copies, Cursor, Mode, Query, Sort
from backfile.index.model.results import Verdict
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.result_cache import LEAST, ResultCache, bytes_of
from backfile.index.search.searcher import Searcher
from tests.builders import everything, fill, indexer_of, write_stories

TEXTS = [
    "ferry",
    "swing bridge",
    '"swing bridge"',
    "harbour NOT dues",
    "keeper lamp",
    "zxqv",
    "",
    "brid*",
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", TEXTS)
def test_the_total_is_the_number_of_hits_on_all_pages_each_once(searcher, text, mode):
    results, hits = everything(searcher, Query(text, mode=mode))
    assert results.total == len(hits) == len({hit.article.id for hit in hits})
    counted = sum(hit.group is results.counted for hit in hits)
    assert results.totals.articles == counted
    assert results.totals.by_words + results.totals.by_meaning_alone == counted
    assert (results.verdict is Verdict.NONE) == (not hits)


@pytest.mark.parametrize("match", [None, *Group])
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", TEXTS)
def test_facets_and_timeline_count_the_very_hits(searcher, text, mode, match):
    results, hits = everything(searcher, Query(text, mode=mode, match=match))
    if not match:
        hits = [hit for hit in hits if hit.group is results.counted]
    expected = {
        "source": Counter(hit.article.source for hit in hits),
        "section": Counter(hit.article.section for hit in hits),
        "language": Counter(hit.article.language for hit in hits),
        "author": Counter(name for hit in hits for name in hit.article.authors),
    }
    for name in FACETS:
        counted = {count.value: count.count for count in results.facets[name]}
        # No names were read of the stories; tests/index/test_facets_of_names.py counts those.
        assert counted == {value: n for value, n in expected.get(name, {}).items() if value}
    dated = sum(count.count for count in results.timeline.bins)
    assert dated + results.timeline.undated == len(hits)
    assert results.timeline.undated == sum(hit.article.published is None for hit in hits)


@pytest.mark.parametrize("text", TEXTS)
def test_a_click_on_a_facet_gives_exactly_its_count(searcher, text):
    query = Query(text, mode=Mode.KEYWORD)
    for name, counts in searcher.search(query).facets.items():
        for count in counts:
            narrowed = replace(query, filters=Filters(**{name: (count.value,)}))
            assert searcher.search(narrowed).totals.articles == count.count


def test_a_facet_is_counted_without_its_own_filters(searcher):
    query = Query(TEXTS[0], mode=Mode.KEYWORD)
    every = searcher.search(query)
    sources = every.facets["source"]
    assert len(sources) > 1
    for filters in (Filters(source=(sources[0].value,)), Filters(not_source=(sources[0].value,))):
        narrowed = searcher.search(replace(query, filters=filters))
        assert narrowed.facets["source"] == sources
        assert sum(count.count for count in narrowed.facets["section"]) <= narrowed.total


def test_the_values_of_two_facets_are_counted_each_without_itself(searcher):
    filters = Filters(source=("Courier",), language=("en",))
    results = searcher.search(Query(filters=filters, copies=Copies.SHOW))
    for name in ("source", "language"):
        without = searcher.search(Query(filters=filters.without(name), copies=Copies.SHOW))
        assert results.facets[name] == without.facets[name]


def test_a_chosen_value_is_listed_where_no_article_has_it_under_the_other_filters(searcher):
    results = searcher.search(Query(filters=Filters(source=("Courier",), section=("Nowhere",))))
    assert results.total == 0
    assert {count.value for count in results.facets["section"]}


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(Mode),
    sort=st.sampled_from(Sort),
    copies=st.sampled_from(Copies),
    source=st.sampled_from([(), ("Courier",)]),
    match=st.sampled_from(Group),
)
def test_without_a_date_are_the_very_hits_that_have_none(
    searcher, text, mode, sort, copies, source, match
):
    query = Query(text, mode, Filters(source=source), match, sort, copies, strict=True)
    words = replace(query, mode=Mode.KEYWORD)
    everyone, hits = everything(searcher, words)
    none = replace(query.filters, date=DateFilter.NONE)
    results, undated = everything(searcher, replace(words, filters=none))
    assert {h.article.id for h in undated} == {
        h.article.id for h in hits if h.article.published is None
    }
    assert results.total == everyone.timeline.undated == len(undated)
    _, typed = everything(searcher, replace(words, text=f"{text} date:none".strip()))
    # Where a query is relaxed, what is typed bounds the articles that it is relaxed for.
    assert {h.article.id for h in typed} >= {h.article.id for h in undated}
    assert all(hit.article.published is None for hit in typed)
    for answer, found in (
        (results, undated),
        everything(searcher, replace(query, filters=none)),
    ):
        assert all(hit.article.published is None for hit in found)
        assert (answer.timeline.bins, answer.timeline.undated) == ((), answer.total)
        assert answer.span is None
        for name in {"source", "section", "language"} - {*query.filters.filtered_facets}:
            counted = {count.value: count.count for count in answer.facets[name]}
            expected = Counter(getattr(hit.article, name) for hit in found)
            assert counted == {value: n for value, n in expected.items() if value}


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(Mode),
    match=st.sampled_from(Group),
    name=st.sampled_from(FACETS),
    value=st.sampled_from(["Courier", "gazette", "Transport", "DE", "ana ruiz", "Nobody"]),
)
def test_what_is_excluded_is_the_rest_of_what_is_included(searcher, text, mode, match, name, value):
    query = Query(text, mode=mode, match=match, strict=True)
    everyone, _ = everything(searcher, query)
    ways = (Filters(**{name: (value,)}), Filters(**{EXCLUSIONS[name]: (value,)}))
    answers = [everything(searcher, replace(query, filters=way)) for way in ways]
    assert sum(results.total for results, _ in answers) == everyone.total
    found = [{hit.article.id for hit in hits} for _, hits in answers]
    assert not found[0] & found[1]
    both = Filters(**{name: (value,), EXCLUSIONS[name]: (value,)})
    assert searcher.search(replace(query, filters=both)).total == 0


@pytest.mark.parametrize(
    ("day", "found"),
    [((3, 15), {"bridge"}), ((2, 29), {"<b>id</b>"}), ((2, 28), set()), ((12, 31), {"untitled"})],
)
def test_a_day_of_any_year_is_a_filter(searcher, day, found):
    query = Query(filters=Filters(day=DayOfYear(*day)))
    assert {hit.article.id for hit in everything(searcher, query)[1]} == found


def test_a_date_and_none_at_once_is_nothing(searcher):
    filters = Filters(since=date(2000, 1, 1), date=DateFilter.NONE)
    assert searcher.search(Query("", filters=filters)).total == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("date:none", {"undated"}),
        ("Date:None", {"undated"}),
        ("lamp date:none", {"undated"}),
        ("ferry date:none", set()),
        ("keeper NOT date:none", set()),
        ("timetable OR date:none", {"ferry", "undated"}),
    ],
)
def test_no_date_is_a_condition_like_any_other(searcher, text, found):
    results, hits = everything(searcher, Query(text, mode=Mode.KEYWORD))
    assert {hit.article.id for hit in hits} == found
    assert "no date" in results.reading.description


def test_without_dates_only_none_can_be_asked_for(searcher):
    assert "no date" not in searcher.search(Query("date:nonesuch")).reading.description
    assert "no date" not in searcher.search(Query("update:none")).reading.description
    (hit,) = searcher.search(Query("date:none", mode=Mode.KEYWORD)).hits
    assert hit.why.sentence.startswith("no date")


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(Mode),
    sort=st.sampled_from(Sort),
    since=st.none() | st.dates(date(2022, 1, 1), date(2025, 1, 1)),
    source=st.sampled_from([(), ("Courier",), ("gazette", "Courier"), ("Nobody",)]),
    match=st.sampled_from(Group),
)
def test_every_hit_passes_the_filters_and_none_that_does_is_left_out(
    searcher, text, mode, sort, since, source, match
):
    def passes(article):
        right_day = since is None or (article.published is not None and article.published >= since)
        return right_day and (
            not source or article.source.casefold() in {s.casefold() for s in source}
        )

    query = Query(text, mode=Mode.KEYWORD, sort=sort, match=match)
    _, unfiltered = everything(searcher, query)
    filtered = replace(query, filters=Filters(since=since, source=source))
    _, hits = everything(searcher, filtered)
    assert {h.article.id for h in hits} == {h.article.id for h in unfiltered if passes(h.article)}
    _, others = everything(searcher, replace(filtered, mode=mode))
    assert all(passes(hit.article) for hit in others)


def test_sorting_by_day_puts_undated_articles_last_in_both_directions(searcher):
    for sort in (Sort.NEWEST, Sort.OLDEST):
        _, hits = everything(searcher, Query("", sort=sort))
        days = [hit.article.published for hit in hits]
        assert days[-1] is None
        assert days[:-1] == sorted(days[:-1], reverse=sort is Sort.NEWEST)


def test_requirements_bind_the_search_by_meaning_too(searcher):
    for mode in Mode:
        _, hits = everything(searcher, Query("ferry NOT council", mode=mode))
        assert "ferry" not in {hit.article.id for hit in hits}


def test_words_in_different_passages_of_an_article_are_both_held_by_it(searcher):
    _, hits = everything(searcher, Query("letter AND council", mode=Mode.KEYWORD))
    assert [hit.article.id for hit in hits] == ["ferry"]


@pytest.mark.parametrize("text", ["nunez", "author:Núñez", "author:ana AND ferry"])
def test_names_are_found_without_their_accents_and_by_field(searcher, text):
    _, hits = everything(searcher, Query(text, mode=Mode.KEYWORD))
    assert all(hit.article.id in ("ferry", "bridge") for hit in hits)


@pytest.mark.parametrize("text", ["fussgänger", "Fußgänger", "FUSSGANGER"])
def test_words_are_folded(searcher, text):
    _, hits = everything(searcher, Query(text, mode=Mode.KEYWORD))
    assert [hit.article.language for hit in hits] == ["de"]


def test_highlights_stand_on_the_words_that_were_asked_for(searcher):
    results = searcher.search(Query("bridges", mode=Mode.KEYWORD))
    marked = {
        passage.passage.text[start:end].casefold()
        for hit in results.hits
        for passage in hit.passages
        for start, end in passage.highlights
    }
    assert marked == {"bridge"}


def test_an_answer_says_when_no_article_holds_all_the_words(searcher):
    results = searcher.search(Query("lighthouse inspectors", mode=Mode.KEYWORD))
    assert results.hits
    assert results.counted is Group.SOME
    assert results.totals.groups[Group.ALL] == results.totals.groups[Group.MOST] == 0


def test_a_hybrid_search_goes_on_by_words_where_the_model_is_absent(engines):
    class Absent:
        def embed_query(self, text):
            raise EngineUnavailable("the model", "it is not here")

    searcher = Searcher(replace(engines, embedder=Absent()), RankingOptions(floor=0.2))
    results = searcher.search(Query("ferry"))
    assert results.totals.by_words == 3
    assert "by words alone" in results.reading.notes[0]
    with pytest.raises(EngineUnavailable):
        searcher.search(Query("ferry", mode=Mode.SEMANTIC))


def test_a_search_sees_what_was_added_since(engines, searcher, tmp_path):
    assert searcher.search(Query("zeppelin", mode=Mode.KEYWORD)).totals.articles == 0
    fill(engines, write_stories(tmp_path, [{"id": "z", "title": "Zeppelin", "text": "It flew."}]))
    searcher.look_again()
    assert searcher.search(Query("zeppelin", mode=Mode.KEYWORD)).totals.articles == 1


class SlowToOpen:
    """A lexical index whose next snapshots are opened only when they may be."""

    def __init__(self, lexical):
        self._lexical = lexical
        self.may = threading.Event()
        self.asked = threading.Event()
        self.fails = False
        self.may.set()

    def snapshot(self):
        self.asked.set()
        assert self.may.wait(20)
        if self.fails:
            raise ArchiveMissing(Path("there"))
        return self._lexical.snapshot()

    def __getattr__(self, name):
        return getattr(self._lexical, name)


def until(condition):
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("fails", [False, True])
def test_no_search_waits_until_a_changed_archive_is_open(engines, tmp_path, fails):
    slow = SlowToOpen(engines.lexical)
    searcher = Searcher(replace(engines, lexical=slow), RankingOptions(floor=0.2), aside=True)
    query = Query("zeppelin", mode=Mode.KEYWORD)
    assert searcher.search(query).totals.articles == 0
    fill(engines, write_stories(tmp_path, [{"id": "z", "title": "Zeppelin", "text": "It flew."}]))
    slow.may.clear()
    slow.asked.clear()
    searcher.look_again()
    assert searcher.search(query).totals.articles == 0
    assert slow.asked.wait(20)
    searcher.look_again()
    assert searcher.search(query).totals.articles == 0  # while the other one is being opened
    slow.fails = fails
    slow.may.set()
    if fails:
        assert until(lambda: not searcher._snapshots._is_opening)
        assert searcher.search(query).totals.articles == 0
        slow.fails = False
        searcher.look_again()
        searcher.search(query)
    assert until(lambda: searcher.search(query).totals.articles == 1)


def news_about_the_ferry(count, day="2024-05-01"):
    """Articles that hold the ferry more often than those there, and so stand before them."""
    return [
        {"id": f"new-{n}", "title": "Ferry", "published": day, "text": "Ferry, ferry. " * (n + 2)}
        for n in range(count)
    ]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("mode", Mode)
def test_a_second_page_neither_repeats_nor_skips_when_articles_arrive_or_go(
    engines, searcher, tmp_path, mode, sort
):
    query = Query("the ferry", mode=mode, sort=sort, limit=2)
    whole = searcher.search(replace(query, limit=200))
    first = searcher.search(query)
    fill(engines, write_stories(tmp_path, news_about_the_ferry(4)))
    later = whole.hits[2].article.id
    indexer_of(engines).remove([later])
    searcher.look_again()
    pages, cursor = [first], first.next
    while cursor:
        pages.append(searcher.search(replace(query, cursor=cursor)))
        cursor = pages[-1].next
    seen = [hit.article.id for page in pages for hit in page.hits]
    assert seen == [hit.article.id for hit in whole.hits if hit.article.id != later]
    assert all(page.totals == whole.totals for page in pages)
    assert {page.generation for page in pages} == {first.generation}
    assert searcher.search(query).totals.articles == whole.totals.articles + 3


def test_a_page_of_an_answer_that_is_kept_no_longer_says_so(engines, tmp_path):
    searcher = Searcher(engines, RankingOptions(floor=0.2), cache=ResultCache(most=1))
    query = Query("the ferry", mode=Mode.KEYWORD, limit=1)
    cursor = searcher.search(query).next
    searcher.search(Query("bridge", mode=Mode.KEYWORD, limit=1))
    fill(engines, write_stories(tmp_path, news_about_the_ferry(2)))
    searcher.look_again()
    second = searcher.search(replace(query, cursor=cursor))
    assert "results may be missed or repeated" in second.reading.notes[-1]


def test_kept_answers_are_bounded_by_their_bytes(engines):
    query = Query("the ferry", mode=Mode.KEYWORD, limit=1)
    found = Searcher(engines, RankingOptions(floor=0.2)).find_all(query)
    hits = found.hits
    arrays = [found.ordered, hits.scores, hits.matches.scores, hits.candidates.rows]
    arrays += [each for leaf in hits.matches.leaves for some in leaf.lists for each in some]
    assert bytes_of(found) > sum(each.nbytes for each in arrays)
    cache = ResultCache(most=3 * LEAST)
    asked = [replace(query, text=f"the ferry {n}", cursor=Cursor(1, 1)) for n in range(5)]
    for each in asked:
        cache.keep(found, each)
    kept = [cache.of(replace(each, cursor=Cursor(found.answer.generation, 1))) for each in asked]
    assert [each is not None for each in kept] == [False, False, True, True, True]


def test_an_answer_is_dropped_when_its_time_is_over(engines):
    cache = ResultCache(seconds=0.2)
    searcher = Searcher(engines, RankingOptions(floor=0.2), cache=cache)
    first_page = Query("the ferry", limit=1)
    second_page = replace(first_page, cursor=searcher.search(first_page).next)
    assert cache.of(second_page)
    time.sleep(0.25)
    assert cache.of(second_page) is None


def test_a_word_that_is_nowhere_is_answered_when_the_newest_articles_were_removed(engines):
    oldest, *later = [article.id for article, _ in engines.catalog.digests()]
    indexer_of(engines).remove(later)
    results = Searcher(engines, RankingOptions()).search(Query("zxqv"))
    assert (results.total, engines.catalog.counts().articles) == (0, 1)
    assert engines.catalog.article(oldest)
