"""A thing that is replaced while threads use it is closed once, after its last user."""

import threading
from collections import Counter

import pytest

from backfile.index.cluster.search.replaceable import Replaceable


class Thing:
    """Something that must not be used once it is closed."""

    def __init__(self):
        self.closed = 0

    def close(self):
        self.closed += 1


def test_what_nobody_uses_is_closed_at_once():
    first, second = Thing(), Thing()
    things = Replaceable(first, Thing.close)
    with things.using() as used:
        assert used is first
    things.replace(second)
    assert (first.closed, second.closed) == (1, 0)
    assert things.now is second


def test_what_is_used_is_closed_after_its_last_user():
    first, second = Thing(), Thing()
    things = Replaceable(first, Thing.close)
    with things.using() as outer:
        with things.using():
            things.replace(second)
        with things.using() as later:
            assert later is second
        assert outer.closed == 0
    assert (first.closed, second.closed) == (1, 0)


def test_a_user_that_fails_keeps_nothing_open():
    first = Thing()
    things = Replaceable(first, Thing.close)

    def fail():
        with things.using():
            things.replace(Thing())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert first.closed == 1


def holding(things):
    with things.using() as thing:
        yield thing
        yield thing


def test_a_generator_holds_it_until_it_ends_or_is_left():
    first = Thing()
    things = Replaceable(first, Thing.close)
    items = holding(things)
    next(items)
    things.replace(Thing())
    assert first.closed == 0
    del items
    assert first.closed == 1


def test_no_thread_uses_what_is_closed():
    things = Replaceable(Thing(), Thing.close)
    wrong, counts, ends = [], Counter(), threading.Event()

    def use():
        while not ends.is_set():
            with things.using() as thing:
                if any(thing.closed for _ in range(20)):
                    wrong.append(thing)
            counts[threading.get_ident()] += 1

    threads = [threading.Thread(target=use) for _ in range(4)]
    for each in threads:
        each.start()
    made = [things.now]
    while len(made) < 300:
        made.append(Thing())
        things.replace(made[-1])
    ends.set()
    for each in threads:
        each.join()
    assert wrong == []
    assert [each.closed for each in made] == [1] * 299 + [0]
    assert sum(counts.values()) > 0
