"""Embeds passages with the exported graph by OpenVINO, which needs no torch to be loaded."""

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

from backfile.archive.model.settings import forbid_telemetry
from backfile.archive.workers import batches
from backfile.index.model.arrays import Floats
from backfile.index.seams.failures import translated
from backfile.index.vector.embedding.query_graph import QueryGraph

BATCH = 8  # texts, sorted by length; 16 are as fast, and take 60 MB more
STEP = 16  # tokens that lengths are rounded up to: each new shape takes memory and is compiled
PRECISIONS = {"bfloat16": "bf16", "float32": "f32"}


def is_installed() -> bool:
    """Whether OpenVINO is there; it has no build for some platforms."""
    return find_spec("openvino") is not None


def feed(graph: QueryGraph, tokens: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Lay out one batch, padded at its end, by the names of the graph's inputs."""
    longest = min(-(-max(map(len, tokens)) // STEP) * STEP, graph.window)
    shape = len(tokens), longest
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for line, each in enumerate(tokens):
        ids[line, : len(each)] = each
        mask[line, : len(each)] = 1
    values = {"input_ids": ids, "attention_mask": mask}
    return {name: values.get(name, np.zeros(shape, np.int64)) for name in graph.inputs}


class PassageGraph:
    """One exported model; its embeddings of passages are those of sentence-transformers."""

    def __init__(self, graph: QueryGraph, *, threads: int, precision: str) -> None:
        """Take the graph, and a precision as torch names it."""
        self._graph = graph
        self._threads = threads
        self._precision = precision
        self._one_call = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Floats:
        """Embed texts, their prompts included, (n, dimension) of length 1.

        Raises EngineUnavailable for a damaged graph, or one that OpenVINO cannot run.
        """
        with translated(self._graph.name), self._one_call:
            vectors = self._run(texts)
            if not np.isfinite(vectors).all():
                raise ValueError("what it gives is no vector")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)

    def _run(self, texts: Sequence[str]) -> Floats:
        tokens = self._graph.tokens(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(tokens[i]))
        found: dict[int, Floats] = {}
        queue = self._queue
        queue.set_callback(
            lambda request, number: found.update({number: request.get_output_tensor(0).data.copy()})
        )
        for number, some in enumerate(batches(order, BATCH)):
            queue.start_async(feed(self._graph, [tokens[i] for i in some]), number)
        queue.wait_all()
        vectors = np.concatenate([found[number] for number in sorted(found)])
        return np.asarray(vectors[np.argsort(order)], np.float32)

    @cached_property
    def _queue(self) -> Any:
        """The compiled graph, and as many requests as it computes at once."""
        forbid_telemetry()
        import openvino

        core = openvino.Core()
        options = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": self._threads,
            "INFERENCE_PRECISION_HINT": PRECISIONS[self._precision],
            "ENABLE_CPU_PINNING": False,  # other processes work on these cores, too
        }
        model = core.read_model(str(self._graph.file))
        return openvino.AsyncInferQueue(core.compile_model(model, "CPU", options))
