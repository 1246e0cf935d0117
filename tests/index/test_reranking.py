"""The first hits are read again by a model: in its order, within its time, and explained."""

import time
from dataclasses import replace

import numpy as np
import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.query import Copies, Mode, Query, Sort
from backfile.index.model.results import ScorePartKind
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.reranking import AT_ONCE, DEPTH, Reranking
from backfile.index.search.searcher import Searcher
from backfile.index.vector.embedding.cross_encoder import CrossEncoderReranker
from tests.builders import fill, tiny_cross_encoder, write_stories

STORIES = [
    {
        "id": f"a{n}",
        "title": f"Ferry {n}",
        "text": f"The ferry of pier {n} was late. " + "The ferry waits. " * (n % 7),
    }
    for n in range(40)
]


class LikesHighNumbers:
    """Gives the more, the higher the number in a text."""

    name = "likes-high-numbers"

    def __init__(self, seconds=0.0, failing=False):
        self.asked, self.seconds, self.failing = [], seconds, failing

    def load(self):
        pass

    def scores(self, question, texts):
        if self.failing:
            raise EngineUnavailable("the reranker", "it is out")
        self.asked += [(question, text) for text in texts]
        time.sleep(self.seconds)
        numbers = [int(text.split("\n")[0].split()[-1]) for text in texts]
        return np.array(numbers, np.float32) / 100


@pytest.fixture
def ferries(engines, tmp_path):
    fill(engines, write_stories(tmp_path, STORIES))
    return engines


ASKED = Query("ferry at the pier", copies=Copies.SHOW, limit=60)


def ids(results):
    return [hit.article.id for hit in results.hits]


def test_the_first_hits_stand_in_the_order_of_the_model_and_the_rest_below_them(ferries):
    before = Searcher(ferries, RankingOptions()).search(ASKED)
    reranker = LikesHighNumbers()
    after = Searcher(ferries, RankingOptions(), Reranking(reranker)).search(ASKED)
    first, rest = ids(before)[:DEPTH], ids(before)[DEPTH:]
    assert ids(after) == sorted(first, key=lambda name: -int(name[1:])) + rest
    assert after.totals == before.totals
    assert not after.reading.notes
    assert {question for question, _ in reranker.asked} == {"ferry at the pier"}
    scores = [hit.score for hit in after.hits]
    assert scores == sorted(scores, reverse=True)
    assert "rerank" in after.took_ms


def test_what_the_model_gave_is_a_part_of_the_score(ferries):
    found = Searcher(ferries, RankingOptions(), Reranking(LikesHighNumbers())).search(ASKED)
    for place, hit in enumerate(found.hits):
        assert sum(part.score for part in hit.why.parts) == pytest.approx(hit.score, abs=1e-5)
        kinds = [part.kind for part in hit.why.parts]
        assert (ScorePartKind.RERANKED in kinds) == (place < DEPTH)
    best = found.hits[0]
    given = next(part for part in best.why.parts if part.kind is ScorePartKind.RERANKED)
    assert given.before == pytest.approx(int(best.article.id[1:]) / 100)
    assert f"{given.before:.2f} of 1 where read together with the question" in best.why.sentence


def test_it_is_cut_short_when_time_is_up_and_says_so(ferries):
    reranker = LikesHighNumbers(seconds=0.05)
    hurried = Searcher(ferries, RankingOptions(), Reranking(reranker, 0.12))
    found = hurried.search(ASKED)
    read = len(reranker.asked)
    assert AT_ONCE <= read < DEPTH
    assert found.reading.notes == (
        f"the reranker read the first {read} of 30 results in its 120 ms",
    )
    before = ids(Searcher(ferries, RankingOptions()).search(ASKED))
    assert sorted(ids(found)[:read]) == sorted(before[:read])
    assert ids(found)[read:] == before[read:]


def test_the_first_few_are_read_however_short_the_time(ferries):
    reranker = LikesHighNumbers(seconds=0.05)
    Searcher(ferries, RankingOptions(), Reranking(reranker, 0.001)).search(ASKED)
    assert len(reranker.asked) == AT_ONCE


def test_pages_are_cut_from_one_order(ferries):
    searcher = Searcher(ferries, RankingOptions(), Reranking(LikesHighNumbers()))
    whole, query, paged = ids(searcher.search(ASKED)), replace(ASKED, limit=7), []
    while True:
        page = searcher.search(query)
        paged += ids(page)
        if not page.next:
            break
        query = replace(query, cursor=page.next)
    assert paged == whole


@pytest.mark.parametrize(
    "query",
    [
        replace(ASKED, mode=Mode.KEYWORD),
        replace(ASKED, sort=Sort.NEWEST),
        replace(ASKED, text=""),
        replace(ASKED, text="xylophone qqqq", mode=Mode.KEYWORD),
    ],
)
def test_words_alone_another_order_and_no_question_are_left_as_they_are(ferries, query):
    reranker = LikesHighNumbers()
    after = Searcher(ferries, RankingOptions(), Reranking(reranker)).search(query)
    assert ids(after) == ids(Searcher(ferries, RankingOptions()).search(query))
    assert reranker.asked == []


def test_without_the_model_the_order_stays_and_a_note_says_why(ferries):
    failing = Searcher(ferries, RankingOptions(), Reranking(LikesHighNumbers(failing=True)))
    found = failing.search(ASKED)
    assert ids(found) == ids(Searcher(ferries, RankingOptions()).search(ASKED))
    assert len(found.reading.notes) == 1
    assert found.reading.notes[0].startswith("not reranked: ")


def test_copies_are_folded_under_the_lead_that_was_read(engines, tmp_path):
    text = " ".join(f"The ferry number {n} was late at the pier of the harbour." for n in range(20))
    stories = [{"id": f"c{n}", "title": f"Ferry {n}", "text": text} for n in range(3)]
    fill(engines, write_stories(tmp_path, [*stories, *STORIES]))
    searcher = Searcher(engines, RankingOptions(), Reranking(LikesHighNumbers()))
    found = searcher.search(replace(ASKED, copies=Copies.FOLD))
    for hit in found.hits:
        assert sum(part.score for part in hit.why.parts) == pytest.approx(hit.score, abs=1e-5)
    assert [hit.copies.total for hit in found.hits if hit.article.id == "c0"] == [2]


@pytest.mark.model
def test_a_cross_encoder_gives_each_text_a_share_of_one(tmp_path):
    reranker = CrossEncoderReranker(tiny_cross_encoder(tmp_path / "tiny"), threads=1)
    reranker.load()
    texts = ["The ferry was late.", "A budget was voted.", "The ferry " * 400]
    scores = reranker.scores("When does the ferry leave?", texts)
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    assert len(set(scores.tolist())) == 3
    alone = [reranker.scores("When does the ferry leave?", [text])[0] for text in texts]
    assert scores == pytest.approx(alone, abs=0.01)


@pytest.mark.model
def test_a_model_that_classifies_is_refused(tmp_path):
    reranker = CrossEncoderReranker(tiny_cross_encoder(tmp_path / "three", labels=3), threads=1)
    with pytest.raises(EngineUnavailable, match="gives 3 scores to a passage, and one is needed"):
        reranker.load()


@pytest.mark.model
def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(EngineUnavailable, match="cannot load it"):
        CrossEncoderReranker(str(tmp_path), threads=1).load()


def test_a_model_nobody_has_is_refused_with_the_setting_to_change():
    with pytest.raises(EngineUnavailable, match="BACKFILE_RERANKER"):
        CrossEncoderReranker("no such model/at all", threads=1)
