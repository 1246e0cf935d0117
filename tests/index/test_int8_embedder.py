"""An archive may embed its passages in int8, by one graph that belongs to its record."""

import json
import pickle
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from backfile.archive.model.errors import BadSetting, EngineUnavailable
from backfile.archive.model.settings import DEFAULT_MODEL, Settings
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.manifest import Manifest
from backfile.index.vector.embedding import int8_embedder
from backfile.index.vector.embedding.int8_embedder import (
    TEXTS,
    Int8Embedder,
    calibration_texts,
    narrowing,
)
from backfile.index.vector.embedding.prompts import Prompts
from backfile.index.vector.embedding.query_graph import GRAPH, write_contract
from backfile.index.wiring import embedder_of, int8_embedder_of, new_archive
from tests.builders import DAMAGES, backfile, damage, one_line_error, write_stories
from tests.shared import made_once

UP, ASIDE = np.array([[0, 1]], np.float32), np.array([[1, 0]], np.float32)
PROMPTS = Prompts("query: ", "passage: ")
PRECISION = {"BACKFILE_EMBEDDING_PRECISION": "int8"}
CONTRACT = {"weights": "ab12", "inputs": ["input_ids"], "prompts": list(PROMPTS), "window": 256}


class Exact:
    """The model in full precision, whose graph is one byte."""

    name, weights, dimension, precision, prompts = "tiny", "ab12", 2, "float32", PROMPTS
    tokenizer_file = None
    graph = SimpleNamespace(contract=CONTRACT, folder=None)

    def __init__(self):
        self.prepared = 0

    def prepare_queries(self):
        self.prepared += 1

    def check_queries(self):
        pass

    def require_weights(self):
        pass

    def embed_query(self, text):
        return UP[0]

    def embed_sentences(self, texts):
        return np.repeat(UP, len(texts), axis=0)


class Runs:
    """Runs any graph; what it was given is in `seen`."""

    def __init__(self, vector=UP):
        self.vector, self.seen = vector, []

    def embed(self, texts):
        self.seen.append(texts)
        return np.repeat(self.vector, len(texts), axis=0)


@pytest.fixture
def runs(monkeypatch):
    """All graphs run alike, NNCF makes the same one each time, and all tools are installed."""
    made = Runs()
    monkeypatch.setattr(Int8Embedder, "_run", lambda *_: made)
    monkeypatch.setattr(int8_embedder, "is_installed", lambda: True)
    monkeypatch.setattr(int8_embedder, "require_maker", lambda: None)
    monkeypatch.setattr(int8_embedder, "version", lambda name: "1.0")
    monkeypatch.setattr(
        int8_embedder, "quantise", lambda graph, texts, target: target.write_bytes(b"int8" * 99)
    )
    return made


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "int8-graph"


@pytest.fixture
def embedder(runs, folder):
    """An embedder whose graph was made before."""
    digest = Int8Embedder(Exact(), folder, threads=1).make()
    return Int8Embedder(Exact(), folder, threads=1, digest=digest)


def test_passages_are_embedded_by_the_graph_with_their_prompt_and_queries_are_not(embedder, runs):
    runs.seen.clear()
    assert embedder.embed_passages(["a ferry"]).tolist() == UP.tolist()
    assert runs.seen == [["passage: a ferry"]]
    assert embedder.embed_query("a ferry").tolist() == UP[0].tolist()
    assert embedder.embed_sentences(["a ferry"]).tolist() == UP.tolist()
    assert len(runs.seen) == 1
    assert (embedder.precision, embedder.engine, embedder.name) == ("int8", "openvino", "tiny")


def test_the_graph_is_measured_with_passages_of_our_own_after_the_prompt(embedder, runs):
    assert runs.seen[0] == [f"passage: {text}" for text in calibration_texts()]
    assert len(calibration_texts()) == 152
    assert all(40 < len(text) < 2_000 for text in calibration_texts())


@pytest.mark.parametrize("name", ["graph.json", GRAPH])
@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_graph_is_reported_and_made_again(embedder, folder, name, kind):
    embedder.check_queries()
    damage(folder / name, kind)
    with pytest.raises(EngineUnavailable, match=r"the int8 graph is unavailable: .*--repair"):
        embedder.check_queries()
    embedder.prepare_queries()
    embedder.check_queries()


def test_a_lost_graph_is_made_again_before_passages_are_embedded(embedder, folder):
    shutil.rmtree(folder)
    assert embedder.embed_passages(["a ferry"]).tolist() == UP.tolist()
    assert (folder / GRAPH).exists()


def test_another_graph_than_that_of_the_vectors_embeds_nothing(embedder, folder, monkeypatch):
    """As from another archive, or of other releases of the tools."""
    monkeypatch.setattr(int8_embedder, "version", lambda name: "2.0")
    write_contract(folder, {**CONTRACT, "tools": {}})
    with pytest.raises(EngineUnavailable) as refused:
        embedder.embed_passages(["a ferry"])
    assert str(refused.value) == (
        "the int8 graph is unavailable: it is missing, or is not that of the archive's vectors; "
        "`backfile verify --repair` mends it; it cannot be made again (the int8 graph is "
        "unavailable: the installed releases make another one): bring a backup back with "
        "`backfile restore`, or index into a new archive"
    )
    assert json.loads((folder / "graph.json").read_text())["tools"] == {}  # it was left alone
    assert not folder.with_name("int8-graph.new").exists()


def test_a_model_that_is_not_itself_in_int8_is_refused(runs, folder, monkeypatch):
    graphs = iter([Runs(UP), Runs(ASIDE)])
    monkeypatch.setattr(Int8Embedder, "_run", lambda *_: next(graphs))
    with pytest.raises(EngineUnavailable, match=r"not itself in int8 \(cosine 0.000\)"):
        Int8Embedder(Exact(), folder, threads=1).make()
    assert list(folder.parent.iterdir()) == []


def test_a_model_that_cannot_be_exported_is_refused(runs, folder, monkeypatch):
    monkeypatch.setattr(Exact, "graph", None)
    with pytest.raises(EngineUnavailable, match="cannot be exported; leave BACKFILE_EMBEDDING_PR"):
        Int8Embedder(Exact(), folder, threads=1).make()


def test_without_openvino_passages_are_not_embedded_by_torch_instead(embedder, monkeypatch):
    monkeypatch.setattr(int8_embedder, "is_installed", lambda: False)
    with pytest.raises(EngineUnavailable, match="OpenVINO is not installed; `pip install"):
        embedder.embed_passages(["a ferry"])


@pytest.mark.parametrize("missing", ["openvino", "nncf"])
def test_without_the_tools_no_archive_is_begun(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(int8_embedder, "is_installed", lambda: missing != "openvino")
    monkeypatch.setattr(int8_embedder, "find_spec", lambda name: name != missing or None)
    archive = tmp_path / "archive"
    with pytest.raises(BadSetting) as refused:
        new_archive(Settings(archive, embedding_precision="int8"), ArchiveDirectory(archive))
    assert str(refused.value) == (
        "BACKFILE_EMBEDDING_PRECISION: int8 needs OpenVINO and NNCF; "
        "`pip install 'backfile[int8]'`, or leave it out"
    )
    assert not archive.exists()


def test_it_can_be_sent_to_another_process(tmp_path):
    directory = ArchiveDirectory(tmp_path)
    made = int8_embedder_of(Settings(tmp_path, threads=1), directory)
    received = pickle.loads(pickle.dumps(made))
    assert received is pickle.loads(pickle.dumps(made))
    assert (received.name, received._folder) == (DEFAULT_MODEL, directory.int8_graph)


def test_only_products_that_narrow_stay_as_they_are():
    def product(name, weights):
        return SimpleNamespace(name=name, op_type="MatMul", input=["x", weights])

    shapes = {"wide": (4, 16), "square": (4, 4), "narrow": (16, 4), "one": (16,)}
    nodes = [product(name, name) for name in (*shapes, "computed")]
    nodes.append(SimpleNamespace(name="add", op_type="Add", input=["x", "narrow"]))
    weights = [SimpleNamespace(name=name, dims=shape) for name, shape in shapes.items()]
    graph = SimpleNamespace(node=nodes, initializer=weights)
    assert narrowing(SimpleNamespace(graph=graph)) == ["narrow"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The stories in an archive in int8."""
    pytest.importorskip("nncf")

    def make(folder):
        stories = write_stories(tmp_path_factory.mktemp("stories"))
        made = backfile("index", stories, "--archive", folder, **PRECISION)
        assert made.exit_code == 0, made.output

    return made_once(tmp_path_factory, "int8", make)


@pytest.mark.model
def test_an_archive_in_int8_says_so_and_is_searched_without_the_setting(archive):
    status = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    manifest = Manifest.read(archive / "manifest.json")
    assert (status["precision"], status["engine"]) == ("int8", "openvino")
    assert status["coverage"] == 1
    assert status["graph"] == manifest.graph != ""
    shown = backfile("status", "--archive", archive).stdout
    assert (
        f"(int8 by openvino, weights {manifest.weights[:12]}, graph {manifest.graph[:12]})" in shown
    )
    for environment in ({}, PRECISION):
        found = backfile(
            "search", "ferry timetable", "--mode", "semantic", "--archive", archive, **environment
        )
        assert found.stdout.startswith("1. Ferry timetable cut")
    assert backfile("verify", "--archive", archive).stdout == "the archive is sound\n"


@pytest.mark.model
def test_a_precision_that_is_asked_for_must_be_that_of_the_archive(archive, sample):
    for folder, asked in ((archive, "full"), (sample, "int8")):
        refused = backfile(
            "search", "ferry", "--archive", folder, BACKFILE_EMBEDDING_PRECISION=asked
        )
        assert f"but this is {asked} precision" in one_line_error(refused)


@pytest.mark.model
def test_its_vectors_are_near_those_in_full_precision(archive):
    settings = Settings(archive)
    manifest = Manifest.read(archive / "manifest.json")
    int8 = int8_embedder_of(settings, ArchiveDirectory(archive), manifest)
    texts = calibration_texts()[:32]
    found = int8.embed_passages(texts)
    cosines = (found * embedder_of(settings).embed_passages(texts)).sum(axis=1)
    assert 0.98 < cosines.min() < 0.99999
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.model
def test_a_graph_that_is_lost_is_made_again_the_same(archive, tmp_path):
    copied = tmp_path / "archive"
    shutil.copytree(archive, copied)
    before = (copied / "int8-graph" / GRAPH).read_bytes()
    shutil.rmtree(copied / "int8-graph")
    found = backfile("verify", "--archive", copied)
    assert "the int8 graph is unavailable: it is missing" in found.stdout
    assert backfile("verify", "--repair", "--archive", copied).exit_code == 0
    assert (copied / "int8-graph" / GRAPH).read_bytes() == before


def test_the_passages_are_one_file_of_the_package():
    text = int8_embedder.files(int8_embedder.__package__).joinpath(TEXTS).read_text("utf-8")
    assert text.endswith("\n")
    assert len(set(text.splitlines())) == 152
