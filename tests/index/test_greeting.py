"""Coordinators connect with a shard over TCP, whoever else connects with it, or does not answer."""

import socket
import time
from contextlib import closing, suppress
from multiprocessing.connection import Client

import pytest

from backfile.index.cluster.search.greeting import REFUSED, ShardListener, connected

HOST, KEY = "127.0.0.1", b"k" * 32
SECONDS = 0.3


def echo(connection):
    with connection, suppress(EOFError):
        while True:
            connection.send_bytes(connection.recv_bytes())


@pytest.fixture
def listener():
    with closing(ShardListener(HOST, KEY, echo, seconds=SECONDS)) as made:
        yield made


def answers(listener):
    with connected(HOST, listener.port, KEY, 5.0) as connection:
        connection.send("ferry")
        return connection.recv() == "ferry"


def test_who_connects_and_says_nothing_keeps_nobody_out(listener):
    with socket.create_connection((HOST, listener.port)), socket.socket() as other:
        other.connect((HOST, listener.port))
        began = time.monotonic()
        assert answers(listener)
        assert time.monotonic() - began < SECONDS


def test_who_says_nothing_is_left_alone(listener):
    with socket.create_connection((HOST, listener.port)) as silent:
        silent.settimeout(5.0)
        while silent.recv(1024):  # its challenge, then the end
            pass


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x05short", b"\xff" * 64])
def test_who_speaks_otherwise_ends_nothing(listener, said):
    with socket.create_connection((HOST, listener.port)) as stranger:
        stranger.sendall(said)
        assert answers(listener)
    assert answers(listener)


def test_a_wrong_key_is_refused_and_ends_nothing(listener):
    with pytest.raises(REFUSED):
        connected(HOST, listener.port, b"another", 5.0)
    with pytest.raises(REFUSED):
        Client((HOST, listener.port), authkey=b"another")
    assert answers(listener)


def test_a_connection_may_be_idle_for_longer_than_a_greeting(listener):
    with connected(HOST, listener.port, KEY, 5.0) as connection:
        time.sleep(2 * SECONDS)
        connection.send("ferry")
        assert connection.recv() == "ferry"


def test_a_shard_knows_when_a_message_last_came_or_went():
    there = []

    def take(connection):
        there.append(connection)
        echo(connection)

    with (
        closing(ShardListener(HOST, KEY, take)) as made,
        connected(HOST, made.port, KEY, 5.0) as connection,
    ):
        for word in (b"ferry", b"bridge"):
            time.sleep(SECONDS)
            assert not there or there[0].quiet >= SECONDS
            connection.send_bytes(word)
            assert connection.recv_bytes() == word
            assert there[0].quiet < SECONDS


def test_a_shard_that_accepts_and_does_not_answer_is_given_up():
    with socket.create_server((HOST, 0)) as stopped:  # the system connects, nobody greets
        began = time.monotonic()
        with pytest.raises(REFUSED):
            connected(HOST, stopped.getsockname()[1], KEY, SECONDS)
        assert time.monotonic() - began < 10 * SECONDS
