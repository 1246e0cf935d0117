"""Runs a sentence-transformers model; queries use the exported graph if there is one."""

import logging
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.store.manifest import Manifest
from backfile.archive.workers import once
from backfile.index.model.arrays import Floats
from backfile.index.vector.embedding.export import export_query_graph
from backfile.index.vector.embedding.model import (
    dimension_of,
    fast_precision,
    find_model,
    hash_weights,
)
from backfile.index.vector.embedding.prompts import Prompts, prompts_of
from backfile.index.vector.embedding.query_graph import QueryGraph

log = logging.getLogger(__name__)
BATCH = 16  # texts sorted by length; 8 to 16 are 1.5 times as fast as 64 to 128 on two cores


class SentenceTransformerEmbedder:
    """Embeds texts with a sentence-transformers model, which is loaded at first use (5 s)."""

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        made_with: Manifest | None = None,
        graph: Path | None = None,
    ) -> None:
        """Take a name or a path; raise EngineUnavailable if there is no such model.

        `made_with` is the manifest whose weights and prompts must be the same, which is checked at
        first use: ArchiveMismatch. `graph` is the folder of the exported graph, if there is one.
        """
        self.name = name
        self._threads = threads
        self._made_with = made_with
        self._folder = find_model(name)
        self._graph_folder = graph

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        """Pickle as a name: each process loads the model once."""
        kind: Any = type(self)
        made = partial(
            once,
            kind,
            self.name,
            threads=self._threads,
            made_with=self._made_with,
            graph=self._graph_folder,
        )
        return made, ()

    @cached_property
    def weights(self) -> str:
        return hash_weights(self._folder)

    @cached_property
    def dimension(self) -> int:
        return dimension_of(self._folder)

    @cached_property
    def precision(self) -> str:
        return fast_precision()

    @cached_property
    def prompts(self) -> Prompts:
        """The prompts; an archive of a release that knew none by name was made without those."""
        known = self._made_with is None or self._made_with.prompts is not None
        return prompts_of(self.name if known else "", self._folder)

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        prompt = self.prompts.passage
        return self._normal(
            self._model.encode_document(
                list(texts), prompt=prompt, batch_size=BATCH, convert_to_tensor=True
            )
        )

    def embed_sentences(self, texts: Sequence[str]) -> Floats:
        """Embed with the graph, which is ready sooner than the model, as passages."""
        vectors = self._by_graph(texts, self.prompts.passage)
        return self.embed_passages(texts) if vectors is None else vectors

    def embed_query(self, text: str) -> Floats:
        prompt = self.prompts.query
        vectors = self._by_graph([text], prompt)
        if vectors is None:
            vectors = self._normal(
                self._model.encode_query(
                    [text], prompt=prompt, batch_size=1, convert_to_tensor=True
                )
            )
        vector: Floats = vectors[0]
        return vector

    def prepare_queries(self) -> None:
        """Export the graph for queries, unless there is a sound one."""
        if self._graph_folder is None:
            return
        graph = self._stored_graph(self._graph_folder)
        try:
            graph.check()
            usable = graph.made_from(self.weights, self.prompts)
        except EngineUnavailable:
            usable = False
        if usable:
            graph.seal()
        else:
            model = self._load("float32", attn_implementation="eager")
            export_query_graph(model, self._folder, self._graph_folder, self.weights, self.prompts)
        self.__dict__.pop("_graph", None)  # it is opened again with the next query

    def check_queries(self) -> None:
        if self._graph_folder is not None:
            self._stored_graph(self._graph_folder).check()

    @cached_property
    def _graph(self) -> QueryGraph | None:
        self._require_weights()
        if self._graph_folder is None:
            return None
        graph = self._stored_graph(self._graph_folder)
        return graph if graph.made_from(self.weights, self.prompts) else None

    def _by_graph(self, texts: Sequence[str], prompt: str) -> Floats | None:
        """Embed with the graph; None if there is none, or it is damaged."""
        if (graph := self._graph) is None:
            return None
        try:
            return np.stack([graph.embed(prompt + text) for text in texts])
        except EngineUnavailable as exc:
            log.warning("%s; queries are embedded by torch until then", exc)
            self._graph = None
            return None

    def _stored_graph(self, folder: Path) -> QueryGraph:
        return QueryGraph(folder, self._folder / "tokenizer.json", self._threads)

    def _require_weights(self) -> None:
        if self._made_with:
            self._made_with.require_model(
                model=self.name, weights=self.weights, prompts=self.prompts.named()
            )

    @cached_property
    def _model(self) -> Any:
        self._require_weights()
        return self._load(self.precision)

    def _load(self, precision: str, **options: Any) -> Any:
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
                model_kwargs={"dtype": getattr(torch, precision), **options},
            )
        except (OSError, ValueError, RuntimeError) as exc:
            name = Message("the model %(name)s", name=self.name)
            reason = Message("sentence-transformers cannot load it (%(error)s)", error=str(exc))
            raise EngineUnavailable(name, reason) from exc
        return model.eval()

    @staticmethod
    def _normal(embeddings: Any) -> Floats:
        """Normalise in float32: in bfloat16 lengths deviate from 1 by up to 0.4%."""
        vectors: Floats = embeddings.float().cpu().numpy()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
