"""Sums up hits by outlet: how many articles each has, and its first and its last one by day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import commonest_spelling

NEVER = np.iinfo(np.int64).max
ORDINAL_BITS = 32  # of a key: the day is above them, the ordinal of the article in them


class OutletCount(NamedTuple):
    """The articles of an outlet, and its first and its last one; None if none is dated.

    `name` is empty for the articles without an outlet; `spellings` says how often all articles
    spell it how. First is the article whose date ends earliest (of a month: its last day), last the
    one whose date begins latest.
    """

    name: str
    spellings: Mapping[str, int]
    articles: int
    first: "DatedArticle | None"
    last: "DatedArticle | None"

    @property
    def key(self) -> str:
        """The name without case, by which outlets are compared."""
        return self.name.casefold()

    @classmethod
    def merged(cls, shards: Sequence["OutletCount"]) -> "OutletCount":
        """One outlet of several shards; it is spelt as it is most often."""
        spellings = sum((Counter(each.spellings) for each in shards), Counter[str]())
        firsts, lasts = ([each for each in some if each] for some in zip(
            *((each.first, each.last) for each in shards), strict=True))  # fmt: skip
        return cls(
            commonest_spelling(spellings) if spellings else "",
            spellings,
            sum(each.articles for each in shards),
            min(firsts, key=lambda each: (each.until, each.number), default=None),
            min(lasts, key=lambda each: (-each.since, each.number), default=None),
        )


class DatedArticle(NamedTuple):
    """The number of an article, and the first and the last day of its date, as in `toordinal()`."""

    number: int
    since: int
    until: int


def count_outlets(table: ArticleTable, ordinals: Rows) -> list[OutletCount]:
    """Sum up the articles of these ordinals by outlet, in the order of the table's names."""
    names = (*table.source.names, "")
    code_of = np.full(table.n_articles, len(names) - 1, np.int64)
    code_of[table.source.owners] = table.source.codes
    counts = np.bincount(code_of[ordinals], minlength=len(names))
    dated = ordinals[~table.undated[ordinals]]
    codes = code_of[dated]
    first = _earliest(codes, table.published_last[dated].astype(np.int64), dated, len(names))
    last = _earliest(codes, -table.published[dated].astype(np.int64), dated, len(names))
    return [
        OutletCount(
            names[code],
            table.source.spellings_of(names[code]) if names[code] else {},
            int(counts[code]),
            _dated(table, first[code]),
            _dated(table, last[code]),
        )
        for code in np.flatnonzero(counts).tolist()
    ]


def _earliest(codes: Rows, days: Rows, ordinals: Rows, size: int) -> Rows:
    """The smallest (day, ordinal) of each code as a key, (size,); NEVER for a code without any."""
    keys = np.full(size, NEVER, np.int64)
    np.minimum.at(keys, codes, (days << ORDINAL_BITS) | ordinals)
    return keys


def _dated(table: ArticleTable, key: np.int64) -> DatedArticle | None:
    if key == NEVER:
        return None
    ordinal = int(key) & ((1 << ORDINAL_BITS) - 1)
    columns = (table.number, table.published, table.published_last)
    return DatedArticle(*(int(column[ordinal]) for column in columns))
