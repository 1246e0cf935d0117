"""Servers and plain clients for the tests of connections."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

from backfile.web.connections import Limits, Server
from backfile.web.server import listening_sockets
from tests.builders import ROOT

SOON = 10  # seconds; what takes longer has failed


@contextmanager
def served(app, *, threads=4, name="localhost", proxied=False, uploads=None, **limits):
    """Serve an application while the block runs; give the server and its port."""
    sockets = listening_sockets("127.0.0.1", 0)
    bounds = Limits(**limits)
    server = Server(
        app,
        sockets,
        threads=threads,
        name=name,
        limits=bounds,
        proxied=proxied,
        uploads=uploads,
    )
    running = threading.Thread(target=server.run)
    running.start()
    try:
        yield server, sockets[0].getsockname()[1]
    finally:
        server.stop()
        running.join(SOON)
        assert not running.is_alive()


@contextmanager
def serving(*options, seconds=SOON, **environment):
    """Run `backfile serve` in a process while the block runs; give its port once it is ready."""
    (probe,) = listening_sockets("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    command = ["-m", "backfile.scripts.backfile", "serve", "--port", str(port), *map(str, options)]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout.readline().startswith("opening")
        assert process.stdout.readline() == f"Backfile is at http://127.0.0.1:{port}\n"
        wait_until(lambda: get(port, "/readyz")[0] == 200, seconds)
        yield port
        process.terminate()
        assert process.wait(seconds) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def connected(port, sent=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    connection.sendall(sent)
    return connection


def get(port, path="/healthz", **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def wait_until(true, seconds=SOON):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)
