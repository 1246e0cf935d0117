"""Writes over HTTP, within one process: who may, what is refused at once, what a job says."""

import gzip
import json
from urllib.parse import quote

import pytest

from backfile.archive.formats.records import LONGEST_ID
from backfile.archive.model.errors import DiskFull
from backfile.archive.store import inbox as inbox_module
from backfile.archive.store.inbox import Inbox
from backfile.index.indexing.jobs import do_all
from backfile.web.app import MAX_BODY, create_app
from tests.builders import BEARER, STORIES, TOKEN, indexer_of, writes_to

PUT = {"title": "Quay rebuilt", "text": "The old quay was rebuilt in stone."}


class Desk:
    """A client with the token, and the writer, which works when it is told to."""

    def __init__(self, engines, searcher, reader, **options):
        self.engines = engines
        self.searcher = searcher
        app = create_app(searcher, reader, writes=writes_to(engines, 1 << 20), **options)
        self.client = app.test_client()

    def put(self, article_id, body, **options):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/api/articles/{quote(article_id, safe='')}"
        return self.client.put(path, data=body, headers=BEARER, **options)

    def post(self, body, **headers):
        return self.client.post("/api/articles", data=body, headers=BEARER | headers)

    def delete(self, article_id):
        return self.client.delete(f"/api/articles/{quote(article_id, safe='')}", headers=BEARER)

    def article(self, article_id):
        return self.client.get(f"/api/articles/{quote(article_id, safe='')}")

    def done(self, accepted):
        """Let the writer work; the job of an answer."""
        assert accepted.status_code == 202, accepted.text
        do_all(self.engines.catalog, indexer_of(self.engines))
        self.searcher.look_again()
        return self.client.get(accepted.headers["Location"], headers=BEARER).json

    def waiting(self):
        return self.engines.catalog.inbox.waiting()


@pytest.fixture
def desk(engines, searcher, reader):
    return Desk(engines, searcher, reader)


def counts_of(job):
    names = ("added", "updated", "unchanged", "removed", "refused")
    return {name: job[name] for name in names if job[name]}


def test_an_article_that_is_put_is_found_and_replaced_and_unchanged_and_deleted(desk):
    accepted = desk.put("quay", PUT)
    assert accepted.headers["Location"] == f"/api/jobs/{accepted.json['id']}"
    assert accepted.json["status"] == "queued"
    assert counts_of(desk.done(accepted)) == {"added": 1}
    assert desk.client.get("/api/search?q=quay&mode=keyword").json["total"] == 1
    assert counts_of(desk.done(desk.put("quay", PUT))) == {"unchanged": 1}
    assert counts_of(desk.done(desk.put("quay", PUT | {"text": "It sank."}))) == {"updated": 1}
    assert desk.article("quay").json["text"] == "It sank."
    assert counts_of(desk.done(desk.put("quay", PUT))) == {"updated": 1}  # back again
    assert desk.article("quay").json["text"] == PUT["text"]
    assert counts_of(desk.done(desk.delete("quay"))) == {"removed": 1}
    assert desk.article("quay").status_code == 404
    assert desk.client.get("/api/search?q=quay&mode=keyword").json["total"] == 0


def test_deleting_what_is_not_there_is_404_unless_a_job_may_add_it(desk):
    assert desk.delete("quay").status_code == 404
    desk.put("quay", PUT)
    assert counts_of(desk.done(desk.delete("quay"))) == {"removed": 1}
    desk.put("other", PUT)
    assert counts_of(desk.done(desk.delete("quay"))) == {}


@pytest.mark.parametrize("article_id", [story["id"] for story in STORIES] + ["a/b", "ä~1", "?q#"])
def test_any_id_can_be_put_and_deleted(desk, article_id):
    desk.done(desk.put(article_id, PUT))
    assert desk.article(article_id).json["text"] == PUT["text"]
    desk.done(desk.delete(article_id))
    assert desk.article(article_id).status_code == 404


def test_the_id_alone_says_which_article_it_is(desk):
    url = {"url": "https://courier.example/quay", "published": "2024-05-01"}
    desk.done(desk.put("one", PUT | url))
    assert counts_of(desk.done(desk.put("two", PUT | url))) == {"added": 1}
    assert counts_of(desk.done(desk.put("ferry", PUT | {"source": "Elsewhere"}))) == {"updated": 1}
    assert desk.article("ferry").json["source"] == "Elsewhere"


def test_lines_are_added_and_bad_ones_are_refused_each_with_its_number(desk):
    lines = [
        json.dumps({"id": "n1", "headline": "One", "body": "First text."}),
        "not json",
        "",
        json.dumps(["a list"]),
        json.dumps({"id": "n2", "text": " "}),
        json.dumps({"id": "x" * (LONGEST_ID + 1), "text": "Long."}),
        json.dumps({"id": "n3", "text": "Half a pair \ud800 and NUL \0 in it."}),
        json.dumps({"text": "Without an id."}),
    ]
    job = desk.done(desk.post("\n".join(lines).encode()))
    assert counts_of(job) == {"added": 3, "refused": 4}
    assert [each["line"] for each in job["refusals"]] == [2, 4, 5, 6]
    assert all(each["reason"] for each in job["refusals"])
    assert desk.article("n1").json["title"] == "One"


def test_lines_may_be_packed(desk):
    lines = b'{"id": "n1", "text": "One."}\n{"id": "n2", "text": "Two."}\n'
    packed = gzip.compress(lines[:29]) + gzip.compress(lines[29:])
    assert counts_of(desk.done(desk.post(packed, **{"Content-Encoding": "gzip"}))) == {"added": 2}
    assert counts_of(desk.done(desk.post(packed))) == {"unchanged": 2}
    assert counts_of(desk.done(desk.post(lines))) == {"unchanged": 2}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b" \n\n", {}, 400),
        (gzip.compress(b'{"id": "a", "text": "b"}')[:-9], {}, 400),
        (gzip.compress(b'{"id": "a", "text": "b"}')[:12] + b"?" * 30, {}, 400),
        (b"plain", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(gzip.compress(b"{}")), {}, 400),
        (gzip.compress(b" " * (2 << 20)), {}, 413),
        (b"x" * ((1 << 20) + 1), {}, 413),
        (b"{}", {"Content-Encoding": "br"}, 415),
    ],
    ids=["empty", "blank", "cut", "damaged", "unpacked", "twice", "bomb", "large", "br"],
)
def test_a_body_that_cannot_be_unpacked_or_is_too_large_is_refused_and_leaves_nothing(
    desk, body, headers, status
):
    answer = desk.post(body, **headers)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    folder = desk.engines.catalog.inbox.folder
    assert [path.name for path in folder.glob("*")] in ([], ["lock"])


@pytest.mark.parametrize(
    ("article_id", "body", "status", "field"),
    [
        ("a", b"\xff{}", 400, "body"),
        ("a", b"{", 400, "body"),
        ("a", b"[]", 400, "body"),
        ("a", b"[" * 100_000, 400, "body"),
        ("a", b'{"x":' * 100_000, 400, "body"),
        ("a", {"source": "Courier"}, 400, "text"),
        ("a", {"text": "\0"}, 400, "text"),
        ("a", {"text": "Rain.", "id": "b"}, 409, None),
        ("a", {"text": "Rain.", "id": 7}, 409, None),
        ("a", {"text": "Rain.", "guid": "b"}, 409, None),
        (" a", {"text": "Rain."}, 400, "article_id"),
        ("a\0b", {"text": "Rain."}, 400, "article_id"),
        ("a" * (10 << 10), {"text": "Rain."}, 400, "article_id"),
        ("a", b"{" + b" " * MAX_BODY + b"}", 413, None),
    ],
)
def test_what_cannot_be_the_article_is_refused_at_once(desk, article_id, body, status, field):
    answer = desk.put(article_id, body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json.get("field") == field
    assert desk.waiting() == []


def test_a_body_may_name_the_id_of_the_address(desk):
    assert desk.put("a", {"text": "Rain.", "ID": "a"}).status_code == 202
    assert counts_of(desk.done(desk.put("b", {"text": "Rain.", "url": "https://x.example/b"}))) == {
        "added": 1
    }
    assert desk.article("b").json["url"] == "https://x.example/b"


NO_TOKENS = [
    *("", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}"),
    *(f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer \xff{TOKEN}"),
]
WRITES = [
    ("PUT", "/api/articles/a"),
    ("DELETE", "/api/articles/ferry"),
    ("POST", "/api/articles"),
    ("GET", "/api/jobs/1"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("given", NO_TOKENS)
def test_without_the_token_nothing_is_answered(desk, method, path, given):
    asked = {"Authorization": given, "Cookie": f"token={TOKEN}; Authorization=Bearer {TOKEN}"}
    answer = desk.client.open(
        f"{path}?token={TOKEN}&access_token={TOKEN}",
        method=method,
        data=json.dumps(PUT),
        headers=asked,
    )
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.content_type == "application/problem+json"
    assert desk.waiting() == []


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_without_the_setting_there_are_no_such_routes(searcher, reader, method, path):
    client = create_app(searcher, reader).test_client()
    answer = client.open(path, method=method, data=json.dumps(PUT), headers=BEARER)
    assert answer.status_code == (405 if "articles/" in path else 404)


def test_pages_of_other_sites_may_not_write(engines, searcher, reader):
    desk = Desk(engines, searcher, reader, cors=["https://desk.example"])
    origin = {"Origin": "https://desk.example", "Access-Control-Request-Method": "PUT"}
    asked = desk.client.options("/api/articles/a", headers=origin)
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert "Authorization" not in asked.headers["Access-Control-Allow-Headers"]
    answer = desk.put("a", PUT)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("job", ["0", "99", "-1", "x", "1/2", "..", "%00", "9" * 400, "١"])
def test_there_is_no_job_of_a_name_that_is_none(desk, job):
    desk.put("a", PUT)
    answer = desk.client.get(f"/api/jobs/{job}", headers=BEARER)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_job_is_answered_anew_each_time(desk):
    accepted = desk.put("a", PUT)
    path = accepted.headers["Location"]
    first = desk.client.get(path, headers=BEARER)
    assert "ETag" not in first.headers
    assert desk.done(accepted)["status"] == "done"


def test_two_clients_at_one_id_are_done_in_their_order(desk):
    desk.put("a", {"text": "First."})
    desk.put("a", {"text": "Second."})
    assert counts_of(desk.done(desk.put("a", {"text": "Third."}))) == {"updated": 1}
    assert desk.article("a").json["text"] == "Third."
    texts = [each["text"] for each in desk.client.get("/api/articles/a/history").json["versions"]]
    assert texts[0] == "Third."


def test_a_full_disk_and_a_full_queue_are_said_and_leave_nothing(desk, monkeypatch):
    def full(*_):
        raise DiskFull

    monkeypatch.setattr(Inbox, "take_in", full)
    answer = desk.put("a", PUT)
    assert (answer.status_code, "disk is full" in answer.json["detail"]) == (503, True)
    monkeypatch.undo()
    monkeypatch.setattr(inbox_module, "MOST_WAITING", 0)
    answer = desk.put("a", PUT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert desk.waiting() == []


def test_an_archive_that_is_only_read_takes_no_writes(desk):
    (desk.engines.catalog.inbox.folder.parent / "backup.json").touch()
    answer = desk.put("a", PUT)
    assert answer.status_code == 503
    assert "it is a backup" in answer.json["detail"]


def test_a_damaged_job_fails_by_name_and_the_others_are_done(desk):
    damaged = desk.put("a", PUT)
    sound = desk.put("b", PUT)
    (path, _) = (job.path for job in desk.waiting())
    path.write_bytes(path.read_bytes()[:-6])
    assert counts_of(desk.done(sound)) == {"added": 1}
    job = desk.client.get(damaged.headers["Location"], headers=BEARER).json
    assert job["status"] == "failed"
    assert "set-aside-" in job["reason"]
    assert list(path.parent.parent.glob(f"set-aside-*/{path.name}"))


def test_an_article_that_was_withdrawn_is_put_by_nobody(desk):
    gone = {"uri": "tag:x,2024:1", "version": "2", "pubstatus": "canceled", "type": "text"}
    answer = desk.put("tag:x,2024:1", gone)
    assert answer.status_code == 400


def test_what_was_received_is_kept_and_read_again(engines, searcher, reader):
    desk = Desk(engines, searcher, reader)
    desk.done(desk.put("quay", PUT))
    stored = {file.place: file for file, _ in engines.catalog.originals}
    origin = reader.article("quay").article.origin
    assert origin.file in stored
    with stored[origin.file].open() as stream:
        assert json.loads(stream.read()) == PUT | {"id": "quay"}
