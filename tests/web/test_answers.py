"""JSON answers: of one shape everywhere, in one order, and reduced to what is wanted."""

import json
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.api.answers import property_names, selection_of, written
from backfile.web.api.article_shapes import Article, ExportedArticle, History
from backfile.web.api.json import (
    related_json,
    results_json,
    stored_json,
    suggestions_json,
    versions_json,
)
from backfile.web.api.shapes import ANSWERS, Problem, Related, Results, Suggestions
from backfile.web.app import create_app
from tests.builders import FAMILIES, SEARCHES, STORIES

NAMED = [story["id"] for story in STORIES]


# Nothing here changes an archive: one of each family is enough for all.


@pytest.fixture(scope="module", params=FAMILIES)
def engines(request, prepared, tmp_path_factory):
    made = prepared[request.param].copy(tmp_path_factory.mktemp("answers") / "archive")
    yield made
    made.catalog.close()


@pytest.fixture(scope="module")
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


@pytest.fixture(scope="module")
def reader(engines):
    return ArchiveReader(engines.catalog)


@pytest.fixture(scope="module")
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def laid_out(values):
    """JSON in the order of its keys; a float that is whole is written as the models do."""
    return json.dumps(values)


def assert_same(shape, values):
    assert laid_out(json.loads(written(shape, values))) == laid_out(values)


@pytest.mark.parametrize("search", SEARCHES)
def test_the_models_write_a_search_as_it_is_laid_out(searcher, search):
    parameters = dict(each.split("=", 1) for each in search.replace("+", " ").split("&") if each)
    query = Query.from_parameters({name: [value] for name, value in parameters.items()})
    assert_same(Results, results_json(searcher.search(query)))


@pytest.mark.parametrize("article_id", NAMED)
def test_the_models_write_articles_as_they_are_laid_out(searcher, reader, article_id):
    stored = reader.article(article_id)
    copies = reader.copies(article_id)
    assert_same(Article, stored_json(stored, copies))
    assert_same(Related, related_json(searcher.related(article_id)))
    assert_same(History, versions_json(reader.versions(article_id)))


@pytest.mark.parametrize("typed", ["", "swing bri", "source:cou", "ana"])
def test_the_models_write_suggestions_as_they_are_laid_out(searcher, typed):
    assert_same(Suggestions, suggestions_json(typed, searcher.suggest(typed, 8)))


def test_each_exported_line_is_of_its_shape(client):
    lines = client.get("/export.jsonl").text.splitlines()
    assert len(lines) == len(STORIES)
    for line in lines:
        assert laid_out(json.loads(written(ExportedArticle, json.loads(line)))) == line_of(line)


def line_of(line):
    return laid_out(json.loads(line))


def test_a_value_of_another_shape_is_not_written(searcher):
    values = results_json(searcher.search(Query("ferry")))
    for broken in ({"total": "many"}, {"colour": "red"}, {"verdict": "perhaps"}):
        with pytest.raises(ValidationError):
            written(Results, values | broken)
    del values["next"]
    with pytest.raises(ValidationError):
        written(Results, values)


def only(answer, name):
    """Reduce an answer to one property by its dotted name, as a client would do by itself."""
    if isinstance(answer, list):
        return [only(each, name) for each in answer]
    if answer is None:
        return None
    first, _, rest = name.partition(".")
    return {first: only(answer[first], rest) if rest else answer[first]}


@pytest.mark.parametrize("name", [each for each in property_names(Results) if "took" not in each])
def test_each_property_can_be_had_alone(client, name):
    whole = client.get("/api/search?q=swing+bridge").json
    part = client.get("/api/search", query_string={"q": "swing bridge", "fields": name})
    assert part.status_code == 200
    assert part.json == only(whole, name)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/api/articles/ferry", "title,published,passages.text"),
        ("/api/articles/ferry/related", "earlier.article.title,coverage"),
        ("/api/articles/ferry/history", "versions.title,withdrawn.reason"),
        ("/api/suggest?q=fer", "suggestions.q"),
    ],
)
def test_other_answers_are_reduced_too(client, path, fields):
    whole, joint = client.get(path).json, "&" if "?" in path else "?"
    part = client.get(f"{path}{joint}fields={quote(fields)}").json
    expected = [only(whole, name) for name in fields.split(",")]
    assert set(part) == {name.split(".")[0] for name in fields.split(",")}
    for each in expected:
        for name, value in each.items():
            if len([other for other in expected if name in other]) == 1:
                assert part[name] == value
    assert len(json.dumps(part)) < len(json.dumps(whole))


def test_properties_that_are_named_twice_or_with_their_parent_are_written_once(client):
    asked = {"q": "ferry", "fields": " hits.article.title,hits.article , total,total"}
    part = client.get("/api/search", query_string=asked).json
    whole = client.get("/api/search?q=ferry").json
    assert part == {
        "total": whole["total"],
        "hits": [{"article": hit["article"]} for hit in whole["hits"]],
    }
    assert client.get("/api/search?q=ferry&fields=").json.keys() == whole.keys()


@pytest.mark.parametrize(
    "name", ["nothing", "hits.colour", "hits.article.title.x", "took_ms.all", "", " "]
)
def test_an_unknown_property_is_refused_by_its_name(client, name):
    for path in ("/api/search", "/api/suggest", "/api/articles/ferry"):
        answer = client.get(path, query_string={"fields": f"total,{name}"})
        assert answer.status_code == 400
        assert answer.json["field"] == "fields"
        assert repr(name.strip()) in answer.json["detail"]


def test_facets_can_be_left_out_and_nothing_else(client):
    whole = client.get("/api/search?q=ferry").json
    part = client.get("/api/search?q=ferry&facets=none").json
    del whole["facets"], whole["facets_total"], whole["took_ms"], part["took_ms"]
    assert part == whole
    assert "facets" in client.get("/api/search?q=ferry&facets=all").json
    both = client.get("/api/search?q=ferry&facets=none&fields=facets,total").json
    assert both == {"total": whole["total"]}
    refused = client.get("/api/search?facets=some")
    assert (refused.status_code, refused.json["field"]) == (400, "facets")


def test_a_selection_is_refused_before_anything_is_searched(client, searcher, monkeypatch):
    monkeypatch.setattr(type(searcher), "search", lambda *_: pytest.fail("it was searched"))
    assert client.get("/api/search?q=ferry&fields=colour").status_code == 400


def test_without_a_choice_everything_is_written():
    for shape in ANSWERS:
        assert selection_of(shape, {}) == (None, None)
    assert property_names(Problem) == [
        *("title", "status", "detail", "field", "request_id"),
        *("parts", "parts.status", "parts.detail"),
    ]
