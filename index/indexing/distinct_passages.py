"""Draws passages of an archive at random, near copies of one text once.

Random passages tell how unlike two texts are if nearly all pairs of them are unlike. Where most of
an archive is one notice, two random passages are two copies of it: a thousand beside 62 articles
raised the median cosine of random pairs from .10 to .73, and queries were close to nothing else.
"""

import numpy as np

from backfile.archive.store.vectors import Vectors
from backfile.index.duplicates.signatures import mixed
from backfile.index.model.arrays import Bools, Floats, Rows
from backfile.index.model.article_table import ArticleTable

# Of the way from the cosine of unlike sentences to 1. Short notices that differ in a number or two,
# which are no copies by their words, are at .77 or more; 5% of the passages of TIME have such a
# neighbour.
NEAR_COPY = 0.75
MOST_COMPARED = 8_000  # passages; a half second, where nearly all are near copies
AT_ONCE = 1_000


def lead_rows(table: ArticleTable) -> Rows:
    """The rows of all articles but those whose cluster another one leads, in a random order."""
    is_lead = (table.cluster < 0) | (table.cluster == table.number)
    rows = np.flatnonzero(table.alive)
    return at_random(rows[is_lead[table.article_of[rows]]])


def at_random(rows: Rows) -> Rows:
    """The rows in the order of a hash of each, so that others among them leave their order.

    >>> at_random(np.arange(5)).tolist(), at_random(np.arange(7)).tolist()
    ([0, 4, 2, 1, 3], [0, 4, 2, 1, 6, 3, 5])
    """
    ordered: Rows = rows[np.argsort(mixed(rows.astype(np.uint32)), kind="stable")]
    return ordered


def near_copy_cosine(unlike: Floats) -> float:
    """The cosine from which two passages count as one text, by embeddings of unlike sentences.

    Models differ in how near they set all texts: (n, dimension).
    """
    pairs = np.triu_indices(len(unlike), 1)
    centre = float((unlike @ unlike.T)[pairs].mean())
    return centre + NEAR_COPY * (1 - centre)


def without_near_copies(rows: Rows, vectors: Vectors, cosine: float, most: int) -> Rows:
    """The first `most` rows whose cosine with those before them is below `cosine`.

    At most MOST_COMPARED rows are looked at; `vectors` (n_rows, dimension) has one for each.
    """
    kept, others = np.empty(0, np.int64), np.empty((0, vectors.shape[1]), np.float32)
    for begin in range(0, min(len(rows), MOST_COMPARED), AT_ONCE):
        if len(kept) >= most:
            break
        some = rows[begin : min(begin + AT_ONCE, MOST_COMPARED)]
        found = vectors[some].astype(np.float32)
        new: Bools = np.all(found @ others.T < cosine, axis=1)
        new[new] = _first_of_each(found[new], cosine)
        kept, others = np.concatenate([kept, some[new]]), np.concatenate([others, found[new]])
    return kept[:most]


def _first_of_each(vectors: Floats, cosine: float) -> Bools:
    """Mask of the vectors, (n, dimension), that are no near copies of a masked one before them."""
    alike = np.triu(vectors @ vectors.T >= cosine, 1)
    first = np.ones(len(vectors), np.bool_)
    for each in np.flatnonzero(alike.any(axis=1)):
        if first[each]:
            first &= ~alike[each]
    return first
