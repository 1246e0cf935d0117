"""Page and API: the same answers, hostile text kept harmless, errors that help."""

import html
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.directory import ArchiveDirectory
from backfile.index.model.query import Query
from backfile.web.api.json import results_json
from backfile.web.app import create_app
from backfile.web.public_address import LOCAL_HOSTS
from tests.builders import (
    SEARCHES,
    app_over,
    engines_in,
    fill,
    indexer_of,
    visible_text,
    write_stories,
)


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


@pytest.mark.parametrize("search", SEARCHES)
def test_page_and_api_give_the_same_hits(client, search):
    page = client.get(f"/?{search}")
    answer = client.get(f"/api/search?{search}")
    assert page.status_code == answer.status_code == 200
    shown = re.findall(r'<h2[^>]*><a href="/article/([^"#?]+)', page.text)
    assert shown == [quote(hit["article"]["id"], safe="") for hit in answer.json["hits"]]
    heading = visible_text(re.search(r"<h1>(.*?)</h1>", page.text)[1])
    assert heading.startswith(
        str(answer.json["totals"]["stories"]) if answer.json["total"] else "Nothing found"
    )


def test_the_api_answers_as_designed(client):
    answer = client.get("/api/search?q=swing+bridge&limit=1").json
    hit = answer["hits"][0]
    assert hit["article"]["id"] == "bridge"
    assert hit["article"]["published"] == "2023-03-15"
    assert hit["ranks"] == {"lexical": 1, "vector": 1}
    passage = hit["passages"][0]
    assert passage["id"] == "bridge:0"
    for start, end in passage["highlights"]:
        assert passage["text"][start:end].casefold() in ("swing", "bridge")
    assert answer["verdict"] == "strong"
    assert answer["coverage"] == 1
    assert answer["query"]["read_as"] == "the words swing bridge"
    assert {"words", "meaning", "rank", "fetch", "all"} <= answer["took_ms"].keys()
    assert {"facets", "timeline", "next", "total"} <= answer.keys()


def test_the_api_and_the_page_say_why_each_hit_was_found(client):
    hits = client.get("/api/search?q=swing+bridge").json["hits"]
    page = client.get("/?q=swing+bridge").text
    shown = visible_text(page)
    assert page.count('<details class="why"') == len(hits)
    for hit in hits:
        for found in (hit, *hit["passages"]):
            total = sum(part["score"] for part in found["why"]["parts"])
            assert total == pytest.approx(found["score"], abs=1e-4)
        assert hit["why"]["sentence"][1:] in shown
    assert hits[0]["why"]["sentence"].startswith('contains "swing" and "bridge"; ')
    assert [part["kind"] for part in hits[0]["why"]["parts"]] == ["word", "word", "meaning"]
    assert '<details class="why"' not in client.get("/?sort=newest").text


def test_the_shell_and_the_api_lay_results_out_alike(client, searcher):
    answer = client.get("/api/search?q=ferry").json
    ours = results_json(searcher.search(Query("ferry")))
    assert {**answer, "took_ms": None} == {**ours, "took_ms": None}


@pytest.mark.parametrize(
    "article_id", ["ferry", "https://bote.example/a?b=1", "<b>id</b>", "/2023/05/pier%20"]
)
def test_an_article_has_a_page_and_json_whatever_its_id(client, article_id):
    path = quote(article_id, safe="")
    page = client.get(f"/article/{path}?q=ferry")
    answer = client.get(f"/api/articles/{path}")
    assert page.status_code == answer.status_code == 200
    assert answer.json["id"] == article_id
    for passage in answer.json["passages"]:
        assert answer.json["text"][passage["start"] : passage["end"]] == passage["text"]
        assert f'id="p{passage["id"].rpartition(":")[2]}"' in page.text
        assert " ".join(passage["text"].split()) in " ".join(visible_text(page.text).split())


def test_markup_in_articles_and_queries_stays_text(client):
    answers = [
        client.get("/"),
        client.get("/?q=<script>alert(2)</script>&source=<script>"),
        client.get(f'/article/{quote("<b>id</b>", safe="")}?q="><script>'),
    ]
    for answer in answers:
        assert answer.status_code == 200
        page = answer.text
        ours = r'<script src="/static/[a-z]+\.js" defer>|<script type="application/ld\+json">[^<]*<'
        assert "<script" not in re.sub(ours, "", page)
        assert "<img" not in page
        assert "<i>Source" not in page
        assert "javascript:" not in page


def test_an_article_without_a_headline_says_so(client):
    assert "without a headline" in client.get("/?q=fireworks").text
    assert "without a headline" in client.get("/article/untitled").text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("since=tomorrow", 400, "is no date"),
        ("mode=magic", 400, "is none of"),
        ("limit=100000", 400, "is not a number from 1"),
        ("cursor=x", 400, "gave as"),
    ],
)
def test_a_bad_parameter_is_a_problem_that_names_it(client, path, status, said):
    answer = client.get(f"/api/search?{path}")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == path.split("=")[0]
    assert said in answer.json["detail"]
    page = client.get(f"/?{path}")
    assert page.status_code == status
    assert said in visible_text(page.text)


@pytest.mark.parametrize(
    "path", ["/article/nobody", "/api/articles/nobody", "/nowhere", "/api/nowhere"]
)
def test_what_is_not_there_is_404_and_helps(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert (answer.content_type == "application/problem+json") == path.startswith("/api")


def test_an_unforeseen_error_shows_no_stack_trace(searcher, reader, monkeypatch, caplog):
    app = create_app(searcher, reader)
    monkeypatch.setattr(type(searcher), "search", lambda *_: 1 / 0)
    answer = app.test_client().get("/api/search?q=x")
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert "division" in caplog.text


def test_every_answer_carries_the_security_headers(client):
    for path in ("/", "/api/search", "/nowhere", "/static/backfile.css"):
        with client.get(path) as answer:
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_foreign_host_name_is_refused_where_only_this_machine_may_ask(searcher, reader):
    client = create_app(searcher, reader, trusted_hosts=list(LOCAL_HOSTS)).test_client()
    assert client.get("/", headers={"Host": "localhost:8080"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_health_and_readiness(client):
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz").json
    assert (ready["coverage"], ready["disk"]) == (1, None)
    assert ready["parts"].keys() == {"record", "words", "vectors", "model"}


def test_a_server_that_cannot_search_by_meaning_is_degraded_and_kept(client, engines, monkeypatch):
    def fails(*_):
        raise EngineUnavailable("the model m", "its file is gone; install it again")

    monkeypatch.setattr(type(engines.embedder), "embed_query", fails)
    answer = client.get("/readyz")
    while answer.json["parts"]["model"]["status"] == "loading":
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["parts"]["model"]["detail"].endswith("install it again")
    assert answer.json["parts"]["vectors"] == {"status": "ok"}


def test_the_disk_of_a_served_archive_is_a_fact(searcher, reader, tmp_path):
    (tmp_path / "archive" / "manifest.json").write_text("{}")
    directory = ArchiveDirectory(tmp_path / "archive")
    answer = create_app(searcher, reader, directory=directory).test_client().get("/readyz")
    assert answer.json["disk"]["writable"] is True
    assert answer.json["disk"]["free_bytes"] > 0


@pytest.mark.parametrize("end", ["moved", "deleted", "replaced"])
def test_a_server_whose_archive_is_gone_says_so_and_makes_none(tmp_path, end):
    root = tmp_path / "archive"
    engines = engines_in(root, in_memory=False)
    fill(engines, write_stories(tmp_path))
    client = app_over(engines).test_client()
    assert client.get("/readyz").status_code == 200
    root.rename(tmp_path / "moved")
    if end == "deleted":
        shutil.rmtree(tmp_path / "moved")
    if end == "replaced":
        shutil.copytree(tmp_path / "moved", root)
    before = set(tmp_path.rglob("*"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert f"{root}/catalog.db was moved, replaced or deleted" in answer.json["detail"]
    assert answer.json["parts"] == {"record": {"status": "failed", "detail": answer.json["detail"]}}
    assert client.get("/healthz").status_code == 200
    with ThreadPoolExecutor(8) as threads:  # so that connections are opened anew
        list(threads.map(client.get, ["/", "/?q=ferry&mode=semantic", "/api/search?q=bridge"] * 8))
    engines.catalog.close()
    assert client.get("/api/search?q=harbour").status_code in (200, 503)
    assert set(tmp_path.rglob("*")) <= before
    engines.catalog.close()


def test_an_empty_archive_says_how_to_fill_it(tmp_path):
    engines = engines_in(tmp_path / "empty", in_memory=False)
    page = app_over(engines).test_client().get("/")
    assert page.status_code == 200
    assert "backfile index" in page.text
    engines.catalog.close()


def test_every_link_on_the_search_page_leads_somewhere(client):
    page = client.get("/?q=ferry&source=Courier&since=2023").text
    links = {html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', page)}
    assert len(links) > 8
    for link in links:
        with client.get(link) as answer:
            assert answer.status_code == 200, link


def boxes(page, name):
    """The check boxes of a facet, each with whether it is checked."""
    box = f'<input type="checkbox" name="{name}" value="([^"]*)"'
    found = re.findall(rf'{box}(?: aria-label="[^"]*")?( checked)?>', page)
    return {html.unescape(value): bool(checked) for value, checked in found}


def test_each_value_of_a_facet_can_be_included_or_excluded_and_taken_back(client):
    answer = client.get("/api/search?q=ferry").json
    page = client.get("/?q=ferry").text
    for name, counts in answer["facets"].items():
        assert answer["facets_total"][name] == len(counts)
        values = {count["value"] for count in counts} if len(counts) > 1 else set()
        assert boxes(page, name).keys() == boxes(page, f"not_{name}").keys() == values
        for count in counts if len(counts) > 1 else ():
            link = f"/?{urlencode({'q': 'ferry', f'not_{name}': count['value']})}"
            left = client.get(f"/api/search{link[1:]}").json
            assert left["total"] == answer["total"] - count["count"]
            assert left["query"][f"not_{name}"] == [count["value"]]
    narrowed = client.get("/?q=ferry&not_source=courier&not_language=de").text
    assert "not source: courier, remove" in visible_text(narrowed)
    assert "not language: German, remove" in visible_text(narrowed)
    assert boxes(narrowed, "not_source")["Courier"]
    assert not boxes(narrowed, "source")["Courier"]
    assert "/export.csv?q=ferry&amp;not_source=courier" in narrowed
    assert "Courier" not in client.get("/export.csv?not_source=courier").text
    assert 'aria-label="exclude Courier"' in client.get("/?not_section=Culture").text


def test_several_values_of_a_facet_are_chosen_at_once(client):
    both = client.get("/api/search?source=Courier&source=Gazette").json
    assert {count["value"] for count in both["facets"]["source"]} >= {"Courier", "Gazette"}
    counts = {count["value"]: count["count"] for count in both["facets"]["source"]}
    assert both["totals"]["articles"] == counts["Courier"] + counts["Gazette"]
    page = client.get("/?source=Courier&source=Gazette").text
    chosen = {value for value, checked in boxes(page, "source").items() if checked}
    assert chosen == {"Courier", "Gazette"}


def test_a_long_facet_opens_to_the_rest_and_takes_a_value_that_it_does_not_list(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    lines = [json.dumps({"id": f"{n}", "text": f"Rain {n}.", "source": f"S{n}"}) for n in range(60)]
    (tmp_path / "news.jsonl").write_text("\n".join(lines))
    indexer_of(engines).index(Reading([tmp_path / "news.jsonl"], FieldMap()))
    client = app_over(engines).test_client()
    page = client.get("/").text
    assert "52 more" in page
    assert len(boxes(page, "source")) == 40
    assert len(boxes(page.split('class="rest"')[1], "source")) == 32
    assert 'Other: <input name="source"' in page
    rare = client.get("/?source=S9").text  # the last in order of the alphabet
    assert boxes(rare, "source")["S9"]
    assert client.get("/api/search").json["facets_total"]["source"] == 60
    engines.catalog.close()


def test_names_of_outlets_are_shown_as_people_write_them(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    sources = ("www.harbour_gazette.example", "Courier")
    lines = [json.dumps({"id": each, "text": f"Rain {each}", "source": each}) for each in sources]
    (tmp_path / "news.jsonl").write_text("\n".join(lines))
    indexer_of(engines).index(Reading([tmp_path / "news.jsonl"], FieldMap()))
    page = app_over(engines).test_client().get("/?q=rain").text
    assert visible_text(page).count("harbour gazette.example") == 2  # hit, list
    assert boxes(page, "source").keys() == set(sources)
    engines.catalog.close()


def test_a_page_says_how_much_meaning_covers_even_where_nothing_is_found(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=False)
    indexer_of(engines).index(Reading([write_stories(tmp_path)], FieldMap()))
    client = app_over(engines).test_client()
    page = visible_text(client.get("/?q=zxqv").text)
    assert "Nothing found" in page
    assert "Search by meaning is not set up: backfile index adds it." in page
    assert "not set up" not in visible_text(client.get("/?q=zxqv&mode=keyword").text)
    found = visible_text(client.get("/?q=ferry").text)
    assert "Why this result?" in found
    assert "nearest in meaning" not in found
    engines.catalog.close()


def test_what_has_no_date_is_a_link_to_just_that(client):
    page = client.get("/").text
    (link,) = {html.unescape(found) for found in re.findall(r'href="(/[?][^"]*date=none)"', page)}
    undated = client.get("/api/search").json["timeline"]["undated"]
    assert f"{undated} without a date" in visible_text(page)
    narrowed = client.get(f"/api/search{link.removeprefix('/')}").json
    assert (narrowed["total"], narrowed["query"]["date"]) == (undated, "none")
    assert all(hit["article"]["published"] is None for hit in narrowed["hits"])
    page = client.get(link).text
    assert "without a date, remove" in visible_text(page)
    assert 'class="timeline"' not in page
    # Kept by a new search, and by the form of the filters.
    assert page.count('name="date" value="none"') == 2


def test_a_day_that_is_not_certain_is_marked_and_shown_as_it_was_written(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    days = {"a": "2024-03-23", "b": "4/3/2024", "c": "2131-01-01", "d": "2024-02-30", "e": ""}
    lines = [json.dumps({"id": key, "text": f"Rain {key}.", "date": days[key]}) for key in days]
    (tmp_path / "news.jsonl").write_text("\n".join(lines))
    indexer_of(engines).index(Reading([tmp_path / "news.jsonl"], FieldMap()))
    client = app_over(engines).test_client()
    page = client.get("/").text
    assert (page.count(">date likely<"), page.count(">date doubtful<")) == (1, 1)
    pages = {key: visible_text(client.get(f"/article/{key}").text) for key in days}
    assert "Date as written: 4/3/2024; read with the month first" in pages["b"]
    assert "Date as written: 2131-01-01; in the future when it was read" in pages["c"]
    assert "no date" in pages["d"]
    assert "Date as written: 2024-02-30" in pages["d"]
    assert not any("Date as written" in pages[key] for key in "ae")
    bins = client.get("/api/search").json["timeline"]
    assert sum(each["count"] for each in bins["bins"]) == 3
    assert bins["undated"] == 2
    engines.catalog.close()


def test_each_part_of_a_query_is_a_link_to_the_query_without_it(client):
    text = 'ferry "night ferry" NOT council before:2025'
    page = client.get("/", query_string={"q": text}).text
    parts = client.get("/api/search", query_string={"q": text}).json["query"]["parts"]
    assert [part["kind"] for part in parts] == ["word", "phrase", "exclusion", "date"]
    chips = html.unescape(page.split('aria-labelledby="asked"')[1].split("</ul>")[0])
    assert [part["text"] in visible_text(chips) for part in parts] == [True] * 4
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', chips)]
    for link, part in zip(links, parts, strict=True):
        assert client.get(f"/api/search{link[1:]}").json["query"]["q"] == part["without"]
    assert "Search tips" in page


def test_days_in_the_text_bound_the_timeline_and_can_be_widened(client):
    page = client.get("/", query_string={"q": "on:2024-03 the", "mode": "keyword"}).text
    assert 'href="/?q=the&amp;mode=keyword&amp;since=2024-01-01&amp;until=2024-12-31"' in page
    assert 'href="/?q=the&amp;mode=keyword">All dates</a>' in page


def test_days_alone_are_no_words(client):
    assert 'class="how groups"' in client.get("/?q=swing+bridge").text
    assert 'class="how groups"' not in client.get("/?q=on:2024").text
