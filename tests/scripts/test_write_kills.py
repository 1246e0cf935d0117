"""Server and writer are killed at any moment: what was answered 202 is in the archive at the end.

Clients put, delete and add articles while the processes die. Whatever a client was told is
accepted must hold; of a request without an answer nobody knows, so both outcomes are right.
"""

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backfile.web.server import listening_sockets
from tests.builders import BEARER, ROOT, TOKEN, backfile

pytestmark = pytest.mark.crash
CLIENTS = 3
IDS = 4  # of each client
SOON = 120.0  # seconds; all that was sent while writers died is done by then
GONE = None


class Service:
    """`backfile serve` as a process, with its writer; it can be killed and started again."""

    def __init__(self, archive: Path) -> None:
        (probe,) = listening_sockets("127.0.0.1", 0)
        self.port = probe.getsockname()[1]
        probe.close()
        self._archive = archive
        self.kills = 0
        self.start()

    def start(self) -> None:
        command = ["-m", "backfile.scripts.backfile", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, *command, "--archive", self._archive],
            cwd=ROOT,
            env={**os.environ, "BACKFILE_TOKEN": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: self.ask("GET", "/healthz")[0] == 200)

    def ask(self, method, path, body=None):
        """The status and the JSON of an answer; 0 and nothing where there was none."""
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection,
        ):
            connection.request(method, path, body, BEARER)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        return 0, None

    def writer(self) -> int | None:
        """The process of the writer: the child that was spawned."""
        own = self._process.pid
        with suppress(OSError):
            children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
            for child in children:
                words = Path(f"/proc/{child}/cmdline").read_bytes()
                if b"spawn_main" in words:
                    return int(child)
        return None

    def kill(self, *, server: bool, writer: bool) -> None:
        doomed = [self.writer()] if writer else []
        doomed += [self._process.pid] if server else []
        for process in filter(None, doomed):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self.kills += 1
        if server:
            self._process.wait()
            self.start()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()


class Client:
    """Writes to ids of its own, one request after another; knows what may be there."""

    def __init__(self, service: Service, number: int, seed: str) -> None:
        self._service = service
        self._draw = random.Random(f"{seed} {number}")
        self.ids = [f"k{number}-{n}" for n in range(IDS)]
        self.possible = {each: {GONE} for each in self.ids}
        self.accepted = []
        self._count = 0

    def write(self) -> None:
        """Send one request, and note what it means for the articles."""
        chosen = self._draw.sample(self.ids, 2)
        kind = self._draw.choice(["PUT", "PUT", "PUT", "DELETE", "POST"])
        self._count += 1
        texts = {each: f"Text {self._count} of {each}." for each in chosen}
        if kind == "POST":
            lines = [json.dumps({"id": each, "text": text}) for each, text in texts.items()]
            status, job = self._service.ask("POST", "/api/articles", "\n".join(lines))
        elif kind == "PUT":
            texts = {chosen[0]: texts[chosen[0]]}
            body = json.dumps({"text": texts[chosen[0]]})
            status, job = self._service.ask("PUT", f"/api/articles/{chosen[0]}", body)
        else:
            texts = {chosen[0]: GONE}
            status, job = self._service.ask("DELETE", f"/api/articles/{chosen[0]}")
        for each, text in texts.items():
            if status == 202:
                self.possible[each] = {text}
            elif status == 404:
                assert kind == "DELETE"
                self.possible[each] = {GONE}
            else:  # nobody knows
                assert status in (0, 503), (status, job)
                self.possible[each] = self.possible[each] | {text}
        self.accepted += [job["id"]] if status == 202 else []


def wait_until(true):
    ends = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def check_kills(rounds, seed, archive, tmp_path):
    folder = shutil.copytree(archive, tmp_path / "archive")
    draw = random.Random(seed)
    service = Service(folder)
    clients = [Client(service, number, seed) for number in range(CLIENTS)]
    over = threading.Event()
    failures = []

    def go_on(client):
        try:
            while not over.is_set():
                client.write()
                time.sleep(client._draw.uniform(0, 0.3))
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=go_on, args=(client,)) for client in clients]
    try:
        for thread in threads:
            thread.start()
        for _ in range(rounds):
            time.sleep(draw.uniform(0.05, 2.5))
            server = draw.random() < 0.5
            service.kill(server=server, writer=not server or draw.random() < 0.7)
        over.set()
        for thread in threads:
            thread.join()
        assert failures == []
        wait_until(lambda: not waiting(service, clients))
        for client in clients:
            for each, possible in client.possible.items():
                status, found = service.ask("GET", f"/api/articles/{each}")
                assert status in (200, 404)
                assert (found["text"] if status == 200 else GONE) in possible, each
    finally:
        over.set()
        service.stop()
    result = backfile(
        "index", archive.parent / "stories.jsonl", "--no-vectors", "--archive", folder
    )
    assert result.exit_code == 0, result.output
    found = backfile("verify", "--archive", folder).output.splitlines()
    # Embedding is in the background, and may have been stopped before its end.
    left = ("the archive is sound", "cannot be found by meaning yet")
    assert [line for line in found if not any(each in line for each in left)] == []
    return service.kills, sum(len(client.accepted) for client in clients)


def waiting(service, clients):
    """The last job of each client that is not done yet; earlier ones are done before it."""
    last = [client.accepted[-1] for client in clients if client.accepted]
    return [each for each in last if service.ask("GET", f"/api/jobs/{each}")[1]["status"] != "done"]


def test_what_was_accepted_survives_kills(indexed_by_words, tmp_path):
    kills, accepted = check_kills(4, "few", indexed_by_words, tmp_path)
    assert kills >= 2
    assert accepted > 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_what_was_accepted_survives_many_kills(seed, indexed_by_words, tmp_path):
    kills, accepted = check_kills(40, seed, indexed_by_words, tmp_path)
    sys.stdout.write(f"{kills} kills, {accepted} jobs accepted, none lost\n")
    assert kills >= 20  # a writer that is dead already is not killed again
