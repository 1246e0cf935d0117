"""Embeds queries with an exported ONNX graph: a cold start takes 0.4 s, with torch 5 s.

The graph is a cache in the archive, sealed by its contract. If it is missing, damaged or of other
weights, queries are embedded by sentence-transformers, like passages.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.message import Message
from backfile.archive.model.settings import forbid_telemetry
from backfile.archive.store.directory import write_whole
from backfile.archive.store.sealing import (
    Seal,
    damage_of,
    digest_of_values,
    with_digest,
    without_digest,
)
from backfile.index.model.arrays import Floats
from backfile.index.seams.failures import translated, unavailable
from backfile.index.vector.embedding.prompts import Prompts

GRAPH = "model.onnx"
CONTRACT = "graph.json"  # written after the graph
SEAL = "seal"  # of the graph, in the contract
NAME = Message("the query graph")


def files_of(folder: Path) -> list[Path]:
    """List the files of a graph; none while it is being exported."""
    return sorted(folder.glob("*")) if (folder / CONTRACT).exists() else []


def write_contract(folder: Path, contract: Mapping[str, Any]) -> None:
    """Write what a graph was made from, with its seal; then the folder holds a graph."""
    sealed = {**contract, SEAL: Seal.of(folder / GRAPH).encode()}
    write_whole(folder / CONTRACT, json.dumps(with_digest(sealed)).encode())


class QueryGraph:
    """One exported model; its embeddings equal those of sentence-transformers in float32."""

    def __init__(
        self, folder: Path, tokenizer: Path, threads: int, *, name: Message = NAME
    ) -> None:
        """Take the folder of the graph, and the name by which errors call it."""
        self.name = name
        self._folder = folder
        self._tokenizer_file = tokenizer
        self._threads = threads

    def made_from(self, weights: str, prompts: Prompts) -> bool:
        """Whether the folder has a graph of these weights and prompts, by its contract."""
        try:
            made_with = self.contract.get("prompts", [self.contract.get("prompt", ""), ""])
            return bool(self.contract["weights"] == weights and Prompts(*made_with) == prompts)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def seal(self) -> None:
        """Seal a graph of an earlier release, which has no seal yet, as it is."""
        if SEAL not in self.contract:
            write_contract(self._folder, self.contract)

    def check(self) -> None:
        """Raise EngineUnavailable if there is a folder, and not a sound graph in it."""
        if not self._folder.exists():
            return
        with translated(self.name):
            seal = self.contract.get(SEAL)
            if seal is None:
                return
            size, digest, _ = Seal.decode(seal)
            if damage := damage_of(self._folder / GRAPH, size, digest):
                raise unavailable(self.name, f"{GRAPH} {damage}")

    @property
    def digest(self) -> str:
        """The digest of its contract, which has the graph's own; empty if it cannot be read."""
        try:
            return digest_of_values(self.contract)
        except (OSError, ValueError, TypeError):
            return ""

    def embed(self, text: str) -> Floats:
        """Embed one text, its prompt included, (dimension,) of length 1.

        Raises EngineUnavailable for a damaged graph.
        """
        with translated(self.name):
            vector = self._run(text)
            if not np.isfinite(vector).all():
                raise ValueError("what it gives is no vector")
        return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))

    @property
    def file(self) -> Path:
        """The graph itself, as sealed; raise EngineUnavailable if it is damaged."""
        seal = self.contract.get(SEAL)
        if seal is not None and not Seal.decode(seal).fits_file(self._folder / GRAPH):
            raise unavailable(self.name, Message("%(file)s is damaged", file=GRAPH))
        return self._folder / GRAPH

    @property
    def inputs(self) -> Sequence[str]:
        """The names of its inputs, each (n_texts, n_tokens) int64."""
        names: Sequence[str] = self.contract["inputs"]
        return names

    @property
    def window(self) -> int:
        """The greatest number of tokens that it reads."""
        return int(self.contract["window"])

    def tokens(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """The numbers of the tokens of each text, at most `window`."""
        return [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]

    def _run(self, text: str) -> Floats:
        encoded = self._tokenizer.encode(text)
        values = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask}
        feed = {
            name: np.array([values.get(name, [0] * len(encoded.ids))], np.int64)
            for name in self.inputs
        }
        vector: Floats = np.asarray(self._session.run(None, feed)[0][0], np.float32)
        return vector

    @cached_property
    def contract(self) -> dict[str, Any]:
        """What it was made from, its inputs and its seal; raise OSError or ValueError."""
        return without_digest(json.loads((self._folder / CONTRACT).read_bytes()))

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._tokenizer_file))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.window)
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        forbid_telemetry()
        import onnxruntime

        file = self.file
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
