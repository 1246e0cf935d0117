"""Clusters with articles in several shards, so that each counts once in the whole."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from backfile.index.duplicates.folding import Folding
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.groups import Groups
from backfile.index.model.whole import UNDIVIDED, Stage, Whole

K = TypeVar("K", bound=Hashable)


class Merged(NamedTuple):
    """A cluster: the rank of its lead, its best score and group, and how many shards have it."""

    rank: int
    score: float
    group: int
    n_shards: int = 1


@dataclass(frozen=True)
class Crossing:
    """The clusters of one shard that may have articles in other shards, too.

    `members` (n_articles,) marks their articles. Where there `are_none` in the whole, nothing is
    exchanged.
    """

    whole: Whole
    table: ArticleTable
    members: Bools
    are_none: bool

    @classmethod
    def of(cls, whole: Whole, table: ArticleTable, clusters: frozenset[int]) -> "Crossing":
        """`clusters` are all that lie in several shards."""
        if not clusters:
            return cls(whole, table, np.zeros(table.n_articles, np.bool_), are_none=True)
        numbers = np.fromiter(clusters, np.int64, len(clusters))
        return cls(whole, table, np.isin(table.cluster, numbers), are_none=False)

    @classmethod
    def none(cls, table: ArticleTable) -> "Crossing":
        """Those of an archive that is not divided."""
        return cls.of(UNDIVIDED, table, frozenset())

    def of_best(self, rank: int) -> "Crossing":
        """The same, where only shards with the least rank count (see `Whole.of_best`)."""
        return replace(self, whole=self.whole.of_best(rank))

    def folded(
        self, folding: Folding, scores: Floats, groups: Groups
    ) -> Stage[tuple[Folding, Floats, Groups]]:
        """Fold clusters over all shards: one shard keeps the lead, with the best of the cluster.

        `scores` and `groups` (n_articles,) are those of the leads in each shard.
        """
        if self.are_none:
            return folding, scores, groups
        leads = np.flatnonzero(folding.leads & self.members)
        own = self._merged(leads, scores, groups)
        given = self.whole.reduced(own, _best_of_all)
        yield
        merged = given.value()
        left, scores, of = folding.leads.copy(), scores.copy(), groups.of.copy()
        shared = set()
        for ordinal, cluster in zip(leads.tolist(), own, strict=True):
            best = merged.get(cluster, own[cluster])  # which counts nowhere, if it is not there
            left[ordinal] = best.rank == own[cluster].rank
            scores[ordinal], of[ordinal] = best.score, best.group
            if best.n_shards > 1:
                shared.add(ordinal)
        return folding.with_leads(left, shared), scores, replace(groups, of=of)

    def is_first(self, ordinals: Rows, keys: Sequence[npt.NDArray[Any]]) -> Bools:
        """Which of these articles, at most one a cluster, are the first of theirs in all shards.

        Those of a cluster are compared by keys (n,), the first key first. An article of no crossing
        cluster is the first.
        """
        first = np.ones(len(ordinals), np.bool_)
        if self.are_none:
            return first
        crossing = np.flatnonzero(self.members[ordinals]).tolist()
        clusters = self.table.cluster[ordinals[crossing]].tolist()
        own = {
            cluster: tuple(key[i].item() for key in keys)
            for cluster, i in zip(clusters, crossing, strict=True)
        }
        best = self.whole.reduced(own, _least_keys).value()
        first[crossing] = [best[cluster] == own[cluster] for cluster in clusters]
        return first

    def surplus(self, article_mask: Bools) -> Stage[int]:
        """How many clusters of the masked articles shards count beyond the first of them."""
        members = np.flatnonzero(article_mask & self.members)
        found = yield from self.surplus_by_key(members, [None] * len(members))
        return found[None]

    def surplus_by_key(self, members: Rows, keys: Sequence[Hashable]) -> Stage[Counter[Any]]:
        """The same by key; these are aligned with `members`, ordinals of crossing clusters."""
        if self.are_none:
            yield
            return Counter()
        given = self.whole.reduced(self.keyed(members, keys), surplus_by_key)
        yield
        return given.value()

    def keyed(self, members: Rows, keys: Sequence[K]) -> Set[tuple[int, K]]:
        """The clusters of these ordinals, each with its key."""
        return set(zip(self.table.cluster[members].tolist(), keys, strict=True))

    def surplus_of_values(self, category: Category, article_mask: Bools) -> Stage[Counter[Any]]:
        """The same by the values of a category, without case."""
        entries = category.entries(article_mask & self.members)
        names = [category.names[code].casefold() for code in category.codes[entries].tolist()]
        return self.surplus_by_key(category.owners[entries].astype(np.int64), names)

    def surplus_by_group(self, leads: Bools, groups: Groups) -> Stage[Rows]:
        """The same by group, (n_groups,), where a cluster is in the best group of all shards."""
        n_groups = len(groups.order)
        if self.are_none:
            yield
            return np.zeros(n_groups, np.int64)
        found = np.flatnonzero(leads & self.members)
        own = dict(zip(self.table.cluster[found].tolist(), groups.of[found].tolist(), strict=True))
        given = self.whole.reduced(own, partial(_surplus_by_group, n_groups=n_groups))
        yield
        return given.value()

    def _merged(self, leads: Rows, scores: Floats, groups: Groups) -> dict[int, Merged]:
        """What is merged of the own clusters, by cluster, in the order of these leads."""
        columns = (self.table.cluster_rank[leads], scores[leads], groups.of[leads])
        merged = map(Merged, *(column.tolist() for column in columns))
        return dict(zip(self.table.cluster[leads].tolist(), merged, strict=True))


def _least_keys(shards: Sequence[Mapping[int, tuple[Any, ...]]]) -> dict[int, tuple[Any, ...]]:
    best: dict[int, tuple[Any, ...]] = {}
    for shard in shards:
        for cluster, key in shard.items():
            best[cluster] = min(best.get(cluster, key), key)
    return best


def surplus_by_key(shards: Sequence[Set[tuple[int, K]]]) -> Counter[K]:
    """How many clusters are counted beyond the first shard that has them, by key."""
    found: Counter[K] = Counter()
    seen: set[tuple[int, K]] = set()
    for shard in shards:
        found.update(key for _, key in shard & seen)
        seen |= shard
    return found


def _surplus_by_group(shards: Sequence[Mapping[int, int]], n_groups: int) -> Rows:
    surplus = np.zeros(n_groups, np.int64)
    best: dict[int, int] = {}
    for shard in shards:
        for cluster, group in shard.items():
            surplus[group] += 1
            best[cluster] = min(best.get(cluster, group), group)
    np.subtract.at(surplus, list(best.values()), 1)
    return surplus


def _best_of_all(shards: Iterable[Mapping[int, Merged]]) -> dict[int, Merged]:
    merged: dict[int, Merged] = {}
    for shard in shards:
        for cluster, own in shard.items():
            known = merged.get(cluster, own._replace(n_shards=0))
            merged[cluster] = Merged(
                min(known.rank, own.rank),
                max(known.score, own.score),
                min(known.group, own.group),
                known.n_shards + 1,
            )
    return merged
