"""Shards whose addresses another process watches: they stay known while it knows nothing."""

import socket
import time

from backfile.index.cluster.ray.followed_shards import SHORTEST_PAUSE, FollowedShard
from backfile.index.cluster.search.greeting import ShardListener

KEY = b"k" * 32


def listener(taken):
    return ShardListener("127.0.0.1", KEY, lambda connection: taken.append(connection))


def at(listening, articles=3):
    return ["127.0.0.1", listening.port, KEY.hex(), articles, 7]


def test_replicas_are_followed_by_number_and_stay_the_same_objects():
    one, other = listener([]), listener([])
    shard = FollowedShard("first")
    assert (shard.replicas, shard.articles) == ([], 0)
    shard.follow({"0": at(one), "1": None})
    before = shard.replicas
    assert (len(before), shard.articles) == (2, 3)
    shard.follow({"0": at(one, 4), "1": at(other)})
    assert shard.replicas[0] is before[0]
    assert shard.articles == 4
    assert shard.replicas[1].connect()
    shard.follow({"0": at(other, 4)})  # it was started again
    assert len(shard.replicas) == 1
    assert shard.replicas[0] is not before[0]
    one.close()
    other.close()


def test_where_no_replica_has_an_address_those_that_were_known_stay():
    listening = listener([])
    shard = FollowedShard("first")
    shard.follow({"0": at(listening)})
    known = shard.replicas[0]
    for nothing in ({}, {"0": None}, {"2": None}):
        shard.follow(nothing)
        assert known in shard.replicas
        assert known.connect()
    shard.follow({"2": at(listening)})
    assert known not in shard.replicas
    listening.close()


def test_a_replica_that_is_not_there_is_tried_again_after_a_pause():
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    shard = FollowedShard("first")
    shard.follow({"0": ["127.0.0.1", port, KEY.hex(), 3, 7]})
    (replica,) = shard.replicas
    assert replica.connect() is None
    again = listener([])
    replica.address = at(again)
    assert replica.connect() is None  # not yet
    time.sleep(2 * SHORTEST_PAUSE)
    assert replica.connect()
    again.close()
