"""A thing that is replaced while threads use it: who began with the earlier one ends with it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class _Used(Generic[T]):
    """A thing, and how many use it now."""

    def __init__(self, thing: T) -> None:
        self.thing = thing
        self.users = 0


class Replaceable(Generic[T]):
    """One thing at a time, for any number of threads; an earlier one is closed after its last use.

    >>> words = Replaceable("first", print)
    >>> with words.using() as word:
    ...     words.replace("second")
    ...     (word, words.now)
    ('first', 'second')
    first
    """

    def __init__(self, first: T, close: Callable[[T], None]) -> None:
        """`close` is called with each thing that was replaced, in the thread of its last user."""
        self._close = close
        self._used = _Used(first)
        # A generator that holds a thing may be collected in any thread, at any line.
        self._lock = threading.RLock()

    @property
    def now(self) -> T:
        """The present thing, which may be replaced and closed at any moment."""
        return self._used.thing

    @contextmanager
    def using(self) -> Iterator[T]:
        """The present thing, which is not closed before the end of the context."""
        with self._lock:
            used = self._used
            used.users += 1
        try:
            yield used.thing
        finally:
            with self._lock:
                used.users -= 1
                is_last = not used.users and used is not self._used
            if is_last:
                self._close(used.thing)

    def replace(self, later: T) -> None:
        """Have it used from now on; the earlier one is closed at once if nobody uses it."""
        with self._lock:
            earlier, self._used = self._used, _Used(later)
            is_unused = not earlier.users
        if is_unused:
            self._close(earlier.thing)
