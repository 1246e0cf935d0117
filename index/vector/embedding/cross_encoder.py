"""Runs a sentence-transformers CrossEncoder, which reads a question and a passage together."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.arrays import Floats
from backfile.index.vector.embedding.model import fast_precision, find_model

HOME = "cross-encoder"  # publisher, on the hub, of the models with a bare name


class CrossEncoderReranker:
    """Scores passages with a CrossEncoder of one label, which is loaded at first use (5 s)."""

    def __init__(self, name: str, *, threads: int) -> None:
        """Take a name or a path; raise EngineUnavailable if there is no such model."""
        self.name = name
        self._threads = threads
        self._folder = find_model(name, HOME)

    def load(self) -> None:
        _ = self._model

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        import torch

        pairs = [(question, text) for text in texts]
        try:
            found = self._model.predict(
                pairs, batch_size=max(1, len(pairs)), activation_fn=torch.nn.Sigmoid(),
                show_progress_bar=False, convert_to_tensor=True,
            )  # fmt: skip
        except (RuntimeError, ValueError, IndexError) as exc:
            raise self._unavailable(f"it failed ({exc})") from exc
        scores: Floats = np.asarray(found.float().cpu().numpy(), np.float32)
        if not np.isfinite(scores).all():
            raise self._unavailable("it gave scores that are no numbers")
        return scores

    @cached_property
    def _model(self) -> Any:
        import torch
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(self._threads)
        try:
            model = CrossEncoder(
                str(self._folder),
                local_files_only=True,
                model_kwargs={"dtype": getattr(torch, fast_precision())},
            )
        except (OSError, ValueError, RuntimeError, KeyError) as exc:
            raise self._unavailable(f"sentence-transformers cannot load it ({exc})") from exc
        if (labels := model.config.num_labels) != 1:
            reason = f"it gives {labels} scores to a passage, and one is needed"
            raise self._unavailable(reason)
        return model.eval()

    def _unavailable(self, reason: str) -> EngineUnavailable:
        return EngineUnavailable(f"the reranker {self.name}", reason)
