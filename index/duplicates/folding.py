"""Folds the copies of a story under one lead, among the articles that match a query."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable


@dataclass(frozen=True, slots=True)
class Folding:
    """The matching articles by story. `leads` marks one of each story, and all without a copy.

    `members` are those of stories, leads first; `begins` says where each story begins among them.
    """

    leads: Bools
    members: Rows
    begins: Rows

    @classmethod
    def of(cls, table: ArticleTable, articles: Bools) -> Self:
        """Fold the marked articles. Only those that have copies are looked at one by one."""
        members = table.copied[articles[table.copied]]
        begins = np.flatnonzero(np.diff(table.story[members], prepend=-1))
        leads = articles.copy()
        leads[members] = False
        leads[members[begins]] = True
        return cls(leads, members, begins)

    def best(self, scores: Floats) -> Floats:
        """Give each lead the best score of its story."""
        if not len(self.members):
            return scores
        folded = scores.copy()
        folded[self.members[self.begins]] = np.maximum.reduceat(scores[self.members], self.begins)
        return folded

    def stories_of(self, articles: Bools) -> int:
        """How many stories have one of these articles, which are among the matching."""
        if not len(self.members):
            return int(articles.sum())
        several = np.logical_or.reduceat(articles[self.members], self.begins).sum()
        return int(articles.sum() - articles[self.members].sum() + several)

    def copies_of(self, lead: int) -> Rows:
        """The other matching articles of a lead's story, in their order."""
        found = np.flatnonzero(self.members[self.begins] == lead)
        if not len(found):
            return self.members[:0]
        ends = np.append(self.begins[1:], len(self.members))
        return self.members[self.begins[found[0]] + 1 : ends[found[0]]]
