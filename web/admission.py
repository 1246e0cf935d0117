"""Admits requests to the work: a few at a time, a bounded queue behind them, 503 for the rest.

More searches at once than cores do not answer sooner, they only take longer, each of them. A short
queue keeps the wait short; whoever does not fit in is told so at once and may come back.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import ServiceUnavailable

from backfile.archive.model.message import Message

PER_CORE = 2  # requests at work; one waits for the disk or the lock while another computes
PATIENCE = 1.2  # seconds in the queue; with its own work, a request is answered within 2
STREAMS = 4  # exports being sent; each holds a thread for as long as its client reads
RETRY_AFTER = 2  # seconds, for a client that was refused
SPARE = 4  # threads for requests that pass the gate freely, and for refusals
BUSY = Message("the server has as many requests as it can take; try again in a few seconds")
# Answers about the service itself, and files: they cost next to nothing.
FREE = frozenset({"static", "site.healthz", "site.readyz", "metrics"})


class Gate:
    """Lets `at_once` requests work, and `queue` further ones wait, each PATIENCE at most.

    Those that wait enter in the order in which they came.
    """

    def __init__(
        self, at_once: int, queue: int, *, patience: float = PATIENCE, streams: int = STREAMS
    ) -> None:
        self._at_once = at_once
        self._queue = queue
        self._patience = patience
        self._max_streams = streams
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self.working = 0
        self.streams = 0
        self.refused = {"full": 0, "late": 0, "streams": 0}

    @property
    def threads(self) -> int:
        """The threads that a server needs, so that a request never waits for one."""
        return self._at_once + self._queue + self._max_streams + SPARE

    @property
    def waiting(self) -> int:
        """The number of requests in the queue."""
        return len(self._waiting)

    def enter(self) -> bool:
        """Wait for a place at work; False if there is none."""
        with self._lock:
            if self.working < self._at_once:
                self.working += 1
                return True
            if len(self._waiting) >= self._queue:
                self.refused["full"] += 1
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(self._patience):
            return True
        with self._lock:
            if turn.is_set():  # at the last moment
                return True
            self._waiting.remove(turn)
            self.refused["late"] += 1
            return False

    def leave(self) -> None:
        """Give the place to the request that has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self.working -= 1

    def open_stream(self) -> bool:
        """Begin an answer that is computed while it is sent; False if there are too many."""
        with self._lock:
            if self.streams >= self._max_streams:
                self.refused["streams"] += 1
                return False
            self.streams += 1
            return True

    def close_stream(self) -> None:
        """End such an answer."""
        with self._lock:
            self.streams -= 1


def gate_for(cores: int, queue: int, processes: int = 1) -> Gate:
    """Make the gate of one of several processes that share the cores and the queue.

    >>> gate_for(2, 32).threads
    44
    """
    share = max(1, PER_CORE * cores // processes)
    return Gate(share, -(-queue // processes))


class _Stream:
    """The pieces of an answer; ends its place among the streams when it is closed."""

    def __init__(self, pieces: Iterable[Any], gate: Gate) -> None:
        self._pieces = pieces
        self._gate: Gate | None = gate

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pieces)

    def close(self) -> None:
        """Close the pieces, too; the server calls it whether or not they were all sent."""
        gate, self._gate = self._gate, None
        if gate:
            gate.close_stream()
            if close := getattr(self._pieces, "close", None):
                close()


def register(app: Flask, gate: Gate) -> None:
    """Put the gate before all routes that are not FREE."""

    @app.before_request
    def enter() -> None:
        if request.url_rule is None or request.endpoint in FREE:
            return
        if not gate.enter():
            raise _busy()
        g.at_work = True

    @app.after_request
    def leave(response: Response) -> Response:
        if not g.pop("at_work", False):
            return response
        gate.leave()
        if not response.is_streamed:
            return response
        if not gate.open_stream():
            response.close()
            return app.make_response(app.handle_user_exception(_busy()))
        response.response = _Stream(response.response, gate)
        return response

    @app.teardown_request
    def leave_after_an_error(_error: BaseException | None) -> None:
        if g.pop("at_work", False):
            gate.leave()


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable(BUSY, retry_after=RETRY_AFTER)
