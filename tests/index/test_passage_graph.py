"""Passages are embedded by OpenVINO where that is faster, by torch elsewhere, and alike by both."""

import json
import logging
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.archive.store.manifest import Manifest
from backfile.index.vector.embedding import engine, sentence_transformer
from backfile.index.vector.embedding.engine import FILE, MEASURED, Engine, EngineFile, faster
from backfile.index.vector.embedding.query_graph import GRAPH
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder
from tests.builders import ROOT, damage

TEXTS = [f"passage {n}" for n in range(MEASURED)]
UP, ASIDE = np.array([[0, 1]], np.float32), np.array([[1, 0]], np.float32)


def embeds(vector, seconds=0.0):
    def embed(texts):
        time.sleep(seconds)
        return np.repeat(vector, len(texts), axis=0)

    return embed


def broken(_texts):
    raise EngineUnavailable("the query graph", "it is damaged")


@pytest.mark.parametrize(
    ("torch", "openvino", "chosen"),
    [
        (embeds(UP, 0.02), embeds(UP), Engine.OPENVINO),
        (embeds(UP), embeds(UP, 0.02), Engine.TORCH),
        (embeds(UP, 0.02), embeds(ASIDE), Engine.TORCH),
        (embeds(UP, 0.02), embeds(UP * np.nan), Engine.TORCH),
        (embeds(UP, 0.02), broken, Engine.TORCH),
    ],
)
def test_the_faster_engine_is_chosen_if_its_vectors_agree(torch, openvino, chosen):
    assert faster(TEXTS, torch, openvino) is chosen


def test_a_choice_is_kept_for_the_machine_that_it_was_measured_on(tmp_path, monkeypatch):
    file = EngineFile(tmp_path)
    assert file.read() is None
    file.write(Engine.OPENVINO)
    assert file.read() is Engine.OPENVINO
    monkeypatch.setattr(engine, "machine", lambda: "another processor, 64 cores, GPU")
    assert file.read() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"engine": "abacus"}', b"\xff"])
def test_a_damaged_choice_is_none(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    assert EngineFile(tmp_path).read() is None


def test_there_is_no_choice_without_a_graph(tmp_path):
    EngineFile(tmp_path / "query-graph").write(Engine.OPENVINO)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def embedder(tmp_path, monkeypatch):
    """An embedder whose engines are fakes; `asked` lists which of them embedded how many texts."""
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=1, graph=tmp_path)
    made.asked = []

    def counting(name, embed):
        def counted(texts):
            made.asked.append((name, len(texts)))
            return embed(texts)

        return counted

    monkeypatch.setattr(made, "prepare_queries", lambda: made.asked.append(("export", 1)))
    monkeypatch.setattr(made, "_by_torch", counting("torch", embeds(UP, 0.02)))
    monkeypatch.setattr(made, "_by_openvino", counting("openvino", embeds(UP)))
    monkeypatch.setattr(sentence_transformer, "is_installed", lambda: True)
    return made


def test_a_few_passages_are_embedded_by_torch_and_decide_nothing(embedder):
    embedder.embed_passages(TEXTS[1:])
    assert embedder.asked == [("torch", MEASURED - 1)]
    assert embedder.engine == Engine.TORCH


def test_the_first_passages_decide_once(embedder, tmp_path):
    embedder.embed_passages(TEXTS * 2)
    assert embedder.asked[0] == ("export", 1)
    assert embedder.asked[-1] == ("openvino", 2 * MEASURED)
    assert {count for _, count in embedder.asked[1:-1]} == {MEASURED}
    assert json.loads((tmp_path / FILE).read_text())["engine"] == "openvino"
    embedder.asked.clear()
    embedder.embed_passages(TEXTS)
    assert embedder.asked == [("openvino", MEASURED)]
    assert embedder.engine == Engine.OPENVINO


def test_what_was_chosen_before_counts_for_a_single_passage_too(embedder, tmp_path):
    EngineFile(tmp_path).write(Engine.OPENVINO)
    embedder.embed_passages(TEXTS[:1])
    assert embedder.asked == [("openvino", 1)]


def test_where_openvino_is_not_installed_any_more_torch_embeds(embedder, tmp_path, monkeypatch):
    EngineFile(tmp_path).write(Engine.OPENVINO)
    monkeypatch.setattr(sentence_transformer, "is_installed", lambda: False)
    embedder.embed_passages(TEXTS)
    assert embedder.asked == [("torch", MEASURED)]
    assert embedder.engine == Engine.TORCH


def test_where_the_graph_cannot_be_used_torch_embeds_and_says_so_once(
    embedder, tmp_path, monkeypatch, caplog
):
    EngineFile(tmp_path).write(Engine.OPENVINO)
    monkeypatch.setattr(embedder, "_by_openvino", broken)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert embedder.embed_passages(TEXTS).shape == (MEASURED, 2)
    assert caplog.messages == [
        "the query graph is unavailable: it is damaged; passages are embedded by torch until then"
    ]


def test_the_model_for_the_graph_is_loaded_to_the_processor(tmp_path, monkeypatch):
    """A graph is traced with inputs that are there, whatever GPU the passages are embedded on."""
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=1, graph=tmp_path / "query-graph")
    loaded = []
    monkeypatch.setattr(made, "_load", lambda *given, **options: loaded.append((given, options)))
    monkeypatch.setattr(sentence_transformer, "export_query_graph", lambda *_: True)
    made.prepare_queries()
    assert loaded == [(("float32",), {"device": "cpu", "attn_implementation": "eager"})]


@pytest.mark.parametrize(
    ("available", "supported", "precision"),
    [(False, False, None), (True, True, "bfloat16"), (True, False, "float32")],
)
def test_a_gpu_computes_in_what_it_supports(available, supported, precision, monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: available, is_bf16_supported=lambda: supported)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert sentence_transformer._gpu_precision() == precision


LONG = [("The ferry to the island stopped at noon. " * n).strip() for n in (1, 3, 9, 27, 81)]


@pytest.mark.model
def test_openvino_gives_the_vectors_that_torch_gives(sample):
    pytest.importorskip("openvino")
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=2, graph=sample / "query-graph")
    texts = LONG + ["Zoë’s 1,200 m² greenhouse", "storm"] * 8  # several batches, some cut
    found, expected = made._by_openvino(texts), made._by_torch(texts)
    assert found.dtype == np.float32
    assert (found * expected).sum(axis=1).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found[6], found[8], atol=0.02)


@pytest.mark.model
def test_an_indexed_archive_says_what_embedded_it(sample):
    pytest.importorskip("openvino")
    chosen = json.loads((sample / "query-graph" / FILE).read_text())["engine"]
    assert Manifest.read(sample / "manifest.json").engine == chosen
    assert chosen in list(Engine)


@pytest.mark.model
def test_a_damaged_graph_does_not_embed_passages(sample, tmp_path, caplog):
    pytest.importorskip("openvino")
    copied = tmp_path / "query-graph"
    copied.mkdir()
    for path in (sample / "query-graph").iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    EngineFile(copied).write(Engine.OPENVINO)
    damage(copied / GRAPH, "cut")
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=2, graph=copied)
    assert made.embed_passages(["The ferry stopped."]).shape == (1, 384)
    assert "passages are embedded by torch" in caplog.text


@pytest.mark.model
def test_openvino_leaves_nothing_in_the_home_folder(sample, tmp_path):
    """It would keep a device id there, and report each import to its vendor."""
    pytest.importorskip("openvino")
    program = (
        "from pathlib import Path\n"
        "from backfile.index.vector.embedding.sentence_transformer import *\n"
        f"graph = Path({str(sample / 'query-graph')!r})\n"
        f"made = SentenceTransformerEmbedder({DEFAULT_MODEL!r}, threads=1, graph=graph)\n"
        "print(made._by_openvino(['A ferry.']).shape)\n"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / ".types"), "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "(1, 384)\n", done.stderr
    assert list(tmp_path.rglob("*")) == []
