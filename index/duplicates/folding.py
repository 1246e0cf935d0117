"""Folds the matching articles of each cluster under one lead."""

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.groups import Groups


@dataclass(frozen=True, slots=True)
class Folding:
    """The matching articles, grouped by cluster.

    `leads` (n_articles,) marks the lead of each cluster and all articles without copies. `members`
    are the ordinals of matching articles in clusters, each cluster's lead first; `begins` are the
    indices in `members` where a cluster begins. `shared` are the leads whose cluster has matching
    articles in other shards, too.
    """

    leads: Bools
    members: Rows
    begins: Rows
    shared: Set[int] = frozenset()

    @classmethod
    def of(cls, table: ArticleTable, article_mask: Bools) -> Self:
        """Fold the masked articles."""
        members = table.clustered[article_mask[table.clustered]]
        begins = np.flatnonzero(np.diff(table.cluster[members], prepend=-1))
        leads = article_mask.copy()
        leads[members] = False
        leads[members[begins]] = True
        return cls(leads, members, begins)

    def with_leads(self, leads: Bools, shared: Set[int]) -> Self:
        """The same clusters, where fewer articles stand for their cluster."""
        return replace(self, leads=leads, shared=shared)

    def best(self, scores: Floats) -> Floats:
        """Replace each lead's score by the best score of its cluster, (n_articles,)."""
        if not len(self.members):
            return scores
        folded = scores.copy()
        folded[self.members[self.begins]] = np.maximum.reduceat(scores[self.members], self.begins)
        return folded

    def grouped(self, groups: Groups) -> Groups:
        """Put each lead into the best group of its cluster."""
        if not len(self.members):
            return groups
        of = groups.of.copy()
        of[self.members[self.begins]] = np.minimum.reduceat(of[self.members], self.begins)
        return replace(groups, of=of)

    def count_clusters(self, article_mask: Bools) -> int:
        """Count the clusters of some of the matching articles; one without copies counts as one."""
        if not len(self.members):
            return int(article_mask.sum())
        clusters = np.logical_or.reduceat(article_mask[self.members], self.begins).sum()
        return int(article_mask.sum() - article_mask[self.members].sum() + clusters)

    def copies_of(self, lead: int) -> Rows:
        """The ordinals of the other matching articles in a lead's cluster, by rank in it.

        Those in other shards are left out.
        """
        found = np.flatnonzero(self.members[self.begins] == lead)
        if not len(found):
            return self.members[:0]
        ends = np.append(self.begins[1:], len(self.members))
        return self.members[self.begins[found[0]] + 1 : ends[found[0]]]
