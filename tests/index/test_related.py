"""Other coverage of an article: what is found, in which list, and what is rather left out."""

from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import ArticleNotFound, EngineUnavailable
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from tests.builders import backfile, engines_in, fill, indexer_of, write_stories

STRIKE = "Dockers at Pell Harbour walked out over wages. Their union, led by Hanna Voss, "
STORIES = [
    {
        "id": "strike",
        "title": "Dockers strike at Pell Harbour",
        "published": "2024-03-10T12:00:00+01:00",
        "text": STRIKE + "says the strike goes on until the harbour board offers more.",
    },
    {  # the same story, months before
        "id": "ballot",
        "title": "Dockers vote on a strike",
        "published": "2024-01-05",
        "text": STRIKE + "will ask the dockers of Pell Harbour to vote on a strike for wages.",
    },
    {  # and its end
        "id": "settled",
        "title": "Harbour strike is over",
        "published": "2024-04-02",
        "text": STRIKE + "ended the strike when the harbour board offered the dockers more wages.",
    },
    {  # of the same day, an hour before by its own clock, three hours after by the instant
        "id": "evening",
        "title": "Strike at Pell Harbour: ships wait",
        "published": "2024-03-10T11:00:00-03:00",
        "text": STRIKE + "keeps the ships waiting while the dockers of the harbour strike.",
    },
    {  # of the same day, at no hour
        "id": "someday",
        "title": "Pell Harbour dockers out on strike",
        "published": "2024-03-10",
        "text": STRIKE + "brought the harbour to a halt: no docker worked, the union says.",
    },
    {
        "id": "/undated/related",
        "title": "Why dockers strike at Pell Harbour",
        "text": STRIKE + "has led each strike of the dockers over wages at the harbour.",
    },
    {  # about nothing else here
        "id": "owls",
        "title": "Barn owls return to the moor",
        "published": "2024-03-11",
        "text": "Four barn owls were counted on the moor, the first in eleven summers.",
    },
    {"id": "hens", "published": "2024-05-11", "text": "A hen laid a blue egg in a hat."},
    {"id": "bees", "published": "2024-06-11", "text": "A beekeeper moved nine hives uphill."},
]


@pytest.fixture(params=["engines", "memory"])
def engines(request, tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=request.param == "memory")
    fill(made, write_stories(tmp_path, STORIES))
    yield made
    made.catalog.close()


def ids(some):
    return [found.article.id for found in some]


def test_earlier_and_later_coverage_are_apart(searcher):
    related = searcher.related("strike")
    assert ids(related.earlier) == ["ballot"]
    assert set(ids(related.later)) == {"settled", "evening"}
    assert ids(related.same_day) == ["someday"]
    assert ids(related.undated) == ["/undated/related"]
    assert set(ids(searcher.related("settled").earlier)) == {
        "ballot",
        "strike",
        "evening",
        "someday",
    }
    assert searcher.related("settled").later == ()


def test_what_has_no_day_has_no_before_and_after(searcher):
    related = searcher.related("/undated/related")
    assert related.earlier == related.later == related.same_day == ()
    assert set(ids(related.undated)) == {"strike", "ballot", "settled", "evening", "someday"}


@pytest.mark.parametrize("article_id", ["owls", "hens"])
def test_an_article_without_other_coverage_has_none(searcher, article_id):
    assert not any(searcher.related(article_id).kinds.values())


@pytest.mark.parametrize("article_id", ["strike", "settled", "/undated/related"])
def test_coverage_comes_best_first_and_says_why(searcher, article_id):
    for some in searcher.related(article_id).kinds.values():
        scores = [found.score for found in some]
        assert scores == sorted(scores, reverse=True)
        for found in some:
            assert 0.5 <= found.score <= 1
            assert sum(part.score for part in found.why.parts) == pytest.approx(
                found.score, abs=1e-4
            )
            assert found.why.sentence.startswith('shares "')
            assert "close in meaning (0." in found.why.sentence


def test_of_each_kind_no_more_are_given_than_asked_for(searcher):
    related = searcher.related("settled", limit=2)
    assert len(related.earlier) == 2
    assert ids(related.earlier) == ids(searcher.related("settled").earlier)[:2]


def test_words_alone_relate_articles_where_nothing_is_embedded(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=False)
    indexer_of(engines).index(Reading([write_stories(tmp_path, STORIES)], FieldMap()))
    related = Searcher(engines, RankingOptions()).related("strike")
    assert ids(related.earlier) == ["ballot"]
    assert related.coverage == 0
    assert "meaning" not in related.earlier[0].why.sentence
    assert sum(p.score for p in related.earlier[0].why.parts) == pytest.approx(
        related.earlier[0].score
    )
    engines.catalog.close()


def test_the_model_is_not_asked(engines):
    searcher = Searcher(replace(engines, embedder=None), RankingOptions(floor=0.2))
    assert searcher.related("strike").earlier[0].why.parts[-1].before > 0


def test_where_the_vectors_do_not_answer_words_do(searcher, monkeypatch):
    snapshot = searcher._snapshots.current(with_vectors=True)

    def broken(*_):
        raise EngineUnavailable("Chroma", "it is broken")

    monkeypatch.setattr(type(snapshot.vectors), "nearest", broken)
    assert ids(searcher.related("strike").earlier) == ["ballot"]


def test_one_article_of_a_story_is_given_and_none_of_its_own(searcher, engines, monkeypatch):
    def clusters(table):
        ordinals = table.article_of[engines.catalog.rows_of(["ballot", "settled"])]
        found = np.arange(table.n_articles)
        found[ordinals] = table.n_articles
        return found

    monkeypatch.setattr("backfile.index.search.related.cluster_of", clusters)
    related = searcher.related("strike")
    assert len({"ballot", "settled"} & {*ids(related.earlier), *ids(related.later)}) == 1
    assert "ballot" not in ids(searcher.related("settled").earlier)


def test_an_unknown_id_is_an_error(searcher):
    with pytest.raises(ArticleNotFound):
        searcher.related("nobody")


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def test_the_api_gives_related_articles(client):
    answer = client.get("/api/articles/strike/related?limit=1").json
    assert list(answer) == ["earlier", "later", "same_day", "undated", "coverage"]
    assert answer["earlier"][0]["article"]["id"] == "ballot"
    assert answer["earlier"][0].keys() == {"article", "score", "why"}
    assert len(answer["later"]) == 1


def test_an_id_may_end_as_the_path_does(client):
    path = quote("/undated/related", safe="")
    assert client.get(f"/api/articles/{path}").json["id"] == "/undated/related"
    assert len(client.get(f"/api/articles/{path}/related").json["undated"]) == 5


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [("nobody/related", 404, None)]
    + [(f"strike/related?limit={bad}", 400, "limit") for bad in ("0", "51", "-1", "x", "1e1", "²")],
)
def test_errors_are_problems(client, path, status, field):
    answer = client.get(f"/api/articles/{path}")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json.get("field") == field


def test_a_page_shows_background_and_follow_ups_and_nothing_where_there_is_none(client):
    page = client.get("/article/strike").text
    assert "<h2>Background</h2>" in page
    assert "<h2>Follow-ups</h2>" in page
    assert page.index("Dockers vote on a strike") < page.index("Harbour strike is over")
    assert 'class="related"' not in client.get("/article/owls").text


def test_an_article_is_shown_where_no_engine_answers(client, searcher, monkeypatch, caplog):
    def broken(*_, **__):
        raise EngineUnavailable("the lexical index", "it is broken")

    monkeypatch.setattr(searcher._snapshots, "current", broken)
    assert "Their union" in client.get("/article/strike").text
    assert "it is broken" in caplog.text
    assert client.get("/api/articles/strike/related").status_code == 503


def test_the_shell_prints_related_articles(tmp_path):
    folder = tmp_path / "archive"
    backfile("index", write_stories(tmp_path, STORIES), "--archive", folder, "--no-vectors")
    shown = backfile("show", "strike", "--related", "--archive", folder)
    assert shown.exit_code == 0
    assert "earlier: Dockers vote on a strike\n   2024-01-05" in shown.stdout
    assert 'shares "' in shown.stdout
    assert (
        '"earlier": [{'
        in backfile("show", "strike", "--related", "--json", "--archive", folder).stdout
    )
    nothing = backfile("show", "owls", "--related", "--archive", folder)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert backfile("show", "nobody", "--related", "--archive", folder).exit_code == 2


def test_copies_are_one_story(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    copies = [
        {**story, "id": f"copy of {story['id']}", "source": "Gazette"}
        for story in STORIES
        if story["id"] in ("strike", "ballot")
    ]
    fill(engines, write_stories(tmp_path, [*STORIES, *copies]))
    found = Searcher(engines, RankingOptions()).related("strike")
    assert len(found.earlier) == 1
    given = {article_id for some in found.kinds.values() for article_id in ids(some)}
    assert "copy of strike" not in given
    engines.catalog.close()
