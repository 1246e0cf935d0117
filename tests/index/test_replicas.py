"""Replicas of a shard: while one of each answers, the answer is whole, and of one generation."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.model.whole import ShardFailed
from backfile.index.search import result_cache
from backfile.index.search.readiness import Status
from tests.builders import fill, write_records
from tests.divided import Divided, ReplicatedShard, news, read, seen

N_SHARDS = 3
EVERYTHING = {"q": "", "copies": "show"}
MORE = [{"id": "more", "title": "Ferry", "text": "The ferry is back.", "published": "2024-05-05"}]


@contextmanager
def replicated(folder, n_articles=18, **options):
    """An archive in shards, a searcher of their replicas, and its clock."""
    with Divided(folder, news(7, n_articles), [n % N_SHARDS for n in range(n_articles)]) as divided:
        shards = [ReplicatedShard(str(n), each) for n, each in enumerate(divided.engines)]
        now = [0.0]
        options = {"budget": 60.0, "seconds_a_round": 2.0} | options
        cluster = ClusterSearcher(shards, seconds=lambda: now[0], **options)
        yield divided, shards, cluster, now
        cluster.close()


def lose(replica):
    replica.is_lost = True
    replica.break_connections()


@pytest.mark.parametrize("first", range(2))
def test_while_one_replica_of_each_shard_answers_the_answer_is_whole(tmp_path, first):
    with replicated(tmp_path) as (divided, shards, cluster, _):
        expected = divided.undivided.search(read(EVERYTHING)).total
        for n, shard in enumerate(shards):
            lose(shard.replicas[(first + n) % 2])
            for _ in range(2):
                found = cluster.search(read(EVERYTHING))
                assert (found.total, found.reading.notes) == (expected, ())
        lose(shards[0].replicas[1 - first])
        assert "2 of 3 parts" in cluster.search(read(EVERYTHING)).reading.notes[0]
        shards[0].replicas[first].is_lost = False
        assert cluster.search(read(EVERYTHING)).total == expected


def test_a_replica_whose_connections_break_in_a_search_costs_nothing_of_the_answer(tmp_path):
    with replicated(tmp_path) as (divided, shards, cluster, _):
        expected = divided.undivided.search(read(EVERYTHING)).total
        for n in range(6):
            shards[n % N_SHARDS].replicas[n % 2].break_connections()
            assert cluster.search(read(EVERYTHING)).total == expected


def damaged(replica, monkeypatch, asked):
    def fails(*_args, **_options):
        asked.append(replica)
        raise ShardFailed(EngineUnavailable("the words", "a file is damaged"))

    monkeypatch.setattr(replica._searcher, "search", fails)


def test_a_replica_on_a_damaged_disk_is_passed_over_for_a_moment(tmp_path, monkeypatch):
    with replicated(tmp_path) as (divided, shards, cluster, now):
        expected = seen(divided.undivided.search(read(EVERYTHING)))
        asked = []
        damaged(shards[1].replicas[0], monkeypatch, asked)
        for _ in range(2):
            asked.clear()
            for n in range(8):
                query = read(EVERYTHING | {"limit": "3", "q": ("ferry", "bridge", "")[n % 3]})
                assert cluster.search(query).reading.notes == ()
            assert seen(cluster.search(read(EVERYTHING))) == expected
            assert len(asked) == 1
            now[0] += 60.0


def test_where_a_replica_of_each_shard_is_damaged_the_others_answer(tmp_path, monkeypatch):
    with replicated(tmp_path) as (divided, shards, cluster, _):
        expected = seen(divided.undivided.search(read(EVERYTHING)))
        for n, shard in enumerate(shards):
            damaged(shard.replicas[n % 2], monkeypatch, [])
        for _ in range(3):
            assert seen(cluster.search(read(EVERYTHING))) == expected
        for n, shard in enumerate(shards):
            damaged(shard.replicas[1 - n % 2], monkeypatch, [])
        with pytest.raises(EngineUnavailable, match="a file is damaged"):
            cluster.search(read(EVERYTHING))


def test_searches_are_spread_over_the_replicas(tmp_path, monkeypatch):
    with replicated(tmp_path) as (_, shards, cluster, __):
        asked = []
        for replica in shards[0].replicas:
            overview = replica._searcher.snapshot
            monkeypatch.setattr(
                replica._searcher,
                "snapshot",
                lambda one=replica, look=overview: asked.append(one) or look(),
            )
        for _ in range(10):
            cluster._look(0.0)
        assert {asked.count(each) >= 4 for each in shards[0].replicas} == {True}


def test_while_a_replica_is_at_work_another_is_asked(tmp_path):
    with replicated(tmp_path) as (_, __, cluster, ___):
        replicas = next(iter(cluster._groups.now._replicas.values()))
        one = replicas.chosen(0, ())
        taken = one.take()
        assert replicas.chosen(0, ()) is not one
        one.give_back(taken)
        assert replicas.chosen(0, ()) is one


def test_after_its_rest_a_replica_is_asked_one_question_and_others_once_it_answered(tmp_path):
    with replicated(tmp_path) as (_, __, cluster, now):
        replicas = next(iter(cluster._groups.now._replicas.values()))
        one, other = replicas.all()
        one.rest()
        assert [replicas.chosen(0, ()) for _ in range(3)] == [other] * 3
        now[0] += 60.0
        assert replicas.chosen(0, ()) is one
        taken = one.take()
        assert replicas.chosen(0, {other}) is None
        assert replicas.chosen(0, {other}, resting=True) is one
        one.has_answered()
        assert replicas.chosen(0, {other}) is one
        one.give_back(taken)


def test_who_has_seen_a_later_generation_never_sees_an_earlier_one_again(tmp_path):
    with replicated(tmp_path / "shards") as (divided, shards, cluster, now):
        before = cluster.search(read(EVERYTHING)).total
        slow, quick = shards[1].replicas
        slow._searcher._snapshots._seconds = lambda: 0.0  # it does not look for changes
        slow._searcher.look_again()
        slow._searcher.snapshot()
        fill(divided.engines[1], write_records(tmp_path / "more.jsonl", MORE))
        quick._searcher.look_again()
        totals, generations = [], []
        for _ in range(12):
            totals.append(cluster.search(read(EVERYTHING)).total)
            generations.append(cluster._look(now[0]).found.value.generation)
            now[0] += 0.5  # it is asked again, whether it is behind
        assert totals == sorted(totals)
        assert generations == sorted(generations)
        assert totals[-1] == before + 1
        lose(quick)
        found = cluster.search(read(EVERYTHING))
        assert (found.total, found.reading.notes) == (before, ())
        slow._searcher.look_again()
        assert cluster.search(read(EVERYTHING)).total == before + 1


def test_a_later_page_is_never_cut_from_parts_of_two_answers(tmp_path):
    options = {"seconds_a_round": 60.0}
    with replicated(tmp_path / "shards", 30, **options) as (divided, shards, cluster, _now):
        query = read(EVERYTHING | {"limit": "2"})
        ways = [[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
        for replica in ways:
            only(shards, replica)
            cluster.search(query)
        first = cluster.search(query)
        expected = divided.undivided.search(replace(query, cursor=first.next))
        for replica in ways * 2:
            only(shards, replica)
            second = cluster.search(replace(query, cursor=first.next))
            assert [hit.article.id for hit in second.hits] == [
                hit.article.id for hit in expected.hits
            ]
            assert (second.total, second.facets) == (expected.total, expected.facets)


def only(shards, replicas):
    """Let one replica of each shard be there."""
    for shard, there in zip(shards, replicas, strict=True):
        for n, each in enumerate(shard.replicas):
            each.is_lost = n != there
            if each.is_lost:
                each.break_connections()


def test_parts_that_were_kept_by_different_searches_are_no_answer(tmp_path):
    with replicated(tmp_path, 30) as (_, shards, cluster, __):
        query = read(EVERYTHING | {"limit": "2"})
        only(shards, [0, 0, 0])
        first = cluster.search(query)
        only(shards, [1, 1, 1])
        cluster.search(query)
        finds = []
        for shard in shards:
            for replica in shard.replicas:
                watch(replica._searcher, finds)
        later = replace(query, cursor=first.next)
        for replicas, n_found in (([0, 0, 0], 0), ([0, 1, 0], N_SHARDS), ([0, 1, 0], 0)):
            only(shards, replicas)
            finds.clear()
            cluster.search(later)
            assert len(finds) == n_found  # each shard computes the answer, or none does


def watch(searcher, finds):
    find = searcher._find

    def watched(*args, **options):
        finds.append(searcher)
        return find(*args, **options)

    searcher._find = watched


def test_a_list_of_all_articles_needs_one_replica_of_each_shard(tmp_path):
    with replicated(tmp_path) as (_, shards, cluster, __):
        whole = list(cluster.articles(read(EVERYTHING)))
        for n, shard in enumerate(shards):
            lose(shard.replicas[n % 2])
        assert list(cluster.articles(read(EVERYTHING))) == whole
        lose(shards[0].replicas[1])
        with pytest.raises(EngineUnavailable, match="the shard 0 is unavailable"):
            list(cluster.articles(read(EVERYTHING)))


@pytest.mark.parametrize("taken", [1, 4, 17])
def test_a_list_of_all_articles_goes_on_behind_a_lost_replica(tmp_path, monkeypatch, taken):
    monkeypatch.setattr(result_cache, "ARTICLES_AT_ONCE", 2)
    with replicated(tmp_path) as (_, shards, cluster, __):
        whole = list(cluster.articles(read(EVERYTHING)))
        articles = cluster.articles(read(EVERYTHING))
        found = [next(articles) for _ in range(taken)]
        for shard in shards:
            at_work = {each._replica for each in busy(cluster, shard)}
            assert len(at_work) == 1
            lose(*at_work)
        assert found + list(articles) == whole


def test_a_list_of_all_articles_ends_where_the_rest_would_be_of_another_state(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(result_cache, "ARTICLES_AT_ONCE", 2)
    with replicated(tmp_path / "shards") as (divided, shards, cluster, _):
        articles = cluster.articles(read(EVERYTHING))
        next(articles)
        fill(divided.engines[1], write_records(tmp_path / "more.jsonl", MORE))
        for replica in shards[1].replicas:
            replica._searcher.look_again()
        lose(shards[0].replicas[0])
        lose(shards[0].replicas[1])
        shards[0].replicas[0].is_lost = False
        with pytest.raises(EngineUnavailable, match="the shard 1 is unavailable: it has changed"):
            list(articles)


def test_a_list_of_all_articles_ends_where_no_replica_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "ARTICLES_AT_ONCE", 2)
    with replicated(tmp_path) as (_, shards, cluster, __):
        articles = cluster.articles(read(EVERYTHING))
        next(articles)
        for replica in shards[2].replicas:
            lose(replica)
        with pytest.raises(EngineUnavailable, match="the shard 2 is unavailable"):
            list(articles)


def busy(cluster, shard):
    """The connections to the replicas of a shard that are at work."""
    return [each for each in cluster._groups.now._replicas[shard].all() if each.at_work]


def test_readiness_counts_the_replicas_that_can_be_searched(tmp_path):
    with replicated(tmp_path) as (_, shards, cluster, __):
        ready = cluster.readiness()
        assert (ready.is_whole, ready.replicas, ready.answering) == (True, 6, 6)
        lose(shards[1].replicas[0])
        ready = cluster.readiness()
        assert (ready.is_whole, ready.failure, ready.replicas, ready.answering) == (
            False,
            None,
            6,
            5,
        )
        parts = {each.name: each for each in ready.parts}
        assert parts["shards"].status is Status.OK
        assert str(parts["replicas"].detail) == "replicas that answer: 1: 1 of 2"
        lose(shards[1].replicas[1])
        parts = {each.name: each for each in cluster.readiness().parts}
        assert str(parts["shards"].detail) == "2 of 3 parts of the archive answer; out are: 1"
        for shard in shards:
            for replica in shard.replicas:
                lose(replica)
        assert cluster.readiness().failure
