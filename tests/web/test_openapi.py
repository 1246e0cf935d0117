"""The description of the API: it leaves nothing out, and real answers are as it says."""

import re
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from backfile.archive.model.errors import BadQuery
from backfile.index.asking.autocomplete import SuggestionKind
from backfile.index.model.query import Query, QueryPartKind
from backfile.index.model.results import ScorePartKind
from backfile.web.api.openapi import description
from backfile.web.api.parameters import PATTERNS
from backfile.web.app import create_app
from backfile.web.collections.access import Access
from tests.builders import SEARCHES, STORIES, writes_to

LOCAL = Access(local=True)
DESCRIPTION = description(writes=True)
SCHEMAS = DESCRIPTION["components"]["schemas"]


@pytest.fixture
def app(engines, searcher, reader):
    return create_app(searcher, reader, writes=writes_to(engines), access=LOCAL)


@pytest.fixture
def client(app):
    return app.test_client()


class ReadQuery(dict):
    """Parameters that remember by which names they were asked for."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return default


def schema_of(path):
    (content,) = DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"].values()
    whole, *_ = content["schema"].get("anyOf", [content["schema"]])
    return whole


def misfits(answer, schema):
    """What of an answer is not as the schema says, and what the schema says nothing of."""
    whole = schema | {"components": DESCRIPTION["components"]}
    checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [*(each.message for each in checker.iter_errors(answer)), *left_out(answer, schema)]


def properties_of(schema):
    if "$ref" in schema:
        return properties_of(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    merged = dict(schema.get("properties", {}))
    for part in schema.get("anyOf", ()):
        merged |= properties_of(part)
    return merged


def left_out(answer, schema):
    """The names that stand in an answer and not in its schema."""
    if isinstance(answer, list):
        for each in answer:
            yield from left_out(each, schema.get("items", {}))
    elif isinstance(answer, dict) and "additionalProperties" not in schema:
        described = properties_of(schema)
        yield from answer.keys() - described.keys()
        for name in answer.keys() & described.keys():
            yield from left_out(answer[name], described[name])


def test_the_description_is_served_and_its_schemas_are_schemas(client):
    assert client.get("/api/openapi.json").json == DESCRIPTION
    assert client.get("/openapi.json").json == DESCRIPTION
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def routes_of(app):
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


@pytest.mark.parametrize("writes", [False, True])
def test_every_route_of_the_api_is_described_and_no_other(engines, searcher, reader, writes):
    app = create_app(searcher, reader, writes=writes_to(engines) if writes else None, access=LOCAL)
    paths = description(writes=writes)["paths"]
    described = {(path, method) for path, methods in paths.items() for method in methods}
    routes = routes_of(app)
    assert {route for route in routes if route[0].startswith("/api/")} <= described
    assert described <= routes
    assert (("/api/articles", "post") in described) == writes
    assert ("securitySchemes" in description(writes=writes)["components"]) == writes


def test_every_parameter_of_a_search_is_described_and_no_other():
    asked = ReadQuery()
    Query.from_parameters(asked)
    described = DESCRIPTION["paths"]["/api/search"]["get"]["parameters"]
    names = {*asked.names, "fields", "facets"}
    assert sorted(each["name"] for each in described) == sorted(names)


def operations():
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(path, method, operation, id=f"{method} {path}")


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_parameter_has_a_description_and_an_example_of_its_schema(path, method, operation):
    assert operation["summary"].endswith(".")
    for each in operation["parameters"]:
        schema = each["schema"]
        assert each["description"].endswith(".")
        assert list(Draft202012Validator(schema).iter_errors(each["example"])) == []
        bounds = {"pattern", "enum", "maximum", "maxLength", "minLength", "items"}
        assert bounds & schema.keys()
    problems = {status for status in operation["responses"] if status >= "400"}
    assert problems >= {"405", "500", "503"}


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_example_is_answered(client, path, method, operation):
    if method != "get" or "security" in operation:
        pytest.skip("the body, and what a job is, are tested by themselves")
    path = path.format(style="bibtex", article_id="ferry")
    for each in operation["parameters"]:
        if each["in"] == "query":
            value = each["example"]
            exploded = each.get("explode", True) or not isinstance(value, list)
            asked = {each["name"]: value if exploded else ",".join(value)}
            with client.get(path, query_string=asked) as answer:
                assert answer.status_code == 200, answer.text
                assert answer.mimetype in operation["responses"]["200"]["content"]


def test_the_pattern_of_a_day_is_what_the_program_reads():
    days = ["2024", "0001", "2024-1", "2024-02-29", "2024-12-31", "2024-2-3"]
    no_days = ["0000", "24", "2024-13", "2024-00", "2024-01-32", "2024-1-1-1", "soon"]
    in_a_year = ["02-29", "2-29", "12-31", "4-30", "06-1"]
    in_no_year = ["02-30", "4-31", "13-1", "0-1", "1-0", "11-31", "1-32"]
    for name, good, bad in (("since", days, no_days), ("day", in_a_year, in_no_year)):
        for value in (*good, *bad):
            assert bool(re.search(PATTERNS[name], value)) == (value in good), value
            if value in good:
                Query.from_parameters({name: [value]})
            else:
                with pytest.raises(BadQuery):
                    Query.from_parameters({name: [value]})


def test_the_values_that_are_described_are_those_that_are_taken(client):
    for each in DESCRIPTION["paths"]["/api/search"]["get"]["parameters"]:
        for value in each["schema"].get("enum", ()):
            assert client.get("/api/search", query_string={each["name"]: value}).status_code == 200
        if "maximum" in each["schema"]:
            beyond = {each["name"]: each["schema"]["maximum"] + 1}
            assert client.get("/api/search", query_string=beyond).status_code == 400


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("path", ["/api/search", "/search.json"])
def test_answers_to_searches_are_as_described(client, path, search):
    answer = client.get(f"{path}?{search}")
    assert answer.content_type in DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"]
    assert misfits(answer.json, schema_of(path)) == []


@pytest.mark.parametrize("ending", ["", "/related", "/history"])
def test_articles_and_what_is_told_of_them_are_as_described(client, ending):
    for story in STORIES:
        answer = client.get(f"/api/articles/{quote(story['id'], safe='')}{ending}").json
        assert misfits(answer, schema_of(f"/api/articles/{{article_id}}{ending}")) == []


@pytest.mark.parametrize("typed", ["", "swing bri", "ferry cour", "bridge ana ru", "source:cou"])
def test_suggestions_are_as_described(client, typed):
    answer = client.get("/api/suggest", query_string={"q": typed}).json
    assert bool(answer["suggestions"]) == bool(typed)
    assert misfits(answer, schema_of("/api/suggest")) == []


def test_health_and_errors_are_as_described(client):
    assert misfits(client.get("/healthz").json, schema_of("/healthz")) == []
    assert misfits(client.get("/readyz").json, schema_of("/readyz")) == []
    assert (
        misfits(client.get("/api/search?since=soon").json, {"$ref": "#/components/schemas/Problem"})
        == []
    )
    assert (
        misfits(client.get("/api/articles/nobody").json, {"$ref": "#/components/schemas/Problem"})
        == []
    )


def test_an_answer_that_is_not_as_described_is_told_apart(client):
    answer = client.get("/api/search?q=ferry").json
    answer["hits"][0]["passages"][0]["colour"] = "red"
    assert misfits(answer, schema_of("/api/search")) == ["colour"]
    answer["hits"][0]["passages"][0]["text"] = 7
    assert len(misfits(answer, schema_of("/api/search"))) > 1


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("ScorePartKind", ScorePartKind),
        ("QueryPartKind", QueryPartKind),
        ("SuggestionKind", SuggestionKind),
    ],
)
def test_all_kinds_that_can_be_answered_are_described(name, kinds):
    assert set(SCHEMAS[name]["enum"]) == set(kinds)
