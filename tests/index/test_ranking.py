"""How articles are scored by their passages."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.model.candidates import Candidates, Tail
from backfile.index.model.matches import Matches
from backfile.index.model.query import Query, Sort
from backfile.index.search.ranking import RankingOptions, article_scores, in_order
from backfile.index.search.searcher import Searcher

OWNERS = np.array([0, 1, 0, 0, 2, 0, 1])
FUSED = np.array([0.5, 0.6, 0.4, 0.9, 0.3, 0.1, 0.2], np.float32)


@pytest.fixture
def candidates():
    rows = np.arange(len(OWNERS))
    everyone = np.ones(3, np.bool_)
    return Candidates(rows, FUSED, FUSED, FUSED, FUSED, rows > 0, everyone, everyone, FUSED, 0.0)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, [0.9, 0.6, 0.3]),
        (0.1, [0.9 + 0.1 * (0.5 + 0.4), 0.6 + 0.1 * 0.2, 0.3]),
    ],
)
def test_an_article_scores_as_its_best_passage_or_with_a_share_of_the_next_two(
    candidates, share, expected
):
    table = SimpleNamespace(n_articles=3, article_of=OWNERS)
    everyone = np.ones(3, np.bool_)
    found = article_scores(table, candidates, Matches(FUSED, *[everyone] * 5), share)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_scores_by_meaning_below_zero_are_shown_as_they_are(candidates):
    close = dataclasses.replace(candidates, by_words=np.zeros_like(candidates.by_words))
    scores = np.array([0.4, -0.2, -np.inf], np.float32)
    assert Tail.of(close, scores).scores(scores).tolist() == scores.tolist()


def test_no_candidates_have_no_shares(candidates):
    table = SimpleNamespace(n_articles=3, article_of=OWNERS)
    nobody = np.zeros(3, np.bool_)
    nothing = dataclasses.replace(
        candidates,
        rows=np.empty(0, np.int64),
        fused=np.empty(0, np.float32),
        by_words=nobody,
        by_meaning=nobody,
    )
    found = article_scores(table, nothing, Matches(FUSED, *[nobody] * 5), 0.1)
    assert np.isneginf(found).all()


def test_a_search_finds_the_same_articles_however_they_are_scored(engines):
    best, share = (
        Searcher(engines, RankingOptions(floor=0.2, passage_share=share)).search(Query("ferry"))
        for share in (0.0, 0.1)
    )
    assert {hit.article.id for hit in best.hits} == {hit.article.id for hit in share.hits}
    assert all(hit.score > 0 for hit in share.hits)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, -0.0, 0.25, 0.5, -0.1, -0.7, -np.inf]), st.integers(0, 3))
    )
)
def test_by_relevance_equal_scores_are_newest_first_and_then_the_earlier_added(articles):
    scores = np.array([score for score, _ in articles], np.float32)
    published = np.array([day for _, day in articles], np.int32)
    table, mask = SimpleNamespace(published=published), np.arange(len(articles)) % 3 != 1
    found = in_order(table, mask, scores, Sort.RELEVANCE).tolist()
    expected = [ordinal for ordinal in range(len(articles)) if mask[ordinal]]
    expected.sort(key=lambda ordinal: (-scores[ordinal], -published[ordinal], ordinal))
    assert found == expected
