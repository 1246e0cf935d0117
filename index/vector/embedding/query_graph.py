"""Embeds queries from an exported graph with onnxruntime: 0.4 s from nothing, where torch takes 5.

The graph lies in the archive beside what it was exported from; without it, or if it cannot be
read, queries are embedded by sentence-transformers as passages are.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backfile.index.model.arrays import Floats

GRAPH = "model.onnx"
CONTRACT = "graph.json"  # written last: a folder with it holds a graph that was checked
ZEROS = "token_type_ids"


class QueryGraph:
    """One exported model: `embed` gives what sentence-transformers would, in float32."""

    def __init__(self, folder: Path, tokenizer: Path, threads: int) -> None:
        self._folder = folder
        self._tokenizer_file = tokenizer
        self._threads = threads

    def made_from(self, weights: str) -> bool:
        """Tell whether there is a graph here, exported from these very weights."""
        try:
            return bool(self._contract["weights"] == weights)
        except (OSError, ValueError, KeyError):
            return False

    @property
    def prompted(self) -> bool:
        """Whether queries are embedded behind words that passages are not."""
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
