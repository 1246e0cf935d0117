"""Exports a model as an ONNX graph for queries, and checks the graph against the model."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.store.switching import switch
from backfile.archive.store.trust import make_private, make_private_folder
from backfile.index.vector.embedding.model import window_of
from backfile.index.vector.embedding.prompts import Prompts
from backfile.index.vector.embedding.query_graph import GRAPH, QueryGraph, write_contract

LEAST_COSINE = 0.9999
CHECKED = (
    "bridge",
    "What did the council decide about the ferry?",
    "Zoë Lindqvist's 1,200 m² greenhouse — sold for $3.5m",
    "storm " * 60,
)
OPSET = 17


def export_query_graph(
    model: Any, source: Path, target: Path, weights: str, prompts: Prompts
) -> bool:
    """Export a float32 SentenceTransformer to ONNX; return whether the graph may be used.

    It is made beside `target`, and takes its place when it is complete. If the export fails or a
    cosine with the model is below LEAST_COSINE, `target` is deleted, and queries are embedded by
    sentence-transformers.
    """
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    make_private_folder(draft)
    try:
        usable = _exported(model, source, draft, weights, prompts)
        switch(draft, target)
        if not usable:
            shutil.rmtree(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return usable


def _exported(model: Any, source: Path, folder: Path, weights: str, prompts: Prompts) -> bool:
    try:
        inputs = _export(model, folder / GRAPH)
    except (RuntimeError, ValueError, TypeError, KeyError, ImportError):
        return False
    contract = {
        "weights": weights,
        "inputs": inputs,
        "prompts": list(prompts),
        "window": window_of(source),
    }
    write_contract(folder, contract)
    make_private(folder)
    graph = QueryGraph(folder, source / "tokenizer.json", threads=1)
    return _least_cosine(model, graph, prompts.query) >= LEAST_COSINE


def _export(model: Any, path: Path) -> list[str]:
    import torch

    features = {
        name: value
        for name, value in model.preprocess(["a bridge"]).items()
        if hasattr(value, "ndim")
    }
    names = list(features)

    class Whole(torch.nn.Module):
        """The model from tokens to the sentence embedding, with pooling and normalisation."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            return self.model(dict(zip(names, tensors, strict=True)))["sentence_embedding"]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about tracing; each graph is compared with the model
        torch.onnx.export(
            Whole().eval(),
            tuple(features.values()),
            str(path),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "text", 1: "token"} for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    return names


def _least_cosine(model: Any, graph: QueryGraph, prompt: str) -> float:
    expected = model.encode_query(
        list(CHECKED), prompt=prompt, convert_to_numpy=True, normalize_embeddings=True
    )
    found = np.stack([graph.embed(prompt + text) for text in CHECKED])
    return float((expected * found).sum(axis=1).min())
