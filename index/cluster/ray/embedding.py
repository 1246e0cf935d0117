"""Embeds the passages of an archive by actors of Ray, each with a core or a GPU of its own."""

import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.archive.workers import batches
from backfile.index.cluster.ray.actors import last_line
from backfile.index.cluster.ray.workers import CORE
from backfile.index.model.arrays import Floats
from backfile.index.seams.protocols import Embedder

AT_ONCE = 128  # passages of one call: what a node that ends may cost
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_ALONE = 300.0  # with no actor that answers; a node needs minutes to come back


class EmbeddingServer:
    """The model of an archive, in a process of Ray's."""

    def __init__(self, settings: Settings, made_with: Manifest) -> None:
        from backfile.index.wiring import embedder_made_with

        self._folder = tempfile.TemporaryDirectory(prefix="backfile-")
        graph = Path(self._folder.name) / "graph"
        self._embedder = embedder_made_with(settings, made_with, graph)

    def ready(self) -> str:
        """Load the model; the answer names what computes it."""
        self._embedder.embed_passages(["news"])
        return self._embedder.engine

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed passages, (n, dimension)."""
        return self._embedder.embed_passages(texts)


class PooledEmbedder:
    """The embedder of an archive, whose passages are embedded by actors of Ray.

    A call that is lost with its actor is given to another one. Queries and sentences are embedded
    here.
    """

    def __init__(self, own: Embedder, actors: Sequence[Any]) -> None:
        self._own = own
        self._idle = list(actors)
        self._returning: dict[Any, Any] = {}  # actors that were lost, by the call that shows them

    @property
    def name(self) -> str:
        return self._own.name

    @property
    def weights(self) -> str:
        return self._own.weights

    @property
    def dimension(self) -> int:
        return self._own.dimension

    @property
    def precision(self) -> str:
        return self._own.precision

    @property
    def engine(self) -> str:
        return self._own.engine

    def embed_sentences(self, texts: Sequence[str]) -> Floats:
        return self._own.embed_sentences(texts)

    def embed_query(self, text: str) -> Floats:
        return self._own.embed_query(text)

    def prepare_queries(self) -> None:
        self._own.prepare_queries()

    def check_queries(self) -> None:
        self._own.check_queries()

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages; raise EngineUnavailable if no actor has answered for SECONDS_ALONE."""
        import ray

        # Passages of about one length in each call, as shorter ones are padded to the longest.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        waiting = deque(batches(order, AT_ONCE))
        running: dict[Any, tuple[Any, list[int]]] = {}
        found = np.empty((len(texts), self.dimension), np.float32)
        answered = time.monotonic()
        while waiting or running:
            while waiting and self._idle:
                actor, some = self._idle.pop(), waiting.popleft()
                running[actor.embed.remote([texts[i] for i in some])] = actor, some
            calls = [*running, *self._returning]
            ready, _ = ray.wait(calls, timeout=SECONDS_BETWEEN_LOOKS)
            for call in ready:
                actor, some = running.pop(call, (self._returning.pop(call, None), []))
                try:
                    value = ray.get(call)
                except ray.exceptions.RayTaskError as exc:  # the model's own
                    raise EngineUnavailable("the model", last_line(exc)) from exc
                except ray.exceptions.RayError:  # its process or node has ended; it comes back
                    self._returning[actor.ready.remote()] = actor
                    waiting.extend([some] if some else [])
                    continue
                if some:
                    found[some] = value
                self._idle.append(actor)
                answered = time.monotonic()
            if time.monotonic() - answered > SECONDS_ALONE:
                raise EngineUnavailable("the model", "no process of the cluster answers")
        return found


def start_embedding(settings: Settings, own: Embedder, n_actors: int | None) -> PooledEmbedder:
    """Start actors that embed for an archive, and wait until their model is loaded.

    Without a number, there is one for each GPU of the cluster, or else for each core. They end with
    this process. Raises EngineUnavailable if one cannot load the model.
    """
    import ray

    made_with = Manifest.read(ArchiveDirectory(settings.archive).manifest)
    if made_with.graph:
        reason = "passages of this archive are in int8, which one machine embeds: leave --address"
        raise EngineUnavailable("the model", reason)
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    gpus = int(there.get("GPU", 0))
    needs = {"num_gpus": 1} if gpus else {"num_cpus": CORE}
    count = n_actors or gpus or max(1, int(there.get("CPU", 1)))
    server: Any = ray.remote(EmbeddingServer)
    server = server.options(max_restarts=-1, **needs)
    one_core = settings if gpus else replace(settings, threads=1)
    actors = [server.remote(one_core, made_with) for _ in range(count)]
    try:
        ray.get([actor.ready.remote() for actor in actors], timeout=SECONDS_ALONE)
    except ray.exceptions.RayError as exc:
        reason = f"{last_line(exc)}; --actors may be more than the cluster has cores for"
        raise EngineUnavailable("the model", reason) from exc
    return PooledEmbedder(own, actors)
