"""A divided archive is served as the archive that it was: pages, API, feeds and files."""

import http.client
import json
import random
import re
from urllib.parse import urlencode

import pytest

from backfile.archive.store.collections import Collections
from backfile.archive.store.reader import ArchiveReader
from backfile.index.cluster.search.reading import ClusterReader
from backfile.index.cluster.search.searching import ClusterSearcher
from backfile.index.model.results import Verdict
from backfile.web.api.exports import article_fields
from backfile.web.app import create_app
from backfile.web.collections.access import Access
from backfile.web.metrics import SearchMetrics
from backfile.web.parts import HEADER, note_missing
from backfile.web.served import NO_WRITES
from tests.builders import fill, visible_text, write_records
from tests.divided import TODAY, Divided, LostShard, news, random_query
from tests.web.servers import get, served

HERE = {"Origin": "http://localhost"}
N_ARTICLES, N_SHARDS = 40, 4
# What names one archive, or one moment.
PASSING = (
    (re.compile(r"\bg\d+o(\d+)"), r"g0o\1"),  # of a cursor
    (re.compile(r'"generation":\s?\d+'), '"generation": 0'),
    (re.compile(r'("took_ms":\s?){[^}]*}'), r"\1{}"),
    (re.compile(r"urn:uuid:[0-9a-f-]{36}"), "urn:uuid"),
    (re.compile(r"&#34;(generation|took_ms)&#34;: [^\n]*"), ""),
    (re.compile(r'"request_id":\s?"[^"]*"'), ""),
)


class Sides:
    """The same archive served undivided and divided, and its shards, which may be lost."""

    def __init__(self, folder, articles, **options):
        assigned = [n % N_SHARDS for n in range(len(articles))]
        self.divided = Divided(folder, articles, assigned, **options)
        self.shards = [LostShard(str(n), e, n) for n, e in enumerate(self.divided.engines)]
        self.one = create_app(
            self.divided.undivided,
            ArchiveReader(self.divided.archive.catalog),
            access=Access(local=True),
        ).test_client()
        self.searches = SearchMetrics()
        self.seconds = [0.0]
        self.collections = Collections(folder / "collections.sqlite")
        self.searcher = ClusterSearcher(
            self.shards,
            budget=60.0,
            seconds_a_round=60.0,
            today=lambda: TODAY,
            seconds=lambda: self.seconds[0],
            collections=self.collections,
            recorder=self.searches,
            noticed=note_missing,
        )
        self.app = create_app(
            self.searcher,
            ClusterReader(self.searcher, self.collections),
            no_writes=NO_WRITES,
            searches=self.searches,
            access=Access(local=True),
        )
        self.other = self.app.test_client()

    def get(self, path, **options):
        """The answers of both."""
        return [self.asked(client, path, "get", **options) for client in (self.one, self.other)]

    def post(self, path, **options):
        return [self.asked(client, path, "post", **options) for client in (self.one, self.other)]

    def asked(self, client, path, method, **options):
        answer = getattr(client, method)(path, **options)
        text = answer.get_data(as_text=True)
        for pattern, replacement in PASSING:
            text = pattern.sub(replacement, text)
        return answer.status_code, answer.content_type, text

    def lose(self, *numbers):
        for n, shard in enumerate(self.shards):
            shard.is_lost = n in numbers
            if shard.is_lost:
                shard.break_connections()
        self.seconds[0] += 1.0

    def close(self):
        self.searcher.close()
        self.divided.__exit__()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Nothing is changed in it, but for stars."""
    articles = news(5, N_ARTICLES)
    earlier = [each | {"text": f"{each['text']} It was otherwise."} for each in articles[::3]]
    sides = Sides(tmp_path_factory.mktemp("served"), articles, earlier=earlier)
    yield sides
    sides.close()


@pytest.fixture
def sides(tmp_path):
    made = Sides(tmp_path / "served", news(7, 20))
    yield made
    made.close()


PATHS = [
    *("/", "/?q=ferry+bridge", "/?q=ferry&view=list&timeline=share", "/?q=brigde", "/?q=zxqv"),
    *("/?q=ferry&view=kwic", "/?q=ferry&view=kwic&context=left", "/?q=ferry&mark=sentence"),
    *("/?q=ferry&compare=bridge&compare=zxqv", "/?q=ferry&limit=3", "/?since=x", "/overview"),
    *("/outlets?q=ferry", "/outlets?q=&by=articles", "/outlets?q=zxqv&mode=keyword"),
    *("/cite?q=ferry", "/help", "/collections", "/batch?q=ferry", "/nowhere"),
    *("/article/a3", "/article/a3?q=ferry+bridge", "/article/nowhere", "/history/a3", "/history/x"),
    *("/history/a4", "/cite/bibtex/a3", "/cite/csl/a4", "/cite/plain/nowhere"),
    *("/api/search?q=ferry", "/api/search?q=ferry&facets=none&fields=total", "/api/search?limit=x"),
    *("/api/articles/a3", "/api/articles/nowhere", "/api/articles/a3/related?limit=3"),
    *("/api/articles/nowhere/related", "/api/articles/a3/history", "/api/articles/x/history"),
    *("/api/outlets?q=ferry", "/api/outlets?q=", "/outlets.csv?q=bridge", "/search.json?q=ferry"),
    *("/search.json", "/search.atom?q=ferry&source=Courier", "/search.atom?q=zxqv"),
    *("/export.csv?q=ferry", "/export.jsonl?q=ferry", "/export.ris", "/export.bib?q=bridge"),
    *("/export.txt?q=zxqv&mode=keyword", "/context.csv?q=ferry", "/context.csv?q=bridge"),
    *("/compare.csv?q=ferry&compare=bridge", "/compare.svg?q=ferry&compare=storm", "/llms.txt"),
    *("/api/openapi.json", "/opensearch.xml", "/healthz", "/api/suggest?q=fer"),
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_what_is_served_is_that_of_one_archive(whole, path):
    one, other = whole.get(path)
    assert other == one
    assert one[0] in (200, 400, 404)


def test_each_article_is_that_of_one_archive_with_its_copies_wherever_they_are(whole):
    copies = 0
    for n in range(N_ARTICLES):
        for path in (
            f"/api/articles/a{n}",
            f"/api/articles/a{n}/history",
            f"/article/a{n}?q=ferry",
        ):
            one, other = whole.get(path)
            assert other == one, path
        copies += whole.other.get(f"/api/articles/a{n}").json["copies_total"]
    assert copies > N_SHARDS


@pytest.mark.parametrize("seed", range(3))
def test_any_search_is_served_as_that_of_one_archive(whole, seed):
    choose = random.Random(seed)
    for _ in range(8):
        asked = urlencode(random_query(choose))
        for path in (f"/?{asked}", f"/api/search?{asked}", f"/outlets.csv?{_listed(asked)}"):
            one, other = whole.get(path)
            assert other == one, path


def _listed(asked):
    return re.sub(r"&?(limit|cursor)=[^&]*", "", asked)


TYPED = [
    *("f", "fe", "fer", "ferry b", "ferry bridge s", "the s", "storm ferr", "title:bri", "cou"),
    *("source:c", 'author:"ana', "ana ru", "section:s", "language:d", "ferry cour", "zx", "ferry "),
    *("bridge ha", "river li", "council vo", "x" * 500, '"ferry br', "text:har", "ALL", "herald"),
]


@pytest.mark.parametrize("typed", TYPED)
def test_suggestions_are_those_of_one_archive(whole, typed):
    one, other = whole.get("/api/suggest", query_string={"q": typed, "limit": 12})
    assert other == one


def test_enough_is_suggested_to_tell(whole):
    found = [whole.one.get("/api/suggest", query_string={"q": typed}).json for typed in TYPED]
    kinds = {each["kind"] for answer in found for each in answer["suggestions"]}
    assert kinds == {"word", "title", "source", "section", "language", "author"}


def test_many_searches_at_once_are_answered_as_by_one_archive(whole):
    lines = '{"q": "ferry"}\n{"q": "brigde"}\n{"q": "x", "limit": "y"}\nno\n{"sort": "oldest"}\n'
    one, other = whole.post("/api/search/batch", data=lines)
    assert other == one
    for kind in ("page", "queries", "hits"):
        fields = {"lines": "ferry\nbrigde\nzxqv\nbridge -ferry", "as": kind, "limit": "3"}
        one, other = whole.post("/batch", data=fields)
        assert other == one


def test_all_pages_of_a_search_follow_each_other(whole):
    seen, cursor = [], ""
    while cursor is not None:
        answer = whole.other.get(f"/api/search?q=ferry&copies=show&limit=3&cursor={cursor}").json
        seen += [hit["article"]["id"] for hit in answer["hits"]]
        cursor = answer["next"]
    one = whole.one.get("/api/search?q=ferry&copies=show&limit=200").json
    assert seen == [hit["article"]["id"] for hit in one["hits"]]
    assert len(seen) > 6


def test_a_hit_leads_to_those_beside_it(whole):
    for client in (whole.one, whole.other):
        page = client.get("/?q=ferry&limit=3").text
        hit = re.search(r'<h2[^>]*><a href="(/?article/[^"]+)"', page)[1].replace("&amp;", "&")
        client.shown = visible_text(client.get("/" + hit.lstrip("/").partition("#")[0]).text)
    assert whole.other.shown == whole.one.shown
    assert "1 of " in whole.one.shown


def test_collections_and_saved_searches_are_those_of_the_whole(whole):
    for path, fields in (
        ("/star", {"star": "a3", "collection": "Boats", "note": "ask", "tags": "x"}),
        ("/star", {"star": "a4", "collection": "Boats"}),
        ("/star", {"star": "nowhere", "collection": "Boats"}),
        ("/star/all", {"search": "q=ferry&mode=keyword", "collection": "Ferries"}),
        ("/searches", {"search": "q=ferry", "name": "Ferry news"}),
        ("/searches/1", {}),
    ):
        one, other = whole.post(path, data=fields, headers=HERE)
        assert other == one, path
    for path in (
        *("/collections", "/collections/Boats", "/collections/Ferries?tag=x", "/?collection=Boats"),
        *("/api/search?collection=Ferries&q=bridge", "/export.csv?collection=boats", "/article/a3"),
        *("/api/search?collection=nowhere", "/search.atom?collection=Boats", "/?q=ferry"),
    ):
        one, other = whole.get(path)
        assert other == one, path
    assert whole.other.get("/api/search?collection=Boats&copies=show").json["total"] == 2


def test_an_unchanged_answer_is_told_by_its_tag(whole):
    for path in ("/api/search?q=ferry", "/export.csv?q=ferry", "/api/articles/a3"):
        first = whole.other.get(path)
        again = whole.other.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304)


def test_writes_say_what_to_do_instead(whole):
    for answer in (
        whole.other.put("/api/articles/x", json={"text": "x"}),
        whole.other.delete("/api/articles/a3"),
        whole.other.post("/api/articles", data=b'{"text": "x"}'),
        whole.other.get("/api/jobs/1"),
    ):
        assert answer.status_code == 501
        assert answer.content_type == "application/problem+json"
        assert "a divided archive takes no articles over HTTP" in answer.json["detail"]
    paths = whole.other.get("/api/openapi.json").json["paths"]
    assert "put" not in paths["/api/articles/{article_id}"]


def test_the_page_of_the_api_shows_what_a_divided_archive_answers(whole):
    page = whole.other.get("/api")
    assert page.status_code == 200
    assert page.text.count("<h2") == whole.one.get("/api").text.count("<h2")


def test_metrics_count_searches_and_shards(sides):
    sides.other.get("/api/search?q=ferry")
    sides.other.get("/export.csv?q=ferry")
    page = sides.other.get("/metrics").text
    strong = f'backfile_searches_total{{mode="hybrid",outcome="{Verdict.STRONG}"}} 2.0'
    assert strong in page
    assert "backfile_articles 20.0" in page
    assert "backfile_shards_answering 4.0" in page
    sides.lose(2)
    assert "backfile_shards_answering 3.0" in sides.other.get("/metrics").text
    sides.lose(0, 1, 2, 3)
    page = sides.other.get("/metrics")
    assert (page.status_code, "backfile_shards_answering 0.0" in page.text) == (200, True)


NOTE = "3 of 4 parts of the archive answered; they hold 75% of its articles"
SEARCHED = ("/api/search?copies=show", "/search.json?copies=show", "/export.csv?copies=show",
            "/api/suggest?q=fer", "/api/articles/a0", "/api/articles/a0/related", "/outlets.csv",
            "/context.csv?q=ferry", "/compare.csv?q=ferry&compare=bridge", "/api/outlets?q=",
            "/", "/?q=ferry", "/?q=ferry&view=kwic", "/overview", "/outlets?q=", "/cite?q=",
            "/article/a0", "/collections/Starred", "/history/a0")  # fmt: skip


@pytest.mark.parametrize("path", SEARCHED)
def test_what_is_answered_without_a_part_says_so(sides, path):
    whole = sides.other.get(path)
    assert HEADER not in whole.headers
    tag = whole.headers.get("ETag", "")
    sides.lose(2)
    part = sides.other.get(path, headers={"If-None-Match": tag})
    assert part.status_code == 200
    assert part.headers[HEADER] == NOTE
    assert "ETag" not in part.headers
    if part.mimetype == "text/html":
        assert visible_text(part.text).count(NOTE) == 1
    if part.headers.get("Content-Disposition", "").startswith("attachment"):
        assert "-incomplete-2" in part.headers["Content-Disposition"]
    sides.lose()
    assert HEADER not in sides.other.get(path).headers


def test_the_note_is_in_the_json_and_the_rest_is_found(sides):
    assert sides.other.get("/api/search?copies=show").json["total"] == 20
    sides.lose(2)
    answer = sides.other.get("/api/search?copies=show").json
    assert (answer["total"], answer["query"]["notes"]) == (15, [NOTE])
    lines = sides.other.get("/export.jsonl?copies=show").text.splitlines()
    assert len(lines) == 15
    batch = sides.other.post("/api/search/batch", data='{"copies": "show"}')
    assert json.loads(batch.text)["query"]["notes"] == [NOTE]
    assert batch.headers[HEADER] == NOTE


def test_an_article_that_may_be_in_a_part_that_is_out_is_not_said_to_be_nowhere(sides):
    sides.lose(2)
    for path in ("/api/articles/a2", "/api/articles/a2/related", "/api/articles/a2/history"):
        answer = sides.other.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert "a part of the archive does not answer" in answer.json["detail"]
    sides.lose()
    assert sides.other.get("/api/articles/a2").status_code == 200
    assert sides.other.get("/api/articles/nowhere").status_code == 404


def test_a_file_breaks_off_if_a_part_is_lost_while_it_is_sent(sides, monkeypatch):
    monkeypatch.setattr("backfile.index.search.result_cache.ARTICLES_AT_ONCE", 3)
    with served(sides.app) as (_, port):
        assert get(port, "/export.jsonl?copies=show")[2].count(b"\n") == 20
        pieces = []

        def lose(article):
            pieces.append(article)
            if len(pieces) == 4:
                sides.lose(2)
            return article_fields(article)

        monkeypatch.setattr("backfile.web.api.exports.article_fields", lose)
        with pytest.raises(http.client.HTTPException):
            get(port, "/export.jsonl?copies=show")
        assert 4 <= len(pieces) < 20


def test_a_collection_is_whole_again_with_its_part(sides):
    names = [(f"a{n}", "") for n in range(8)]
    sides.collections.add("Boats", names)
    path = "/api/search?collection=Boats&copies=show&fields=total"
    sides.lose(2)
    assert sides.other.get(path).json["total"] == 6
    sides.lose()
    assert sides.other.get(path).json["total"] == 8


@pytest.mark.parametrize("path", SEARCHED)
def test_without_any_part_it_is_not_available_and_may_be_soon(sides, path):
    sides.lose(*range(N_SHARDS))
    answer = sides.other.get(path)
    if path == "/collections/Starred":  # it is empty, so no archive is needed
        return
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "one of the 4 parts of the archive answers" in visible_text(answer.text)
    sides.lose()
    assert sides.other.get(path).status_code == 200


def test_readiness_names_the_parts_that_are_out(sides):
    assert sides.other.get("/readyz").json["parts"]["shards"] == {"status": "ok"}
    assert sides.other.get("/healthz").status_code == 200
    sides.lose(1, 2)
    found = sides.other.get("/readyz")
    assert (found.status_code, found.json["status"]) == (200, "degraded")
    assert found.json["parts"]["shards"] == {
        "status": "failed",
        "detail": "2 of 4 parts of the archive answer; out are: 1; 2",
    }
    sides.lose(*range(N_SHARDS))
    found = sides.other.get("/readyz")
    assert (found.status_code, found.headers["Retry-After"]) == (503, "5")
    assert sides.other.get("/healthz").status_code == 200


def test_a_change_of_a_shard_is_served(sides, tmp_path):
    first = sides.other.get("/api/search?q=gale")
    more = [{"id": "gale", "title": "Gale", "text": "A gale came.", "published": "2024-05-05"}]
    fill(sides.divided.engines[1], write_records(tmp_path / "more.jsonl", more))
    sides.shards[1]._searcher.look_again()
    sides.seconds[0] += 1.0
    tag = {"If-None-Match": first.headers["ETag"]}
    found = sides.other.get("/api/search?q=gale", headers=tag)
    assert found.json["hits"][0]["article"]["id"] == "gale"
    assert sides.other.get("/api/articles/gale").status_code == 200
    assert "Gale" in sides.other.get("/overview").text
