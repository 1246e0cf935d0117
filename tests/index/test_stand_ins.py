"""A search of certain days leaves out the shards that have no article of them."""

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.cluster.search.shards import LocalShard
from backfile.index.cluster.search.stand_ins import SECONDS_FRESH, days_of, rules_out
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.filters import Filters
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import fill, write_records
from tests.divided import Divided, LostShard, agrees, news, random_query, read, seen

FIRST_YEAR, N_SHARDS = 2019, 5
WINDOWS = [("2020-02-01", "2020-11-30"), ("2020-03-01", "2020-05-31"), ("2020-06-01", "2021-01-10")]


def by_year(seed, n_articles):
    """Articles of six years, the shards that these are in, and the undated ones in the first."""
    choose = random.Random(seed)
    articles = news(seed, n_articles)
    for each in articles:
        if written := each.get("published"):
            year = choose.randrange(FIRST_YEAR, FIRST_YEAR + N_SHARDS)
            each["published"] = f"{year}{written[4:]}".replace("-02-29", "-02-28")
    years = [int(each.get("published", str(FIRST_YEAR))[:4]) for each in articles]
    return articles, [year - FIRST_YEAR for year in years]


def searchers_of(divided):
    return [Searcher(each, RankingOptions(floor=0.2)) for each in divided.engines]


def window(since, until, **parameters):
    return read({"q": "ferry", "copies": "show", "since": since, "until": until} | parameters)


@pytest.fixture
def divided(tmp_path):
    articles, assigned = by_year(3, 60)
    with Divided(tmp_path, articles, assigned) as found:
        yield found


@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32))
def test_searches_of_days_answer_as_one_archive_whoever_is_asked(tmp_path_factory, seed):
    choose = random.Random(seed)
    articles, assigned = by_year(seed, choose.randint(5, 60))
    with Divided(tmp_path_factory.mktemp("divided"), articles, assigned) as divided:
        for _ in range(5):
            parameters = random_query(choose)
            for _ in range(5):
                ends = date(FIRST_YEAR, 1, 1), date(FIRST_YEAR + N_SHARDS, 1, 1)
                begin = choose.randrange(*map(date.toordinal, ends))
                days = begin, begin + choose.choice((0, 20, 90, 500, 1500))
                since, until = map(str, map(date.fromordinal, days))
                agrees(divided, parameters | {"since": since, "until": until})


@pytest.mark.parametrize("text", ["ferry", "ferry bridge", "", "source:courier ferry"])
@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_the_second_search_for_the_same_asks_those_of_its_days_and_the_first(divided, text, mode):
    asked = []
    for since, until in WINDOWS:
        query = window(since, until, q=text, mode=mode)
        assert seen(divided.cluster.search(query)) == seen(divided.undivided.search(query))
        asked.append(divided.cluster.last.n_asked)
    assert asked == [N_SHARDS, 2, 3]


def test_a_search_that_finds_nothing_goes_another_way_and_then_both_are_known(divided):
    asked, nothing = [], [("2020-01-31", "2020-01-31"), ("2021-01-31", "2021-01-31")]
    for since, until in 2 * [WINDOWS[0], *nothing]:
        query = window(since, until, q="ferry bridge", date="within")
        found = divided.cluster.search(query)
        assert seen(found) == seen(divided.undivided.search(query))
        asked.append((divided.cluster.last.n_asked, found.total > 0))
    first, other = (2, True), (2, False)
    with_that_of_2020 = (3, False)  # which was needed until then
    new = [(N_SHARDS, True), (N_SHARDS, False), with_that_of_2020]
    assert asked == [*new, first, other, other]


@pytest.mark.parametrize("text", ["brigde", "zxqv", '"ferry zxqv harbour"', "brigde ferry"])
def test_searches_that_are_corrected_or_relaxed_know_their_ways_too(divided, text):
    asked = []
    for since, until in 2 * [*WINDOWS, ("2023-12-30", "2023-12-31")]:
        query = window(since, until, q=text)
        assert seen(divided.cluster.search(query)) == seen(divided.undivided.search(query))
        asked.append(divided.cluster.last.n_asked)
    assert asked[0] == N_SHARDS
    assert max(asked[4:]) <= 3


def test_two_searches_within_one_that_begin_alike_are_told_apart(tmp_path):
    """The hits of an outlet that is named, and what is closest to the query if nothing is found."""
    articles, assigned = by_year(7, 30)
    with Divided(tmp_path, articles, assigned) as divided:
        for text in ("Courier council", "Courier ferry bridge", "Gazette storm"):
            for year in range(FIRST_YEAR, FIRST_YEAR + N_SHARDS):
                for month in range(1, 13):
                    days = {"since": f"{year}-{month:02}", "until": f"{year}-{month:02}"}
                    agrees(divided, {"q": text, "date": "within", "copies": "show", **days})


@pytest.mark.parametrize("text", ["ferry bridge", "brigde ferry", '"ferry bridge"'])
@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_what_was_given_in_time_stands_in_for_no_shard_of_a_search_that_is_late(
    divided, text, mode
):
    cluster = divided.cluster
    queries = [window(*days, q=text, mode=mode) for days in WINDOWS[:2]]
    for query in queries:
        cluster.search(query)
    assert cluster.last.n_asked == 2
    cluster._budget = 0.0
    cluster.search(queries[1])
    assert cluster.last.was_late
    assert cluster.last.n_asked == N_SHARDS


def test_later_pages_count_all_articles_of_decades(tmp_path):
    choose, articles = random.Random(1), news(1, 80)
    years = [choose.randrange(1900, 2000) for _ in articles]
    for each, year in zip(articles, years, strict=True):
        each["published"] = f"{year}-05-03"
    with Divided(tmp_path, articles, [(year - 1900) // 25 for year in years]) as divided:
        query = window("1903-01-01", "1972-06-30", q="", limit="3")
        whole = divided.undivided.search(query)
        assert whole.timeline.unit == "decade"
        for _ in range(3):
            page = divided.cluster.search(query)
            assert page.timeline == whole.timeline
            query = replace(query, cursor=page.next)


def test_sentences_are_marked_by_all_shards(divided):
    for since, until in WINDOWS:
        query = window(since, until, mark="sentence")
        assert seen(divided.cluster.search(query)) == seen(divided.undivided.search(query))
        assert divided.cluster.last.n_asked == N_SHARDS


def test_later_pages_are_of_the_answer_of_the_first(divided):
    divided.cluster.search(window("2020-01-01", "2020-12-31", q="", limit="2"))
    query = window("2020-02-01", "2020-12-31", q="", limit="2")
    expected = [hit.article.id for hit in divided.undivided.search(replace(query, limit=50)).hits]
    found = []
    while True:
        page = divided.cluster.search(query)
        assert divided.cluster.last.n_asked == 2
        assert divided.cluster.last.rounds <= 2
        found += [hit.article.id for hit in page.hits]
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    assert found == expected
    assert len(found) > 4


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_shard_that_has_changed_is_asked_again(tmp_path, divided):
    clock, searchers = Clock(), searchers_of(divided)
    shards = [LocalShard(str(n), each) for n, each in enumerate(searchers)]
    cluster = ClusterSearcher(shards, seconds_a_round=60.0, seconds=clock)
    before = [cluster.search(window(*days)).total for days in WINDOWS]
    assert cluster.last.n_asked == 3
    record = {"id": "new", "title": "Ferry", "text": "The ferry is new.", "published": "2020-04-01"}
    fill(divided.engines[-1], write_records(tmp_path / "new.jsonl", [record]))
    searchers[-1].look_again()
    assert cluster.search(window(*WINDOWS[1])).total == before[1]  # asked a moment ago
    clock.now += SECONDS_FRESH + 0.1
    cluster.readiness()  # which says nothing of their articles
    found = cluster.search(window(*WINDOWS[1]))
    assert found.total == before[1] + 1
    assert "new" in {hit.article.id for hit in found.hits}


def test_a_shard_that_is_lost_is_missed_though_it_has_no_article_of_the_days(divided):
    clock = Clock()
    shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
    cluster = ClusterSearcher(shards, seconds_a_round=60.0, seconds=clock)
    whole = [cluster.search(window(*days)) for days in WINDOWS[:2]]
    assert cluster.last.n_asked == 2
    shards[-1].is_lost = True
    shards[-1].break_connections()
    clock.now += SECONDS_FRESH + 0.1
    found = cluster.search(window(*WINDOWS[1]))
    assert found.reading.notes[0].startswith("4 of 5 parts of the archive answered")
    assert found.total == whole[1].total


def test_of_those_that_are_asked_for_changes_the_one_that_is_lost_is_left_out(divided):
    clock = Clock()
    shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
    cluster = ClusterSearcher(shards, seconds_a_round=60.0, seconds=clock)
    for year in 2 * list(range(FIRST_YEAR, FIRST_YEAR + N_SHARDS)):
        whole = cluster.search(window(f"{year}-02-01", f"{year}-11-30"))
    clock.now += SECONDS_FRESH + 0.1
    for replicas in list(cluster._groups.now._replicas.values())[:2]:
        replicas.all()[0].confirm()  # so that not all are asked
    shards[3].is_lost = True
    shards[3].break_connections()
    found = cluster.search(window(f"{year}-02-01", f"{year}-11-30"))
    assert found.reading.notes[0].startswith("4 of 5 parts of the archive answered")
    assert found.total == whole.total


def test_a_shard_of_those_asked_that_is_lost_is_the_one_left_out(divided):
    shards = [LostShard(str(n), each, n) for n, each in enumerate(divided.engines)]
    cluster = ClusterSearcher(shards, seconds_a_round=60.0)
    for days in WINDOWS[:2]:
        assert cluster.search(window(*days)).total
    shards[1].is_lost = True  # that of 2020
    found = cluster.search(window(*WINDOWS[1]))
    assert found.reading.notes[0].startswith("4 of 5 parts of the archive answered")
    assert found.total == 0


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        (date(2020, 5, 3), date(2020, 6, 1), date(2020, 5, 1), date(2020, 6, 30)),
        (date(2020, 5, 3), date(2020, 12, 1), date(2020, 1, 1), date(2020, 12, 31)),
        (date(2020, 5, 3), None, date(2020, 1, 1), date.max),
        (None, date(2020, 5, 3), date.min, date(2020, 12, 31)),
    ],
)
def test_days_count_as_the_periods_that_they_are_in(since, until, begin, end):
    days = days_of(Filters(since=since, until=until))
    assert (days.first, days.last) == (begin, end)
    first, last = begin.toordinal(), end.toordinal()
    assert not rules_out(days, shard_of(first, last))
    assert not rules_out(days, shard_of(1, first))
    assert rules_out(days, shard_of(1, first - 1)) or first == 1
    assert rules_out(days, shard_of(last + 1, last + 9))
    assert rules_out(days, shard_of(0, 0))


def test_a_query_of_any_day_needs_all_shards():
    assert days_of(Filters(date="within")) is None


def test_articles_that_are_dated_by_a_year_are_counted_in_all_its_days(tmp_path):
    """Their period is the year, which begins before the days, in a shard of its own."""
    articles = [
        {"id": f"a{n}", "title": f"Ferry {n}", "text": f"The ferry of {n}.", "published": published}
        for n, published in enumerate(("2020-02-01", "2020", "2020", "2020-07-01", "2020-08-01"))
    ]
    with Divided(tmp_path, articles, [0, 2, 2, 1, 1]) as divided:
        for since, until in [("2020-02-01", "2020-02-02"), ("2020-03-01", "2020-03-31")]:
            query = window(since, until)
            assert seen(divided.cluster.search(query)) == seen(divided.undivided.search(query))
            assert divided.cluster.last.n_asked == 3


def shard_of(first_day, last_end):
    return CollectionStatistics(
        generation=1,
        articles=1,
        passages=1,
        embedded=1,
        indexed=1,
        words={},
        language_counts={},
        first_day=first_day,
        last_day=first_day,
        last_end=last_end,
        crossing=frozenset(),
    )
