"""Uploads to a real server: to disk, bounded, and by nobody without the token."""

import errno
import gzip
import http.client
import json
import os
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from backfile.web import uploads as uploads_module
from backfile.web.api.writes import Writes
from backfile.web.app import create_app
from backfile.web.public_address import LOCAL_HOSTS
from backfile.web.uploads import Body, Uploads
from tests.builders import BEARER, TOKEN
from tests.web.servers import SOON, connected, get, served, wait_until

MOST = 8 << 20
LINE = b'{"id": "n1", "text": "One."}\n'
HEAD = "POST /api/articles HTTP/1.1\r\nHost: localhost\r\n"
AUTHORIZATION = f"Authorization: {BEARER['Authorization']}\r\n"


@pytest.fixture
def inbox(engines):
    return engines.catalog.inbox


@pytest.fixture
def app(searcher, reader, inbox):
    writes = Writes(inbox, TOKEN, MOST)
    return create_app(searcher, reader, trusted_hosts=list(LOCAL_HOSTS), writes=writes)


@pytest.fixture
def uploads(inbox):
    return Uploads(inbox.folder, TOKEN, MOST)


def post(port, body, headers=None, method="POST", path="/api/articles"):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
        connection.request(method, path, body, BEARER if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def read_all(connection):
    received = b""
    with suppress(OSError):
        while some := connection.recv(65536):
            received += some
    return received


def answer_to(port, sent):
    with connected(port, sent) as client:
        return read_all(client)


def open_files():
    """Where the files lie that this process has open."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            yield str(link.readlink())


def names_in(folder):
    return {path.name for path in folder.glob("*")}


def test_a_large_body_is_taken_and_the_job_holds_it(app, inbox, uploads):
    lines = b"".join(b'{"id": "n%d", "text": "%s"}\n' % (n, b"word " * 2_000) for n in range(400))
    assert len(lines) > 3 << 20
    with served(app, uploads=uploads) as (_, port):
        assert post(port, lines)[0] == 202
        packed = {**BEARER, "Content-Encoding": "gzip"}
        assert post(port, gzip.compress(lines, 1), packed)[0] == 202
        pieces = (lines[start : start + 70_000] for start in range(0, len(lines), 70_000))
        assert post(port, pieces)[0] == 202  # in chunks
    assert len(inbox.waiting()) == 3
    for job in inbox.waiting():
        with job.file().open() as stream:
            assert stream.read() == lines


def test_the_body_lies_on_the_disk_of_the_archive_and_nowhere_else(app, inbox, uploads):
    head, before = f"{HEAD}{AUTHORIZATION}Content-Length: 4000000\r\n\r\n", set(open_files())
    with served(app, uploads=uploads) as (_, port), connected(port, head.encode()) as client:
        client.sendall(b"x" * 2_000_000)
        wait_until(lambda: any(place.startswith(str(inbox.folder)) for place in open_files()))
        unnamed = {place for place in open_files() if place.endswith("(deleted)")} - before
        assert [place for place in unnamed if not place.startswith(str(inbox.folder))] == []
    wait_until(lambda: uploads._active == 0)
    assert names_in(inbox.folder) <= {"lock"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("given", ["", "Authorization: Bearer wrong-wrong-wrong\r\n"])
def test_a_body_without_the_token_is_not_read(app, inbox, uploads, method, given):
    path = "/api/articles" if method == "POST" else "/api/articles/a"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{given}Expect: 100-continue\r\n"
    for length in ("Content-Length: 500000\r\n", "Transfer-Encoding: chunked\r\n"):
        with served(app, uploads=uploads, request=60) as (_, port):
            with connected(port, f"{head}{length}\r\n".encode()) as client:
                answer = read_all(client)  # not a byte of the body was sent
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"Connection: close" in answer
    assert not inbox.folder.exists()


@pytest.mark.parametrize(
    "length", [f"Content-Length: {MOST + 1}\r\n", "Transfer-Encoding: chunked\r\n"]
)
def test_more_than_is_taken_at_once_is_refused(app, inbox, uploads, length):
    head = f"{HEAD}{AUTHORIZATION}{length}\r\n".encode()
    with served(app, uploads=uploads) as (_, port), connected(port, head) as client:
        if "chunked" in length:
            with suppress(ConnectionError):
                for _ in range(MOST // 100_000 + 2):
                    client.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 413 ")
    assert inbox.waiting() == []


def test_other_routes_keep_their_limit_with_the_token_too(app, inbox, uploads):
    with served(app, uploads=uploads) as (_, port):
        for method, path in (("PUT", "/api/articles/a"), ("POST", "/api/search/batch")):
            assert post(port, b"x" * (2 << 20), method=method, path=path)[0] == 413
    assert inbox.waiting() == []


def test_a_slow_upload_is_cut_and_a_steady_one_is_not(app, inbox, uploads):
    head = f"{HEAD}{AUTHORIZATION}Content-Length: {len(LINE) * 30}\r\n\r\n".encode()
    with (
        served(app, uploads=uploads, request=0.5, slowest=len(LINE)) as (_, port),
        connected(port, head) as steady,
        connected(port, head) as slow,
    ):
        slow.sendall(b"{")
        for _ in range(30):  # three seconds; ten times as fast as it must be
            steady.sendall(LINE)
            time.sleep(0.1)
        assert steady.recv(65536).startswith(b"HTTP/1.1 202 ")
        assert read_all(slow) == b""
    assert len(inbox.waiting()) == 1
    assert uploads._active == 0


def test_only_so_many_upload_at_once_and_others_are_told_to_come_back(app, uploads):
    head = f"{HEAD}{AUTHORIZATION}Content-Length: {len(LINE)}\r\n\r\n".encode()
    with served(app, uploads=uploads) as (_, port):
        with connected(port, head) as one, connected(port, head) as two:
            wait_until(lambda: uploads._active == 2)
            with connected(port, head) as third:
                answer = read_all(third)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 5" in answer
            assert get(port)[0] == 200  # /healthz
            for each in (one, two):
                each.sendall(LINE)
                assert each.recv(65536).startswith(b"HTTP/1.1 202 ")
        wait_until(lambda: uploads._active == 0)
        assert post(port, LINE)[0] == 202


def test_an_upload_whose_client_goes_gives_its_place_back(app, inbox, uploads):
    head = f"{HEAD}{AUTHORIZATION}Content-Length: 9999\r\n\r\n{{".encode()
    with served(app, uploads=uploads) as (_, port):
        for _ in range(5):
            with connected(port, head):
                wait_until(lambda: uploads._active == 1)
            wait_until(lambda: uploads._active == 0)
    assert names_in(inbox.folder) <= {"lock"}


def test_a_full_disk_is_said_while_the_body_arrives(app, inbox, uploads, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with served(app, uploads=uploads) as (_, port):
        monkeypatch.setattr(uploads_module, "TemporaryFile", full)
        status, problem = post(port, LINE)
        assert (status, "disk is full" in problem["detail"]) == (503, True)
        monkeypatch.undo()
        append = Body.append

        def fill(body, some):
            body.is_full = True
            append(body, some)

        monkeypatch.setattr(Body, "append", fill)
        status, problem = post(port, LINE * 1000)
        assert (status, "disk is full" in problem["detail"]) == (503, True)
        monkeypatch.undo()
        assert post(port, LINE)[0] == 202
    assert len(inbox.waiting()) == 1


def test_without_uploads_a_server_reads_as_before(app, inbox):
    with served(app) as (_, port):
        assert post(port, LINE)[0] == 202
        assert post(port, b"x" * (2 << 20), method="PUT", path="/api/articles/a")[0] == 413
    assert len(inbox.waiting()) == 1


def test_two_clients_and_many_requests_on_one_connection(app, inbox, uploads):
    def send(port):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
            for n in range(20):
                body = json.dumps({"text": f"Text {n}."})
                connection.request("PUT", "/api/articles/one", body, BEARER)
                answer = connection.getresponse()
                assert (answer.status, answer.read()[:6]) == (202, b'{"id":')

    with served(app, uploads=uploads) as (_, port):
        threads = [threading.Thread(target=send, args=(port,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [job.number for job in inbox.waiting()] == list(range(1, 41))


def test_a_request_after_a_refused_one_is_not_read_as_one(app, uploads):
    smuggled = b"PUT /api/articles/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n"
    with served(app, uploads=uploads) as (_, port):
        answer = answer_to(port, smuggled + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 401 ")
