"""The measurement of embedding names each engine beside plain `encode`."""

import numpy as np
import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize("turns", [1, 2])
def test_each_engine_is_compared_with_plain_encode(tmp_path, monkeypatch, turns):
    monkeypatch.setattr(embedding, "_plain", lambda _: embeds)
    monkeypatch.setattr(embedding, "embedder_of", lambda *_, **__: Quick())
    path = str(write_stories(tmp_path))
    done = CliRunner().invoke(embedding.main, [path, "--turns", str(turns)], catch_exceptions=False)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("8 passages of ")
    assert lines[0].endswith(f" {turns} turns")
    assert [line.split()[0] for line in lines[2:]] == ["plain", "torch", "abacus"]
    assert all(line.split()[-2:] == ["1.0000", "1.000"] for line in lines[2:])


def test_the_overlap_is_that_of_the_nearest_passages():
    chance = np.random.default_rng(1)
    vectors = chance.standard_normal((40, 8)).astype(np.float32)
    assert embedding._overlap(vectors, 2 * vectors) == 1
    assert embedding._overlap(vectors, chance.permutation(vectors)) < 0.7
