"""The commands that scripts/README.md gives for several machines, run on three of them."""

import http.client
import re
import shlex
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backfile.index.cluster.map.cluster_map import SHARDS
from tests.builders import ROOT, backfile
from tests.hosts import RAY, Hosts, free_port, own_disks

pytest.importorskip("ray", reason="Ray is not installed: backfile[cluster]")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),
]
FIRST = "10.0.0.1:6379"  # the first machine, in the document
SECONDS = 90.0


def documented():
    """The lines of code of the section, up to its remarks."""
    text = (ROOT / "scripts" / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## Several machines\n")[1].split("\n- ")[0]
    return re.findall(r"^    (\S.*)$", section, re.MULTILINE)


class Reader:
    """Somebody who types what the document says, on the machines of their own."""

    def __init__(self, hosts, folder):
        self._hosts, self._folder = hosts, folder
        self._port = free_port()
        self._first = hosts[0]
        self.output = {}

    def types(self, line):
        program, *words = shlex.split(self._theirs(line))
        command = {"ray": [RAY], "backfile": [sys.executable, "-m", "backfile.scripts.backfile"]}
        command = [*command[program], *words]
        if words[:2] == ["start", "--address"]:  # on each of the others
            for host in self._hosts[1:]:
                host.run(*command, *host.own_address, cwd=self._folder)
        elif words[:2] == ["start", "--head"]:
            own = [*self._first.own_address, "--include-dashboard=false"]
            self._first.run(*command, *own, cwd=self._folder)
        elif words[0] == "serve":
            self._serves([*command, "--host", self._first.address])
        else:
            self.output[line] = self._first.run(*command, cwd=self._folder)

    def _theirs(self, line):
        """The line with the addresses and folders of these machines."""
        theirs = f"{self._first.address}:{self._port}"
        line = line.replace(FIRST, theirs).replace("6379", str(self._port))
        return line.replace("/srv/news", str(self._folder / "news"))

    def _serves(self, command):
        port = free_port()
        process = self._first.start(*command, "--port", str(port), cwd=self._folder)
        until = time.monotonic() + SECONDS
        while self._status(port) != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
        process.terminate()
        process.wait(SECONDS)

    def _status(self, port):
        with (
            suppress(OSError),
            closing(http.client.HTTPConnection(self._first.address, port, timeout=30)) as asked,
        ):
            asked.request("GET", "/readyz")
            return asked.getresponse().status
        return 0


def test_one_archive_comes_to_three_machines_by_the_commands_of_the_document(tmp_path):
    archive = tmp_path / "var" / "archive"
    made = backfile("index", ROOT / "scripts" / "sample", "--archive", archive, "--no-vectors")
    assert made.exit_code == 0, made.output
    lines = documented()
    assert len([each for each in lines if each.startswith(("backfile", "ray"))]) == 10
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "news").mkdir(mode=0o700)
    with Hosts(3, RAY_AUTH_MODE="token", HOME=str(home)) as hosts:
        disks = own_disks(hosts, tmp_path, tmp_path / "news")
        reader = Reader(hosts, tmp_path)
        for line in lines:
            if not line.startswith("export"):
                reader.types(line)
    output = {" ".join(line.split()[:3]): text for line, text in reader.output.items()}
    whole = backfile("search", "swing", "bridge", "--archive", archive)
    assert output["backfile cluster search"].startswith(whole.stdout.splitlines()[0])
    assert output["backfile cluster verify"] == "all shards are sound\n"
    assert output["backfile cluster stop"] == "closed 8 replicas\n"
    assert [path for path in disks if not any((path / SHARDS).iterdir())] == []
    assert Path(tmp_path / "bridge.csv").read_text(encoding="utf-8-sig").count("\n") > 1
