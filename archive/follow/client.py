"""Fetches one document from the web: only from public addresses, within limits, with redirects."""

import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from queue import Empty, Queue
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore2
from httpcore2 import (
    SOCKET_OPTION,
    ConnectError,
    NetworkBackend,
    NetworkStream,
    ReadTimeout,
    SyncBackend,
)

from backfile.archive.model.errors import UnreadableArticle

PUBLIC = IPv6Network(
    "2000::/3"
)  # all assigned addresses; https://www.iana.org/assignments/ipv6-unicast-address-assignments
TEREDO = IPv6Network("2001::/32")
SIX_TO_FOUR = IPv6Network("2002::/16")
# These end in an IPv4 address: IPv4-mapped, IPv4-compatible, and NAT64 (RFC 6052).
ENDING_IN_IPV4 = (
    IPv6Network("::ffff:0:0/96"),
    IPv6Network("::/96"),
    IPv6Network("64:ff9b::/96"),
)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; also for IPv4 inside IPv6.

    >>> [is_public(each) for each in ("8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1")]
    [True, False, False, False]
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if any(found in network for network in ENDING_IN_IPV4):
            return _is_public(IPv4Address(int(found) & 0xFFFFFFFF))
        if found not in PUBLIC or found in TEREDO or found in SIX_TO_FOUR:
            return False
    return _is_public(found)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # Python counts multicast as global: https://docs.python.org/3/library/ipaddress.html
    return address.is_global and not (address.is_multicast or address.is_reserved)


LONGEST_LOOKUP = 10.0  # seconds
Resolver = Callable[[str, int], list[str]]


class HostRefused(Exception):
    """A host has an address that is not public."""

    def __init__(self, host: str, address: str) -> None:
        at = "" if host == address else f" ({address})"
        super().__init__(f"{host}{at} is no public address; --allow-private allows it")


def resolve(host: str, port: int) -> list[str]:
    """Look up the addresses of a host; raise OSError if there are none, or after 10 s."""
    answers: Queue[list[str] | Exception] = Queue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    # The system's lookup has no time limit.
    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=LONGEST_LOOKUP)
    except Empty as exc:
        raise TimeoutError(f"no answer to who {host} is") from exc
    if isinstance(answer, Exception):
        raise answer
    return answer


class CheckedNetwork(NetworkBackend):
    """Resolves a host once, checks all its addresses, and connects to one of them.

    There is no second lookup between check and connection, so DNS rebinding has no effect. TLS
    verifies the host name, which `start_tls` gets.
    """

    def __init__(self, deadline: float, *, private: bool, resolver: Resolver = resolve) -> None:
        """Set the deadline (`time.monotonic()`), and whether `private` addresses are allowed."""
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
        """Connect to the first address that answers; raise HostRefused before any attempt."""
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
    """A stream with one deadline for all reads and writes together."""

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


LARGEST = 16 << 20  # bytes, compressed and decompressed
LONGEST = 60.0  # seconds for a document, redirects included
LONGEST_CONNECT, LONGEST_SILENCE = 10.0, 20.0
MOST_REDIRECTS = 5
REDIRECTS, FOR_GOOD = (301, 302, 303, 307, 308), (301, 308)
PORTS = {"http": 80, "https": 443}
ACCEPTED = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.9, */*;q=0.5"
)
SAFE = "/%:@!$&'()*+,;=~?-._[]"  # characters of a path or query that are not quoted
ANY_ZLIB = 47  # wbits of zlib: detect gzip or zlib by its header


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; header names in lower case.

    `url` is the last address, `moved_to` the target of permanent redirects, else the first address.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    moved_to: str


class Fetcher:
    """Fetches documents; with `private`, also from the local network."""

    def __init__(
        self,
        *,
        private: bool = False,
        resolver: Resolver = resolve,
        largest: int = LARGEST,
        seconds: float = LONGEST,
    ) -> None:
        """Take documents of at most `largest` bytes, each within `seconds`."""
        self._private = private
        self._resolver = resolver
        self._largest = largest
        self._seconds = seconds

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Fetch a document; raise UnreadableArticle, with `url`, if there is no response."""
        network = CheckedNetwork(
            time.monotonic() + self._seconds, private=self._private, resolver=self._resolver
        )
        here, moved_to, for_good = url, url, True
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._get(here, url, headers, network)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return Answer(answer.status, answer.headers, answer.content, here, moved_to)
            there = _next(here, answer.headers["location"], url)
            for_good = for_good and answer.status in FOR_GOOD
            here, moved_to = there, there if for_good else moved_to
        raise UnreadableArticle(url, f"more than {MOST_REDIRECTS} redirects")

    def _get(
        self, url: str, origin: str, headers: Mapping[str, str], network: CheckedNetwork
    ) -> Answer:
        sent = {
            "User-Agent": f"Backfile/{version('backfile')} (feed reader)",
            "Accept": ACCEPTED,
            "Accept-Encoding": "gzip",
            **headers,
        }
        times = {"connect": LONGEST_CONNECT, "read": LONGEST_SILENCE, "write": LONGEST_SILENCE}
        try:
            with (
                httpcore2.ConnectionPool(network_backend=network) as pool,
                pool.stream(
                    "GET",
                    address_of(url, origin),
                    headers=[
                        (name, value.encode("latin-1", "replace")) for name, value in sent.items()
                    ],
                    extensions={"timeout": times},
                ) as response,
            ):
                found = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                wanted = response.status == 200
                content = _content(response, found, origin, self._largest) if wanted else b""
                return Answer(response.status, found, content, url, url)
        except HostRefused as exc:
            raise UnreadableArticle(origin, str(exc)) from exc
        except httpcore2.TimeoutException as exc:
            raise UnreadableArticle(origin, "the server took too long") from exc
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as exc:
            error = " ".join(str(exc).split())[:120]
            raise UnreadableArticle(origin, f"no connection ({error})") from exc


def address_of(url: str, origin: str) -> httpcore2.URL:
    """Parse an address; raise UnreadableArticle if it is not an http or https address."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
        host = (parts.hostname or "").encode(
            "idna" if ":" not in (parts.hostname or "") else "ascii"
        )
    except ValueError as exc:
        raise UnreadableArticle(origin, f"not an address that can be read ({url[:100]})") from exc
    if parts.scheme not in PORTS or not host:
        raise UnreadableArticle(origin, f"not an http or https address ({url[:100]})")
    if "@" in parts.netloc:
        raise UnreadableArticle(origin, "an address with a name or password in it is not asked")
    target = quote(parts.path or "/", SAFE) + (
        f"?{quote(parts.query, SAFE)}" if parts.query else ""
    )
    return httpcore2.URL(scheme=parts.scheme, host=host, port=port, target=target)


def _next(here: str, location: str, origin: str) -> str:
    try:
        there = urljoin(here, location)
    except ValueError as exc:
        raise UnreadableArticle(origin, "redirected to what is no address") from exc
    if here.startswith("https:") and there.startswith("http:"):
        raise UnreadableArticle(origin, "redirected from https to http, which anyone can change")
    return there


def _content(response: Any, headers: Mapping[str, str], origin: str, largest: int) -> bytes:
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise UnreadableArticle(origin, f"packed in a way that was not asked for ({packing[:40]})")
    chunks = _bounded(response.iter_stream(), origin, largest)
    if packing not in ("identity", ""):
        chunks = _bounded(_unpacked(chunks, origin), origin, largest)
    return b"".join(chunks)


def _bounded(chunks: Iterator[bytes], origin: str, largest: int) -> Iterator[bytes]:
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > largest:
            raise UnreadableArticle(origin, f"more than {largest >> 20} MiB")
        yield chunk


def _unpacked(chunks: Iterator[bytes], origin: str) -> Iterator[bytes]:
    """Decompress in pieces of at most 1 MiB, so that `_bounded` can stop a decompression bomb."""
    unpacking = zlib.decompressobj(ANY_ZLIB)
    try:
        for chunk in chunks:
            yield unpacking.decompress(chunk, 1 << 20)
            while unpacking.unconsumed_tail:
                yield unpacking.decompress(unpacking.unconsumed_tail, 1 << 20)
    except zlib.error as exc:
        raise UnreadableArticle(origin, "the compressed data is damaged") from exc
    if not unpacking.eof:
        raise UnreadableArticle(origin, "the compressed data is cut short")
