"""The groups of an answer: articles that hold all words, most or some, and related articles."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Self

import numpy as np

from backfile.index.model.arrays import Bools, SmallInts


class Group(StrEnum):
    """How an article of an answer matches; it is in one group.

    It holds all words that bind, most of them by weight, or some; or it is related: found by
    meaning alone. Stop words do not bind, unless there are no others.
    """

    ALL = "all"
    MOST = "most"
    SOME = "some"
    RELATED = "related"


BY_WORDS = (Group.ALL, Group.MOST, Group.SOME, Group.RELATED)
BY_MEANING = (Group.ALL, Group.MOST, Group.RELATED, Group.SOME)
"""The order for questions and prose: they share some words with articles about something else."""
NO_GROUP = 127


@dataclass(frozen=True)
class Groups:
    """The group of each article, (n_articles,), as its index in `order`, or NO_GROUP.

    `best` is the least of these indices in the whole, where these articles are those of a shard.
    """

    of: SmallInts
    order: tuple[Group, ...] = BY_WORDS
    best: int | None = None

    @classmethod
    def of_masks(cls, masks: Mapping[Group, Bools], order: tuple[Group, ...] = BY_WORDS) -> Self:
        """Put each article into the first group in order whose mask (n_articles,) marks it."""
        of = np.full(len(masks[Group.ALL]), NO_GROUP, np.int8)
        for i, group in reversed(list(enumerate(order))):
            of[masks[group]] = i
        return cls(of, order)

    @cached_property
    def articles(self) -> Bools:
        """Article mask of all groups."""
        mask: Bools = self.of != NO_GROUP
        return mask

    @property
    def first(self) -> Group | None:
        """The first group that has an article."""
        best = self.own_best if self.best is None else self.best
        return None if best == NO_GROUP else self.order[best]

    @property
    def own_best(self) -> int:
        """The least index of these articles, NO_GROUP without any."""
        return int(self.of.min(initial=NO_GROUP))

    def up_to(self, last: Group | None) -> Bools:
        """Article mask of a group and those before it; of none without a group."""
        mask: Bools = self.of <= (-1 if last is None else self.order.index(last))
        return mask

    def none(self) -> Self:
        """The same groups without articles."""
        return type(self)(np.full_like(self.of, NO_GROUP), self.order, NO_GROUP)
