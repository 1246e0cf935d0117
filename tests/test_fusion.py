"""The laws of merging rankings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from index import fusion

scores = st.integers(1, 20).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, n, elements=st.floats(0, 50, width=32)),
        arrays(np.float32, n, elements=st.floats(-1, 1, width=32)),
        st.permutations(range(n)),
    )
)
METHODS = [lambda a, b: fusion.convex(a, b, 0.7), fusion.reciprocal_rank]


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


@given(scores)
def test_a_convex_score_lies_between_nought_and_one(given_scores):
    fused = fusion.convex(given_scores[0], given_scores[1], 0.7)
    assert (fused >= -1e-6).all()
    assert (fused <= 1 + 1e-6).all()


def test_nothing_is_merged_to_nothing():
    nothing = np.empty(0, np.float32)
    assert (
        len(fusion.convex(nothing, nothing, 0.5))
        == len(fusion.reciprocal_rank(nothing, nothing))
        == 0
    )
