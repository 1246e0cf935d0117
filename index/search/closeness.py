"""Converts the cosines of passages with a query to closeness, by the scale of the archive.

A passage that is close to nonsense is close to everything that the model knows nothing of: a lone
`/` is the nearest passage of nearly all keyboard noise with multilingual-e5-small. What it is
closer to nonsense than others is taken from its cosine.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.candidates import Nearness
from backfile.index.model.collection_statistics import CollectionStatistics
from backfile.index.model.whole import UNDIVIDED, Whole
from backfile.index.seams.protocols import VectorSnapshot
from backfile.index.search.snapshot import Snapshot


class Close(NamedTuple):
    """The cosine and the closeness of rows to a query, (n,) both."""

    cosines: Floats
    closeness: Floats


def closeness_of(snapshot: Snapshot, rows: Rows, cosines: Floats) -> Floats:
    """The closeness of embedded rows to a query, from their cosines with it, (n,)."""
    return np.asarray(snapshot.scale.queries.closeness(cosines - _excess(snapshot, rows)))


def within(snapshot: Snapshot, vectors: VectorSnapshot, vector: Floats, floor: float) -> Nearness:
    """All rows whose closeness to the vector is at least `floor`, and no others."""
    rows, cosines = vectors.within(vector, snapshot.scale.queries.cosine(floor))
    return Nearness(vector, rows, cosines, closeness_of(snapshot, rows, cosines)).above(floor)


def close_to(snapshot: Snapshot, nearness: Nearness | None, rows: Rows) -> Close:
    """The cosine and closeness of each row (n,) to the query, NaN if it is not embedded."""
    cosines = np.full(len(rows), np.nan, np.float32)
    closeness = cosines.copy()
    if nearness and snapshot.vectors:
        places, near = nearness.places_of(rows)
        cosines[near] = nearness.cosines[places[near]]
        closeness[near] = nearness.closeness[places[near]]
        others = snapshot.table.embedded[rows] & ~near
        cosines[others] = snapshot.vectors.similarities(nearness.vector, rows[others])
        closeness[others] = closeness_of(snapshot, rows[others], cosines[others])
    return Close(cosines, closeness)


def assumed_closeness(
    closeness: Floats,
    nearness: Nearness | None,
    statistics: CollectionStatistics,
    whole: Whole = UNDIVIDED,
) -> float:
    """The median closeness of all candidates with a vector, NaN if none has one.

    It is 0 where all have one, so that nothing is assumed.
    """
    if nearness is None:
        return float("nan")
    if statistics.embedded == statistics.passages:
        return 0.0
    known = closeness[~np.isnan(closeness)]
    n_known, n_all = whole.sums(np.array([len(known), len(closeness)])).tolist()
    if not n_known:
        return float("nan")
    return 0.0 if n_known == n_all else whole.reduced(known, _median).value()


def _median(shards: Sequence[Floats]) -> float:
    return float(np.median(np.concatenate(shards)))


def _excess(snapshot: Snapshot, rows: Rows) -> Floats:
    """How much closer to nonsense these rows are than they may be, (n,); computed once a row."""
    excess = snapshot.excess[rows]
    scale, new = snapshot.scale, np.isnan(excess)
    if scale.nonsense and snapshot.vectors and new.any():
        nonsense = np.array(scale.nonsense, np.float32)
        found = snapshot.vectors.similarities(nonsense, rows[new])
        excess[new] = np.maximum(found - scale.nonsense_from, 0.0)
        snapshot.excess[rows] = excess
        return excess
    return np.nan_to_num(excess, copy=False)
