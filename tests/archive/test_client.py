"""Tests of fetching: whom it connects to, what it takes, and when it gives up."""

import gzip
import shutil
import ssl
import subprocess
import threading
import time
import zlib
from http.server import HTTPServer, SimpleHTTPRequestHandler

import httpcore2
import pytest

from backfile.archive.follow.client import CheckedNetwork, Fetcher, HostRefused, is_public, resolve
from backfile.archive.model.errors import UnreadableArticle
from tests.archive.web_server import WebServer


@pytest.fixture
def server():
    with WebServer() as made:
        yield made


def fetch(url, **options):
    return Fetcher(private=True, **options).fetch(url, {})


def refusal(url, **options):
    with pytest.raises(UnreadableArticle) as caught:
        Fetcher(**options).fetch(url, {})
    assert caught.value.origin == url
    return caught.value.reason


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("0.0.0.0", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1"),
        *("2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::a00:1"),
        *("ff02::1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "4000::1", "localhost", ""),
    ],
)  # fmt: skip
def test_an_address_that_only_someone_inside_can_reach_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


class Connections:
    """A network that connects to nothing, and remembers whom it was to connect to."""

    def __init__(self, monkeypatch):
        self.made = []
        monkeypatch.setattr(
            httpcore2.SyncBackend,
            "connect_tcp",
            lambda _, host, port, *rest: self.made.append(host),
        )


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_that_is_asked(monkeypatch):
    connections, asked = Connections(monkeypatch), []

    def rebound(host, port):
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    network = CheckedNetwork(time.monotonic() + 9, private=False, resolver=rebound)
    network.connect_tcp("feed.example", 443)
    assert (asked, connections.made) == (["feed.example"], ["8.8.8.8"])
    with pytest.raises(HostRefused, match=r"feed\.example \(127\.0\.0\.1\) is no public address"):
        network.connect_tcp("feed.example", 443)
    assert connections.made == ["8.8.8.8"]


def test_a_name_with_one_private_address_among_its_own_is_refused(monkeypatch):
    connections = Connections(monkeypatch)
    network = CheckedNetwork(
        time.monotonic() + 9, private=False, resolver=lambda *_: ["8.8.8.8", "::1"]
    )
    with pytest.raises(HostRefused):
        network.connect_tcp("feed.example", 80)
    assert connections.made == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"],
)
def test_this_machine_is_refused_however_it_is_written(server, host):
    assert (
        "is no public address; --allow-private allows it"
        in refusal(f"http://{host}:{server.port}/feed")
        or host == "0177.0.0.1"
    )  # an address of the internet where it is not read as octal
    assert server.asked == []


def test_a_redirect_to_a_private_address_is_refused(server):
    server.answers["/feed"] = (302, {"Location": "http://inside.example/secret"}, b"")
    names = {"127.0.0.1": "8.8.8.8", "inside.example": "10.0.0.1"}

    def resolver(host, port):
        return [names.get(host, host)]

    there = server.url()
    network_of = CheckedNetwork.connect_tcp

    def to_the_test_server(self, host, port, *rest, **options):
        if host == "127.0.0.1":
            return httpcore2.SyncBackend().connect_tcp(host, port)
        return network_of(self, host, port, *rest, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(CheckedNetwork, "connect_tcp", to_the_test_server)
        assert refusal(there, resolver=resolver).startswith(
            "inside.example (10.0.0.1) is no public"
        )


def test_a_document_comes_with_what_its_server_says(server):
    server.answers["/a%20b?q=%C3%BC"] = (200, {"ETag": '"1"', "X-Some": "a"}, b"Rain.")
    answer = fetch(server.url("/a b?q=ü"))
    assert (answer.status, answer.content) == (200, b"Rain.")
    assert answer.headers["etag"] == '"1"'
    _, headers = server.asked[0]
    assert headers["User-Agent"].startswith("Backfile/")
    assert headers["Host"] == f"127.0.0.1:{server.port}"


def test_the_name_is_what_the_server_is_told_and_the_address_whom_it_was_resolved_to(server):
    server.answers["/feed"] = (200, {}, b"Rain.")
    names = []

    def resolver(host, port):
        names.append(host)
        return ["127.0.0.1"]

    fetch(f"http://zeitung-küste.example:{server.port}/feed", resolver=resolver)
    assert names == ["xn--zeitung-kste-llb.example"]
    assert server.asked[0][1]["Host"] == f"xn--zeitung-kste-llb.example:{server.port}"


def test_where_a_document_has_moved_for_good_is_told_apart_from_a_detour(server):
    server.answers |= {
        "/old": (301, {"Location": "/new"}, b""),
        "/new": (302, {"Location": "/today"}, b""),
        "/today": (308, {"Location": "/feed"}, b""),
        "/feed": (200, {}, b"Rain."),
    }
    answer = fetch(server.url("/old"))
    assert (answer.url, answer.moved_to) == (server.url("/feed"), server.url("/new"))
    assert answer.content == b"Rain."


def test_a_circle_of_redirects_is_left(server):
    server.answers["/feed"] = (302, {"Location": "/feed"}, b"")
    assert refusal(server.url(), private=True) == "more than 5 redirects"
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "not an http or https address (file:///etc/passwd)"),
        ("ftp://courier.example/feed", "not an http or https address (ftp://courier.example/feed)"),
        ("courier.example", "not an http or https address (courier.example)"),
        ("http://", "not an http or https address (http://)"),
        ("http://[::1", "not an address that can be read (http://[::1)"),
        ("http://a.example:99999/", "not an address that can be read (http://a.example:99999/)"),
        ("http://me:secret@a.example/", "an address with a name or password in it is not asked"),
        (
            f"http://{'a' * 70}.example/",
            f"not an address that can be read (http://{'a' * 70}.example/)",
        ),
    ],
)
def test_what_is_no_web_address_is_refused(url, reason):
    assert refusal(url) == reason


@pytest.mark.parametrize("there", ["file:///etc/passwd", "gopher://a.example/", "http://[bad"])
def test_a_redirect_away_from_the_web_is_refused(server, there):
    server.answers["/feed"] = (302, {"Location": there}, b"")
    assert refusal(server.url(), private=True)


def test_a_name_that_nobody_has_is_refused():
    def nobody(host, port):
        raise OSError("unknown")

    assert (
        refusal("http://a.example/", resolver=nobody) == "no connection (no address for a.example)"
    )


def test_a_packed_answer_is_unpacked_and_one_that_swells_is_given_up(server):
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(2 << 20))
    server.answers |= {
        "/feed": (200, packed, gzip.compress(b"Rain.")),
        "/zlib": (200, {"Content-Encoding": "deflate"}, zlib.compress(b"Rain.")),
        "/bomb": (200, packed, bomb),
        "/cut": (200, packed, bomb[:-9]),
        "/bad": (200, packed, b"Rain."),
        "/brotli": (200, {"Content-Encoding": "br"}, b"Rain."),
        "/large": (200, {}, bytes((1 << 20) + 1)),
    }
    assert fetch(server.url()).content == fetch(server.url("/zlib")).content == b"Rain."
    reasons = {
        path: refusal(server.url(path), private=True, largest=1 << 20)
        for path in list(server.answers)[2:]
    }
    assert reasons == {
        "/bomb": "more than 1 MiB",
        "/cut": "more than 1 MiB",
        "/bad": "the compressed data is damaged",
        "/brotli": "packed in a way that was not asked for (br)",
        "/large": "more than 1 MiB",
    }


def test_a_server_that_sends_a_little_at_a_time_is_left_at_the_deadline(server):
    server.answers["/feed"] = (200, {}, [b"x"] * 400)
    begun = time.monotonic()
    assert refusal(server.url(), private=True, seconds=0.4) == "the server took too long"
    assert time.monotonic() - begun < 5


def test_an_answer_that_breaks_off_is_refused(server):
    server.answers["/feed"] = (200, {"Content-Length": "100"}, b"Rain.")
    assert refusal(server.url(), private=True).startswith("no connection (")


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
         certificate, "-days", "2", "-subj", "/CN=feed.example",
         "-addext", "subjectAltName=DNS:feed.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)
    server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"https://feed.example:{server.server_port}/"
        found = refusal(url, private=True, resolver=lambda *_: ["127.0.0.1"])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert "certificate verify failed" in found
    assert names == ["feed.example"]


def test_the_system_resolves_names():
    assert "127.0.0.1" in resolve("127.0.0.1", 80)
