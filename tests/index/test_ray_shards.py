"""Shards in actors of Ray, on two nodes of this machine: killed, started again, never wrong."""

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest

from backfile.archive.model.settings import Settings
from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.model.query import Query
from backfile.index.wiring import open_searcher
from tests.builders import backfile
from tests.divided import seen
from tests.web.servers import get, serving, wait_until

ray = pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
from backfile.index.cluster.ray.shards import start_shards, stop_shards  # noqa: E402

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),
]
SEARCHES = [
    {"q": ["swing bridge"]},
    {"q": ["why was the bridge closed"]},
    {"q": ["ferry"], "mode": ["keyword"], "sort": ["newest"]},
    {"q": ['"swing bridge" AND council'], "since": ["2024"]},
    {"q": ["brigde"]},
    {"q": ["zxqv"]},
    {"q": [""]},
]
SECONDS = 60.0
SECONDS_OF_KILLS = 16.0
CLIENTS = 8


@pytest.fixture(scope="module")
def nodes():
    """A head node and two others, each with processes of its own."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    others = [made.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made, others
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="module")
def divided(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray") / "cluster"
    result = backfile("cluster", "import", folder, "--shards", 3, "--archive", sample)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def shards(nodes, divided):
    cluster = ClusterMap.read(divided)
    started = start_shards(cluster, divided, Settings(), 1)
    for each in started:
        each.wait()
    yield started
    assert stop_shards(divided) == len(started)


def process_of(shard):
    """The process of its only replica, None if it is not known now."""
    place = shard.replicas[0].place
    return int(place.split()[1]) if place else None


def test_shards_on_several_nodes_answer_as_one_archive(shards, sample):
    whole = open_searcher(replace(Settings(), archive=sample))
    with closing(ClusterSearcher(shards)) as cluster:
        for parameters in SEARCHES:
            query = Query.from_parameters(parameters)
            assert seen(cluster.search(query)) == seen(whole.search(query)), parameters


def test_a_killed_shard_is_left_out_and_said_to_be_until_it_is_started_again(shards):
    everything = Query.from_parameters({"q": [""], "copies": ["show"]})
    with closing(ClusterSearcher(shards)) as cluster:
        all_articles = cluster.search(everything).total
        victim = shards[1]
        process = process_of(victim)
        os.kill(process, signal.SIGKILL)
        totals = {all_articles - victim.articles: 0, all_articles: 0}
        until = time.monotonic() + SECONDS
        while not totals[all_articles] and time.monotonic() < until:
            results = cluster.search(everything)
            is_part = any("parts of the archive answered" in n for n in results.reading.notes)
            assert results.total in totals
            assert is_part == (results.total != all_articles)
            totals[results.total] += 1
        assert all(totals.values())
        assert process_of(victim) != process


def test_no_client_gets_a_wrong_answer_while_shards_are_killed(shards, sample):
    whole = open_searcher(replace(Settings(), archive=sample))
    queries = [Query.from_parameters(each) for each in SEARCHES]
    expected = [seen(whole.search(query)) for query in queries]
    until, wrong, counts = time.monotonic() + SECONDS_OF_KILLS, [], Counter()

    def client(n):
        for i in count(n):
            if time.monotonic() > until:
                return
            results = cluster.search(queries[i % len(queries)])
            is_part = any("parts of the archive answered" in n for n in results.reading.notes)
            counts[is_part] += 1
            if not is_part and seen(results) != expected[i % len(queries)]:
                wrong.append(queries[i % len(queries)])

    # No search may be cut for its time: the machine is busy with starting shards.
    with (
        closing(ClusterSearcher(shards, budget=SECONDS)) as cluster,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        clients = [pool.submit(client, n) for n in range(CLIENTS)]
        while time.monotonic() < until - SECONDS_OF_KILLS / 3:
            time.sleep(SECONDS_OF_KILLS / 4)
            victim = shards[int(time.monotonic()) % len(shards)]
            if process := process_of(victim):
                os.kill(process, signal.SIGKILL)
        for each in clients:
            each.result()
    assert wrong == []
    assert counts[False] > 0


def test_the_shards_of_a_lost_node_are_started_on_another(nodes, shards):
    made, others = nodes
    everything = Query.from_parameters({"q": [""], "copies": ["show"]})
    with closing(ClusterSearcher(shards)) as cluster:
        all_articles = cluster.search(everything).total
        made.remove_node(others.pop(), allow_graceful=False)
        made.add_node(num_cpus=1)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            results = cluster.search(everything)
            if results.total == all_articles:
                break
            assert "parts of the archive answered" in results.reading.notes[0]
        assert results.total == all_articles


def test_while_one_replica_of_each_shard_answers_every_answer_is_whole(shards, divided, sample):
    replicated = start_shards(ClusterMap.read(divided), divided, Settings(), 2)
    for each in replicated:
        each.wait()
    assert [len(each.replicas) for each in replicated] == [2] * len(shards)
    nodes = [{node_of(each) for each in shard.replicas} for shard in replicated]
    assert all(len(each) == 2 for each in nodes)
    whole = open_searcher(replace(Settings(), archive=sample))
    queries = [Query.from_parameters(each) for each in SEARCHES]
    with closing(ClusterSearcher(replicated, budget=SECONDS)) as cluster:
        expected = [seen(whole.search(query)) for query in queries]
        assert [seen(cluster.search(query)) for query in queries] == expected
        for shard in replicated:
            os.kill(int(shard.replicas[0].place.split()[1]), signal.SIGKILL)
        for _ in range(3):
            assert [seen(cluster.search(query)) for query in queries] == expected
        assert cluster.readiness().failure is None
    fewer = start_shards(ClusterMap.read(divided), divided, Settings(), 1)
    assert [len(each.replicas) for each in fewer] == [1] * len(shards)


def node_of(replica):
    return ray.get(replica._actor.node.remote(), timeout=SECONDS)


def test_two_web_processes_serve_the_same_shards_and_say_which_are_out(nodes, shards, divided):
    options = ["--cluster", divided, "--address", nodes[0].address, "--workers", "2"]
    with serving(*options, seconds=SECONDS) as port:
        path = "/api/search?q=ferry&copies=show&limit=3"
        # Both processes have found the shards, whichever is asked.
        wait_until(lambda: all(get(port, path)[0] == 200 for _ in range(8)), SECONDS)
        whole = asked(port, path)
        assert whole["query"]["notes"] == []
        second = [asked(port, f"{path}&cursor={whole['next']}")["hits"] for _ in range(4)]
        assert all(hits == second[0] for hits in second)  # whichever process answers
        os.kill(process_of(shards[1]), signal.SIGKILL)
        parts, until = [], time.monotonic() + SECONDS
        while parts[-1:] != [False] or True not in parts:
            found = asked(port, path)
            parts.append(any("parts of the archive answered" in n for n in found["query"]["notes"]))
            assert parts[-1] == (found["total"] != whole["total"])
            assert time.monotonic() < until


def asked(port, path):
    status, _, body = get(port, path)
    assert status == 200, body
    return json.loads(body)
