"""HTTP for programs: problems, ETags, and requests from pages of other sites."""

import datetime
import shutil

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.settings import Settings
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.index.search.snapshot import Snapshots
from backfile.web import server
from backfile.web.api.openapi import routes
from backfile.web.api.programs import CONSTANT, tag_answers
from backfile.web.api.shapes import Problem
from backfile.web.app import create_app
from backfile.web.served import Source
from tests.builders import fill, write_stories

SEARCHING = [
    "/api/search", "/search.json", "/search.atom", "/export.csv", "/export.jsonl", "/export.ris",
]  # fmt: skip
ARTICLES = [
    "/api/articles/{}", "/api/articles/{}/related", "/api/articles/{}/history", "/cite/csl/{}",
]  # fmt: skip
TAGGED = [
    *(f"{path}?q=ferry" for path in SEARCHING),
    *(path.format("ferry") for path in ARTICLES),
    "/api/openapi.json",
    "/opensearch.xml",
]
ORIGIN = "https://desk.example"


@pytest.fixture
def app(searcher, reader):
    return create_app(searcher, reader)


@pytest.fixture
def client(app):
    return app.test_client()


def assert_problem(answer, status, field=""):
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = Problem.model_validate_json(answer.data, strict=True)
    assert (problem.status, problem.field) == (status, field)
    assert problem.detail


def paths():
    return [route.path.format(style="csl", article_id="ferry") for route in routes()]


@pytest.mark.parametrize("path", SEARCHING)
def test_a_bad_parameter_is_a_problem_on_every_route_that_searches(client, path):
    assert_problem(client.get(f"{path}?since=soon"), 400, "since")


@pytest.mark.parametrize("path", ARTICLES)
def test_an_unknown_article_is_a_problem_on_every_route(client, path):
    assert_problem(client.get(path.format("nobody")), 404)


def test_an_unknown_path_below_api_is_a_problem_and_elsewhere_a_page(client):
    for path in ("/api/", "/api/nothing", "/export.xls", "/cite/csl"):
        assert_problem(client.get(path), 404)
    assert client.get("/nowhere").mimetype == "text/html"


@pytest.mark.parametrize("path", paths())
def test_another_method_is_a_problem_on_every_route(client, path):
    answer = client.delete(path)
    assert_problem(answer, 405)
    assert answer.headers["Allow"]


@pytest.mark.parametrize("path", [*SEARCHING, "/api/suggest"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError(), 500),
        (EngineUnavailable("words", "the files cannot be read"), 503),
    ],
)
def test_a_failure_is_a_problem_on_every_route_that_searches(
    client, searcher, monkeypatch, caplog, path, error, status
):
    def fail(*_, **__):
        raise error

    for name in ("search", "find_all", "suggest"):
        monkeypatch.setattr(type(searcher), name, fail)
    answer = client.get(f"{path}?q=ferry")
    assert_problem(answer, status)
    assert ("cannot be read" in answer.json["detail"]) == (status == 503)


@pytest.mark.parametrize("path", TAGGED)
def test_an_unchanged_answer_is_304_without_a_search(client, searcher, reader, monkeypatch, path):
    first = client.get(path)
    tag = first.headers["ETag"]
    generation = 0 if path in CONSTANT else searcher.table().generation
    assert tag.startswith(f'W/"g{generation}-')
    assert first.headers["Cache-Control"] == "no-cache"
    for name in ("search", "find_all", "related", "read"):
        monkeypatch.setattr(type(searcher), name, lambda *_, **__: pytest.fail("it was searched"))
    for name in ("article", "copies", "versions"):
        monkeypatch.setattr(type(reader), name, lambda *_: pytest.fail("it was read"))
    again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag


def test_what_needs_no_archive_is_answered_without_one(client, searcher, monkeypatch):
    def gone(*_, **__):
        raise EngineUnavailable("archive", "it was moved")

    monkeypatch.setattr(Snapshots, "current", gone)
    for path in (*CONSTANT, "/healthz", "/api/articles/ferry"):
        assert client.get(path).status_code == 200
    assert_problem(client.get("/readyz"), 503)


def test_a_tag_belongs_to_one_address(client):
    tag = client.get("/api/search?q=ferry").headers["ETag"]
    for path in ("/api/search?q=bridge", "/api/search?q=ferry&limit=1", "/search.json?q=ferry"):
        answer = client.get(path, headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert answer.headers["ETag"] != tag


def test_a_change_of_the_archive_changes_the_tag(engines, reader, tmp_path):
    now = [0.0]
    searcher = Searcher(engines, RankingOptions(floor=0.2), seconds=lambda: now[0])
    client = create_app(searcher, reader).test_client()
    before = client.get("/api/search?q=gale")
    story = {"id": "gale", "title": "Gale", "text": "A gale came.", "published": "2024-05-05"}
    fill(engines, write_stories(tmp_path, [story]))
    now[0] += 2
    after = client.get("/api/search?q=gale", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert [hit["article"]["id"] for hit in after.json["hits"]] == ["gale"]
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_new_day_changes_the_tag_and_so_does_a_new_start(searcher, reader):
    days = [datetime.date(2024, 3, 23), datetime.date(2024, 3, 24)]
    tags = []
    for day in days[:1] + days:
        app = create_app(searcher, reader)
        app.before_request_funcs[None].clear()
        app.after_request_funcs[None].clear()
        today = [day]
        tag_answers(app, searcher, lambda today=today: today[0])
        tags.append(app.test_client().get("/api/search").headers["ETag"])
        today[0] += datetime.timedelta(days=1)
        tags.append(app.test_client().get("/api/search").headers["ETag"])
    assert len(set(tags)) == len(tags)


def test_any_tag_and_what_may_get_better_by_itself_are_searched(client):
    assert client.get("/api/search", headers={"If-None-Match": "*"}).status_code == 200
    noted = client.get("/api/search?q=colour:red")
    assert noted.json["query"]["notes"]
    for answer in (noted, client.get("/api/search?cursor=g1o1&limit=1"), client.get("/healthz")):
        assert answer.status_code == 200
        assert "ETag" not in answer.headers
    for path in ("/api/suggest?q=fer", "/readyz", "/metrics", "/api/search?limit=no", "/?q=ferry"):
        assert "ETag" not in client.get(path).headers


def test_other_sites_are_not_answered_by_default(client):
    for answer in (
        client.get("/api/search", headers={"Origin": ORIGIN}),
        client.options("/api/search", headers=preflight()),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def preflight(method="GET"):
    return {"Origin": ORIGIN, "Access-Control-Request-Method": method}


@pytest.mark.parametrize(("cors", "allowed"), [([ORIGIN], ORIGIN), (["*"], "*")])
def test_pages_of_the_origins_in_the_setting_may_read_the_api(searcher, reader, cors, allowed):
    client = create_app(searcher, reader, cors=cors).test_client()
    for path in ("/api/search?q=ferry", "/api/articles/nobody", "/search.json", "/healthz"):
        answer = client.get(path, headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == allowed
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "X-Request-Id"} <= {*exposed}
        assert "Origin" in answer.headers["Vary"]
    asked = client.options("/api/search", headers=preflight())
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert asked.headers["Access-Control-Allow-Headers"] == "If-None-Match"
    assert "Access-Control-Allow-Origin" not in client.get("/api/search").headers
    assert "Access-Control-Allow-Origin" not in client.get("/", headers=preflight()).headers


def test_a_page_of_another_origin_may_not(searcher, reader):
    client = create_app(searcher, reader, cors=[ORIGIN]).test_client()
    for origin in ("https://evil.example", f"{ORIGIN}.evil.example", "null", "http://desk.example"):
        answer = client.get("/api/search", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_the_settings_of_the_server_reach_the_application(indexed_by_words, tmp_path, monkeypatch):
    given = {}

    def note(*_, **options):
        given.update(options)
        raise StopIteration

    monkeypatch.setattr(server, "create_app", note)
    monkeypatch.setattr(server, "listening_sockets", lambda *_: [])
    archive = shutil.copytree(indexed_by_words, tmp_path / "archive")
    with pytest.raises(StopIteration):
        server.serve(Source(Settings(archive=archive, cors=(ORIGIN,), rate=7)), print)
    assert (given["cors"], given["rate"]) == ((ORIGIN,), 7)


@pytest.mark.parametrize(
    "path", ["/api/search", "/export.csv", "/export.jsonl", "/export.ris", "/search.atom"]
)
def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(client, path):
    answer = client.get(f"{path}?q=ferry&souce=Courier")
    assert answer.status_code == 400
    assert "did you mean source?" in answer.text


def test_an_unknown_parameter_is_the_field_of_the_problem(client):
    problem = client.get("/api/search?q=ferry&not_sorce=Courier").json
    assert (problem["field"], problem["status"]) == ("not_sorce", 400)
    assert "not_source" in problem["detail"]
    far = client.get(f"/api/articles/ferry?{'z' * 200}=1").json
    assert "there are: fields" in far["detail"]
    assert len(far["field"]) < 100


def test_pages_ignore_what_trackers_add(client):
    assert client.get("/?q=ferry&utm_source=mail").status_code == 200
    assert client.get("/article/ferry?utm_source=mail").status_code == 200
