"""A model's prompts are put before queries and passages, by torch and by the graph alike."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.model.errors import ArchiveMismatch
from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.archive.store.manifest import SCHEMA, Manifest
from backfile.index.vector.embedding import sentence_transformer
from backfile.index.vector.embedding.model import find_model
from backfile.index.vector.embedding.prompts import CONFIGURATION, Prompts, prompts_of
from backfile.index.vector.embedding.query_graph import GRAPH, QueryGraph, write_contract
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder
from backfile.index.vector.embedding.tokens import ModelTokenizer

VECTOR = np.array([[3.0, 4.0]], np.float32)


def configured(folder, content):
    folder.mkdir(exist_ok=True)
    (folder / CONFIGURATION).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ({"query": "q: ", "document": "d: "}, Prompts("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: "}, Prompts("q: ", "p: ")),
        ({"query": "q: ", "document": "", "corpus": "c: "}, Prompts("q: ", "c: ")),
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, Prompts("q: ", "d: ")),
        ({"other": "o: "}, Prompts()),  # as `encode_query` reads the default prompt: not at all
        ({"query": None, "document": 3}, Prompts()),
        ([], Prompts()),
        ({}, Prompts()),
    ],
)
def test_prompts_are_those_of_the_configuration(tmp_path, prompts, expected):
    content = {"prompts": prompts, "default_prompt_name": None}
    assert prompts_of("some-model", configured(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("intfloat/multilingual-e5-small", Prompts("query: ", "passage: ")),
        ("intfloat/e5-large-v2", Prompts("query: ", "passage: ")),
        ("/models/E5-base/", Prompts("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", Prompts()),
        ("some5-small", Prompts()),
        (DEFAULT_MODEL, Prompts()),
    ],
)
def test_a_known_model_that_states_none_has_them_too(tmp_path, name, expected):
    assert prompts_of(name, tmp_path) == expected
    stated = configured(tmp_path, {"prompts": {"query": "mine: "}})
    assert prompts_of(name, stated) == Prompts("mine: ")


def test_the_prompt_takes_tokens_of_the_window():
    folder = find_model(DEFAULT_MODEL)
    assert ModelTokenizer(folder, "passage: ").window == ModelTokenizer(folder).window - 2


@pytest.fixture
def prompted(monkeypatch, tmp_path):
    """An embedder whose model has prompts and is not loaded, and what it is called with."""
    calls = []

    def encode(kind):
        def called(texts, *, prompt, **_):
            calls.append((kind, prompt, *texts))
            return tensor

        return called

    tensor = SimpleNamespace(float=lambda: tensor, cpu=lambda: tensor, numpy=lambda: VECTOR)
    monkeypatch.setattr(
        sentence_transformer, "prompts_of", lambda *_: Prompts("query: ", "passage: ")
    )
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=1, graph=tmp_path / "query-graph")
    made.__dict__["weights"] = "ab12"
    made.__dict__["_model"] = SimpleNamespace(
        device=SimpleNamespace(type="cpu"),
        encode_query=encode("query"),
        encode_document=encode("document"),
    )
    return made, calls


def test_the_model_is_given_the_prompts(prompted):
    embedder, calls = prompted
    embedder.embed_query("ferry")
    embedder.embed_passages(["The ferry stopped."])
    embedder.embed_sentences(["It stopped."])
    assert calls == [
        ("query", "query: ", "ferry"),
        ("document", "passage: ", "The ferry stopped."),
        ("document", "passage: ", "It stopped."),
    ]


@pytest.mark.parametrize(
    ("contract", "used"),
    [
        ({"prompts": ["query: ", "passage: "]}, True),
        ({"prompts": ["query: ", ""]}, False),
        ({"prompt": "query: "}, False),  # of an earlier release
        ({"prompts": ["", ""]}, False),
    ],
)
def test_so_is_the_graph_and_one_of_other_prompts_is_not_used(
    prompted, tmp_path, monkeypatch, contract, used
):
    embedder, calls = prompted
    folder = tmp_path / "query-graph"
    folder.mkdir()
    (folder / GRAPH).write_bytes(b"graph")
    write_contract(folder, {"weights": "ab12", "inputs": [], "window": 256, **contract})
    texts = []
    monkeypatch.setattr(QueryGraph, "_run", lambda _, text: texts.append(text) or VECTOR[0])
    exported = []
    monkeypatch.setattr(embedder, "_load", lambda *_, **__: None)
    monkeypatch.setattr(
        sentence_transformer, "export_query_graph", lambda *given: exported.append(given)
    )
    embedder.prepare_queries()
    assert bool(exported) is not used
    embedder.embed_query("ferry")
    embedder.embed_sentences(["It stopped."])
    assert texts == (["query: ferry", "passage: It stopped."] if used else [])
    assert bool(calls) is not used


def test_a_graph_of_an_earlier_release_serves_a_model_without_prompts(tmp_path):
    (tmp_path / GRAPH).write_bytes(b"graph")
    write_contract(tmp_path, {"weights": "ab12", "inputs": [], "window": 256, "prompt": ""})
    graph = QueryGraph(tmp_path, tmp_path / "tokenizer.json", threads=1)
    assert graph.made_from("ab12", Prompts())
    assert not graph.made_from("ab12", Prompts("query: "))


def manifest(**prompts):
    return Manifest(SCHEMA, "s", "a", DEFAULT_MODEL, "ab12", 2, "float32", **prompts)


def test_other_prompts_than_those_of_the_archive_are_refused(prompted):
    embedder, _ = prompted
    named = {"query": "query: ", "passage": "passage: "}
    assert embedder.prompts.named() == named
    embedder._made_with = manifest(prompts=named)
    embedder.embed_query("ferry")
    embedder._made_with = manifest(prompts={})
    embedder.__dict__.pop("_graph")
    with pytest.raises(ArchiveMismatch, match="made with the prompts none, but this is"):
        embedder.embed_query("ferry")


def test_an_archive_made_before_a_name_was_known_is_searched_as_it_was_made(tmp_path):
    folder = configured(tmp_path / "e5-small", {})
    (folder / "model.safetensors").write_bytes(b"weights")
    known = SentenceTransformerEmbedder(str(folder), threads=1)
    before = SentenceTransformerEmbedder(str(folder), threads=1, made_with=manifest())
    assert (known.prompts.query, before.prompts.query) == ("query: ", "")
