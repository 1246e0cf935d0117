"""Sends requests to a server from several clients at once, and reads its peak memory."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.model.query import Mode
from backfile.scripts.bench.timing import Latency, latency

CLIENTS = 8
STARTING = 120.0  # seconds a server may take until it answers


@dataclass(frozen=True, slots=True)
class Load:
    """Throughput and latency with CLIENTS clients; each sends a request after each answer."""

    mode: Mode
    requests_a_second: float
    latency: Latency
    failed: int


@dataclass(frozen=True, slots=True)
class Served:
    """The loads, and the peak memory of the server in bytes, 0 if unknown."""

    loads: tuple[Load, ...]
    peak_memory: int


def load(settings: Settings, modes: Sequence[Mode], texts: Sequence[str], seconds: float) -> Served:
    """Start a server of the archive, put it under load in each mode for `seconds`, and stop it."""
    port = _free_port()
    options = ["--archive", str(settings.archive), "--port", str(port)]
    command = [sys.executable, "-m", "backfile.scripts.backfile", "serve", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(server, port)
        loads = tuple(_load(port, mode, texts, seconds) for mode in modes)
        return Served(loads, _peak_memory(server.pid))
    finally:
        server.terminate()
        server.wait()


def _load(port: int, mode: Mode, texts: Sequence[str], seconds: float) -> Load:
    took: list[float] = []
    failed: list[int] = []
    began = time.perf_counter()

    def ask(client: int) -> None:
        with closing(_connected(port)) as connection:
            for text in cycle([*texts[client:], *texts[:client]]):
                asked = time.perf_counter()
                if asked - began > seconds:
                    return
                connection.request("GET", "/api/search?" + urlencode({"q": text, "mode": mode}))
                answer = connection.getresponse()
                answer.read()
                took.append(1000 * (time.perf_counter() - asked))
                if answer.status != HTTPStatus.OK:
                    failed.append(answer.status)

    clients = [threading.Thread(target=ask, args=(n,)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    rate = len(took) / (time.perf_counter() - began)
    return Load(mode, rate, latency(took), len(failed))


def _wait_until_ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    began = time.monotonic()
    while time.monotonic() - began < STARTING and server.poll() is None:
        with suppress(OSError, http.client.HTTPException), closing(_connected(port)) as connection:
            connection.request("GET", "/api/search?q=news")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(0.2)
    raise EngineUnavailable("the server", "it does not answer; `backfile serve` says why")


def _peak_memory(process: int) -> int:
    """The peak memory of another process in bytes, from Linux; 0 on other systems.

    `getrusage` would not do: a child's peak there is at least its parent's when it was started.
    """
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return 1024 * peaks[0] if peaks else 0


def _connected(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
