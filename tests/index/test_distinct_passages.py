"""What an archive is measured by: its stories, however many near copies of one of them it has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.indexing.calibration import calibrate, table_of
from backfile.index.indexing.distinct_passages import (
    AT_ONCE,
    MOST_COMPARED,
    at_random,
    lead_rows,
    near_copy_cosine,
    without_near_copies,
)
from backfile.index.model.noise import USUAL_NOISE
from backfile.index.model.query import Mode, Query
from backfile.index.model.results import Verdict
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, write_stories

THEMES, WORDS = 30, 8
NOTICE = " ".join(f"w3x{n} w4x{n}" for n in range(WORDS)) + " mooring fee outer basin quay owner"


def news(count):
    """Articles of a theme share words."""
    draw = np.random.default_rng(4)
    for n in range(count):
        theme = n % THEMES
        words = [f"w{theme}x{i}" for i in draw.choice(WORDS, 6, replace=False)]
        words += [f"w{draw.integers(THEMES)}x{draw.integers(WORDS)}" for _ in range(3)]
        yield _story(f"news-{n}", " ".join(draw.permutation(words)), "2024-01-01")


def _story(article_id, text, published="2024-06-01"):
    title = " ".join(text.split()[:4])
    return {"id": article_id, "title": title, "published": published, "text": f"{text}."}


def numbered(n):
    """A notice that is a copy by its words."""
    return f"{NOTICE} {n}"


def reworded(n):
    """A notice whose words stand in another order each time, so that it is no copy by its runs."""
    return " ".join(np.random.default_rng(n).permutation(NOTICE.split()))


def opened(folder, stories):
    """Engines over an archive that is calibrated."""
    engines = engines_in(folder, in_memory=True)
    fill(engines, write_stories(folder, stories))
    calibrate(engines, Searcher(engines, RankingOptions()))
    return engines


def answers(engines, count):
    """By query: whether the answer is worth reading, and the scores of the first `count` articles.

    Articles that are not found have the score of -inf.
    """
    searcher, found = Searcher(engines, RankingOptions()), {}
    for text in QUERIES:
        ranked = searcher.rank(Query(text, mode=Mode.SEMANTIC))
        found[text] = ranked.verdict is not Verdict.NONE, ranked.ranked.scores[:count]
    return found


QUERIES = [
    *(f"w{theme}x1 w{theme}x5 w{theme}x6" for theme in range(0, THEMES, 3)),
    "w1x0 w2x0 w3x0 w4x0 w5x0 w6x0",
    "zxqv wvut plonk hjkl grmbl",
]


@pytest.fixture(scope="module", params=[90, 560])  # fewer than a calibration needs, and more
def plain(request, tmp_path_factory):
    """The answers of an archive without notices, and its calibration."""
    count = request.param
    engines = opened(tmp_path_factory.mktemp("plain"), list(news(count)))
    yield count, answers(engines, count), engines.noise.read()
    engines.catalog.close()


@pytest.mark.parametrize("notice", [numbered, reworded])
def test_near_copies_of_one_article_change_nothing_that_is_found_by_meaning(
    plain, tmp_path, notice
):
    count, before, measured = plain
    stories = [*news(count), *(_story(f"notice-{n}", notice(n)) for n in range(500))]
    engines = opened(tmp_path / "flooded", stories)
    assert engines.noise.read().scale.queries == pytest.approx(measured.scale.queries, abs=0.02)
    assert engines.noise.read().scale.passages == pytest.approx(measured.scale.passages, abs=0.02)
    now = answers(engines, count)
    assert {text: some for text, (some, _) in now.items()} == {
        text: some for text, (some, _) in before.items()
    }
    for text, (_, scores) in before.items():
        clear = np.maximum(scores, now[text][1]) > RankingOptions().floor + 0.02
        assert now[text][1][clear] == pytest.approx(scores[clear], abs=0.02)
    assert {some for some, _ in before.values()} == {True, False}
    assert sum((scores > 0).sum() for _, scores in before.values()) > count / 9
    engines.catalog.close()


@pytest.mark.parametrize("notice", [numbered, reworded])
def test_an_archive_of_few_stories_is_not_measured_like_a_large_one(tmp_path, notice):
    stories = [*news(90), *(_story(f"notice-{n}", notice(n)) for n in range(500))]
    engines = opened(tmp_path, stories)
    assert engines.catalog.counts().passages > 500
    assert engines.noise.read().noise == USUAL_NOISE
    assert engines.noise.is_of(engines.catalog.counts())
    engines.catalog.close()


def test_copies_are_not_drawn_and_what_is_added_leaves_the_order_of_the_rest(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path, list(news(40))))
    before = lead_rows(table_of(engines)).tolist()
    copies = [_story(f"notice-{n}", numbered(n)) for n in range(9)]
    fill(engines, write_stories(tmp_path, copies))
    table = table_of(engines)
    drawn = lead_rows(table)
    assert len(before) == 40
    assert table.n_articles == 49
    assert len(drawn) == 41
    assert [row for row in drawn.tolist() if row in before] == before
    engines.catalog.close()


@st.composite
def vectors(draw):
    """Vectors of length 1 in which some stand several times, nearly equal."""
    chance = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    centres = chance.standard_normal((draw(st.integers(1, 12)), 8))
    chosen = centres[chance.integers(len(centres), size=draw(st.integers(1, 60)))]
    made = chosen + draw(st.sampled_from([0.0, 0.05, 0.6])) * chance.standard_normal(chosen.shape)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16)


@given(vectors(), st.floats(0.3, 0.99), st.integers(1, 60))
def test_no_two_rows_that_are_kept_are_near_and_each_other_one_is_near_a_kept_one(
    made, cosine, most
):
    rows = at_random(np.arange(len(made)))
    kept = without_near_copies(rows, made, cosine, most)
    assert kept[0] == rows[0]
    cosines = made.astype(np.float32) @ made.astype(np.float32).T
    among = cosines[np.ix_(kept, kept)]
    assert (among[~np.eye(len(kept), dtype=bool)] < cosine + 1e-5).all()
    assert len(kept) <= most
    if len(kept) < most:
        assert (cosines[:, kept].max(axis=1) >= cosine - 1e-5).all()


@given(vectors(), st.floats(0.3, 0.99))
def test_rows_that_stand_once_more_behind_are_left_out(made, cosine):
    rows = np.arange(len(made))
    kept = without_near_copies(rows, made, cosine, len(rows))
    twice = np.concatenate([made, made[kept]])
    again = without_near_copies(np.arange(len(twice)), twice, cosine, len(twice))
    assert again[again < len(made)].tolist() == kept.tolist()
    assert (again < len(made)).all()


def test_a_flood_is_compared_in_lots_and_only_so_far():
    chance = np.random.default_rng(1)
    made = chance.standard_normal((MOST_COMPARED + AT_ONCE, 8)).astype(np.float16)
    made[: MOST_COMPARED - 1] = made[0]
    kept = without_near_copies(np.arange(len(made)), made, 0.5, 100)
    assert kept.tolist() in ([0], [0, MOST_COMPARED - 1])


def test_models_that_set_all_texts_near_have_a_higher_cosine_of_near_copies():
    own = np.eye(8, 9, dtype=np.float32)
    common = np.zeros(9, np.float32)
    common[8] = 1
    near = np.sqrt(0.2) * own + np.sqrt(0.8) * common
    assert near_copy_cosine(own) == pytest.approx(0.75)
    assert near_copy_cosine(near) == pytest.approx(0.95)
