"""Schemathesis sends to every route what the description allows, and what it forbids."""

import copy
import json
import re
from collections import Counter

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from backfile.archive.model.errors import BadQuery
from backfile.archive.store.collections import STARRED
from backfile.index.model.filters import FACET_FILTERS, parse_day, parse_instant
from backfile.index.model.query import MOST_FILTERS, MOST_VALUES
from backfile.index.search.searcher import Searcher
from backfile.web.api.batch import LINES, MOST_QUERIES
from backfile.web.api.openapi import description
from backfile.web.api.parameters import PATTERNS
from backfile.web.collections.access import Access
from tests.builders import BEARER, STORIES, app_over, engines_in, fill, write_stories, writes_to

pytestmark = pytest.mark.long

NAMED = [story["id"] for story in STORIES]
BATCH, ARTICLES = "/api/search/batch", "/api/articles"
ARTICLE = "/api/articles/{article_id}"
WRITTEN = "a-1"  # the id of an article that may be deleted
CONFIG = {
    "seed": 1,
    "generation": {"max-examples": 10, "database": "none"},
    # The check of what is asked without a token needs a server that follows redirections.
    "checks": {"enabled": True, "ignored_auth": {"enabled": False}},
    "headers": BEARER,
    # A line that cannot be answered is a problem in its line, below the status 200.
    "operations": [
        {"include-path": BATCH, "checks": {"negative_data_rejection": {"enabled": False}}},
        # The same of a line that becomes no article; and the names of its fields may be others.
        {"include-path": ARTICLES, "checks": {"negative_data_rejection": {"enabled": False}}},
        {
            "include-path": ARTICLE,
            "include-method": "PUT",
            # What a text looks like that is empty once it is cleaned, no schema can say.
            "checks": {
                "negative_data_rejection": {"enabled": False},
                "positive_data_acceptance": {"enabled": False},
            },
        },
    ],
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    engines = engines_in(folder / "archive", in_memory=True)
    fill(engines, write_stories(folder))
    yield app_over(engines, writes=writes_to(engines), access=Access(local=True))
    engines.catalog.close()


def described():
    """The description, with ids and collections that are there, and lists instead of lines."""
    whole = copy.deepcopy(description(writes=True))
    there = {"type": "string", "enum": [STARRED]}
    whole["components"]["schemas"]["SearchLine"]["properties"]["collection"] = there
    for path, name in ((BATCH, "SearchLine"), (ARTICLES, "SentArticle")):
        line = {"$ref": f"#/components/schemas/{name}"}
        (body,) = whole["paths"][path]["post"]["requestBody"]["content"].values()
        body["schema"] = {"type": "array", "items": line, "minItems": 1, "maxItems": MOST_QUERIES}
        body["example"] = [json.loads(each) for each in body["example"].splitlines()]
    for methods in whole["paths"].values():
        for method, operation in methods.items():
            for each in operation["parameters"]:
                if each["name"] == "collection":
                    each["schema"] = there
                if each["name"] == "article_id":
                    del each["example"]
                    names = [WRITTEN] if method in ("put", "delete") else NAMED
                    each["examples"] = {name: {"value": name} for name in names}
    return whole


@schemathesis.serializer(LINES)
def write_lines(_, value):
    listed = value if isinstance(value, list) else [value]
    return "\n".join(map(json.dumps, listed)).encode()


class Unpacked:
    """Passes requests on without `Accept-Encoding`: Schemathesis unpacks nothing."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        return self._app(environ, start_response)


@schemathesis.hook
def filter_case(_, case):
    """Leave out what OpenAPI cannot say.

    That is 29 February, a `since` after `until`, and bounds that count different values alone.
    """
    query = case.query if isinstance(case.query, dict) else {}
    named = query.get("collection", STARRED)
    if named != STARRED and str(named).strip().casefold() in ("", STARRED.casefold()):
        return False  # it asks for no collection, or for the same one
    added = query.get("added_since")
    if isinstance(added, str) and re.fullmatch(PATTERNS["added_since"], added):
        try:
            parse_instant("added_since", added)
        except BadQuery:
            return False
    days = []
    for name in ("since", "until"):
        text = query.get(name)
        if isinstance(text, str) and re.fullmatch(PATTERNS[name], text):
            try:
                days.append(parse_day(name, text, end=name == "until"))
            except BadQuery:
                return False
    listed = [query[name] for name in FACET_FILTERS if isinstance(query.get(name), list)]
    counted = [len({str(each).strip() for each in values} - {""}) for values in listed]
    repeated = any(
        number <= MOST_VALUES < len(values) for number, values in zip(counted, listed, strict=True)
    )
    return not repeated and sum(counted) <= MOST_FILTERS and days == sorted(days)


def run(app, only=None):
    """Run all phases over the routes; return what failed, and the statuses by route."""
    config = SchemathesisConfig.from_dict(CONFIG)
    whole = described()
    whole["paths"] = {only: whole["paths"][only]} if only else whole["paths"]
    schema = schemathesis.openapi.from_dict(whole, config=config)
    schema.app = Unpacked(app)
    failed, statuses = [], Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            failed.append(repr(event))
        if isinstance(event, events.ScenarioFinished):
            failed += failures_of(event.recorder)
            answers = (each.response for each in event.recorder.interactions.values())
            statuses.update((event.recorder.label, each.status_code) for each in answers if each)
    return failed, statuses


def failures_of(recorder):
    for case_id, checks in recorder.checks.items():
        case = recorder.cases[case_id].value
        sent = f"{case.method} {case.formatted_path} {case.query}"
        found = (each for each in checks if each.status == Status.FAILURE)
        yield from (f"{sent}: {each.failure_info.failure}" for each in found)


def test_nothing_that_is_sent_breaks_the_contract(app):
    failed, statuses = run(app)
    assert failed == []
    for path, methods in description(writes=True)["paths"].items():
        for method, operation in methods.items():
            usual = 202 if "202" in operation["responses"] else 200
            assert statuses[f"{method.upper()} {path}", usual] > 0, (method, path)
    for path in ("", "/related", "/history"):
        assert statuses[f"GET /api/articles/{{article_id}}{path}", 200] >= len(NAMED)
        assert statuses[f"GET /api/articles/{{article_id}}{path}", 400] > 0


def test_a_route_that_breaks_the_contract_is_found(app, monkeypatch):
    monkeypatch.setattr(Searcher, "suggest", lambda *_: 1 / 0)
    failed, _ = run(app, only="/api/suggest")
    assert any("Server error" in each for each in failed)
