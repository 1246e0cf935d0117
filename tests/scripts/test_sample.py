"""The sample archive and the seed document with the real model: found by words and by meaning."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder
from tests.builders import ROOT, backfile

pytestmark = pytest.mark.model
SEED = ROOT.parent / "shared" / "data" / "seed"
REALTIMEQA = ROOT.parent / "shared" / "data" / "realtimeqa-dev"


def search(archive, text, *options):
    found = backfile("search", text, "--archive", archive, "--json", *options)
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("Drehbrücke Umweg Tolland Mills", "keyword", "hb-2023-004"),
        ("nunez divers diary", "keyword", "cc-2024-003"),
        ("shipwrecked sailors saved by aircraft", "semantic", "nsw-20230412-0088"),
        ("shipwrecked sailors saved by aircraft", "hybrid", "nsw-20230412-0088"),
        ("long-serving woman measuring ocean levels", "hybrid", "cc-2024-007"),
    ],
)
def test_an_article_of_the_sample_is_found(sample, text, mode, expected):
    first = search(sample, text, "--mode", mode)["hits"][0]
    assert first["article"]["id"] == expected


def test_gibberish_finds_nothing(sample):
    answer = search(sample, "zxqv blorp wgnk")
    assert (answer["total"], answer["verdict"]) == (0, "none")


def test_an_instant_never_moves_the_day_that_was_printed(sample):
    article = json.loads(
        backfile("show", "nsw-20231117-0605", "--archive", sample, "--json").stdout
    )
    assert article["published_at"].startswith("2023-11-17T23:40:00-05:00")
    assert article["published"] == "2023-11-17"


def test_the_seed_document_is_found_by_words_and_by_meaning(sample):
    if not SEED.is_dir():
        pytest.skip("the seed document is not beside this checkout")
    for text, mode in (
        ("Crocus City Hall", "keyword"),
        ("Crocus City Hall", "hybrid"),
        ("terrorist assault on a music venue in Russia", "semantic"),
        ("terrorist assault on a music venue in Russia", "hybrid"),
    ):
        first = search(sample, text, "--mode", mode)["hits"][0]["article"]
        assert (first["published"], first["title_source"]) == ("2024-03-23", "lead")


def test_the_bundled_model_needs_no_network(sample):
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "from backfile.scripts.backfile import main\n"
        "main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "search", "harbour", "--archive", str(sample), "--json"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["hits"][0]["ranks"]["vector"]


def test_the_fast_precision_agrees_with_float32():
    texts = [
        path.read_text()[:900] for path in sorted((ROOT / "scripts/sample").rglob("*.txt"))[:12]
    ]
    fast = SentenceTransformerEmbedder("all-MiniLM-L6-v2", threads=2)
    exact = SentenceTransformerEmbedder("all-MiniLM-L6-v2", threads=2)
    exact.__dict__["precision"] = "float32"
    cosines = (fast.embed_passages(texts) * exact.embed_passages(texts)).sum(axis=1)
    assert fast.dimension == 384
    assert cosines.min() >= 0.999
    np.testing.assert_allclose(np.linalg.norm(fast.embed_passages(texts[:2]), axis=1), 1, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_six_thousand_articles_are_indexed_and_hybrid_beats_both_single_modes(tmp_path):
    if not REALTIMEQA.is_dir():
        pytest.skip("realtimeqa-dev is not beside this checkout")
    result = backfile("evaluate", REALTIMEQA, "--archive", tmp_path / "archive", "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    means = {each["name"]: each["measures"]["nDCG@10"]["mean"] for each in found["systems"]}
    assert means["hybrid, convex"] > max(means["keyword"], means["semantic"])


def test_the_query_graph_gives_what_the_model_gives(sample):
    graph = SentenceTransformerEmbedder(
        "all-MiniLM-L6-v2", threads=2, graph=ArchiveDirectory(sample).query_graph
    )
    model = SentenceTransformerEmbedder("all-MiniLM-L6-v2", threads=2)
    for text in ("ferry", "What happened to José Núñez's bridge?", "word " * 600):
        assert float(graph.embed_query(text) @ model.embed_query(text)) >= 0.9995
    assert graph._graph is not None
    assert "_model" not in graph.__dict__


def test_a_hybrid_search_from_the_shell_imports_neither_torch_nor_chromadb(sample):
    program = (
        "import sys; from backfile.scripts.backfile import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        'sys.exit(f\'imported {sys.modules.keys() & {"torch", "chromadb"}}\'\n'
        "         if {'torch', 'chromadb'} & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "search", "ferry", "--archive", str(sample)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_damaged_query_graph_is_made_again_and_searched_without_meanwhile(sample, tmp_path):
    archive = tmp_path / "archive"
    shutil.copytree(sample, archive)
    (archive / "query-graph" / "graph.json").write_text("{")
    assert search(archive, "ferry")["hits"][0]["ranks"]["vector"]
    assert backfile("index", ROOT / "scripts" / "sample", "--archive", archive).exit_code == 0
    assert json.loads((archive / "query-graph" / "graph.json").read_text())["window"] == 256
