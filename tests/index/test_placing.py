"""The first hits of shards are placed by what all of them give at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backfile.index.answers.hits import RankedPassages, above
from backfile.index.model.category import Category, MergedValues
from backfile.index.model.whole import owners_of_first

SHARDS = st.lists(st.lists(st.integers(0, 50), max_size=8), min_size=1, max_size=4)
NAMES = st.sampled_from(
    ["Courier", "COURIER", "courier", "Gazette", "gazette", "Herald", "ß", "SS"]
)


@given(SHARDS, st.integers(0, 12))
def test_the_owners_of_the_first_items_are_those_of_one_sorted_list(shards, limit):
    numbers = [sorted(each) for each in shards]
    keys = [
        (np.array(own, np.int64), np.full(len(own), place)) for place, own in enumerate(numbers)
    ]
    expected = sorted((n, place) for place, own in enumerate(numbers) for n in own)[:limit]
    assert owners_of_first(keys, limit).tolist() == [place for _, place in expected]


@given(st.lists(st.floats(0, 1, width=16)), st.lists(st.floats(0, 1, width=16)))
def test_a_rank_is_one_more_than_the_scores_above(scores, asked):
    ranking, wanted = np.array(scores, np.float32), np.array(asked, np.float32)
    assert above(ranking, wanted).tolist() == [
        sum(score > each for score in scores) for each in asked
    ]


@given(st.lists(st.integers(0, 5)), st.integers(0, 5), st.integers(0, 5))
def test_passages_are_those_of_the_hits_on_the_page(hits, first, end):
    of = np.array(sorted(hits), np.int64)
    found = RankedPassages(np.arange(len(of)), of / 10, of).of_hits(first, end)
    assert found.hits.tolist() == [each for each in sorted(hits) if first <= each < end]
    assert (found.scores * 10).round().tolist() == found.hits.tolist()


@given(st.lists(st.lists(st.lists(NAMES, max_size=3), max_size=6), min_size=1, max_size=4))
def test_the_values_of_shards_are_those_of_one_archive(shards):
    whole = Category.of([values for shard in shards for values in shard])
    given_of = [
        category.values(np.ones(len(shard), np.bool_))
        for shard in shards
        for category in [Category.of(shard)]
    ]
    everyone = np.ones(whole.n_articles, np.bool_)
    merged = MergedValues(given_of, {})
    for limit in (1, 2, 50):
        wanted = ["gazette", "nowhere"]
        assert merged.most(limit, wanted) == whole.most(everyone, limit, 0, wanted)
    assert sorted(merged.pairs()) == sorted(whole.counts(everyone).items())
    assert MergedValues(given_of, dict.fromkeys(map(str.casefold, whole.names), 99)).pairs() == []
