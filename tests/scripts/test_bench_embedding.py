"""The measurement of embedding names each engine beside plain `encode`."""

import numpy as np
import pytest
from click.testing import CliRunner

from backfile.archive.model.errors import BadSetting
from backfile.scripts.bench import embedding
from tests.builders import write_stories

UP = np.array([[0, 1, 0]], np.float32)


def embeds(texts):
    return np.repeat(UP, len(texts), axis=0)


class Quick:
    """A model whose archive would use an engine of another name."""

    engine = "abacus"

    def embed_passages(self, texts):
        return embeds(texts)


class Quantised(Quick):
    """The same in int8; it must be made before it embeds."""

    is_made = False

    def make(self):
        self.is_made = True

    def embed_passages(self, texts):
        assert self.is_made
        return embeds(texts)


class NotInstalled(Quick):
    def make(self):
        raise BadSetting("BACKFILE_EMBEDDING_PRECISION", "int8 needs NNCF")


@pytest.mark.parametrize("turns", [1, 2])
def test_each_engine_is_compared_with_plain_encode(tmp_path, monkeypatch, turns):
    monkeypatch.setattr(embedding, "_plain", lambda _: embeds)
    monkeypatch.setattr(embedding, "embedder_of", lambda *_, **__: Quick())
    monkeypatch.setattr(embedding, "int8_embedder_of", lambda *_: Quantised())
    path = str(write_stories(tmp_path))
    done = CliRunner().invoke(embedding.main, [path, "--turns", str(turns)], catch_exceptions=False)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("8 passages of ")
    assert lines[0].endswith(f" {turns} turns")
    assert [line.split()[0] for line in lines[2:]] == ["plain", "torch", "abacus", "int8"]
    assert all(line.split()[-2:] == ["1.0000", "1.000"] for line in lines[2:])


def test_int8_is_left_out_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "_plain", lambda _: embeds)
    monkeypatch.setattr(embedding, "embedder_of", lambda *_, **__: Quick())
    monkeypatch.setattr(embedding, "int8_embedder_of", lambda *_: NotInstalled())
    path = str(write_stories(tmp_path))
    done = CliRunner().invoke(embedding.main, [path, "--turns", "1"], catch_exceptions=False)
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == [
        "plain",
        "torch",
        "abacus",
    ]


def test_the_overlap_is_that_of_the_nearest_passages():
    chance = np.random.default_rng(1)
    vectors = chance.standard_normal((40, 8)).astype(np.float32)
    assert embedding._overlap(vectors, 2 * vectors) == 1
    assert embedding._overlap(vectors, chance.permutation(vectors)) < 0.7
