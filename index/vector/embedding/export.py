"""Exports a model as an ONNX graph for queries, and checks the graph against the model."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from backfile.archive.store.trust import make_private, make_private_folder
from backfile.index.vector.embedding.model import window_of
from backfile.index.vector.embedding.query_graph import CONTRACT, GRAPH, QueryGraph

LEAST_COSINE = 0.9999
CHECKED = (
    "bridge",
    "What did the council decide about the ferry?",
    "Zoë Lindqvist's 1,200 m² greenhouse — sold for $3.5m",
    "storm " * 60,
)
OPSET = 17


def export_query_graph(model: Any, source: Path, target: Path, weights: str) -> bool:
    """Export a float32 SentenceTransformer to ONNX; return whether the graph may be used.

    If the export fails or a cosine with the model is below LEAST_COSINE, `target` is deleted, and
    queries are embedded by sentence-transformers.
    """
    shutil.rmtree(target, ignore_errors=True)
    make_private_folder(target)
    try:
        inputs = _export(model, target / GRAPH)
    except (RuntimeError, ValueError, TypeError, KeyError, ImportError):
        shutil.rmtree(target)
        return False
    contract = {
        "weights": weights,
        "inputs": inputs,
        "prompt": (model.prompts or {}).get("query") or "",
        "window": window_of(source),
    }
    draft = target / f"{CONTRACT}.tmp"
    draft.write_text(json.dumps(contract))
    graph = QueryGraph(target, source / "tokenizer.json", threads=1)
    make_private(target)
    draft.replace(target / CONTRACT)
    if _least_cosine(model, graph) >= LEAST_COSINE:
        return True
    shutil.rmtree(target)
    return False


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


def _least_cosine(model: Any, graph: QueryGraph) -> float:
    expected = model.encode_query(list(CHECKED), convert_to_numpy=True, normalize_embeddings=True)
    found = np.stack([graph.embed(text) for text in CHECKED])
    return float((expected * found).sum(axis=1).min())
