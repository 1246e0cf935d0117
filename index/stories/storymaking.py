"""Keeps the stories of an archive up to its signatures: who is a copy of whom, and who leads."""

import threading
from collections.abc import Sequence

import numpy as np

from archive.batching import batches
from archive.store.catalog.stories import Standing, Stories
from index.building.workers import Workers
from index.stories.copies import group, link
from index.stories.signatures import SIGNATURE, sign

SIGNED_AT_ONCE = 50  # articles a worker is given


class StoryMaker:
    """Writes the stories of one archive; whoever changes the record holds `record` meanwhile."""

    def __init__(self, stories: Stories, record: threading.Lock, workers: Workers) -> None:
        self._stories = stories
        self._record = record
        self._workers = workers

    def bring_up(self) -> None:
        """Sign what is not signed, and make stories of all signatures if any have changed."""
        self._sign_rest()
        changed = self._stories.changed()
        if changed is None:
            return
        numbers, signed = self._stories.signed()
        links = link(np.frombuffer(signed, SIGNATURE))
        involved = links.involved
        known = self._stories.standings(numbers[involved].tolist())
        order = np.full(len(numbers), len(numbers))
        order[involved] = _places([known[number] for number in numbers[involved].tolist()])
        leads = group(links, order)
        members = np.flatnonzero(leads >= 0)
        columns = numbers[members], numbers[leads[members]], order[members]
        told = zip(*(column.tolist() for column in columns), strict=True)
        with self._record:
            self._stories.keep(list(told), changed)

    def _sign_rest(self) -> None:
        """Sign what an older release kept, or a run that was killed."""
        for articles in self._stories.unsigned():
            some = list(batches(articles, SIGNED_AT_ONCE))
            tasks = [self._workers.submit(sign, each) for each in some]
            signed = [each for task in tasks for each in task.result()]
            with self._record:
                ids = [article.id for article in articles]
                self._stories.sign(dict(zip(ids, signed, strict=True)))


def _places(standings: Sequence[Standing]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Rank by who leads: the earliest, undated ones last; then the longest; then by id.

    >>> _places([Standing(None, 9, "a"), Standing(5, 8, "b"), Standing(5, 9, "c")]).tolist()
    [2, 1, 0]
    """

    def key(place: int) -> tuple[bool, int, int, str]:
        found = standings[place]
        return found.published is None, found.published or 0, -found.length, found.id

    places = np.empty(len(standings), np.int64)
    places[sorted(range(len(standings)), key=key)] = np.arange(len(standings))
    return places
