"""The server among slow, idle, greedy and many clients, and how it stops."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

import pytest

from backfile.archive.model.errors import BadSetting
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import MAX_BODY, create_app
from backfile.web.public_address import LOCAL_HOSTS
from backfile.web.served import follow_changes
from backfile.web.server import listening_sockets
from tests.builders import ROOT, backfile, fill, write_stories
from tests.web.servers import SOON, connected, get, served, wait_until

FORM = "POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded"


def hello(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture
def app(searcher, reader):
    return create_app(searcher, reader, trusted_hosts=list(LOCAL_HOSTS))


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        f"{FORM}\r\nContent-Length: 99\r\n\r\nq=".encode(),
    ],
    ids=["nothing", "head", "body"],
)
def test_a_request_that_does_not_become_complete_is_cut(begun):
    with served(hello, request=0.3) as (_, port), connected(port, begun) as slow:
        slow.settimeout(0.05)
        ends = time.monotonic() + SOON
        closed = False
        while not closed:
            assert time.monotonic() < ends
            if begun:
                with suppress(ConnectionError):
                    slow.send(b"a")  # a byte at a time is no progress
            with suppress(TimeoutError):
                try:
                    closed = slow.recv(1) == b""
                except ConnectionError:
                    closed = True


def test_a_client_that_comes_back_for_more_is_kept_longer_than_one_that_asks_slowly():
    with (
        served(hello, request=0.2, idle=60) as (_, port),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection,
    ):
        for wait in (0, 2.5):  # more than two looks at the deadlines
            time.sleep(wait)
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello"


def test_an_answer_that_nobody_reads_is_given_up():
    given_up = threading.Event()

    def endless(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"a" * 65536
        finally:
            given_up.set()

    with (
        served(endless, threads=1, unread=0.3) as (_, port),
        connected(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ):
        assert given_up.wait(SOON)


def test_hundreds_of_connections_that_say_nothing_keep_nobody_out():
    with served(hello) as (_, port):
        idle = [connected(port) for _ in range(300)]
        try:
            assert get(port)[0] == 200
        finally:
            for each in idle:
                each.close()


def test_cutting_some_clients_does_not_hurt_those_that_come_at_that_moment():
    """A closed connection's number goes to the next one, and with it what was to be done."""
    failed = []

    def ask(port, ends):
        while time.monotonic() < ends:
            try:
                assert get(port)[0] == 200
            except (OSError, http.client.HTTPException) as exc:
                failed.append(exc)

    with served(hello, request=0.2) as (_, port):
        ends = time.monotonic() + 3.5
        asking = [threading.Thread(target=ask, args=(port, ends)) for _ in range(3)]
        for each in asking:
            each.start()
        while time.monotonic() < ends:
            idle = [connected(port) for _ in range(100)]
            time.sleep(0.5)
            for each in idle:
                each.close()
        for each in asking:
            each.join(SOON)
    assert failed == []


def test_beyond_the_limit_the_connection_that_waits_longest_is_closed():
    with served(hello, connections=30) as (_, port):
        idle = [connected(port) for _ in range(60)]
        try:
            assert get(port)[0] == 200
            assert idle[0].recv(1) == b""
            idle[-1].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle[-1].recv(12) == b"HTTP/1.1 200"
        finally:
            for each in idle:
                each.close()


@pytest.mark.parametrize(
    "more",
    ["", "\r\nExpect: 100-continue", "\r\nAccept-Language: de"],
    ids=["", "expect", "german"],
)
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(app, more):
    with served(app) as (_, port):
        head = f"{FORM}\r\nContent-Length: {MAX_BODY + 1}{more}\r\n\r\n"
        with connected(port, head.encode()) as client, client.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 413 REQUEST ENTITY TOO LARGE\r\n"
            page = answer.read().decode()  # to the end: the connection is closed
    assert "Connection: close" in page
    assert (
        "Zu viel auf einmal" if "German" in more or "de" in more[-2:] else "Too much at once"
    ) in page


def test_a_body_of_just_the_bound_is_taken(app):
    with served(app) as (_, port):
        head = f"{FORM}\r\nContent-Length: {MAX_BODY}\r\n\r\nq="
        with connected(port, head.encode() + b"+" * (MAX_BODY - 2)) as client:
            assert client.recv(12) != b"HTTP/1.1 413"


def test_a_body_of_unknown_length_is_read_no_further_than_the_bound(app):
    sent = 0
    with served(app) as (_, port):
        head = f"{FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
        with connected(port, head.encode()) as client:
            client.settimeout(0.001)
            answer = b""
            while not answer:
                assert sent < 50 * MAX_BODY
                with suppress(TimeoutError):
                    answer = client.recv(12)
                    break
                client.settimeout(SOON)
                client.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
                client.settimeout(0.001)
                sent += 65536
    assert answer == b"HTTP/1.1 413"


def test_a_client_that_sends_all_before_it_reads_gets_the_refusal(app):
    with served(app) as (_, port):
        length = 8 * MAX_BODY
        head = f"{FORM}\r\nContent-Length: {length}\r\n\r\n"
        with connected(port, head.encode()) as client:
            client.sendall(b"a" * length)
            assert client.recv(12) == b"HTTP/1.1 413"


def test_a_request_inside_a_refused_body_is_not_answered(app):
    with served(app) as (_, port):
        inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        head = f"{FORM}\r\nContent-Length: {2 * MAX_BODY}\r\n\r\n"
        with connected(port, head.encode() + inner) as client:
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as answer:
                assert answer.read().count(b"HTTP/1.1") == 1


def test_a_health_check_needs_no_host(app):
    with served(app) as (_, port), connected(port, b"GET /healthz HTTP/1.0\r\n\r\n") as client:
        assert client.recv(12) == b"HTTP/1.0 200"
    with served(app, name="elsewhere.example") as (_, port):
        assert get(port, Host="elsewhere.example")[0] == 400  # the names are still checked


def test_the_loop_does_not_try_to_write_while_a_thread_writes():
    with served(hello) as (server, port), connected(port):
        (listener,) = server.listeners
        wait_until(lambda: listener.active_channels)
        (channel,) = listener.active_channels.values()
        with channel.outbuf_lock:
            channel.total_outbufs_len = 1
            seen = []
            other = threading.Thread(target=lambda: seen.append(channel.writable()))
            other.start()
            other.join(SOON)
            channel.total_outbufs_len = 0
        assert seen == [False]


def test_stopping_finishes_what_was_begun_and_takes_nothing_new():
    begun, finish = threading.Event(), threading.Event()

    def slow(environ, start_response):
        begun.set()
        finish.wait(SOON)
        return hello(environ, start_response)

    with served(slow) as (server, port):
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with connected(port, request) as client, connected(port) as idle:
            assert begun.wait(SOON)
            server.stop()

            def closed():
                try:
                    connected(port).close()
                except ConnectionError:
                    return True
                return False

            wait_until(closed)
            finish.set()
            answer = client.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"hello")
            assert idle.recv(1) == b""  # it had asked for nothing


def test_clients_that_go_on_asking_do_not_keep_the_server_from_stopping():
    def slow(environ, start_response):
        time.sleep(0.05)
        return hello(environ, start_response)

    def ask(port):
        with (
            suppress(OSError, http.client.HTTPException),
            closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection,
        ):
            while True:
                connection.request("GET", "/")
                connection.getresponse().read()

    with served(slow, drain=60) as (_, port):
        clients = [threading.Thread(target=ask, args=(port,)) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.3)  # all of them ask; the block ends with a server that has stopped
    for client in clients:
        client.join(SOON)
    assert not any(client.is_alive() for client in clients)


def test_stopping_waits_no_longer_than_allowed():
    begun, never = threading.Event(), threading.Event()

    def stuck(environ, start_response):
        begun.set()
        never.wait(SOON)
        return hello(environ, start_response)

    started = time.monotonic()
    with served(stuck, drain=0.1) as (server, port):
        with connected(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") as client:
            assert begun.wait(SOON)
            server.stop()
            assert client.recv(1) == b""
        assert time.monotonic() - started < SOON / 2
        never.set()


def test_a_port_that_is_taken_is_a_bad_setting():
    (taken,) = listening_sockets("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(BadSetting, match=f"127.0.0.1:{port} cannot be served"):
        listening_sockets("127.0.0.1", port)


@pytest.mark.parametrize(
    ("option", "named"), [([], "BACKFILE_PORT"), (["--port", "{port}"], "--port")]
)
def test_a_port_that_is_taken_is_named_by_what_gave_it(indexed_by_words, option, named):
    (taken,) = listening_sockets("127.0.0.1", 0)
    port = taken.getsockname()[1]
    given = [each.format(port=port) for each in option]
    with taken:
        result = backfile("serve", "--archive", indexed_by_words, *given, BACKFILE_PORT=str(port))
    assert result.exit_code == 2
    assert f"backfile: {named}: 127.0.0.1:{port} cannot be served" in result.stderr


def test_a_token_that_can_be_guessed_is_a_bad_setting(indexed_by_words):
    result = backfile("serve", "--archive", indexed_by_words, BACKFILE_TOKEN="short")
    assert result.exit_code == 2
    assert (
        "BACKFILE_TOKEN: is needed for writes over HTTP, of 16 characters or more" in result.output
    )


@pytest.mark.crash
def test_sigterm_ends_the_command_with_0_after_the_answers(indexed_by_words):
    (probe,) = listening_sockets("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    command = ["-m", "backfile.scripts.backfile", "serve", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, *command, "--archive", indexed_by_words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout.readline().startswith("opening")
        assert server.stdout.readline() == f"Backfile is at http://127.0.0.1:{port}\n"
        path = "GET /api/search?q=ferry&mode=keyword HTTP/1.1\r\nHost: localhost\r\n"
        with connected(port, path.encode()) as client:
            assert get(port)[0] == 200  # so the other connection is accepted, too
            os.kill(server.pid, signal.SIGTERM)
            time.sleep(0.3)
            client.sendall(b"\r\n")  # the rest of a request that was begun
            assert client.makefile("rb").read().startswith(b"HTTP/1.1 200")
        assert server.wait(SOON) == 0
        assert (server.stdout.read(), server.stderr.read()) == ("\nstopped\n", "")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()


class Stopped(Exception):
    """Ends what never ends."""


def test_a_change_is_opened_while_nobody_searches(engines, tmp_path, monkeypatch):
    seconds = [0.0]
    searcher = Searcher(engines, RankingOptions(), seconds=lambda: seconds[0], aside=True)
    before = searcher.table().generation

    def sleep(_):
        if not seconds[0]:
            story = {"id": "gale", "title": "Gale", "text": "A gale."}
            fill(engines, write_stories(tmp_path, [story]))
        elif seconds[0] > 9:
            raise Stopped
        seconds[0] += 2.0

    monkeypatch.setattr("backfile.web.served.time.sleep", sleep)
    with pytest.raises(Stopped):
        follow_changes(searcher)
    monkeypatch.undo()
    seconds[0] -= 9  # so that this looks for no change
    wait_until(lambda: searcher.table().generation > before)
