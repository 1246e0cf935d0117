"""Clusters articles that are copies of one another, by their signatures.

The constants were chosen by `python -m backfile.scripts.bench.edited_copies` on halves of two
collections.
Articles that agree in a band of their signatures are compared. Each copy resembles the first
article of its story itself, so that no story drifts from copy to copy.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backfile.archive.batching import batches
from backfile.archive.store.clusters import Standing, Stories
from backfile.archive.workers import Workers
from backfile.index.duplicates.signatures import FIGURES, PERMUTATIONS, SIGNATURE, sign
from backfile.index.model.arrays import Bools

BAND = 4  # values; 48 bands find a resemblance of .5 in 95 of 100 cases, of .6 in 999 of 1,000
NEIGHBOURS = 8  # that an article is compared with in each band, however many agree
ROUNDS = 50  # a chain with more stories than this is a series, whose rest is left apart
RESEMBLANCE = 0.8
CONTAINMENT = 0.9
LEAST_SHARE = 0.5  # of the longer article, that one that is cut short has
FEW_FIGURES = 5
FIGURES_KEPT = 0.5  # of the fewer; without this, the same text with other figures is a copy
AT_ONCE = 1 << 16  # pairs that are compared at once

Signatures = npt.NDArray[np.void]
Places = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]  # (n, 2)


@dataclass(frozen=True, slots=True)
class Links:
    """What was found before leads are chosen: equal signatures, and pairs that are alike.

    `same[i]` is the class of article i, all of which have one signature; `pairs` are of classes.
    """

    signatures: Signatures  # one a class
    same: Places
    pairs: Pairs

    @property
    def involved(self) -> Places:
        """The articles that are a copy, or have one."""
        alike = np.bincount(self.same, minlength=len(self.signatures)) > 1
        alike[self.pairs.ravel()] = True
        return np.flatnonzero(alike[self.same])


def link(signatures: Signatures) -> Links:
    """Find the articles that are alike, whatever order they come in.

    10,000 equal articles are one class, and no class is compared with more than NEIGHBOURS others
    in a band, so the work grows with the articles alone.
    """
    whole = np.ascontiguousarray(signatures).view(np.uint64)
    whole = whole.reshape(len(signatures), SIGNATURE.itemsize // 8)
    _, first, same = np.unique(_hashed(whole.T), return_index=True, return_inverse=True)
    one_each = signatures[first]
    values = np.ascontiguousarray(one_each["text"].T)
    found = [_agreeing(values[begin : begin + BAND]) for begin in range(0, PERMUTATIONS, BAND)]
    pairs = np.stack(np.divmod(np.unique(np.concatenate(found)), max(1, len(first))), axis=1)
    return Links(one_each, same, pairs[alike(one_each, pairs)])


def alike(signatures: Signatures, pairs: Pairs) -> Bools:
    """Whether each pair is one text: edited lightly, or cut short, but not with other figures."""
    found = np.zeros(len(pairs), np.bool_)
    for begin in range(0, len(pairs), AT_ONCE):
        one, other = (signatures[some] for some in pairs[begin : begin + AT_ONCE].T)
        resemblance = (one["text"] == other["text"]).sum(axis=1) / PERMUTATIONS
        within, share = _containment(resemblance, one["runs"], other["runs"])
        kept = (one["numbers"] == other["numbers"]).sum(axis=1) / FIGURES
        figures, _ = _containment(kept, one["figures"], other["figures"])
        few = np.minimum(one["figures"], other["figures"]) < FEW_FIGURES
        same_text = (resemblance >= RESEMBLANCE) | (
            (within >= CONTAINMENT) & (share >= LEAST_SHARE)
        )
        found[begin : begin + AT_ONCE] = same_text & (few | (figures >= FIGURES_KEPT))
    return found


def group(links: Links, order: Places) -> Places:
    """Give each article its story's lead, or -1 where it has no copy; both by their places.

    `order[i]` says who leads: the lowest of a story. Each round takes the first of all that hang
    together as a lead, and those that are like it as its copies.
    """
    n = len(links.signatures)
    rank = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(rank, links.same, order)
    lead, pairs = np.full(n, -1), links.pairs
    for _ in range(ROUNDS):
        if not len(pairs):
            break
        label = _components(n, pairs)
        members = np.unique(pairs)
        members = members[np.lexsort((rank[members], label[members]))]
        heads = np.flatnonzero(np.diff(label[members], prepend=-1))
        head = np.repeat(members[heads], np.diff(np.append(heads, len(members))))
        near = alike(links.signatures, np.stack([members, head], axis=1)) | (members == head)
        lead[members[near]] = head[near]
        pairs = pairs[(lead[pairs] < 0).all(axis=1)]
    lead = np.where(lead < 0, np.arange(n), lead)
    story = lead[links.same]
    several = np.bincount(story, minlength=n) > 1
    by_rank = np.argsort(order, kind="stable")[::-1]
    first = np.empty(n, np.int64)
    first[story[by_rank]] = by_rank  # the last that is written is the lowest in order
    return np.where(several[story], first[story], -1)


def _agreeing(band: npt.NDArray[np.uint16]) -> Places:
    """Pair each article with those next to it among those whose values here, (BAND, n), are equal.

    A pair is written as one number: the lower place times n, and the higher one.
    """
    keys = _hashed(band)
    places = np.argsort(keys, kind="stable")
    keys = keys[places]
    found = [np.empty(0, np.int64)]
    for step in range(1, NEIGHBOURS + 1):
        equal = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(equal):
            break
        one, other = places[equal], places[equal + step]
        found.append(np.minimum(one, other) * len(keys) + np.maximum(one, other))
    return np.concatenate(found)


def _hashed(columns: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint64]:
    """Hash what stands at each place of all the columns, (m, n), to 64 bits."""
    factors = np.random.default_rng(64).integers(1 << 63, size=len(columns), dtype=np.uint64)
    total = np.zeros(columns.shape[1], np.uint64)
    for column, factor in zip(columns, factors | np.uint64(1), strict=True):
        total ^= column * factor
        total *= np.uint64(0x9E3779B97F4A7C15)
        total ^= total >> np.uint64(32)
    return total


def _containment(
    resemblance: npt.NDArray[np.float64], one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How much of the smaller set lies in the larger, and how large it is beside it, 0 to 1."""
    smaller = np.maximum(np.minimum(one, other), 1).astype(np.float64)
    larger = np.maximum(np.maximum(one, other), 1)
    common = resemblance * (smaller + larger) / (1 + resemblance)
    return common / smaller, smaller / larger


def _components(n: int, pairs: Pairs) -> Places:
    """Label what hangs together with its lowest member."""
    label = np.arange(n)
    while True:
        lowest = label[pairs].min(axis=1)
        before = label.copy()
        for end in pairs.T:
            np.minimum.at(label, end, lowest)
            np.minimum.at(label, before[end], lowest)
        label = label[label]
        if (label == before).all():
            return label


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
