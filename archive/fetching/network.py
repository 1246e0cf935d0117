"""Connects to the very address that was checked, and lets nothing last longer than a deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, Queue
from typing import Any

from httpcore2 import (
    SOCKET_OPTION,
    ConnectError,
    NetworkBackend,
    NetworkStream,
    ReadTimeout,
    SyncBackend,
)

from archive.fetching.hosts import is_public

LONGEST_LOOKUP = 10.0  # seconds
Resolver = Callable[[str, int], list[str]]


class HostRefused(Exception):
    """A name that leads to an address which is not public."""

    def __init__(self, host: str, address: str) -> None:
        at = "" if host == address else f" ({address})"
        super().__init__(f"{host}{at} is no public address; --allow-private allows it")


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host; raise OSError where it has none, or too late."""
    answers: Queue[list[str] | Exception] = Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    # The system's own question has no time limit.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=LONGEST_LOOKUP)
    except Empty as exc:
        raise TimeoutError(f"no answer to who {host} is") from exc
    if isinstance(answer, Exception):
        raise answer
    return answer


class CheckedNetwork(NetworkBackend):
    """Resolves a name once, checks all its addresses, and connects to one of these.

    Nobody is asked for the name again in between, so an answer that changes is of no use. TLS goes
    by the name, as `start_tls` is given it.
    """

    def __init__(self, deadline: float, *, private: bool, resolver: Resolver = resolve) -> None:
        """Take when to give up, by `time.monotonic()`, and whether `private` addresses will do."""
        self._deadline = deadline
        self._private = private
        self._resolve = resolver
        self._below = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """Connect to the first address that answers; raise HostRefused before any is tried."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as exc:
            raise ConnectError(f"no address for {host}") from exc
        for address in addresses:
            if not (self._private or is_public(address)):
                raise HostRefused(host, address)
        failure: Exception = ConnectError(f"no address for {host}")
        for address in addresses:
            try:
                stream = self._below.connect_tcp(
                    address, port, _left(self._deadline, timeout), local_address, socket_options
                )
                return _Timed(stream, self._deadline)
            except ConnectError as exc:
                failure = exc
        raise failure


class _Timed(NetworkStream):
    """A stream that ends at a deadline, however often a little more arrives."""

    def __init__(self, stream: NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        left = _left(self._deadline, timeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ReadTimeout("it took too long")
    return left if timeout is None else min(left, timeout)
