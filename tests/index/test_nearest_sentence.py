"""The sentence that is nearest in meaning: found, marked, kept, and never waited for too long."""

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.article import Passage
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.passages import sentences_of
from backfile.index.answers.nearest_sentence import Nearest
from backfile.index.model.query import Marking, Mode, Query
from backfile.index.model.results import Explanation, PassageHit, Ranks
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from backfile.web.template_filters import EXCERPT, excerpt
from tests.builders import backfile, engines_in, fill, write_stories
from tests.fakes import HashedWords


class Counting(HashedWords):
    """Remembers which sentences it was asked to embed."""

    def __init__(self):
        self.asked = []

    def embed_sentences(self, texts):
        self.asked += texts
        return super().embed_sentences(texts)


@pytest.fixture
def counting(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path))
    embedder = Counting()
    yield Searcher(replace(engines, embedder=embedder), RankingOptions(floor=0.2)), embedder
    engines.catalog.close()


def marked(searcher, text, **rest):
    results = searcher.search(Query(text, mark=Marking.SENTENCE, **rest))
    return results, {
        hit.article.id: hit.passages[0].passage.text[slice(*hit.passages[0].nearest)]
        for hit in results.hits
        if hit.passages[0].nearest
    }


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SEMANTIC])
@pytest.mark.parametrize(
    ("text", "article", "sentence"),
    [
        ("inspectors found cracks", "bridge", "The swing bridge was shut after inspectors found"),
        ("the ferry runs instead", "bridge", "The ferry runs instead."),
        ("the keeper lit the lamp", "undated", "The keeper lit the lamp at dusk."),
    ],
)
def test_the_nearest_sentence_of_the_best_passage_is_marked(
    searcher, text, article, sentence, mode
):
    _, found = marked(searcher, text, mode=mode)
    assert found[article].startswith(sentence)
    assert found[article].endswith(".")


def test_only_where_it_is_asked_for_and_meaning_counts(searcher):
    plain = searcher.search(Query("the ferry runs instead"))
    assert all(passage.nearest is None for hit in plain.hits for passage in hit.passages)
    assert marked(searcher, "ferry", mode=Mode.KEYWORD)[1] == {}
    assert marked(searcher, "")[1] == {}
    results, _ = marked(searcher, "the ferry runs instead")
    assert [hit.article.id for hit in results.hits] == [hit.article.id for hit in plain.hits]
    assert all(p.nearest is None for hit in results.hits for p in hit.passages[1:])
    assert "mark" in results.took_ms


def test_what_is_below_the_floor_is_not_marked(searcher, engines):
    hits = searcher.search(Query("ferry")).hits
    question = engines.embedder.embed_query("ferry")
    shown = Nearest(engines.embedder, 1.1).mark(question, hits).hits
    assert all(hit.passages[0].nearest is None for hit in shown)


def test_the_sentences_of_a_passage_are_embedded_once(counting):
    searcher, embedder = counting
    marked(searcher, "the ferry runs instead")
    asked = list(embedder.asked)
    assert "The ferry runs instead." in asked
    assert len(set(asked)) == len(asked)
    marked(searcher, "ferry inspectors")
    assert embedder.asked[: len(asked)] == asked
    assert len(set(embedder.asked)) == len(embedder.asked)


def test_hits_that_there_is_no_time_for_are_left_and_counted(engines):
    searcher = Searcher(engines, RankingOptions(floor=0.2), seconds_to_mark=-1)
    results, found = marked(searcher, "the ferry runs instead")
    assert found == {}
    assert (
        f"no time to mark sentences in the last {len(results.hits)} results"
        in (results.reading.notes[-1])
    )


class Torn(HashedWords):
    """Fails where it is asked for sentences."""

    def embed_sentences(self, texts):
        raise EngineUnavailable("the model", "torn")


def test_without_a_model_hits_are_shown_as_they_are(engines):
    searcher = Searcher(replace(engines, embedder=Torn()), RankingOptions(floor=0.2))
    results, found = marked(searcher, "the ferry runs instead")
    assert results.hits
    assert found == {}


def test_page_api_and_shell_mark_it_and_never_by_colour_alone(searcher, reader, sample):
    client = create_app(searcher, reader).test_client()
    answer = client.get("/api/search?q=the+ferry+runs+instead&mark=sentence").json
    best = next(hit for hit in answer["hits"] if hit["article"]["id"] == "bridge")["passages"][0]
    start, end = best["nearest"]
    assert best["text"][start:end] == "The ferry runs instead."
    page = client.get("/?q=the+ferry+runs+instead&mark=sentence").text
    said = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert "Nearest in meaning: ≈The ferry runs instead." in said
    assert "Mark words alone" in said
    plain = client.get("/?q=the+ferry+runs+instead").text
    assert "Mark the sentence nearest in meaning" in plain
    assert 'class="nearest"' not in plain
    assert "nearest" not in client.get("/?q=ferry&mode=keyword").text
    assert client.get("/api/search?mark=all").json["field"] == "mark"
    found = backfile("search", "why was the bridge shut", "--mark", "sentence", "--archive", sample)
    assert "nearest in meaning: " in found.stdout


sentence = st.text("abc <&é\n", min_size=1, max_size=30).map(lambda text: f"W{text}.")


@given(st.lists(sentence, min_size=1, max_size=40), st.sampled_from(["", "Heading"]), st.data())
def test_an_excerpt_shows_the_nearest_sentence_whole_and_once(sentences, heading, data):
    text = "\n\n".join([*([heading] if heading else []), " ".join(sentences)])
    passage = Passage("a", 0, 0, len(text), heading, text)
    spans = list(sentences_of(passage, "en"))
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(s.start >= len(heading) for s in spans)
    chosen = tuple(data.draw(st.sampled_from(spans)))
    at = data.draw(st.integers(0, len(text) - 1))
    why = Explanation("", ())
    hit = PassageHit(passage, 1.0, Ranks(1, 1), 0.5, ((at, at + 1),), why, chosen)
    shown = str(excerpt(hit))
    inside = re.search(r'aria-hidden="true">≈</span>(.*?)</span>', shown, re.DOTALL)[1]
    said = html.unescape(re.sub(r"</?mark>", "", inside))
    assert said == text[slice(*chosen)]
    whole = html.unescape(re.sub(r"<[^>]+>", "", shown))
    assert len(whole) <= EXCERPT * 1.5 + len("Nearest in meaning: ≈… \u00a0…") + len(said)
