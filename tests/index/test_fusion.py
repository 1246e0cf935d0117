"""The laws of merging rankings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backfile.index.search import fusion

scores = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, n, elements=st.floats(0, 50, width=32)),
        arrays(np.float32, n, elements=st.floats(-1, 1, width=32)),
        st.permutations(range(n)),
    )
)
METHODS = [lambda a, b: fusion.convex(a, 40.0, b, 0.7), fusion.reciprocal_rank]


@pytest.mark.parametrize("method", METHODS)
@given(scores)
def test_fusion_is_indifferent_to_the_order_of_its_inputs(method, given_scores):
    lexical, cosines, order = given_scores
    order = np.array(order)
    np.testing.assert_allclose(
        method(lexical, cosines)[order], method(lexical[order], cosines[order]), rtol=1e-6
    )


@pytest.mark.parametrize("method", METHODS)
@given(scores)
def test_what_is_better_in_both_is_not_worse_when_merged(method, given_scores):
    lexical, cosines, _ = given_scores
    fused = method(lexical, cosines)
    best = int(np.lexsort((cosines, lexical))[-1])
    beaten = (lexical <= lexical[best]) & (cosines <= cosines[best])
    assert (fused[beaten] <= fused[best] + 1e-6).all()


def test_one_weak_word_in_common_does_not_outweigh_nearness_in_meaning():
    lexical, cosines = np.array([4.0, 0.0], np.float32), np.array([0.2, 0.6], np.float32)
    fused = fusion.convex(lexical, 80.0, cosines, 0.6)
    assert fused[1] > fused[0]


def test_nothing_is_merged_to_nothing():
    nothing = np.empty(0, np.float32)
    assert len(fusion.convex(nothing, 0.0, nothing, 0.5)) == 0
    assert len(fusion.reciprocal_rank(nothing, nothing)) == 0
