"""Earlier shards are left in time: a search that goes on is waited for, and nobody for ever."""

import pytest

from backfile.index.cluster.ray.shards import (
    MOST_SECONDS_TO_END,
    SECONDS_AT_LEAST,
    SECONDS_BETWEEN_QUESTIONS,
    SECONDS_TO_LEAVE,
    wait_until_left,
)

SOON = SECONDS_AT_LEAST + 2 * SECONDS_BETWEEN_QUESTIONS
NOBODY = (0.0, -1.0)


class Waited:
    """How long it takes until replicas are left, by a clock of its own, and what is said.

    A replica is the time of its last message, and the time at which its coordinator has left.
    """

    def __init__(self, *replicas):
        self.now, self.said, self._replicas = 0.0, [], replicas
        wait_until_left(self.quiet, self.said.append, seconds=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds):
        self.now += seconds

    def quiet(self):
        return [
            None if self.now > left else max(0.0, self.now - last) for last, left in self._replicas
        ]


def test_replicas_that_nobody_is_connected_with_are_left():
    assert Waited(NOBODY, NOBODY).now < SOON


@pytest.mark.parametrize("left", [1.0, 20.0, SECONDS_TO_LEAVE - SOON])
def test_it_takes_until_the_last_coordinator_has_left(left):
    found = Waited((0.0, 1.0), (-1_000.0, left), NOBODY)
    assert left < found.now < left + SOON
    assert found.said == []


@pytest.mark.parametrize("last", [-1_000.0, 0.0, 5.0])
def test_who_asks_nothing_has_some_time_to_go_over(last):
    found = Waited((last, 10_000.0))
    assert SECONDS_TO_LEAVE < found.now < SECONDS_TO_LEAVE + max(0.0, last) + SOON


def test_a_search_that_goes_on_is_waited_for_and_said_to_be():
    found = Waited((300.0, 300.0), NOBODY, (280.0, 290.0))
    assert 300.0 < found.now < 300.0 + SOON
    assert found.said == [2]


def test_a_search_that_stands_still_is_given_up():
    found = Waited((300.0, 10_000.0))
    assert 300.0 + SECONDS_TO_LEAVE < found.now < 300.0 + SECONDS_TO_LEAVE + SOON


def test_nobody_is_waited_for_for_ever():
    found = Waited((10_000.0, 10_000.0))
    assert MOST_SECONDS_TO_END <= found.now < MOST_SECONDS_TO_END + SOON
