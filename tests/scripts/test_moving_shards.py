"""Shards in actors of Ray, asked without a pause while they are split: `split`, then `start`."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from backfile.index.cluster.map.cluster_map import ClusterMap
from backfile.web.parts import HEADER
from tests.builders import ROOT, backfile, damage, invented_text, write_records
from tests.clusters import Asking, give_another_model
from tests.web.servers import get, serving, wait_until

ray = pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
from backfile.index.cluster.ray import shards as ray_shards  # noqa: E402
from backfile.index.cluster.ray.actors import actors_there  # noqa: E402

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
]
PATHS = ["/api/search?q=&copies=show", "/api/search?q=ferry&mode=keyword", "/api/articles/ferry"]
SECONDS = 120.0
N_ARTICLES, SECONDS_OF_EXPORT = 4_000, 50.0


@pytest.fixture(scope="module")
def address():
    """A Ray cluster of one node."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made.address
    ray.shutdown()
    made.shutdown()


class Clients(Asking):
    """Clients of a server that ask without a pause, and compare with what was answered first."""

    def __init__(self, port):
        super().__init__(self._ask, self._ask)
        self._port = port
        self._right = {path: self._answer(path) for path in PATHS}

    def _answer(self, path):
        status, headers, body = get(self._port, path)
        found = json.loads(body)
        if hits := found.get("hits"):
            found = [found["total"], [hit["article"]["id"] for hit in hits]]
        return status, HEADER in headers, found

    def _ask(self):
        while not self.ends.is_set():
            for path in PATHS:
                answer = self._answer(path)
                self.counts[path] += 1
                if answer != self._right[path]:
                    self.wrong.append((path, answer))


def run(*arguments, exit_code=0):
    """Run a command as in a process of its own, which is not connected with Ray yet."""
    ray.shutdown()
    result = backfile("cluster", *arguments)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_searches_go_on_while_shards_are_split_and_their_model_changes(
    indexed_by_words, tmp_path, address, monkeypatch
):
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    shutil.copytree(indexed_by_words, archive)
    run("import", folder, "--shards", 2, "--archive", archive)
    run("start", folder, "--address", address, "--replicas", 2)
    with serving("--cluster", folder, "--address", address, seconds=SECONDS) as port:
        wait_until(lambda: get(port, PATHS[0])[0] == 200 and is_whole(port), SECONDS)
        with Clients(port) as clients:
            run("split", folder, ClusterMap.read(folder).shards[1].name)
            output = run("start", folder, "--address", address)
            assert "closed 2 replicas of earlier shards" in output
            wait_until(lambda: shards_of(port) == 4, SECONDS)
            assert {len(each) for each in actors_there().values()} == {2}
            give_another_model(archive, tmp_path / "model")
            monkeypatch.setenv("BACKFILE_MODEL", str(tmp_path / "model"))
            run("update", folder, "--archive", archive)
            damage(ClusterMap.read(folder).folders(folder)[1] / "catalog.db", "cut", 0.01)
            output = run("start", folder, "--address", address, "--replicas", 1, exit_code=1)
            assert "searches go on in the earlier shards" in output
            run("update", folder, "--all", "--archive", archive)
            output = run("start", folder, "--address", address, "--replicas", 1)
            assert "closed 9 replicas of earlier shards" in output
            before = clients.counts.total()
            wait_until(lambda: clients.counts.total() > before + 20, SECONDS)
        assert clients.wrong == []
        named = {f"shard:{each.absolute()}" for each in ClusterMap.read(folder).folders(folder)}
        assert set(actors_there()) == named
    assert run("stop", folder, "--address", address) == "closed 4 replicas\n"


@pytest.mark.slow
def test_an_export_that_takes_longer_than_servers_have_is_waited_for(
    tmp_path, address, monkeypatch
):
    monkeypatch.setattr(ray_shards, "SECONDS_TO_LEAVE", 10.0)  # a batch of 500 takes 6
    archive, folder = tmp_path / "archive", tmp_path / "cluster"
    articles = [
        {"id": f"a{n}", "text": invented_text(f"{n}", 150), "published": f"2024-{1 + n % 9:02}-02"}
        for n in range(N_ARTICLES)
    ]
    news = write_records(tmp_path / "news.jsonl", articles)
    indexed = backfile("index", news, "--no-vectors", "--archive", archive)
    assert indexed.exit_code == 0, indexed.output
    run("import", folder, "--shards", 2, "--archive", archive)
    run("start", folder, "--address", address)
    command = ["cluster", "export", folder, "--address", address, "--format", "jsonl"]
    with subprocess.Popen(
        [sys.executable, "-m", "backfile.scripts.backfile", *command],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as export:
        lines = [export.stdout.readline()]  # it has begun in the earlier shards
        reading = threading.Thread(target=read_slowly, args=(export.stdout, lines))
        reading.start()
        run("split", folder, ClusterMap.read(folder).shards[1].name)
        output = run("start", folder, "--address", address)
    assert export.returncode == 0
    assert sorted(json.loads(each)["id"] for each in lines) == sorted(a["id"] for a in articles)
    assert "waiting for searches that are still at work in 1 replica of earlier shards" in output
    assert "closed 1 replica of earlier shards" in output
    run("stop", folder, "--address", address)


def read_slowly(stream, lines):
    """Read what is left of an export, as over a slow network."""
    for line in stream:
        lines.append(line)
        if len(lines) % 100 == 0:
            time.sleep(SECONDS_OF_EXPORT * 100 / N_ARTICLES)


def is_whole(port):
    return json.loads(get(port, "/readyz")[2])["parts"].get("shards", {}).get("status") == "ok"


def shards_of(port):
    page = get(port, "/metrics")[2].decode()
    return next(
        float(line.split()[1])
        for line in page.splitlines()
        if line.startswith("backfile_shards_answering")
    )
