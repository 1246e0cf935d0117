"""Converts the cosines of passages with a query to closeness, by the scale of the archive.

A passage that is close to nonsense is close to everything that the model knows nothing of: a lone
`/` is the nearest passage of nearly all keyboard noise with multilingual-e5-small. What it is
closer to nonsense than others is taken from its cosine.
"""

from typing import NamedTuple

import numpy as np

from backfile.index.model.arrays import Floats, Rows
from backfile.index.model.scale import Scale
from backfile.index.seams.protocols import Ranking, VectorSnapshot
from backfile.index.vector.exact_scan import above, top


class Close(NamedTuple):
    """The cosine and the closeness of rows to a query, (n,) both."""

    cosines: Floats
    closeness: Floats


def closeness_of(vectors: VectorSnapshot, scale: Scale, rows: Rows, cosines: Floats) -> Floats:
    """The closeness of embedded rows to a query, from their cosines with it, (n,)."""
    if scale.nonsense and len(rows):
        with_nonsense = vectors.similarities(np.array(scale.nonsense, np.float32), rows)
        cosines = cosines - np.maximum(with_nonsense - scale.nonsense_from, 0.0)
    return np.asarray(scale.queries.closeness(cosines), np.float32)


def within(vectors: VectorSnapshot, scale: Scale, vector: Floats, floor: float) -> Ranking:
    """Rank all rows whose closeness to the vector is at least `floor`, and no others."""
    near = vectors.within(vector, scale.queries.cosine(floor))
    closeness = closeness_of(vectors, scale, near.rows, near.scores)
    return above(top(near.rows, closeness, len(near.rows)), floor)
