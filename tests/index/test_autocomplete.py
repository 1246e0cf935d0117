"""Suggestions: how a query may go on, from what the archive holds, and nothing that it does not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.index.asking.autocomplete import LONGEST_TYPED, typed_last
from backfile.web.app import create_app
from tests.builders import app_over, engines_in, fill, write_stories


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def suggested(client, text, **parameters):
    answer = client.get("/api/suggest", query_string={"q": text, **parameters})
    assert answer.status_code == 200
    return answer.json["suggestions"]


def texts(found, kind):
    return [each["q"] for each in found if each["kind"] == kind]


def test_the_last_word_is_completed_and_its_articles_are_counted(client):
    found = suggested(client, "swing bri")
    (word,) = [each for each in found if each["text"] == "bridge"]
    assert (word["kind"], word["q"]) == ("word", "swing bridge")
    total = client.get("/api/search?q=swing+bridge&mode=keyword").json["totals"]["by_words"]
    assert word["articles"] == total


def test_words_stand_beside_what_was_typed_before_in_as_many_articles_as_is_said(client):
    found = [each for each in suggested(client, "ferry s") if each["kind"] == "word"]
    assert len(found) > 1
    for each in found:
        asked = {"q": each["q"], "mode": "keyword", "copies": "show"}
        answer = client.get("/api/search", query_string=asked).json
        assert answer["totals"]["by_words"] == each["articles"]


def test_what_follows_the_word_before_comes_before_what_is_frequent(tmp_path):
    texts = [
        *["A hurricane hit the island. The island is an island of islanders."] * 6,
        *["Hurricane Ian came."] * 2,
        *["Hurricane Irma was here."] * 3,
        "The hurricane, Ivan said, was bad.",
    ]
    stories = [{"id": str(n), "title": "Storm", "text": text} for n, text in enumerate(texts)]
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_stories(tmp_path, stories))
    client = app_over(engines).test_client()
    found = [each["text"] for each in suggested(client, "hurricane i") if each["kind"] == "word"]
    assert found == ["Irma", "Ian", "island", "Ivan"]
    assert [e["text"] for e in suggested(client, "the i")][:1] == ["island"]
    assert [e["text"] for e in suggested(client, "i")][:1] == ["island"]
    engines.catalog.close()


def test_titles_hold_all_words_and_lead_to_their_article(client):
    (title,) = [e for e in suggested(client, "swing brid") if e["kind"] == "title"]
    assert title["article"]["id"] == "bridge"
    assert "bridge" in texts_of_hits(client, title["q"])
    assert not texts(suggested(client, "ferry swing brid"), "title")


def texts_of_hits(client, text):
    hits = client.get("/api/search", query_string={"q": text, "mode": "keyword"}).json["hits"]
    return {hit["article"]["id"] for hit in hits}


@pytest.mark.parametrize(
    ("typed", "kind", "expected"),
    [
        ("ferry cour", "source", 'ferry source:"Courier"'),
        ("source:cou", "source", 'source:"Courier"'),
        ('source:"cou', "source", 'source:"Courier"'),
        ("bridge author:ana", "author", 'bridge author:"Ana Ruiz"'),
        ("bridge ana ru", "author", 'bridge author:"Ana Ruiz"'),
        ("section:tran", "section", 'section:"Transport"'),
        ("language:en", "language", 'language:"en"'),
        ("title:bri", "word", "title:bridge"),
    ],
)
def test_names_and_fields_are_completed(client, typed, kind, expected):
    assert expected in texts(suggested(client, typed), kind)


def test_in_a_field_of_names_nothing_else_is_suggested(client):
    assert {each["kind"] for each in suggested(client, "source:c")} == {"source"}
    assert "word" not in {each["kind"] for each in suggested(client, "author:a")}


def test_nothing_is_suggested_where_no_word_is_begun(client):
    for typed in ("", "ferry ", "ferry (", "source:", "!?", "zzzz", "ferry" + " x" * LONGEST_TYPED):
        assert suggested(client, typed) == []


def test_what_is_removed_is_suggested_no_longer(engines, searcher, reader):
    client = create_app(searcher, reader).test_client()
    assert suggested(client, "firewor")
    engines.catalog.remove(["untitled"])
    searcher._snapshots._looked = 0.0
    assert suggested(client, "firewor") == []


def test_no_more_than_asked_for_and_errors_are_problems(client):
    assert len(suggested(client, "f", limit=2)) <= 2
    for parameters in ({"limit": "0"}, {"limit": "many"}, {"q": "x" * 5_000}):
        answer = client.get("/api/suggest", query_string=parameters)
        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
    assert client.get("/api/suggest").headers["Cache-Control"] == "no-store"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60))
def test_no_text_fails_and_what_is_typed_is_kept(searcher, text):
    for each in searcher.suggest(text, 8):
        assert each.articles > 0
    typed = typed_last(text)
    assert typed is None or text.endswith(typed.last)
