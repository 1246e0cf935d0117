"""Clusters near-duplicate articles by their signatures (locality-sensitive hashing).

Two articles are compared if a band of their signatures is equal. Each copy must resemble the lead
of its cluster, not only another copy, so that a cluster does not drift. The constants come from
`python -m backfile.scripts.bench.edited_copies` on halves of two collections.
"""

import threading
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from backfile.archive.store.clusters import (
    Bands,
    Clustering,
    Clusters,
    LeadCriteria,
    Member,
    Unclustered,
)
from backfile.archive.workers import Workers, batches
from backfile.index.duplicates.signatures import FIGURES, PERMUTATIONS, SIGNATURE, sign
from backfile.index.model.arrays import Bools, distinct

BAND = 4  # values; 48 bands find a resemblance of .5 in 95 of 100 cases, of .6 in 999 of 1,000
NEIGHBOURS = 8  # articles in a bucket of a band that an article is compared with, at most
ROUNDS = 50  # a chain of more clusters than this is a series; the rest of it is not clustered
RESEMBLANCE = 0.8
CONTAINMENT = 0.9
LEAST_SHARE = 0.5  # size of a shortened copy, relative to the longer article
FEW_FIGURES = 5
FIGURES_KEPT = (
    0.5  # share of common figures; without it, the same text with other figures is a copy
)
PAIRS_AT_ONCE = 1 << 16

Signatures = npt.NDArray[np.void]
Indices = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]  # (n, 2)


@dataclass(frozen=True, slots=True)
class Links:
    """Classes of articles with equal signatures, and the pairs of similar classes.

    `same` (n_articles,) is the class of each article; `signatures` (n_classes,) has one signature a
    class; `pairs` (n, 2) are pairs of classes.
    """

    signatures: Signatures
    same: Indices
    pairs: Pairs

    @property
    def involved(self) -> Indices:
        """The indices of the articles that have copies."""
        alike = np.bincount(self.same, minlength=len(self.signatures)) > 1
        alike[self.pairs.ravel()] = True
        return np.flatnonzero(alike[self.same])

    def beside(self, inside: Bools) -> Indices:
        """The indices of the articles that are paired with, or equal to, one of a mask."""
        classes = np.zeros(len(self.signatures), np.bool_)
        classes[self.same[inside]] = True
        paired = self.pairs[classes[self.pairs].any(axis=1)]
        classes[paired.ravel()] = True
        return np.flatnonzero(classes[self.same])

    def within(self, inside: Bools) -> "Links":
        """The pairs of the articles of a mask alone."""
        classes = np.zeros(len(self.signatures), np.bool_)
        classes[self.same[inside]] = True
        return replace(self, pairs=self.pairs[classes[self.pairs].all(axis=1)])


def link(signatures: Signatures) -> Links:
    """Find the pairs of similar articles; the result does not depend on their order.

    A class of equal articles is compared with at most NEIGHBOURS others in a band, so the work
    grows linearly with the number of articles.
    """
    whole = np.ascontiguousarray(signatures).view(np.uint64)
    whole = whole.reshape(len(signatures), SIGNATURE.itemsize // 8)
    _, first, same = np.unique(_hashed(whole.T), return_index=True, return_inverse=True)
    one_each = signatures[first]
    values = np.ascontiguousarray(one_each["text"].T)
    found = [_agreeing(values[begin : begin + BAND]) for begin in range(0, PERMUTATIONS, BAND)]
    pairs = np.stack(np.divmod(distinct(np.concatenate(found)), max(1, len(first))), axis=1)
    return Links(one_each, same, pairs[alike(one_each, pairs)])


def alike(signatures: Signatures, pairs: Pairs) -> Bools:
    """Mask (n_pairs,) of the pairs that are copies: edited or shortened, with the same figures."""
    found = np.zeros(len(pairs), np.bool_)
    for begin in range(0, len(pairs), PAIRS_AT_ONCE):
        one, other = (signatures[some] for some in pairs[begin : begin + PAIRS_AT_ONCE].T)
        resemblance = (one["text"] == other["text"]).sum(axis=1) / PERMUTATIONS
        within, share = _containment(resemblance, one["runs"], other["runs"])
        common = (one["numbers"] == other["numbers"]).sum(axis=1) / FIGURES
        figures, _ = _containment(common, one["figures"], other["figures"])
        few = np.minimum(one["figures"], other["figures"]) < FEW_FIGURES
        same_text = (resemblance >= RESEMBLANCE) | (
            (within >= CONTAINMENT) & (share >= LEAST_SHARE)
        )
        found[begin : begin + PAIRS_AT_ONCE] = same_text & (few | (figures >= FIGURES_KEPT))
    return found


def group(links: Links, order: Indices) -> Indices:
    """The index of each article's lead, (n_articles,); -1 for an article without copies.

    The lead of a cluster has the lowest `order[i]` in it. Each round makes the first article of
    each connected component a lead, and the articles similar to it its copies.
    """
    n = len(links.signatures)
    rank = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(rank, links.same, order)
    lead, pairs = np.full(n, -1), links.pairs
    for _ in range(ROUNDS):
        if not len(pairs):
            break
        label = _components(n, pairs)
        members = distinct(pairs)
        members = members[np.lexsort((rank[members], label[members]))]
        heads = np.flatnonzero(np.diff(label[members], prepend=-1))
        head = np.repeat(members[heads], np.diff(np.append(heads, len(members))))
        near = alike(links.signatures, np.stack([members, head], axis=1)) | (members == head)
        lead[members[near]] = head[near]
        pairs = pairs[(lead[pairs] < 0).all(axis=1)]
    lead = np.where(lead < 0, np.arange(n), lead)
    cluster = lead[links.same]
    several = np.bincount(cluster, minlength=n) > 1
    by_rank = np.argsort(order, kind="stable")[::-1]
    first = np.empty(n, np.int64)
    first[cluster[by_rank]] = by_rank  # numpy keeps the last assignment: the lowest order
    return np.where(several[cluster], first[cluster], -1)


def _agreeing(band: npt.NDArray[np.uint16]) -> Indices:
    """Pair each article with the next NEIGHBOURS articles of equal values in a band, (BAND, n).

    A pair is encoded as one number: the lower index times n, plus the higher index.
    """
    keys = _hashed(band)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    found = [np.empty(0, np.int64)]
    for step in range(1, NEIGHBOURS + 1):
        equal = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(equal):
            break
        one, other = order[equal], order[equal + step]
        found.append(np.minimum(one, other) * len(keys) + np.maximum(one, other))
    return np.concatenate(found)


def _hashed(columns: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint64]:
    """Hash each of n rows, given as its m columns, (m, n), to 64 bits."""
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
    """The containment of the smaller set in the larger, and the ratio of their sizes, 0 to 1."""
    smaller = np.maximum(np.minimum(one, other), 1).astype(np.float64)
    larger = np.maximum(np.maximum(one, other), 1)
    common = resemblance * (smaller + larger) / (1 + resemblance)
    return common / smaller, smaller / larger


def _components(n: int, pairs: Pairs) -> Indices:
    """Label each node with the lowest node of its connected component."""
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


def _bands(numbers: Indices, signed: Signatures) -> Bands:
    """The bands of articles; the hashes have 32 bits, so that a few more articles share one."""
    hashes = band_hashes(signed)
    return Bands(hashes.ravel(), np.repeat(numbers, hashes.shape[1]))


def band_hashes(signed: Signatures) -> Indices:
    """Hash each band of signatures, (n, n_bands); those of different bands differ."""
    values = np.ascontiguousarray(signed["text"].T)
    found = [
        _hashed(values[begin : begin + BAND]) + np.uint64(begin << 40)
        for begin in range(0, PERMUTATIONS, BAND)
    ]
    return (np.stack(found, axis=1) >> np.uint64(32)).astype(np.int64)


class _Near:
    """Looks up articles that share a band with others, and their signatures."""

    def __init__(
        self, clusters: Clusters, coming: Mapping[int, Signatures], gone: Set[int]
    ) -> None:
        """Take the signatures of new articles, (1,) each, and those whose bands are of before."""
        self._clusters = clusters
        self._known = dict(coming)
        self._stale = gone | coming.keys()
        signed = np.concatenate([np.empty(0, SIGNATURE), *coming.values()])
        self._coming = _bands(np.fromiter(coming, np.int64, len(coming)), signed)

    def sharing(self, signed: Signatures) -> set[int]:
        """The numbers of the articles that share a band with one of these signatures."""
        if not len(signed):
            return set()
        hashes = band_hashes(signed)
        added = self._coming.numbers[np.isin(self._coming.hashes, hashes)]
        return (self._clusters.with_bands(hashes) - self._stale) | set(added.tolist())

    def linked(self, reached: Set[int]) -> tuple[Indices, Links]:
        """Link these articles and all that share a band with them: their numbers, and the links."""
        self._look_up(reached)
        near = self.sharing(self._signatures(sorted(reached))) | reached
        self._look_up(near)
        numbers = sorted(near & self._known.keys())
        return np.array(numbers, np.int64), link(self._signatures(numbers))

    def _look_up(self, numbers: Set[int]) -> None:
        found = self._clusters.signatures(numbers - self._known.keys())
        self._known |= {n: np.frombuffer(each, SIGNATURE) for n, each in found.items()}

    def _signatures(self, numbers: Sequence[int]) -> Signatures:
        return np.concatenate([np.empty(0, SIGNATURE), *(self._known[n] for n in numbers)])


SIGNED_AT_ONCE = 50  # articles in a worker's task


class Clusterer:
    """Clusters the articles of one archive; it changes the catalogue under the lock `writing`."""

    def __init__(self, clusters: Clusters, writing: threading.Lock, workers: Workers) -> None:
        self._clusters = clusters
        self._writing = writing
        self._workers = workers

    def clustering(self) -> Clustering | None:
        """Cluster the articles; None if the clusters in the catalogue are up to date.

        Only those are compared that may be copies of what has changed, unless that is much.
        """
        banded = self._clusters.is_banded()
        if not banded:
            self._sign_rest()
        changed = self._clusters.changed()
        if changed is None:
            return None
        waiting = self._clusters.unclustered() if banded else None
        if waiting is None or any(len(each) != SIGNATURE.itemsize for _, each in waiting.before):
            return self._of_all(changed)  # of what was damaged, the neighbours are not known
        return self._of_some(waiting, changed)

    def _of_all(self, changed: int) -> Clustering:
        numbers, joined = self._clusters.signed()
        signed = np.frombuffer(joined, SIGNATURE)
        members = self._members(numbers, link(signed))
        return Clustering(members, changed, _bands(numbers, signed))

    def _of_some(self, waiting: Unclustered, changed: int) -> Clustering:
        """Cluster what has changed with all that may be in one cluster with it.

        `near` are the articles that share a band with one of `reached`; the pairs of the latter are
        then known. It is complete when no pair leads out of it.
        """
        gone = {number for number, _ in waiting.before}
        former = np.frombuffer(b"".join(each for _, each in waiting.before), SIGNATURE)
        coming = {n: np.frombuffer(each, SIGNATURE) for n, each in waiting.now.items()}
        near = _Near(self._clusters, coming, gone)
        signed = np.concatenate([former[:0], *coming.values()])
        # A pair may begin or end in each band that an article came into or left (NEIGHBOURS).
        reached = near.sharing(np.concatenate([former, signed])) | coming.keys()
        while True:
            numbers, links = near.linked(reached)
            inside = np.isin(numbers, np.fromiter(reached, np.int64, len(reached)))
            more = set(numbers[links.beside(inside)].tolist())
            if more <= reached:
                break
            reached |= more
        members = [
            each for each in self._members(numbers, links.within(inside)) if each.article in reached
        ]
        added = np.fromiter(coming, np.int64, len(coming))
        before = np.array([number for number, _ in waiting.before], np.int64)
        scope = frozenset(reached | gone)
        return Clustering(members, changed, _bands(added, signed), scope, _bands(before, former))

    def _members(self, numbers: Indices, links: Links) -> list[Member]:
        """The articles in clusters, with their ranks there."""
        involved = links.involved
        criteria = self._clusters.lead_criteria(numbers[involved].tolist())
        order = np.full(len(numbers), len(numbers))
        order[involved] = _ranks([criteria[number] for number in numbers[involved].tolist()])
        leads = group(links, order)
        members = np.flatnonzero(leads >= 0)
        members = members[np.lexsort((order[members], leads[members]))]
        begins = np.flatnonzero(np.diff(leads[members], prepend=-1))
        sizes = np.diff(begins, append=len(members))
        ranks = np.arange(len(members)) - np.repeat(begins, sizes)
        columns = numbers[members], numbers[leads[members]], ranks
        return [Member(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]

    def _sign_rest(self) -> None:
        """Sign the articles that an older release stored without a signature."""
        for articles in self._clusters.unsigned():
            some = list(batches(articles.values(), SIGNED_AT_ONCE))
            tasks = [self._workers.submit(sign, each) for each in some]
            signed = [each for task in tasks for each in task.result()]
            with self._writing:
                self._clusters.sign(dict(zip(articles, signed, strict=True)))


def _ranks(criteria: Sequence[LeadCriteria]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Rank articles: the earliest first, undated ones last; then the longest; then by id.

    >>> undated, short = LeadCriteria(None, 9, "a"), LeadCriteria(5, 8, "b")
    >>> _ranks([undated, short, LeadCriteria(5, 9, "c")]).tolist()
    [2, 1, 0]
    """

    def key(index: int) -> tuple[bool, int, int, str]:
        found = criteria[index]
        return found.published is None, found.published or 0, -found.length, found.id

    ranks = np.empty(len(criteria), np.int64)
    ranks[sorted(range(len(criteria)), key=key)] = np.arange(len(criteria))
    return ranks
