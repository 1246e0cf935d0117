"""Which articles match a long text, what their words weigh, and title and text as one field."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.lexical.scoring import matching
from backfile.index.lexical.scoring.bm25 import K1, Postings, added, merged
from backfile.index.model.expression import Phrase, Word, Words
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table
from tests.fakes import MemoryIndex

N_ROWS = 40
postings = st.dictionaries(st.integers(1, N_ROWS - 1), st.integers(1, 9)).map(
    lambda found: Postings(
        np.array(list(found), np.int64), np.array(list(found.values()), np.float32)
    ).sorted()
)
POST = [f"word{n}" for n in range(60)]


def index_of(*texts, title=""):
    index = MemoryIndex()
    index.add([LexicalEntry(row, title, text) for row, text in enumerate(texts, 1)])
    return index.snapshot()


def asked(words):
    return Words(tuple(map(Word, words)))


@given(postings, postings)
def test_two_fields_add_up_to_one_list_of_postings(one, other):
    found = added(one, other)
    order = np.argsort(found.rows)
    expected = merged([one, other])
    assert found.rows[order].tolist() == np.sort(expected.rows).tolist()
    assert found.frequencies.sum() == expected.frequencies.sum()
    by_row = dict(zip(expected.rows.tolist(), expected.frequencies.tolist(), strict=True))
    assert by_row == dict(zip(found.rows.tolist(), found.frequencies.tolist(), strict=True))


def test_a_word_in_title_and_text_scores_as_if_it_stood_twice_in_one():
    apart = index_of("bridge shut", "ferry runs", title="swing bridge")
    joined = index_of("swing bridge bridge shut", "swing bridge ferry runs")
    for word in ("bridge", "ferry", "swing"):
        scores = [index.match(Word(word), table(2)).scores for index in (apart, joined)]
        np.testing.assert_allclose(*scores, rtol=1e-6)


def test_a_long_post_matches_the_articles_of_the_best_passages_however_little_they_hold():
    index = index_of(" ".join(POST[:12]), *POST[1:])
    found = index.match(asked(POST), table(len(POST)))
    assert not found.relaxed
    assert int(found.held.sum()) == matching.BEST_PASSAGES
    few = index.match(asked(POST[:3]), table(len(POST)))
    assert np.flatnonzero(few.held).tolist() == [0]  # up to three words must all be there


def test_the_best_passages_match_only_where_what_is_required_is_kept():
    index = index_of(*(f"{word} {'open' if n % 2 else 'now shut'}" for n, word in enumerate(POST)))
    expression = Words((*map(Word, POST), Phrase("now shut")))
    found = index.match(expression, table(len(POST)))
    assert found.held.any()
    assert not found.held[1::2].any()


def test_a_text_is_weighed_against_its_weightiest_words_alone():
    index = index_of(*POST)
    few, many = (index.match(asked(POST[:n]), table(len(POST))) for n in (10, 50))
    assert few.most == many.most
    assert few.most == pytest.approx((K1 + 1) * 10 * (np.log(len(POST) / 2) + 1))
