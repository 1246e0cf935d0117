"""Runs a sentence-transformers model; its exported graph embeds queries, and passages if faster."""

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
from backfile.index.vector.embedding.engine import MEASURED, Engine, EngineFile, faster
from backfile.index.vector.embedding.export import export_query_graph
from backfile.index.vector.embedding.model import (
    dimension_of,
    fast_precision,
    find_model,
    hash_modules,
    hash_weights,
)
from backfile.index.vector.embedding.passage_graph import PassageGraph, is_installed
from backfile.index.vector.embedding.prompts import Prompts, prompts_of
from backfile.index.vector.embedding.query_graph import NAME, QueryGraph

log = logging.getLogger(__name__)
BATCH = 16  # texts sorted by length; 8 to 16 are 1.5 times as fast as 64 to 128 on two cores
GPU_BATCH = 256


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
        self._chosen: Engine | None = None

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

    @property
    def engine(self) -> str:
        """The engine that embeds passages; torch, until another one has proved to be faster."""
        chosen = EngineFile(self._graph_folder).read() if self._graph_folder else None
        return chosen if chosen and is_installed() else Engine.TORCH

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Embed passages with the faster engine, which the first MEASURED passages show."""
        if self._engine(texts) is Engine.OPENVINO:
            try:
                return self._by_openvino(texts)
            except EngineUnavailable as exc:
                log.warning("%s; passages are embedded by torch until then", exc)
                self._chosen = Engine.TORCH
        return self._by_torch(texts)

    def _engine(self, texts: Sequence[str]) -> Engine:
        if self._chosen is None and self._graph_folder and is_installed():
            file = EngineFile(self._graph_folder)
            self._chosen = file.read()
            if self._chosen is None and len(texts) >= MEASURED:
                self.require_weights()
                self.prepare_queries()
                self._chosen = faster(texts, self._by_torch, self._by_openvino)
                file.write(self._chosen)
                if self._chosen is Engine.OPENVINO:
                    self.__dict__.pop("_model", None)  # which gives its memory back
        return self._chosen or Engine.TORCH

    def _by_torch(self, texts: Sequence[str]) -> Floats:
        on_cpu = self._model.device.type == "cpu"
        return self._normal(
            self._model.encode_document(
                list(texts),
                prompt=self.prompts.passage,
                batch_size=BATCH if on_cpu else GPU_BATCH,
                convert_to_tensor=True,
            )
        )

    @property
    def graph(self) -> QueryGraph | None:
        """The sound exported graph of this model, which is made if there is none.

        None if it cannot be exported, or there is no folder for it.
        """
        self.prepare_queries()
        return self._graph

    def _by_openvino(self, texts: Sequence[str]) -> Floats:
        return self._passage_graph.embed([self.prompts.passage + text for text in texts])

    @cached_property
    def _passage_graph(self) -> PassageGraph:
        """The exported graph of this model; raise EngineUnavailable if there is none."""
        if (graph := self._graph) is None:
            raise EngineUnavailable(NAME, Message("there is none"))
        return PassageGraph(graph, threads=self._threads, precision=self.precision)

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
            model = self._load("float32", device="cpu", attn_implementation="eager")
            export_query_graph(model, self._folder, self._graph_folder, self.weights, self.prompts)
        self.__dict__.pop("_graph", None)  # it is opened again with the next query

    def check_queries(self) -> None:
        if self._graph_folder is not None:
            self._stored_graph(self._graph_folder).check()

    @cached_property
    def _graph(self) -> QueryGraph | None:
        self.require_weights()
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
        return QueryGraph(folder, self.tokenizer_file, self._threads)

    @property
    def tokenizer_file(self) -> Path:
        return self._folder / "tokenizer.json"

    def require_weights(self) -> None:
        """Raise ArchiveMismatch if the archive was made with other weights or prompts."""
        if self._made_with:
            self._made_with.require_model(
                model=self.name,
                weights=self.weights,
                modules=hash_modules(self._folder),
                prompts=self.prompts.named(),
            )

    @cached_property
    def _model(self) -> Any:
        self.require_weights()
        return self._load(_gpu_precision() or self.precision)

    def _load(self, precision: str, *, device: str | None = None, **options: Any) -> Any:
        """Load the model to a device, by default a GPU if there is one."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        torch.set_num_threads(self._threads)
        try:
            model = SentenceTransformer(
                str(self._folder),
                device=device,
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


def _gpu_precision() -> str | None:
    """The precision of computation on the GPU that torch will use; None where it uses none."""
    import torch

    if not torch.cuda.is_available():
        return None
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
