"""Servers and plain clients for the tests of connections."""

import http.client
import socket
import threading
import time
from contextlib import closing, contextmanager

from backfile.web.connections import Limits, Server
from backfile.web.server import listening_sockets

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


def connected(port, sent=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    connection.sendall(sent)
    return connection


def get(port, path="/healthz", **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def wait_until(true):
    ends = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)
