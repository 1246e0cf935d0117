"""Keeps the posting lists that were used last, up to a number of postings in all."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Held = TypeVar("Held")
MOST_POSTINGS = 8_000_000  # 96 MB: a row and a score take 12 bytes, an article, counted too, 8


class PostingsCache(Generic[Key, Held]):
    """Least recently used lists go first. Not safe for threads: its owner holds a lock."""

    def __init__(self, most: int = MOST_POSTINGS) -> None:
        self._most = most
        self._total = 0
        self._lists: OrderedDict[Key, tuple[Held, int]] = OrderedDict()

    def get(self, key: Key) -> Held | None:
        found = self._lists.get(key)
        if found is None:
            return None
        self._lists.move_to_end(key)
        return found[0]

    def put(self, key: Key, held: Held, postings: int) -> None:
        """Keep a list of so many postings; one that is too large for the cache is let go."""
        if key in self._lists:  # another thread has read it meanwhile
            return
        size = postings + 1  # so that empty lists end somewhere too
        self._lists[key] = held, size
        self._total += size
        while self._total > self._most:
            _, (_, dropped) = self._lists.popitem(last=False)
            self._total -= dropped
