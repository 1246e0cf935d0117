"""Looks up which articles a collection has, so that it can be a filter of a search."""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache

from backfile.archive.model.errors import BadQuery
from backfile.archive.model.message import Message
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.collections import Collection, Collections
from backfile.index.model.arrays import Rows
from backfile.index.model.filters import Members
from backfile.index.model.query import Query

MOST_KEPT = 16  # collections, 8 bytes for each article
HIDDEN = Message("collections are for the owner of this server, who signs in with its token")
_shown: ContextVar[Callable[[], bool]] = ContextVar("shown")


def show_collections(shown: Callable[[], bool]) -> None:
    """Say what tells whether searches of this thread may ask for collections, from now on."""
    _shown.set(shown)


class Numbers(NamedTuple):
    """The numbers of articles by id; unless it `is_whole`, some may be in a shard that is out."""

    of: Mapping[str, int]
    is_whole: bool = True


class Memberships:
    """Finds the articles of collections in an archive, by number; thread-safe.

    An article keeps its number while it is replaced, so its membership is true in any snapshot. One
    that was removed has none: it is in its collections, and in no search.
    """

    def __init__(
        self,
        collections: Collections,
        numbers_of: Callable[[Sequence[str]], Numbers],
        generation: Callable[[], int],
    ) -> None:
        """`numbers_of` knows the numbers of those articles that are there, by id."""
        self._collections = collections
        self._numbers_of = numbers_of
        self._generation = generation
        self._lock = threading.Lock()
        self._kept: LRUCache[Hashable, Rows] = LRUCache(MOST_KEPT)

    def looked_up(self, query: Query) -> Query:
        """The query with the members of its collection, if it has one.

        They are of the present version of the collection, by which answers are told apart: it may
        change without a new generation of the archive. A shard gets them with the query. Raises
        BadQuery if there is no such collection or none is shown, and EngineUnavailable if the
        collections cannot be read.
        """
        if not query.filters.collection or query.filters.members:
            return query
        if not _shown.get(_always)():
            raise BadQuery("collection", HIDDEN)
        found = self._collections.named(query.filters.collection)
        numbers = self._numbers(found)
        members = Members(found.version, numbers)
        filters = replace(query.filters, collection=found.name, members=members)
        return replace(query, filters=filters)

    def _numbers(self, found: Collection) -> Rows:
        key = found.name, found.version, self._generation()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        _, article_ids = self._collections.members(found.name)
        known = self._numbers_of(article_ids)
        numbers = np.fromiter(known.of.values(), np.int64, len(known.of))
        if known.is_whole:
            with self._lock:
                self._kept[key] = numbers
        return numbers


def memberships_of(catalog: Catalog) -> Memberships:
    """Those of one archive."""
    return Memberships(
        catalog.collections, lambda ids: Numbers(catalog.numbers_of(ids)), catalog.generation
    )


def _always() -> bool:
    return True
