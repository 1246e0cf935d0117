"""Waitress with deadlines: slow clients are cut, large bodies refused unread, answers finished.

Waitress reads requests and writes answers in one thread and computes them in others, so a slow
client holds no thread. This module adds an end to requests that never become complete, to answers
that nobody reads, and to the server itself.
"""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import RequestEntityTooLarge

from backfile.web.uploads import SLOWEST, Body, Refused, Uploads

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
TICK = 1  # seconds between two looks at the deadlines
STOPPING = 1  # seconds for threads that compute what nobody will read
DROPPED = 64 << 10  # bytes of a refused body that are read at once
WATERMARK = 1 << 20  # bytes of an answer that wait for the client before its computation pauses


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may take; times are in seconds, sizes in bytes."""

    request: float = 9  # from the first byte of a request to its last; and until the first byte
    idle: float = 30  # between two requests
    unread: float = 20  # an answer of which the client reads nothing
    discard: float = 2  # reading on after a body was refused, so that the refusal arrives
    drain: float = 10  # answering the requests that were begun when the server is to stop
    body: int = 1 << 20
    slowest: int = SLOWEST  # bytes a second of an upload, on the average
    head: int = 32 << 10
    connections: int = 1000


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Hands a request whose body is too large to the application at once, without the rest of it.

    The application answers 413 from the length: as a page or as JSON, like any other error. The
    body of a write without the token is not read either; that of an upload goes to a file.
    """

    refused = False
    error: Any = None
    body_rcv: Any = None

    def __init__(self, adjustments: Adjustments, uploads: Uploads | None = None) -> None:
        super().__init__(adjustments)
        self._uploads = uploads
        self._refusal: Refused | None = None
        self.upload: Body | None = None

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head; decide by it what becomes of the body."""
        super().parse_header(header_plus)
        uploads = self._uploads
        if self.body_rcv is None or not uploads or not uploads.is_write(self.command, self.path):
            return
        if not uploads.admits(self.headers.get("AUTHORIZATION", "")):
            self._refuse(Refused(""))
        elif uploads.is_upload(self.command, self.path):
            self._begin_upload(uploads)

    def received(self, data: bytes) -> int:
        """Read on; end the request where its body is known to be too large, or has no room."""
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self.error = None
            self._close_after_answer()
            self.headers["CONTENT_LENGTH"] = str(max(self.content_length, self.body_bytes_received))
        elif self.upload is not None and self.upload.is_full:
            self._refuse(Refused("full"))
            self.completed = True
        return consumed

    def get_body_stream(self) -> Any:
        return self._refusal or super().get_body_stream()

    def close(self) -> None:
        super().close()
        if self.upload is not None:
            self.upload.close()

    def _begin_upload(self, uploads: Uploads) -> None:
        self.adj: Any = uploads.adjusted(self.adj)
        if self.content_length >= self.adj.max_request_body_size:
            return  # it is refused
        begun = uploads.begin()
        if isinstance(begun, Refused):
            self._refuse(begun)
        else:
            self.upload = self.body_rcv.buf = begun

    def _refuse(self, refusal: Refused) -> None:
        """Read nothing more of the body."""
        self._refusal = refusal
        self.body_rcv, self.content_length, self.chunked = None, 0, False
        self.headers.pop("CONTENT_LENGTH", None)
        self._close_after_answer()

    def _close_after_answer(self) -> None:
        self.refused = True
        self.expect_continue = False  # else waitress asks for the body all the same
        self.headers["CONNECTION"] = "close"


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection with deadlines."""

    _answered = False  # at least one request
    _refused = False
    _discarding = False
    _serving = False

    def __init__(self, server: "Listener", *args: Any, **options: Any) -> None:
        self._limits = server.limits
        self.parser_class = partial(Parser, uploads=server.uploads)
        super().__init__(server, *args, **options)
        self._began = time.time()  # the clock of waitress's `last_activity`

    def received(self, data: bytes) -> bool:
        """Take what was read; note when a request begins."""
        before = self.request
        taken: bool = super().received(data)
        if self.request is not before:
            self._began = time.time()
        return taken

    def service(self) -> None:
        """Answer a request, in a thread of the dispatcher."""
        self._serving = True  # until the clock is set, else the client is found to have waited
        self._refused = getattr(self.requests[0], "refused", False)
        super().service()
        self._answered = True
        self._began = time.time()
        self._serving = False

    def working(self) -> bool:
        """Whether a thread answers a request, or is to."""
        return bool(self.requests or self._serving)

    def busy(self) -> bool:
        """Whether a request has begun to arrive, and its answer is not yet read."""
        return bool(self.working() or self.total_outbufs_len or self.request is not None)

    def waiting(self) -> float:
        """Seconds since it was the client's turn: to send a request, the rest of it, or to read."""
        return time.time() - self._began

    def overdue(self) -> bool:
        """Whether the client has had its time."""
        if self.total_outbufs_len:
            return bool(time.time() - self.last_activity > self._limits.unread)
        if self.working():
            return False
        if self._discarding:
            return self.waiting() > self._limits.discard
        if self._answered and self.request is None:
            return self.waiting() > self._limits.idle
        upload = getattr(self.request, "upload", None)
        received = 0 if upload is None else self.request.body_bytes_received
        return self.waiting() > self._limits.request + received / self._limits.slowest

    def readable(self) -> bool:
        """Whether to read: a request, or what follows a refused one."""
        return self._discarding or super().readable()

    def writable(self) -> bool:
        """Whether to write; not while a thread is writing, which says when something is left.

        Waitress would try again until that thread is done: 60 times for each answer, with 64
        clients on two busy cores, and each of them took the interpreter's lock from the searches.
        """
        if not super().writable():
            return False
        if not self.outbuf_lock.acquire(blocking=False):
            return False
        self.outbuf_lock.release()
        return True

    def handle_read(self) -> None:
        """Read; drop what follows a refused request."""
        if self._discarding:
            self.recv(DROPPED)  # closes the connection at its end
        else:
            super().handle_read()

    def handle_close(self) -> None:
        """Close; after a refusal only our half at first.

        A socket that is closed while data waits in it is reset, and the client may lose the answer.
        """
        if self._refused and self.connected and not self._discarding:
            self._discarding = True
            self.will_close = self.close_when_flushed = False
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        else:
            super().handle_close()
            if self.request is not None:
                self.request.close()  # the file of an upload that ends here


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """A listening socket, and the connections accepted from it."""

    channel_class = Channel

    def __init__(self, *args: Any, limits: Limits, uploads: Uploads | None, **options: Any) -> None:
        self.limits = limits
        self.uploads = uploads
        super().__init__(*args, bind_socket=False, **options)

    def maintenance(self, _now: float) -> None:
        """Close nothing while a round of the loop runs: see `tend`."""

    def tend(self) -> None:
        """Close the connections that have had their time, between two rounds of the loop.

        Within a round, the next connection may get the number of a closed one, and with it the
        events of that one.
        """
        for channel in list(self.active_channels.values()):
            if channel.overdue():
                channel.will_close = True  # an unread one cannot be written to, so not by the loop
                channel.handle_close()

    def make_room(self) -> None:
        """Close the connection that has waited longest for its client if there are too many."""
        if len(self._map) >= self.adj.connection_limit:
            waiting = [c for c in self.active_channels.values() if not c.working()]
            if waiting:
                max(waiting, key=Channel.waiting).handle_close()

    def refuse_connections(self) -> None:
        """Accept no more; accepted connections go on."""
        self.del_channel()
        self.socket.close()


class Server:
    """Serves an application on listening sockets until it is stopped."""

    def __init__(
        self,
        application: Application,
        sockets: Sequence[socket.socket],
        *,
        threads: int,
        name: str,
        limits: Limits = Limits(),
        proxied: bool = False,
        uploads: Uploads | None = None,
    ) -> None:
        """Serve with so many threads; `name` stands for the Host of requests that have none.

        `proxied`: the application gets the headers of proxies, which are dropped else. With
        `uploads`, some requests may have large bodies.
        """
        adjustments = Adjustments(
            sockets=sockets,
            server_name=name,
            clear_untrusted_proxy_headers=not proxied,
            connection_limit=limits.connections,
            max_request_body_size=limits.body + 1,
            max_request_header_size=limits.head,
            outbuf_high_watermark=WATERMARK,
            asyncore_loop_timeout=TICK,
            asyncore_use_poll=True,  # select() ends at 1,024 descriptors
            log_socket_errors=False,  # clients come and go
        )
        self._limits = limits
        self._map: dict[int, Any] = {}
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(threads)
        self.listeners = [
            Listener(
                application,
                self._map,
                True,
                listening,
                dispatcher=self._dispatcher,
                adj=adjustments,
                sockinfo=(listening.family, listening.type, listening.proto, None),
                limits=limits,
                uploads=uploads,
            )
            for listening in sockets
        ]
        self._stop_by: float | None = None
        self._tended = 0.0

    def run(self) -> None:
        """Serve; return after `stop`, once the requests that were begun are answered."""
        try:
            while self._stop_by is None:
                self._step(TICK)
            for listener in self.listeners:
                listener.refuse_connections()
            while time.monotonic() < self._stop_by and self._close_idle():
                self._step(0.05)
        finally:
            self._dispatcher.shutdown(timeout=STOPPING)
            wasyncore.close_all(self._map, ignore_all=True)

    def stop(self) -> None:
        """Let `run` return; a signal handler may call it, more than once."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + self._limits.drain
            self.listeners[0].pull_trigger()

    def _step(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)
        for listener in self.listeners:
            listener.make_room()
        if time.monotonic() - self._tended >= TICK:
            self._tended = time.monotonic()
            for listener in self.listeners:
                listener.tend()

    def _close_idle(self) -> bool:
        """Close the connections without a request; whether others are left."""
        channels = [c for each in self.listeners for c in each.active_channels.values()]
        for channel in channels:
            if not channel.busy():
                channel.handle_close()
        return any(channel.busy() for channel in channels)
