"""Search by meaning depends on how a model sets texts apart, not on how near it sets them all."""

from itertools import product

import numpy as np
import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.indexing import calibration
from backfile.index.indexing.calibration import calibrate, measure_scale, table_of
from backfile.index.indexing.distinct_passages import lead_rows
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Verdict
from backfile.index.model.scale import USUAL_SCALE, Scale, Spread
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.related import _closeness
from backfile.index.search.searcher import Searcher
from tests.builders import STORIES, engines_in, fill, write_stories
from tests.fakes import HashedWords

COMMON = 0.75  # the cosine of two texts without anything in common
THEMES = 30  # subjects, each of WORDS words
WORDS = 8
QUERIES = [
    "w3x1 w3x4",
    "w3x1 w7x2 w9x3",
    "what w5x1 about w5x6 and w5x2?",
    "w1x0 w2x0 w3x0 w4x0 w5x0 w6x0",
    "zxqv wvut plonk hjkl grmbl",
    " ".join(f"w8x{n}" for n in range(8)) + " qwrtz zxcvb",
    "qwrtz wrtzu lmnop ghjkl",
]


class Crowded(HashedWords):
    """The same model, but all its vectors have one direction in common."""

    dimension = HashedWords.dimension + 1

    def embed_query(self, text):
        own = np.sqrt(1 - COMMON) * HashedWords().embed_query(text)
        return np.append(own, np.sqrt(COMMON)).astype(np.float32)


def news():
    """Articles of a theme share words, in two passages or more now and then."""
    draw = np.random.default_rng(4)
    for n in range(560):
        theme = f"w{n % THEMES}x"
        chosen = [f"{theme}{i}" for i in draw.integers(0, WORDS, 6)]
        chosen += [f"w{draw.integers(0, THEMES)}x{draw.integers(0, WORDS)}" for _ in range(4)]
        text = " ".join(draw.permutation(chosen))
        yield {"id": str(n), "title": chosen[0], "published": "2024-01-01", "text": f"{text}."}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two archives of the same articles, each with its calibration: by either model."""
    folder = tmp_path_factory.mktemp("closeness")
    stories = write_stories(folder, list(news()))
    made = []
    for embedder in (HashedWords(), Crowded()):
        engines = engines_in(folder / type(embedder).__name__, in_memory=True, embedder=embedder)
        fill(engines, stories)
        calibrate(engines, Searcher(engines, RankingOptions()))
        made.append(engines)
    yield made
    for engines in made:
        engines.catalog.close()


@pytest.mark.parametrize(("mode", "text"), [*product([Mode.HYBRID, Mode.SEMANTIC], QUERIES)])
def test_a_direction_that_all_vectors_share_changes_no_answer(models, mode, text):
    plain, crowded = (Searcher(engines, RankingOptions()) for engines in models)
    query = Query(text, mode=mode)
    one, other = plain.rank(query), crowded.rank(query)
    assert one.verdict is other.verdict
    assert one.ranked.groups.of.tolist() == other.ranked.groups.of.tolist()
    assert one.ranked.candidates.rows.tolist() == other.ranked.candidates.rows.tolist()
    assert other.ranked.candidates.fused == pytest.approx(one.ranked.candidates.fused, abs=0.01)
    assert other.evidence == pytest.approx(one.evidence, abs=0.01)


def test_the_answers_that_are_compared_are_not_all_alike(models):
    searcher = Searcher(models[1], RankingOptions())
    verdicts = {searcher.rank(Query(text)).verdict for text in QUERIES}
    assert {Verdict.NONE, Verdict.STRONG} <= verdicts
    uncalibrated = models[1].noise.read()._replace(scale=USUAL_SCALE)
    assert uncalibrated.scale.queries.closeness(COMMON) > 0.7


@pytest.mark.parametrize("article_id", ["3", "44", "105"])
def test_nor_what_is_related_to_an_article(models, article_id):
    one, other = (
        Searcher(engines, RankingOptions()).related(article_id, limit=5).same_day
        for engines in models
    )
    assert one
    assert [found.article.id for found in one] == [found.article.id for found in other]
    assert [found.score for found in other] == pytest.approx([f.score for f in one], abs=0.02)


def test_the_closeness_to_an_article_is_that_to_the_mean_of_its_passages():
    draw = np.random.default_rng(2)
    vectors = draw.standard_normal((5, 64)).astype(np.float32) + 0.6
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = vectors[:3].mean(axis=0)
    usual = mean / np.linalg.norm(mean)
    found = _closeness(vectors @ mean, mean, USUAL_SCALE.passages)
    assert found == pytest.approx(vectors @ usual, abs=1e-6)


def test_closeness_counts_robust_deviations_from_the_median_of_random_pairs():
    cosines = np.random.default_rng(1).normal(0.8, 0.02, 20_001).astype(np.float32)
    cosines[:500] = 1.0  # near copies change it little
    spread = Spread.of(cosines)
    assert spread == pytest.approx((0.8, 0.02), abs=0.002)
    assert spread.closeness(spread.centre) == pytest.approx(0.1)
    assert spread.cosine(spread.closeness(0.9)) == pytest.approx(0.9)
    assert Spread.of(np.full(9, 0.5, np.float32)).closeness(0.51) < 2


def test_a_passage_that_is_close_to_nonsense_is_close_to_nothing(tmp_path):
    """Keyboard noise has the direction of words that the model does not know; so has one story."""

    class Ignorant(HashedWords):
        def embed_query(self, text):
            known = " ".join(word for word in text.split() if word[:1] == "w" and "x" in word)
            return super().embed_query(known)

    engines = engines_in(tmp_path / "archive", in_memory=True, embedder=Ignorant())
    odd = {"id": "odd", "title": "/", "published": "2024-01-01", "text": "/"}
    fill(engines, write_stories(tmp_path, [*news(), odd]))
    found = Searcher(engines, RankingOptions()).rank(Query("qzv plonk", mode=Mode.SEMANTIC))
    assert found.evidence.meaning > 0.9
    calibrate(engines, Searcher(engines, RankingOptions()))
    found = Searcher(engines, RankingOptions()).rank(Query("qzv plonk", mode=Mode.SEMANTIC))
    assert 0 < found.evidence.meaning < 0.5
    engines.catalog.close()


@pytest.mark.parametrize("stories", [STORIES[:1], STORIES[:3], STORIES])
def test_the_scale_of_a_small_archive_is_measured_beside_sentences_of_our_own(tmp_path, stories):
    engines = engines_in(tmp_path / "archive", in_memory=True, embedder=Crowded())
    fill(engines, write_stories(tmp_path, stories))
    table = table_of(engines)
    scale = measure_scale(engines, table, lead_rows(table))
    assert scale.queries.centre == pytest.approx(COMMON, abs=0.06)
    assert scale.passages.centre == pytest.approx(COMMON, abs=0.08)
    calibrate(engines, Searcher(engines, RankingOptions()))
    assert engines.noise.read().scale == scale
    assert engines.noise.is_of(engines.catalog.counts())
    engines.catalog.close()


def test_without_the_model_nothing_is_measured(tmp_path, monkeypatch):
    class Absent(HashedWords):
        def embed_query(self, text):
            raise EngineUnavailable("the model", "it is gone")

    engines = engines_in(tmp_path / "archive", in_memory=True, embedder=Absent())
    engines.catalog.close()
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path))
    monkeypatch.setattr(engines.embedder, "embed_query", Absent().embed_query)
    calibrate(engines, Searcher(engines, RankingOptions()))
    assert engines.noise.read().scale == USUAL_SCALE
    assert not engines.noise.is_of(engines.catalog.counts())
    engines.catalog.close()


def test_a_scale_that_was_killed_half_way_is_used_until_all_is_measured(models, monkeypatch):
    engines = models[1]
    whole = engines.noise.read()

    def killed(*_, **__):
        raise KeyboardInterrupt

    engines.noise.clear()
    monkeypatch.setattr(calibration, "measure", killed)
    with pytest.raises(KeyboardInterrupt):
        calibrate(engines, Searcher(engines, RankingOptions()))
    assert engines.noise.read().scale == whole.scale
    assert not engines.noise.is_of(engines.catalog.counts())
    monkeypatch.undo()
    calibrate(engines, Searcher(engines, RankingOptions()))
    assert engines.noise.read() == whole


def test_a_scale_is_read_as_it_was_written():
    scale = Scale(Spread(0.8, 0.02), Spread(0.81, 0.02), (0.5, 0.25), 0.84)
    stored = {
        "queries": [0.8, 0.02], "passages": [0.81, 0.02],
        "nonsense": [0.5, 0.25], "nonsense_from": 0.84,
    }  # fmt: skip
    assert Scale.decode(stored) == scale
