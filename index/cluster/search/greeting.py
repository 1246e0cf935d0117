"""Connects a coordinator with a shard over TCP: each shows the other that it knows the key.

Nobody waits for ever: whoever connects and then says nothing, or what is wrong, is left alone.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any

SECONDS_TO_CONNECT = 2.0
SECONDS_TO_GREET = 5.0
SECONDS_BETWEEN_PROBES = 30  # of an idle connection whose other end may be gone
WAITING = 128  # connections that are not accepted yet
REFUSED = (OSError, EOFError, AuthenticationError, AssertionError)
"""What a greeting raises where the other end has no key, speaks otherwise, or has left."""


class TimedConnection(Connection):
    """A connection that knows when a message last went over it; see `quiet`."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._moved = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since the last message."""
        return time.monotonic() - self._moved

    def send_bytes(self, *arguments: Any) -> None:
        """Send a message."""
        super().send_bytes(*arguments)
        self._moved = time.monotonic()

    def recv_bytes(self, *arguments: Any) -> bytes:
        """Wait for a message."""
        received = super().recv_bytes(*arguments)
        self._moved = time.monotonic()
        return received


class ShardListener:
    """Accepts coordinators at a free port of `host`, and gives each a thread."""

    def __init__(
        self,
        host: str,
        key: bytes,
        take: Callable[[TimedConnection], None],
        *,
        seconds: float = SECONDS_TO_GREET,
    ) -> None:
        """`take` has the connection to itself; who does not greet in `seconds` gets none."""
        self._key, self._take, self._seconds = key, take, seconds
        self._listening = socket.create_server((host, 0), backlog=WAITING)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Accept no more; the connections that are there stay."""
        self._listening.close()

    def _listen(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                if self._listening.fileno() < 0:  # closed
                    return
                continue  # the other end has left
            threading.Thread(target=self._greet, args=(accepted,), daemon=True).start()

    def _greet(self, accepted: socket.socket) -> None:
        with accepted:
            connection = TimedConnection(_handle(accepted, self._seconds))
            try:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
            except REFUSED:
                connection.close()
                return
            _let_wait(connection)
        self._take(connection)


def connected(host: str, port: int, key: bytes, seconds: float = SECONDS_TO_GREET) -> Connection:
    """Connect to a shard; raise one of REFUSED.

    Later, too, a message that stands still for so many seconds is an OSError.
    """
    with socket.create_connection((host, port), timeout=SECONDS_TO_CONNECT) as made:
        connection = Connection(_handle(made, seconds))
    try:
        answer_challenge(connection, key)
        deliver_challenge(connection, key)
    except BaseException:
        connection.close()
        raise
    return connection


def _handle(made: socket.socket, seconds: float) -> int:
    """Take a socket over; small messages are sent at once, not after up to 40 ms."""
    made.setblocking(True)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SECONDS_BETWEEN_PROBES)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SECONDS_BETWEEN_PROBES)
    _limit(made, seconds)
    return made.detach()


def _let_wait(connection: Connection) -> None:
    """Let a shard wait for the next search, and for a coordinator that writes articles slowly."""
    with socket.socket(fileno=connection.fileno()) as same:
        _limit(same, 0.0)
        same.detach()


def _limit(some: socket.socket, seconds: float) -> None:
    """Limit the time of reading and of writing; 0 is no limit."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    some.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    some.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
