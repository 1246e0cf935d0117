"""Every hit can say why: the parts add up to its score, whatever was asked and however ranked."""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.index.model.query import Mode, Query
from backfile.index.model.results import ScorePartKind
from backfile.index.search.ranking import Fusion, RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, fill, write_stories

VOCABULARY = ["ferry", "bridge", "tide", "harbour", "council", "votes", "bridging", "lamp", "the"]
LEAVES = st.sampled_from(
    [
        *VOCABULARY,
        *("brid*", "title:bri*", "ferry-bridge", "zxqv", "title:lamp", "text:harbour"),
        *("ferri~", "bridges~2", "ferry W/6 tide", '"ferry bridge" PRE/9 council'),
        *('"ferry bridge"', '"tide council"~4', 'title:"ferry tide"'),
        *("source:Courier", "author:ana"),
    ]
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=4).map(" ".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({' OR '.join(some)})")
        | st.lists(inner, min_size=2, max_size=3).map(lambda some: f"({' AND '.join(some)})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]} NOT {pair[1]})")
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Archives of random articles; of the later ones half of the passages are not embedded."""

    @cache
    def archive(seed):
        chance = random.Random(seed)
        folder = tmp_path_factory.mktemp("random")
        engines = engines_in(folder / "archive", in_memory=seed % 2 == 0)
        stories = [
            {
                "id": f"a{n}",
                "title": " ".join(chance.choices(VOCABULARY, k=3)),
                "text": "\n\n".join(
                    " ".join(chance.choices(VOCABULARY, k=chance.randrange(5, 50))).capitalize()
                    + "."
                    for _ in range(chance.randrange(1, 6))
                ),
                "source": chance.choice(["Courier", "Gazette"]),
                "author": chance.choice(["Ana Ruiz", "Li Wei"]),
            }
            for n in range(30)
        ]
        fill(engines, write_stories(folder, stories))
        if seed > 1:
            rows = engines.catalog.rows_after(0)
            engines.catalog.embedded.forget(rows[:: 2 if seed < 4 else 1])
        return engines

    return archive


def added_up(why):
    return sum(part.score for part in why.parts)


@pytest.mark.long
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 4),
    text=QUERIES,
    mode=st.sampled_from(Mode),
    fusion=st.sampled_from(Fusion),
    share=st.sampled_from([0.0, 0.1]),
    weight=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    depth=st.sampled_from([3, 1_000]),
    floor=st.sampled_from([0.2, 0.6]),
)
def test_the_parts_add_up_to_the_score(
    archives, seed, text, mode, fusion, share, weight, depth, floor
):
    options = RankingOptions(fusion, weight, floor, share, lexical_depth=depth)
    results = Searcher(archives(seed), options).search(Query(text, mode=mode, limit=30))
    for hit in results.hits:
        assert added_up(hit.why) == pytest.approx(hit.score, abs=1e-4, rel=1e-5)
        for passage in hit.passages:
            assert added_up(passage.why) == pytest.approx(passage.score, abs=1e-4, rel=1e-5)
            assert (passage.ranks.lexical is None) or not passage.why.sentence.startswith(
                "holds no"
            )


@pytest.mark.parametrize(
    "text", ["ferry", '"swing bridge"', '"shut inspectors"~3', "brid*", "title:bridge", "covid-19"]
)
def test_a_leaf_scores_in_company_what_it_scores_alone(searcher, text):
    alone = searcher.search(Query(text, mode=Mode.KEYWORD))
    expected = {p.passage.id: p.score for hit in alone.hits for p in hit.passages}
    together = searcher.search(Query(f"harbour OR {text} OR keeper", mode=Mode.KEYWORD))
    found = {
        passage.passage.id: part.before
        for hit in together.hits
        for passage in hit.passages
        for part in passage.why.parts
        if part.text == text
    }
    assert found == pytest.approx(expected)


def why(searcher, text, article_id, mode=Mode.HYBRID):
    hits = searcher.search(Query(text, mode=mode)).hits
    return next(hit for hit in hits if hit.article.id == article_id).why


def test_parts_are_named_as_they_were_typed(searcher):
    found = why(searcher, '"swing bridge" ferr* title:shut author:ana', "bridge")
    assert [(part.kind, part.text) for part in found.parts] == [
        (ScorePartKind.COLUMN, "author:ana"),
        (ScorePartKind.PHRASE, '"swing bridge"'),
        (ScorePartKind.PREFIX, "ferr*"),
        (ScorePartKind.WORD, "title:shut"),
        (ScorePartKind.MEANING, ""),
    ]
    assert found.parts[-1].before == pytest.approx(found.parts[-1].score / 0.6, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "article_id", "mode", "sentence"),
    [
        ("swing bridges", "bridge", Mode.KEYWORD, 'contains "swing" and "bridges"; 1st by words'),
        (
            "letter tuesday",
            "ferry",
            Mode.KEYWORD,
            'contains "letter"; elsewhere in the article "tuesday"; 1st by words',
        ),
        ("title:ferry", "ferry", Mode.KEYWORD, 'contains "ferry" in the title; 1st by words'),
        (
            '"swing shut"~4',
            "bridge",
            Mode.KEYWORD,
            'contains "swing shut" within 4 words; 1st',
        ),
        ("author:ana", "ferry", Mode.KEYWORD, '"ana" in its author'),
        ("timet*", "ferry", Mode.KEYWORD, 'contains "timet…"; 1st by words'),
        ("keeper", "undated", Mode.SEMANTIC, "close in meaning (0.52); 1st by meaning"),
        ("keeper lamp", "undated", Mode.HYBRID, 'contains "keeper" and "lamp"; '),
    ],
)
def test_a_sentence_says_why(searcher, text, article_id, mode, sentence):
    assert why(searcher, text, article_id, mode).sentence.startswith(sentence)


def test_excluded_words_are_no_reason(searcher):
    found = why(searcher, "ferry NOT council", "bridge", Mode.KEYWORD)
    assert [part.text for part in found.parts] == ["ferry"]
    assert "council" not in found.sentence


def test_nothing_asked_nothing_explained(searcher):
    for hit in searcher.search(Query("")).hits:
        assert hit.why.sentence == ""
        assert hit.why.parts == ()


def test_a_passage_that_is_not_embedded_says_what_is_assumed(engines, searcher):
    rows = engines.catalog.rows_of(["bridge"])
    engines.catalog.embedded.forget(rows)
    found = why(searcher, "ferry", "bridge")
    assert found.parts[-1].kind is ScorePartKind.ASSUMED
    assert "not embedded yet, taken to be as close in meaning as others" in found.sentence
    assert added_up(found) > 0


def test_an_article_below_the_candidates_is_explained_by_its_words(engines):
    near_none = Searcher(engines, RankingOptions(floor=0.99, lexical_depth=1))
    hits = near_none.search(Query("ferry")).hits
    last = hits[-1]
    assert last.why.sentence == 'contains "ferry"; by words alone, below the best'
    assert last.passages[0].score == pytest.approx(last.score)
    assert added_up(last.why) == pytest.approx(last.score)


def test_shares_of_further_passages_are_parts_of_an_article(archives):
    searcher = Searcher(archives(0), replace(RankingOptions(), passage_share=0.1))
    hit = next(h for h in searcher.search(Query("ferry tide")).hits if len(h.passages) == 3)
    shares = [part for part in hit.why.parts if part.kind is ScorePartKind.PASSAGE]
    assert [part.text for part in shares] == [p.passage.id for p in hit.passages[1:]]
    assert np.isclose(added_up(hit.why), hit.score, atol=1e-5)
