"""A divided archive on four machines, asked without a pause while parts of them are lost."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import numpy as np
import pytest

from backfile.archive.model.settings import Settings
from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from backfile.index.wiring import open_engines
from backfile.web.parts import HEADER
from tests.builders import ROOT, app_in, backfile, damage, write_records
from tests.clusters import Asking
from tests.divided import sentence
from tests.hosts import Hosts, free_port

pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.timeout(1_200),
    pytest.mark.filterwarnings("ignore"),
]
CLIENTS = 8
SECONDS = 60.0  # that clients ask at least
PATIENCE = 120.0  # seconds until all is there again
SEARCHES = [
    {"q": "bridge"}, {"q": "swing bridge council"}, {"q": '"swing bridge"'}, {"q": "zxqv"},
    {"q": "brigde"}, {"q": "ferry OR harbour"}, {"q": "", "sort": "newest"}, {"q": "author:smith"},
    {"q": "strike", "copies": "show"}, {"q": "counc*"}, {"q": "", "since": "2024"},
    {"q": "storm", "limit": "3"},
]  # fmt: skip


class Clients(Asking):
    """Clients that ask the same questions again and again, and compare the answers."""

    def __init__(self, host, port, expected):
        super().__init__(*(partial(self._ask, n) for n in range(CLIENTS)))
        self._host, self._port, self._expected = host, port, expected
        self.reasons = Counter()

    def _ask(self, n):
        choose = random.Random(n)
        while not self.ends.is_set():
            path = choose.choice(list(self._expected))
            try:
                status, headers, body = fetched(self._host, self._port, path)
            except (OSError, http.client.HTTPException) as exc:
                self.wrong.append((path, repr(exc)))
                time.sleep(0.5)
                continue
            self._judge(path, status, headers, body)

    def _judge(self, path, status, headers, body):
        if status == 503 and "Retry-After" in headers:
            reason = json.loads(body)["detail"]
            self.counts["unavailable" if "the archive" in reason else "too many"] += 1
            self.reasons[reason] += 1
            time.sleep(0.2)
        elif status != 200:
            self.wrong.append((path, status, body[:300]))
        elif HEADER in headers:
            self.counts["partial"] += 1
            if "parts of the archive answered" not in headers[HEADER]:
                self.wrong.append((path, headers[HEADER]))
        else:
            self.counts["whole"] += 1
            if answer_in(body) != self._expected[path]:
                self.wrong.append((path, body[:300]))

    @contextmanager
    def counted(self, name):
        """Count what is answered while the block runs; print it for who reads the figures."""
        self.counts.clear()
        self.reasons.clear()
        began = time.monotonic()
        yield self.counts
        seconds = time.monotonic() - began
        said = [dict(self.counts), *self.reasons.items()]
        sys.stderr.write(f"{name}: {said} in {seconds:.0f} s\n")
        assert self.wrong == [], name


def fetched(host, port, path):
    with closing(http.client.HTTPConnection(host, port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def answer_in(body):
    """What an answer says, but for what names one archive or one moment."""
    answer = json.loads(body)
    hits = [[hit["article"]["id"], round(hit["score"], 6)] for hit in answer["hits"]]
    return answer["total"], hits, answer["query"]["notes"], answer["facets"]


class Served:
    """A divided archive on several hosts, and a server on the first of them."""

    def __init__(self, hosts, folder):
        self.hosts, self.folder = hosts, folder
        self.head, *self.others = hosts
        self.port, self.web_port = free_port(), free_port()
        self.address = f"{self.head.address}:{self.port}"
        self._web = None

    def start_nodes(self, hosts):
        for host in hosts:
            host.start_ray(None if host is self.head else self.head, self.port)

    def start(self, replicas=2):
        return self.head.backfile(
            "cluster", "start", self.folder, "--replicas", replicas, "--address", self.address,
            check=False,
        )  # fmt: skip

    def status(self):
        arguments = ("cluster", "status", self.folder, "--address", self.address)
        return self.head.backfile(*arguments, check=False)

    def serve(self):
        self._web = self.head.start(
            sys.executable, "-m", "backfile.scripts.backfile", "serve", "--cluster", self.folder,
            "--address", self.address, "--host", self.head.address, "--port", self.web_port,
        )  # fmt: skip

    @property
    def is_serving(self):
        return self._web.poll() is None

    def ready(self):
        with suppress(OSError, http.client.HTTPException):
            return json.loads(fetched(self.head.address, self.web_port, "/readyz")[2])
        return {"parts": {}}

    def is_whole(self):
        return self.ready()["parts"].get("shards", {}).get("status") == "ok"

    def has_all_replicas(self):
        parts = self.ready()["parts"]
        return {parts.get(name, {}).get("status") for name in ("shards", "replicas")} == {"ok"}

    def has_spread(self):
        """Start again; return whether all replicas are there, and none shares its host."""
        self.start()
        places = [re.findall(r" on ([\d.]+)", line) for line in self.status().splitlines()]
        apart = all(len(set(each)) == len(each) for each in places)
        return self.has_all_replicas() and (apart or not self.others[0].mounted)

    def actors(self, host):
        return host.processes("ray::ShardServer")


def wait_until(true, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, true
        time.sleep(0.3)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "archive"
    made = backfile("index", ROOT / "scripts" / "sample", "--archive", folder, "--no-vectors")
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(scope="module")
def divided(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster") / "news"
    made = backfile("cluster", "import", folder, "--shards", 3, "--archive", archive)
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture
def served(divided, tmp_path, monkeypatch):
    monkeypatch.setenv("BACKFILE_BUDGET_MS", "600000")  # none is cut on a busy machine
    with Hosts(4) as hosts:
        made = Served(hosts, divided)
        if hosts[0]._namespace:
            for host in hosts[1:]:  # a copy at the same place, in place of a shared file system
                copy = shutil.copytree(divided, tmp_path / host.name)
                host.mounted = (copy, divided)
        yield made


def test_no_client_gets_a_wrong_answer_whatever_is_lost(served, archive):
    client = app_in(archive).test_client()
    paths = [f"/api/search?{urlencode(each)}" for each in SEARCHES]
    expected = {path: answer_in(client.get(path).text) for path in paths}
    served.start_nodes(served.hosts)
    assert served.start().count("article") == 8
    served.serve()
    wait_until(served.has_all_replicas)
    began = time.monotonic()
    with Clients(served.head.address, served.web_port, expected) as clients:
        for lose in (
            lose_an_actor,
            lose_a_node,
            add_a_node,
            lose_the_network,
            damage_a_disk,
            lose_the_head,
        ):
            lose(served, clients)
        while time.monotonic() < began + SECONDS:
            time.sleep(0.5)
    assert clients.wrong == []
    assert served.is_serving
    assert served.head.backfile("cluster", "verify", served.folder) == "all shards are sound\n"


def lose_an_actor(served, clients):
    with clients.counted("kill -9 of an actor") as counts:
        os.kill(served.actors(served.others[0])[0], signal.SIGKILL)
        time.sleep(3)
        wait_until(served.has_all_replicas)
    assert counts["whole"]
    assert not counts["partial"] + counts["unavailable"]


def lose_a_node(served, clients):
    with clients.counted("kill -9 of a raylet") as counts:
        assert served.others[0].kill("raylet/raylet")
        time.sleep(3)
        served.others[0].kill_ray()
        time.sleep(3)
        wait_until(served.has_all_replicas)
    assert counts["whole"]
    assert not counts["partial"] + counts["unavailable"]


def add_a_node(served, clients):
    with clients.counted("a node added, replicas placed anew"):
        served.start_nodes(served.others[:1])
        wait_until(served.has_spread)
    assert served.actors(served.others[0])


def lose_the_network(served, clients):
    lost = served.others[1]
    with clients.counted("a cut network") as counts:
        lost.cut()
        time.sleep(20)
    assert counts["whole"]
    with clients.counted("the network is back"):
        lost.heal()
        time.sleep(5)
        wait_until(served.is_whole)
    with clients.counted("a host starts again") as counts:
        lost.kill_ray()  # Ray may have given the node up
        served.start_nodes([lost])
        wait_until(served.has_spread)


def damage_a_disk(served, clients):
    host = max(served.others, key=lambda each: len(served.actors(each)))
    if not host.mounted:
        return
    copy, place = host.mounted
    with clients.counted("a damaged disk") as counts:
        damaged = 0
        for shard in ClusterMap.read(copy).folders(copy):
            damage(shard / "catalog.db", "zero")
            damaged += 1
        for process in served.actors(host):
            os.kill(process, signal.SIGKILL)
        time.sleep(5)
        wait_until(served.is_whole)
        found = host.backfile("cluster", "verify", place, check=False)
    assert len(found.splitlines()) > damaged
    assert counts["whole"]
    assert not counts["partial"] + counts["unavailable"]
    assert " 1 of 2 replicas " in served.status()
    with clients.counted("the disk is mended"):
        shutil.rmtree(copy / SHARDS)  # not `copy` itself, which is mounted
        shutil.copytree(served.folder, copy, dirs_exist_ok=True)
        served.start()
        wait_until(served.has_all_replicas)


def lose_the_head(served, clients):
    with clients.counted("kill -9 of the head"):
        served.head.kill_ray()
        time.sleep(10)
        served.head.start_ray(None, served.port)
    with clients.counted("one command"):
        served.start()
        wait_until(served.is_whole)
    with clients.counted("the other nodes are back"):
        for host in served.others:
            host.kill_ray()
        served.start_nodes(served.others)
        wait_until(served.has_spread)


def passages(n_articles):
    """Articles of one passage each, no two alike."""
    choose = random.Random(1)
    for n in range(n_articles):
        text = " ".join(sentence(choose) for _ in range(8))
        yield {"id": f"a{n}", "title": sentence(choose), "text": text, "published": "2024-05-05"}


def test_what_a_node_has_not_embedded_is_embedded_by_the_others(tmp_path):
    news = write_records(tmp_path / "news.jsonl", passages(500))
    alone, archive, folder = (tmp_path / name for name in ("alone", "archive", "cluster"))
    for each in (alone, archive):
        assert backfile("index", news, "--no-vectors", "--archive", each).exit_code == 0
    assert backfile("cluster", "import", folder, "--archive", archive).exit_code == 0
    with Hosts(3) as (head, *others):
        port = free_port()
        head.start_ray(None, port, n_cpus=0)
        for each in others:
            each.start_ray(head, port)
        indexing = head.start(
            sys.executable, "-m", "backfile.scripts.backfile", "cluster", "index", folder, news,
            "--archive", archive, "--address", f"{head.address}:{port}", "--actors", "2",
        )  # fmt: skip
        wait_until(lambda: others[0].processes("EmbeddingServer.embed"))
        assert others[0].kill_ray()
        assert indexing.wait(3 * PATIENCE) == 0  # it loads the model twice, and may share its cores
    assert backfile("index", news, "--archive", alone).exit_code == 0
    assert backfile("cluster", "verify", folder).stdout == "all shards are sound\n"
    expected, found = (vectors_of(each) for each in (alone, archive))
    assert len(found) == len(expected) >= 500
    assert (found * expected).sum(axis=1).min() > 0.999


def vectors_of(folder):
    """The vectors of all passages, (n, dimension), by the ids of their articles."""
    engines = open_engines(replace(Settings(), archive=folder))
    with closing(engines.catalog) as catalog:
        rows = catalog.rows_after(0)
        assert catalog.counts().embedded == len(rows)
        return engines.vectors.read(int(rows.max()) + 1)[rows].astype(np.float32)
