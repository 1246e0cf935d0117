"""Keeps the posting lists that were read last, up to a number of postings in all."""

from collections import OrderedDict

from index.expression import Field
from index.lexical.scoring import Postings

Key = tuple[Field, str]
MOST_POSTINGS = 4_000_000  # 48 MB: a row and a frequency take 12 bytes


class PostingsCache:
    """Least recently used lists go first. Not safe for threads: its owner holds a lock."""

    def __init__(self, most: int = MOST_POSTINGS) -> None:
        self._most = most
        self._held = 0
        self._lists: OrderedDict[Key, Postings] = OrderedDict()

    def get(self, key: Key) -> Postings | None:
        found = self._lists.get(key)
        if found is not None:
            self._lists.move_to_end(key)
        return found

    def put(self, key: Key, postings: Postings) -> None:
        """Keep a list that is not kept yet; one that is too large for the cache is let go."""
        self._lists[key] = postings
        self._held += _size(postings)
        while self._held > self._most:
            _, dropped = self._lists.popitem(last=False)
            self._held -= _size(dropped)


def _size(postings: Postings) -> int:
    return len(postings.rows) + 1
