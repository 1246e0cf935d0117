"""Embeds a query: in a divided archive once, for all shards."""

from collections.abc import Callable, Sequence

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.arrays import Floats
from backfile.index.model.whole import ShardFailed
from backfile.index.seams.protocols import Embedder
from backfile.index.search.snapshot import Snapshot

Embedding = Callable[[], Floats]
"""Embeds a query; raises EngineUnavailable."""
Vector = Floats | EngineUnavailable | None
"""The embedding of a query, or why there is none; None of a shard that did not embed it."""


def embedding_of(meaning: str, embedder: Embedder, snapshot: Snapshot) -> Embedding:
    """What embeds a query when it is needed.

    In a divided archive, the first shard embeds for all, beforehand, so that it takes no round.
    What it returns raises EngineUnavailable in all shards, too, if the vectors of none can be read,
    and ShardFailed in one alone.
    """
    whole = snapshot.whole
    if not whole.is_divided or not meaning or not snapshot.statistics.embedded:
        return lambda: embedder.embed_query(meaning)
    own: Vector = None
    if whole.place == 0:
        try:
            own = embedder.embed_query(meaning)
        except EngineUnavailable as exc:
            own = exc
    given = whole.reduced((own, snapshot.no_vectors), _of_all)

    def embedded() -> Floats:
        vector = given.value()
        if isinstance(vector, EngineUnavailable):
            raise vector
        if snapshot.no_vectors:
            raise ShardFailed(snapshot.no_vectors)
        return np.asarray(vector, np.float32)

    return embedded


def _of_all(shards: Sequence[tuple[Vector, EngineUnavailable | None]]) -> Vector:
    """The embedding of the first shard; else why there is none, or no vectors to compare with."""
    own: Vector = shards[0][0]
    if not isinstance(own, EngineUnavailable) and all(reason for _, reason in shards):
        return shards[0][1]
    return own
