"""Runs a sentence-transformers model; the only module that imports it and torch."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from archive.errors import EngineUnavailable
from archive.store.manifest import Manifest
from index.embedding.model import dimension_of, find_model, hash_weights
from index.protocols import Floats

BATCH = 16  # sorted by length, 8 to 16 are 1.5 times as fast as 64 to 128 on two cores
FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # as Linux names them; bf16 on Arm


class SentenceTransformerEmbedder:
    """Embeds with any sentence-transformers model; loads it when it is first needed (5 s)."""

    def __init__(self, name: str, *, threads: int, made_with: Manifest | None = None) -> None:
        """Take a name or a path; `made_with` is what the weights must agree with when loaded."""
        self.name = name
        self._threads = threads
        self._made_with = made_with
        self._folder = find_model(name)

    @cached_property
    def weights(self) -> str:
        return hash_weights(self._folder)

    @cached_property
    def dimension(self) -> int:
        return dimension_of(self._folder)

    @cached_property
    def precision(self) -> str:
        """`bfloat16` where the processor computes in it, else `float32`."""
        return "bfloat16" if FAST_BFLOAT16 & _cpu_flags(Path("/proc/cpuinfo")) else "float32"

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        return self._normal(
            self._model.encode_document(list(texts), batch_size=BATCH, convert_to_tensor=True)
        )

    def embed_query(self, text: str) -> Floats:
        vector: Floats = self._normal(
            self._model.encode_query([text], batch_size=1, convert_to_tensor=True)
        )[0]
        return vector

    @cached_property
    def _model(self) -> Any:
        if self._made_with:
            self._made_with.require_model(model=self.name, weights=self.weights)
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(self._threads)
        try:
            model = SentenceTransformer(
                str(self._folder),
                local_files_only=True,
                model_kwargs={"dtype": getattr(torch, self.precision)},
            )
        except (OSError, ValueError, RuntimeError) as exc:
            reason = f"sentence-transformers cannot load it ({exc})"
            raise EngineUnavailable(f"the model {self.name}", reason) from exc
        return model.eval()

    @staticmethod
    def _normal(embeddings: Any) -> Floats:
        """Normalise in float32: in bfloat16 a length of 1 is off by up to 0.4%."""
        vectors: Floats = embeddings.float().cpu().numpy()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _cpu_flags(path: Path) -> set[str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return set()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return set(next(found, "").split())
