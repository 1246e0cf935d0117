"""Fetches one document from the web: within limits, past redirects, unpacked."""

import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from archive.errors import UnreadableArticle
from archive.fetching.network import CheckedNetwork, HostRefused, Resolver, resolve

LARGEST = 16 << 20  # bytes, as they come and unpacked
LONGEST = 60.0  # seconds for all of it, redirects included
LONGEST_CONNECT, LONGEST_SILENCE = 10.0, 20.0
MOST_REDIRECTS = 5
REDIRECTS, FOR_GOOD = (301, 302, 303, 307, 308), (301, 308)
PORTS = {"http": 80, "https": 443}
ACCEPTED = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.9, */*;q=0.5"
)
SAFE = "/%:@!$&'()*+,;=~?-._[]"  # what stands in a path or query as it is
ANY_ZLIB = 47  # wbits of zlib for gzip and zlib, told by their headers


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; header names in lower case.

    `moved_to` is where the document has moved for good, else the address that was asked.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    moved_to: str


class Fetcher:
    """Asks servers for documents; where `private`, those of one's own network, too."""

    def __init__(self, *, private: bool = False, resolver: Resolver = resolve) -> None:
        self._private = private
        self._resolver = resolver

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a document; raise UnreadableArticle, with `url`, where none comes."""
        network = CheckedNetwork(
            time.monotonic() + LONGEST, private=self._private, resolver=self._resolver
        )
        here, moved_to, for_good = url, url, True
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(here, url, headers, network)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return Answer(answer.status, answer.headers, answer.content, here, moved_to)
            there = _next(here, answer.headers["location"], url)
            for_good = for_good and answer.status in FOR_GOOD
            here, moved_to = there, there if for_good else moved_to
        raise UnreadableArticle(url, f"more than {MOST_REDIRECTS} redirects")

    def _ask(
        self, url: str, asked: str, headers: Mapping[str, str], network: CheckedNetwork
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
                    address_of(url, asked),
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
                content = _content(response, found, asked) if wanted else b""
                return Answer(response.status, found, content, url, url)
        except HostRefused as exc:
            raise UnreadableArticle(asked, str(exc)) from exc
        except httpcore2.TimeoutException as exc:
            raise UnreadableArticle(asked, "the server took too long") from exc
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as exc:
            said = " ".join(str(exc).split())[:120]
            raise UnreadableArticle(asked, f"no connection ({said})") from exc


def address_of(url: str, asked: str) -> httpcore2.URL:
    """Cut an address into its parts; raise UnreadableArticle for what is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
        host = (parts.hostname or "").encode(
            "idna" if ":" not in (parts.hostname or "") else "ascii"
        )
    except ValueError as exc:
        raise UnreadableArticle(asked, f"not an address that can be read ({url[:100]})") from exc
    if parts.scheme not in PORTS or not host:
        raise UnreadableArticle(asked, f"not an http or https address ({url[:100]})")
    if "@" in parts.netloc:
        raise UnreadableArticle(asked, "an address with a name or password in it is not asked")
    target = quote(parts.path or "/", SAFE) + (
        f"?{quote(parts.query, SAFE)}" if parts.query else ""
    )
    return httpcore2.URL(scheme=parts.scheme, host=host, port=port, target=target)


def _next(here: str, location: str, asked: str) -> str:
    try:
        there = urljoin(here, location)
    except ValueError as exc:
        raise UnreadableArticle(asked, "redirected to what is no address") from exc
    if here.startswith("https:") and there.startswith("http:"):
        raise UnreadableArticle(asked, "redirected from https to http, which anyone can change")
    return there


def _content(response: Any, headers: Mapping[str, str], asked: str) -> bytes:
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise UnreadableArticle(asked, f"packed in a way that was not asked for ({packing[:40]})")
    chunks = _bounded(response.iter_stream(), asked)
    if packing not in ("identity", ""):
        chunks = _bounded(_unpacked(chunks, asked), asked)
    return b"".join(chunks)


def _bounded(chunks: Iterator[bytes], asked: str) -> Iterator[bytes]:
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > LARGEST:
            raise UnreadableArticle(asked, f"more than {LARGEST >> 20} MiB")
        yield chunk


def _unpacked(chunks: Iterator[bytes], asked: str) -> Iterator[bytes]:
    """Unpack a little at a time, so that what is a thousand times as large can be given up."""
    unpacking = zlib.decompressobj(ANY_ZLIB)
    try:
        for chunk in chunks:
            yield unpacking.decompress(chunk, 1 << 20)
            while unpacking.unconsumed_tail:
                yield unpacking.decompress(unpacking.unconsumed_tail, 1 << 20)
    except zlib.error as exc:
        raise UnreadableArticle(asked, "the compressed data is damaged") from exc
    if not unpacking.eof:
        raise UnreadableArticle(asked, "the compressed data is cut short")
