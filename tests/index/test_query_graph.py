"""The exported graph for queries is sealed; a damaged one is not used, and made again."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.model.errors import ArchiveError, EngineUnavailable
from backfile.archive.model.settings import DEFAULT_MODEL
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.vector.embedding import sentence_transformer
from backfile.index.vector.embedding.model import find_model
from backfile.index.vector.embedding.prompts import Prompts
from backfile.index.vector.embedding.query_graph import (
    CONTRACT,
    GRAPH,
    SEAL,
    QueryGraph,
    write_contract,
)
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder
from backfile.web.served import mend_queries
from tests.builders import DAMAGES, ROOT, damage
from tests.fakes import HashedWords

WEIGHTS = "ab12"
BY_TORCH = np.array([[3.0, 4.0]], np.float32)


@pytest.fixture
def folder(tmp_path):
    """A graph that is sealed, and that onnxruntime would refuse."""
    made = tmp_path / "query-graph"
    made.mkdir()
    (made / GRAPH).write_bytes(bytes(range(256)) * 300)
    contract = {"weights": WEIGHTS, "inputs": ["input_ids"], "prompts": ["", ""], "window": 256}
    write_contract(made, contract)
    return made


@pytest.fixture
def embedder(folder, monkeypatch):
    """An embedder with that graph, and a model that is not loaded."""
    made = SentenceTransformerEmbedder(DEFAULT_MODEL, threads=1, graph=folder)
    made.__dict__["weights"] = WEIGHTS
    tensor = SimpleNamespace(float=lambda: tensor, cpu=lambda: tensor, numpy=lambda: BY_TORCH)
    made.__dict__["_model"] = SimpleNamespace(
        encode_query=lambda *_, **__: tensor,
        encode_document=lambda *_, **__: tensor,
        device=SimpleNamespace(type="cpu"),
    )
    return made


def graph_in(folder):
    return QueryGraph(folder, find_model(DEFAULT_MODEL) / "tokenizer.json", threads=1)


def test_a_graph_that_is_not_there_is_no_damage(tmp_path):
    graph_in(tmp_path / "none").check()
    assert not graph_in(tmp_path / "none").made_from(WEIGHTS, Prompts())


@pytest.mark.parametrize("name", [GRAPH, CONTRACT])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_graph_is_found_and_never_run(folder, name, kind):
    graph_in(folder).check()
    assert graph_in(folder).made_from(WEIGHTS, Prompts())
    damage(folder / name, kind)
    with pytest.raises(EngineUnavailable, match="verify --repair"):
        graph_in(folder).check()
    if name == GRAPH:
        with pytest.raises(EngineUnavailable, match=r"damaged|No such file"):
            graph_in(folder).embed("a bridge")
    else:
        assert not graph_in(folder).made_from(WEIGHTS, Prompts())


def test_whatever_is_wrong_with_a_graph_queries_are_embedded_by_the_model(embedder, caplog):
    for _ in range(2):  # what onnxruntime refuses is not asked again
        assert embedder.embed_query("a bridge").tolist() == pytest.approx([0.6, 0.8])
        assert embedder.embed_sentences(["a bridge"])[0].tolist() == pytest.approx([0.6, 0.8])
    assert len(caplog.messages) == 1
    assert "the query graph is unavailable" in caplog.text


def test_a_graph_that_gives_no_numbers_is_not_used(folder, monkeypatch):
    graph = graph_in(folder)
    monkeypatch.setattr(graph, "_run", lambda _: np.array([np.nan, 1], np.float32))
    with pytest.raises(EngineUnavailable, match="no vector"):
        graph.embed("a bridge")


@pytest.mark.parametrize("kind", [*DAMAGES, "other weights"])
def test_a_damaged_graph_is_exported_again_and_a_sound_one_is_not(
    embedder, folder, kind, monkeypatch
):
    exported = []
    monkeypatch.setattr(embedder, "_load", lambda *_, **__: None)
    monkeypatch.setattr(
        sentence_transformer, "export_query_graph", lambda *given: exported.append(given)
    )
    embedder.prepare_queries()
    assert exported == []
    if kind in DAMAGES:
        damage(folder / GRAPH, kind)
    else:
        embedder.__dict__["weights"] = "cd34"
    embedder.prepare_queries()
    assert len(exported) == 1


def test_a_graph_of_an_earlier_release_is_taken_as_it_is_and_sealed(embedder, folder):
    contract = json.loads((folder / CONTRACT).read_text())
    earlier = {name: contract[name] for name in contract if name not in (SEAL, "digest")}
    (folder / CONTRACT).write_text(json.dumps(earlier))
    embedder.check_queries()
    embedder.prepare_queries()
    assert json.loads((folder / CONTRACT).read_text()) == contract


class Damaged(HashedWords):
    """An embedder whose graph is damaged until it is made again."""

    def __init__(self, failure=None):
        self.failure, self.prepared = failure, 0

    def check_queries(self):
        if not self.prepared:
            raise EngineUnavailable("the query graph", "it is damaged")

    def prepare_queries(self):
        if self.failure:
            raise self.failure
        self.prepared += 1


def test_a_server_makes_a_damaged_graph_again_unless_another_process_writes(tmp_path):
    directory, embedder = ArchiveDirectory(tmp_path), Damaged()
    with directory.writing():
        mend_queries(embedder, directory)
    assert embedder.prepared == 0
    for _ in range(2):
        mend_queries(embedder, directory)
    assert embedder.prepared == 1


@pytest.mark.parametrize("failure", [ArchiveError("no model"), OSError("no room")])
def test_a_server_goes_on_where_a_graph_cannot_be_made(tmp_path, failure, caplog):
    mend_queries(Damaged(failure), ArchiveDirectory(tmp_path))
    assert str(failure) in caplog.text


def test_a_search_by_meaning_leaves_nothing_in_the_home_folder(sample, tmp_path):
    """The runtime of the graph would keep a device id there, and report to its vendor."""
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / ".types"), "PATH": "/usr/bin"}
    program = ["-m", "backfile.scripts.backfile", "search", "ferry", "--mode", "semantic"]
    done = subprocess.run(
        [sys.executable, *program, "--archive", str(sample)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
