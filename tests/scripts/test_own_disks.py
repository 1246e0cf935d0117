"""Two machines with a disk each, which hold one divided archive."""

import random
import re
import shutil
import threading
import time

import pytest

from backfile.index.cluster.map.cluster_map import SHARDS, ClusterMap
from tests.builders import backfile, write_records
from tests.clusters import MORE
from tests.hosts import Hosts, free_port, have_namespaces, own_disks

pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not have_namespaces(), reason="no network namespaces can be made"),
]


class Cluster:
    """The first host has the archive; both have the shards in a folder at the same place."""

    def __init__(self, hosts, archive, folder):
        self.hosts, self.archive, self.folder = hosts, archive, folder
        self.port = free_port()
        hosts[0].start_ray(None, self.port)
        hosts[1].start_ray(hosts[0], self.port)

    def does(self, command, *arguments, check=True):
        """Run a command of the first host for the shards."""
        address = ("--address", f"{self.hosts[0].address}:{self.port}")
        return self.hosts[0].backfile(
            "cluster", command, self.folder, *arguments, *address, check=check
        )

    def writes(self, command, *arguments, check=True):
        return self.does(command, *arguments, "--archive", self.archive, "--quiet", check=check)

    def places(self):
        """Where each shard is open, by its name."""
        lines = self.does("status").splitlines()
        found = [re.match(r"(\S+): 1 of 1 replica answers: process \d+ on (\S+)", x) for x in lines]
        return dict(each.groups() for each in found if each)


def test_each_machine_writes_and_serves_the_shards_on_its_own_disk(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    folder = tmp_path / "news"
    folder.mkdir(mode=0o700)
    with Hosts(2) as hosts:
        [disk] = own_disks(hosts, tmp_path, folder)
        cluster = Cluster(hosts, archive, folder)
        cluster.writes("import", "--shards", 3)
        there = {
            host.address: {each.name for each in (place / SHARDS).iterdir()}
            for host, place in zip(hosts, (folder, disk), strict=True)
        }
        names = {each.name for each in ClusterMap.read(folder).shards}
        assert set.union(*there.values()) == names
        assert sum(map(len, there.values())) == len(names)
        assert all(there.values())

        assert cluster.does("start").count("article") == len(names)
        places = cluster.places()
        assert places == {name: at for at, some in there.items() for name in some}

        days = ["1901-02-02", "2023-02-02", "2032-02-02"]
        news = [MORE | {"id": f"sold-{day[:4]}", "published": day} for day in days]
        more = write_records(tmp_path / "more.jsonl", news)
        output = cluster.writes("index", more, "--no-vectors")
        last = ClusterMap.read(folder).shards[-1].name
        where = "" if last in there[hosts[0].address] else f" on {places[last]}"
        assert f"\n{last}{where}: " in output
        found = cluster.does("search", "old", "ferry", "sold", "scrap")
        assert all(f"[{each['id']}]" in found for each in news)
        assert cluster.does("verify") == "all shards are sound\n"

        for command in (["update", "--archive", archive], ["search", "ferry"], ["export"]):
            name, *others = command
            refused = hosts[0].backfile("cluster", name, folder, *others, check=False)
            assert "lie on the machines of a Ray cluster; name it with --address" in refused
        n_here = len(there[hosts[0].address])
        checked = hosts[0].backfile("cluster", "verify", folder)
        assert checked == f"the {n_here} of {len(names)} shards that lie here are sound\n"
        assert hosts[1].kill()
        damaged = cluster.does("verify", check=False)
        away = names - there[hosts[0].address]
        assert all(f"{name}: 0 of 1 copies could be reached" in damaged for name in away)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_machine_that_is_killed_while_it_writes_gets_what_it_missed(indexed_by_words, tmp_path):
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    folder = tmp_path / "news"
    folder.mkdir(mode=0o700)
    choose = random.Random(7)
    with Hosts(3) as hosts:
        own_disks(hosts, tmp_path, folder)
        cluster = Cluster(hosts, archive, folder)
        hosts[2].start_ray(hosts[0], cluster.port)
        cluster.writes("import", "--shards", 2, "--copies", 2)
        for n in range(3):
            news = [
                MORE | {"id": f"{n}-{i}", "published": f"{choose.randint(1950, 2030)}-02-02"}
                for i in range(300)
            ]
            killed = hosts[1 + n % 2]
            after = threading.Timer(4 + 4 * choose.random(), killed.kill)
            after.start()
            more = write_records(tmp_path / "more.jsonl", news)
            output = cluster.writes("index", more, "--no-vectors", check=False)
            after.join()
            assert "300" in output
            killed.start_ray(hosts[0], cluster.port)
            until = time.monotonic() + 120
            while "does not answer" in (output := cluster.writes("update", check=False)):
                assert time.monotonic() < until, output
            assert "all shards are sound\n" in cluster.does("verify")
        cluster.does("start")
        cluster.does("export", "--format", "jsonl", "-o", tmp_path / "found.jsonl")
        whole = backfile("export", "--archive", archive, "--format", "jsonl")
        assert (tmp_path / "found.jsonl").read_text() == whole.stdout
