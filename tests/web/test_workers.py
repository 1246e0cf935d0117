"""Several processes on one archive and one port: replaced, stopped together, measured together."""

import http.client
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from functools import partial

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.web.server import listening_sockets
from backfile.web.worker_metrics import WorkerMetrics
from backfile.web.workers import begin_worker, supervise
from tests.builders import ROOT

SOON = 20  # seconds; what takes longer has failed
pytestmark = pytest.mark.crash


def stay(folder, number):
    """Work until told to stop; note the process."""
    stop = threading.Event()
    begin_worker(stop.set)
    with (folder / str(number)).open("a") as notes:
        notes.write(f"{os.getpid()}\n")
    stop.wait(60)


def supervise_staying(folder):
    supervise(partial(stay, folder), 2, soonest=0)


def pids(folder):
    return [int(pid) for path in sorted(folder.iterdir()) for pid in path.read_text().split()]


def alive(pid):
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def wait_until(true):
    ends = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


@contextmanager
def supervised(folder):
    supervisor = multiprocessing.get_context("spawn").Process(
        target=supervise_staying, args=(folder,)
    )
    supervisor.start()
    try:
        wait_until(lambda: len(pids(folder)) == 2)
        yield supervisor
    finally:
        supervisor.kill()
        supervisor.join()


def test_a_worker_that_dies_is_replaced_and_all_end_together(tmp_path):
    with supervised(tmp_path) as supervisor:
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        wait_until(lambda: len(pids(tmp_path)) == 3)
        supervisor.terminate()
        supervisor.join(SOON)
        assert supervisor.exitcode == 0
        assert not any(map(alive, pids(tmp_path)))


def test_workers_end_with_a_supervisor_that_is_killed(tmp_path):
    with supervised(tmp_path) as supervisor:
        supervisor.kill()
        wait_until(lambda: not any(map(alive, pids(tmp_path))))


def test_workers_that_cannot_start_are_not_started_for_ever():
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with pytest.raises(EngineUnavailable, match="worker 0 ended with code 0 as soon as"):
            supervise(os._exit, 1)
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)


def test_each_sample_says_of_which_worker_it_is_and_a_silent_worker_is_named(tmp_path):
    first, second = (WorkerMetrics(tmp_path, number, 3) for number in range(2))
    first.publish(lambda: b'# TYPE asked counter\nasked_total{route="/"} 2.0\n')
    second.publish(lambda: b'# TYPE asked counter\nasked_total{route="/"} 5.0\n')
    lines = second.gather().decode().splitlines()
    assert 'asked_total{route="/",worker="0"} 2.0' in lines
    assert 'asked_total{route="/",worker="1"} 5.0' in lines
    assert [line for line in lines if line.startswith("backfile_worker_up")] == [
        f'backfile_worker_up{{worker="{number}"}} {float(number < 2)}' for number in range(3)
    ]


def test_workers_share_the_port_and_count_together(indexed_by_words):
    (probe,) = listening_sockets("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    command = ["-m", "backfile.scripts.backfile", "serve", "--workers", "2", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, *command, "--archive", indexed_by_words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def get(path):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    try:
        assert server.stdout.readline().startswith("opening")
        assert server.stdout.readline().endswith(f":{port}\n")
        for _ in range(20):
            assert get("/api/search?q=ferry&mode=keyword")[0] == 200
        wait_until(lambda: get("/metrics")[1].count("backfile_worker_up{") == 2)
        wait_until(lambda: 'up{worker="1"} 1' in get("/metrics")[1])
        metrics = get("/metrics")[1]
        counts = re.findall(r'requests_total\{route="/api/search".*worker="\d"\} (\d+)', metrics)
        assert sum(map(int, counts)) == 20
        # None where the system does not say; of a worker that has just started, a moment later.
        memory = re.compile(r"^process_resident_memory_bytes\{", re.MULTILINE)
        wait_until(lambda: len(memory.findall(get("/metrics")[1])) in (0, 2))
        server.terminate()
        assert server.wait(SOON) == 0
        assert (server.stdout.read(), server.stderr.read()) == ("\nstopped\n", "")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()
