"""Many searches over the API: a line in, a line out, whatever stands in the line."""

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.archive.model.errors import BadQuery, EngineUnavailable
from backfile.index.model.query import Query
from backfile.index.search.searcher import Searcher
from backfile.web.api.batch import MOST_QUERIES, answers, read_parameters
from backfile.web.api.shapes import Problem, Results
from backfile.web.app import create_app
from tests.builders import SEARCHES

PATH = "/api/search/batch"


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


def send(client, *lines):
    written = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
    return client.post(PATH, data=b"\n".join(written), content_type="application/x-ndjson")


def lines_of(answer):
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/x-ndjson"
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def timeless(answer):
    return {name: value for name, value in answer.items() if name != "took_ms"}


def test_each_line_is_answered_as_the_same_search_by_get(client):
    asked = [
        {"q": "ferry"},
        {"q": "swing bridge", "mode": "keyword", "limit": 1},
        {"q": "harbour", "source": ["Gazette"], "since": None},
        {"not_language": ["de", "en"], "sort": "oldest"},
        {"fields": ["total", "hits.article.id"], "q": "ferry"},
        {"facets": "none"},
        {},
    ]
    for line, answer in zip(asked, lines_of(send(client, *asked)), strict=True):
        commas = {"fields": ",".join(line["fields"])} if "fields" in line else {}
        parameters = {name: value for name, value in (line | commas).items() if value is not None}
        expected = client.get("/api/search", query_string=parameters).json
        assert timeless(answer) == timeless(expected)


def test_a_bad_line_is_a_problem_in_its_place(client):
    answers = lines_of(
        send(
            client,
            {"q": "ferry"},
            b"{not json",
            ["ferry"],
            {"since": "soon"},
            {"q": {"a": 1}},
            {"limit": True},
            {"limit": 1.5},
            {"fields": "colour"},
            b"[" * 100_000,
            b"\xff\xfe",
            {"q": "bridge"},
        )
    )
    fields = ["line", "line", "since", "q", "limit", "limit", "fields", "line", "line"]
    assert [each.get("field") for each in answers] == [None, *fields, None]
    for each in answers[1:-1]:
        assert Problem.model_validate(each).status == 400
    for each in (answers[0], answers[-1]):
        assert Results.model_validate(each).total > 0


def test_empty_lines_are_skipped_and_an_empty_body_is_refused(client):
    assert len(lines_of(send(client, b"", {"q": "ferry"}, b"  \r", {"q": "a"}, b""))) == 2
    for body in (b"", b"\n \n"):
        refused = client.post(PATH, data=body)
        assert (refused.status_code, refused.json["field"]) == (400, "body")
        assert refused.content_type == "application/problem+json"


def test_a_thousand_lines_are_taken_and_not_one_more(client, monkeypatch, searcher):
    found = searcher.search(Query("ferry"))
    monkeypatch.setattr(type(searcher), "search", lambda *_: found)
    assert len(lines_of(client.post(PATH, data=b"{}\n" * MOST_QUERIES))) == MOST_QUERIES
    refused = client.post(PATH, data=b"{}\n" * (MOST_QUERIES + 1))
    assert refused.status_code == 400
    assert "at most 1,000 at once" in refused.json["detail"]


def test_a_body_that_is_too_large_is_a_problem(client):
    refused = client.post(PATH, data=b'{"q": "ferry"}' + b" " * (1 << 20))
    assert refused.status_code == 413
    assert refused.content_type == "application/problem+json"


def test_lines_are_answered_one_by_one(searcher, monkeypatch):
    asked = []
    search = Searcher.search
    monkeypatch.setattr(
        Searcher, "search", lambda self, query: asked.append(query.text) or search(self, query)
    )
    answered = answers(searcher, [b'{"q": "ferry"}', b'{"q": "bridge"}'])
    assert asked == []
    assert json.loads(next(islice(answered, 1)))["query"]["q"] == "ferry"
    assert asked == ["ferry"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(EngineUnavailable("words", "gone"), 503), (ZeroDivisionError("division"), 500)],
)
def test_a_failure_costs_one_line(client, searcher, monkeypatch, caplog, error, status):
    search = Searcher.search

    def fail_once(self, query):
        if query.text == "ferry":
            raise error
        return search(self, query)

    monkeypatch.setattr(Searcher, "search", fail_once)
    failed, answered = lines_of(send(client, {"q": "ferry"}, {"q": "bridge"}))
    assert Problem.model_validate(failed).status == status
    assert "division" not in failed["detail"]
    assert ("division" in caplog.text) == (status == 500)
    assert answered["total"] > 0


def test_other_methods_and_other_sites_are_refused(searcher, reader):
    client = create_app(searcher, reader, cors=["*"]).test_client()
    assert client.get(PATH).status_code == 405
    answer = client.post(PATH, data=b"{}", headers={"Origin": "https://desk.example"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["q", "limit", "source", "fields", "x"]), inner, max_size=3
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_line_gives_parameters_or_names_what_is_wrong(line):
    try:
        parameters = read_parameters(line)
    except BadQuery as refused:
        named = [refused.field]
    else:
        named = [text for name, values in parameters.items() for text in (name, *values)]
    "".join(named).encode()


def test_halves_of_surrogate_pairs_are_replaced(client):
    (answer,) = lines_of(send(client, b'{"q": "a\\ud800b", "source": ["\\udc00"], "limit": 1}'))
    assert answer["query"]["q"] == "a?b"
    assert answer["query"]["source"] == ["?"]


@pytest.mark.parametrize("search", SEARCHES)
def test_searches_of_the_url_may_be_sent_as_lines(client, search):
    pairs = dict(each.split("=", 1) for each in search.replace("+", " ").split("&") if each)
    (answer,) = lines_of(send(client, pairs))
    assert timeless(answer) == timeless(client.get(f"/api/search?{search}").json)
