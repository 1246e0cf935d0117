"""Embeds queries with an exported ONNX graph: a cold start takes 0.4 s, with torch 5 s.

The graph is a cache in the archive. If it is missing, unreadable or of other weights, queries
are embedded by sentence-transformers, like passages.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backfile.index.model.arrays import Floats

GRAPH = "model.onnx"
CONTRACT = "graph.json"  # written after the graph
ZEROS = "token_type_ids"


def files_of(folder: Path) -> list[Path]:
    """List the files of a graph; none while it is being exported."""
    return sorted(folder.glob("*")) if (folder / CONTRACT).exists() else []


class QueryGraph:
    """One exported model; its embeddings equal those of sentence-transformers in float32."""

    def __init__(self, folder: Path, tokenizer: Path, threads: int) -> None:
        self._folder = folder
        self._tokenizer_file = tokenizer
        self._threads = threads

    def made_from(self, weights: str) -> bool:
        """Whether the folder has a graph that was exported from these weights."""
        try:
            return bool(self._contract["weights"] == weights)
        except (OSError, ValueError, KeyError):
            return False

    @property
    def prompted(self) -> bool:
        """Whether the model puts a prompt before queries."""
        return bool(self._contract["prompt"])

    def embed(self, text: str) -> Floats:
        """Embed one text, (dimension,) of length 1."""
        encoded = self._tokenizer.encode(self._contract["prompt"] + text)
        values = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask}
        feed = {
            name: np.array([values.get(name, [0] * len(encoded.ids))], np.int64)
            for name in self._contract["inputs"]
        }
        vector: Floats = np.asarray(self._session.run(None, feed)[0][0], np.float32)
        return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))

    @cached_property
    def _contract(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / CONTRACT).read_text())
        return found

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._tokenizer_file))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._contract["window"])
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._folder / GRAPH), options, providers=["CPUExecutionProvider"]
        )
