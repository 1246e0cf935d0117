"""Sums up hits by outlet: how many articles each has, and its first and its last one by day."""

from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import Rows
from backfile.index.model.article_table import ArticleTable

NEVER = np.iinfo(np.int64).max
ORDINAL_BITS = 32  # of a key: the day is above them, the ordinal of the article in them


class OutletCount(NamedTuple):
    """The articles of an outlet, and the ordinals of its first and last one; None if undated.

    `name` is empty for the articles without an outlet. First is the article whose date ends
    earliest (of a month: its last day), last the one whose date begins latest.
    """

    name: str
    articles: int
    first: int | None
    last: int | None


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
        OutletCount(names[code], int(counts[code]), _ordinal(first[code]), _ordinal(last[code]))
        for code in np.flatnonzero(counts).tolist()
    ]


def _earliest(codes: Rows, days: Rows, ordinals: Rows, size: int) -> Rows:
    """The smallest (day, ordinal) of each code as a key, (size,); NEVER for a code without any."""
    keys = np.full(size, NEVER, np.int64)
    np.minimum.at(keys, codes, (days << ORDINAL_BITS) | ordinals)
    return keys


def _ordinal(key: np.int64) -> int | None:
    return None if key == NEVER else int(key) & ((1 << ORDINAL_BITS) - 1)
