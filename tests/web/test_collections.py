"""Collections on pages: stars, notes, saved searches; who may see and change them."""

import re
from html import unescape
from urllib.parse import parse_qs, quote, unquote, urlencode

import pytest

from backfile.archive.store.reader import ArchiveReader
from backfile.index.search.memberships import show_collections
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.app import create_app
from backfile.web.collections import pages
from backfile.web.collections.access import COOKIE, SECONDS, Access
from backfile.web.collections.visits import OVER, Visit
from tests.builders import BEARER, TOKEN, fill, indexer_of, visible_text, write_stories

HERE = {"Origin": "http://localhost"}
ODD = "https://bote.example/a?b=1"


@pytest.fixture
def collections(engines):
    yield engines.catalog.collections
    show_collections(lambda: True)


def served(engines, access):
    searcher = Searcher(engines, RankingOptions(), seconds=iter(range(0, 10**6, 10)).__next__)
    return create_app(searcher, ArchiveReader(engines.catalog), access=access)


@pytest.fixture
def client(engines, collections):
    return served(engines, Access(local=True)).test_client()


@pytest.fixture
def remote(engines, collections):
    return served(engines, Access(token=TOKEN)).test_client()


def post(client, path, headers=HERE, **fields):
    return client.post(path, data=fields, headers=headers)


def text_of(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return visible_text(answer.text)


def test_a_star_leads_back_to_where_it_was_given(client, collections):
    page = client.get("/?q=drehbrücke&lang=en").text
    button = re.search(r'<button class="star"[^>]* id="(\w+)" name="star" value="([^"]+)"', page)
    back = unescape(re.search(r'name="back" value="([^"]+)"', page)[1])
    answer = post(client, "/star", star=unescape(button[2]), back=back)
    assert answer.status_code == 303
    assert unquote(answer.location) == f"{back}#{button[1]}"
    (entry,) = collections.entries("Starred", 10)
    assert (entry.article_id, entry.title) == (ODD, "Drehbrücke wieder offen")
    page = client.get(back).text
    assert 'name="unstar"' in page
    assert 'aria-pressed="true"' in page
    post(client, "/star", unstar=ODD, back=back)
    assert collections.entries("Starred", 10) == []


def test_an_article_page_puts_it_into_a_collection_with_note_and_tags(client, collections):
    fields = {"star": ODD, "collection": "Bridges", "note": "ask the port", "tags": "a, b"}
    post(client, "/star", **fields, back="/")
    (entry,) = collections.entries("Bridges", 10)
    assert (entry.note, entry.tags) == ("ask the port", ("a", "b"))
    page = client.get(f"/article/{quote(ODD, safe='')}").text
    assert 'href="/collections/Bridges?article=' in page
    shown = text_of(client, "/collections/Bridges")
    assert "ask the port" in shown


def test_what_is_not_in_the_archive_gets_no_star(client, collections):
    assert post(client, "/star", star="nowhere").status_code == 404
    assert post(client, "/star").status_code == 400
    assert collections.count() == 0


@pytest.mark.parametrize(
    "back",
    ["//evil.example/", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "\r"],
)
def test_a_form_leads_back_to_this_server_alone(client, back):
    answer = post(client, "/star", star="ferry", back=back)
    assert answer.location.startswith("/#")


def test_all_hits_are_starred_and_counted(client, collections, monkeypatch):
    page = client.get("/?q=ferry&mode=keyword").text
    number = int(re.search(r"Star all (\d+) results", page)[1])
    search = unescape(re.search(r'name="search" value="([^"]+)"', page)[1])
    collections.add("Boats", [("ferry", "")])
    answer = post(client, "/star/all", search=search, collection="Boats", back="/?q=ferry")
    assert answer.status_code == 200
    assert f"{number - 1} articles put into Boats" in visible_text(answer.text)
    assert "1 was in it already" in visible_text(answer.text)
    assert collections.named("Boats").articles == number
    monkeypatch.setattr(pages, "MOST_STARRED", 1)
    answer = post(client, "/star/all", search=search, collection="Few")
    assert collections.named("Few").articles == 1
    assert f"{number - 1} more results were left out" in visible_text(answer.text)


def test_a_long_search_is_starred_and_saved_from_its_packed_form(client, collections):
    others = [f"an outlet that is none of ours, {n}" for n in range(40)]
    asked = urlencode({"q": "ferry", "not_source": others}, doseq=True)
    page = client.get(f"/?{asked}").text
    search = unescape(re.search(r'name="search" value="([^"]+)"', page)[1])
    assert search.startswith("/search/")
    post(client, "/star/all", search=search, collection="Long")
    assert "ferry" in {each.article_id for each in collections.entries("Long", 10)}
    assert post(client, "/searches", search=search, name="Long").status_code == 303
    saved = collections.searches.listed()[0].parameters
    assert parse_qs(saved) == parse_qs(asked)


def test_a_collection_filters_page_and_api_export_and_feed_alike(client, collections):
    collections.add("Boats & more", [("ferry", ""), ("bridge", ""), ("gone", "")])
    asked = "collection=Boats+%26+more"
    found = client.get(f"/api/search?{asked}").json
    assert found["total"] == 2
    assert found["query"]["collection"] == "Boats & more"
    assert client.get(f"/export.csv?{asked}").text.count("\r\n") >= 3
    assert len(client.get(f"/export.jsonl?{asked}").text.splitlines()) == 2
    assert len(client.get(f"/search.json?{asked}").json["items"]) == 2
    page = client.get(f"/?{asked}&q=ferry").text
    assert "collection: <bdi>Boats &amp; more</bdi>" in page
    chip = re.search(r'<a href="([^"]+)">collection:', page)[1]
    assert unescape(chip) == "/?q=ferry"


def test_an_unknown_collection_is_named_with_the_nearest(client, collections):
    collections.make("Boats")
    answer = client.get("/api/search?collection=Boat")
    assert answer.status_code == 400
    assert answer.json["field"] == "collection"
    assert answer.json["detail"] == "collection: there is no 'Boat'; there is 'Boats'"


def test_a_tag_of_an_answer_changes_with_the_collections(client, collections):
    collections.add("Boats", [("ferry", "")])
    first = client.get("/api/search?collection=Boats")
    known = {"If-None-Match": first.headers["ETag"]}
    assert "private" in first.headers["Cache-Control"]
    assert client.get("/api/search?collection=Boats", headers=known).status_code == 304
    collections.add("Boats", [("bridge", "")])
    again = client.get("/api/search?collection=Boats", headers=known)
    assert (again.status_code, again.json["total"]) == (200, 2)


def test_collections_are_listed_made_renamed_and_deleted(client, collections):
    answer = post(client, "/collections", name="<b>Boats</b> ".replace("/", ""))
    assert answer.location == "/collections/%3Cb%3EBoats%3Cb%3E"
    assert "<b>Boats" not in client.get("/collections").text
    here = answer.location
    answer = post(client, here, do="rename", name="Boats")
    assert answer.location == "/collections/Boats"
    assert post(client, "/collections/Boats", do="delete").status_code == 400
    assert collections.count() == 1
    assert post(client, "/collections/Boats", do="delete", sure="yes").status_code == 303
    assert collections.count() == 0


def test_thousands_of_collections_are_paged(client, collections, monkeypatch):
    monkeypatch.setattr(pages, "COLLECTIONS_SHOWN", 3)
    for n in range(7):
        collections.make(f"Number {n}")
    page = client.get("/collections?page=2").text
    assert re.findall(r"Number (\d)<", page) == ["3", "4", "5"]
    assert 'rel="next" href="/collections?page=3"' in page
    assert "Number 6" in client.get("/collections?page=3").text
    for odd in ("0", "-1", "x", "9" * 40):
        assert client.get(f"/collections?page={odd}").status_code == 200


def test_notes_and_tags_are_edited_and_articles_removed(client, collections):
    collections.add("Boats", [("ferry", "Ferry"), ("bridge", "Bridge")])
    answer = post(
        client, "/collections/Boats", do="note", article="ferry", note="<i>x</i>\r\ny", tags="T, u"
    )
    assert answer.status_code == 303
    page = client.get("/collections/Boats?article=ferry").text
    assert "&lt;i&gt;x&lt;/i&gt;\ny</textarea>" in page
    assert 'value="T, u"' in page
    tagged = client.get("/collections/Boats?tag=u").text
    assert "/article/ferry" in tagged
    assert "/article/bridge" not in tagged
    post(client, "/collections/Boats", remove="ferry")
    assert [each.article_id for each in collections.entries("Boats", 10)] == ["bridge"]


def test_an_article_that_is_gone_is_shown_as_gone_and_can_be_removed(client, collections):
    collections.add("Boats", [("gone/with it", "The old title")])
    page = client.get("/collections/Boats")
    assert "no longer in the archive" in page.text
    assert "The old title" in page.text
    assert client.get("/api/search?collection=Boats").json["total"] == 0
    post(client, "/collections/Boats", remove="gone/with it")
    assert collections.named("Boats").articles == 0


def test_a_saved_search_says_how_many_are_new_and_shows_them(
    client, collections, engines, tmp_path
):
    assert post(client, "/searches", search="q=ferry&mode=keyword&limit=50").status_code == 303
    saved = collections.searches.listed()[0]
    assert (saved.name, saved.parameters) == ("ferry", "q=ferry&mode=keyword")
    assert "nothing new" in text_of(client, "/collections")
    story = {"id": "late", "title": "Late ferry", "text": "The last ferry left. It was late."}
    fill(engines, write_stories(tmp_path / "archive", [story]))
    assert "1 new" in text_of(client, "/collections")
    answer = post(client, f"/searches/{saved.number}", do="look")
    assert answer.status_code == 303
    assert "sort=added" in answer.location
    shown = text_of(client, answer.location)
    assert "Late ferry" in shown
    assert "Ferry timetable cut" not in shown
    assert "added since" in shown
    assert "nothing new" in text_of(client, "/collections")
    answer = post(client, f"/searches/{saved.number}", do="look")
    assert answer.location == "/?q=ferry&mode=keyword"


def test_saved_searches_are_renamed_and_deleted(client, collections):
    post(client, "/searches", search="q=ferry", name="One")
    number = collections.searches.listed()[0].number
    post(client, f"/searches/{number}", do="rename", name="Two")
    assert collections.searches.listed()[0].name == "Two"
    post(client, f"/searches/{number}", do="delete")
    assert collections.searches.listed() == []
    assert post(client, f"/searches/{number}", do="look").status_code == 400


def test_a_saved_search_of_a_collection_that_is_gone_says_so(client, collections):
    collections.add("Boats", [("ferry", "")])
    post(client, "/searches", search="collection=Boats", name="Mine")
    collections.delete("Boats")
    assert "there is no 'Boats'" in text_of(client, "/collections")
    assert post(client, "/searches", search="collection=Boats").status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/star", "/star/all", "/collections", "/collections/Boats", "/searches", "/searches/1"]
)
def test_no_page_of_another_site_changes_anything(client, collections, path, headers):
    collections.add("Boats", [("ferry", "")])
    before = collections.revision()
    fields = {"star": "ferry", "name": "x", "search": "q=ferry", "do": "delete", "sure": "yes"}
    assert post(client, path, headers, **fields).status_code == 403
    assert collections.revision() == before


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, HERE, {}])
def test_forms_of_this_server_and_no_browsers_may(client, headers):
    assert post(client, "/star", headers, star="ferry").status_code == 303


def test_nothing_is_changed_by_a_link(client, collections):
    for path in ("/star", "/star/all", "/searches", "/searches/1", "/session"):
        assert client.get(f"{path}?star=ferry&do=delete").status_code == 405
    assert collections.revision() == 0


def test_without_a_token_a_server_that_is_not_local_has_no_collections(engines, collections):
    collections.add("Boats", [("ferry", "")])
    client = served(engines, Access()).test_client()
    for path in ("/collections", "/collections/Boats"):
        assert client.get(path).status_code == 404
    assert post(client, "/star", star="ferry").status_code == 404
    assert post(client, "/session", token="").status_code == 404
    page = client.get("/?q=ferry").text
    assert 'class="star"' not in page
    assert "/collections" not in page
    assert client.get("/api/search?collection=Boats").status_code == 400


def test_a_server_that_is_not_local_asks_for_its_token(remote, collections):
    collections.add("Boats", [("ferry", "")])
    for ask in (remote.get("/collections"), remote.get("/collections/Boats")):
        assert ask.status_code == 401
        assert "Boats" not in ask.text
        assert 'type="password"' in ask.text
    assert post(remote, "/star", star="ferry").status_code == 401
    hidden = remote.get("/api/search?collection=Boats")
    assert hidden.status_code == 400
    assert "signs in with its token" in hidden.json["detail"]
    lines = remote.post("/api/search/batch", data='{"collection": "Boats"}\n{"q": "ferry"}')
    first, second = lines.text.splitlines()
    assert "signs in with its token" in first
    assert '"total"' in second
    assert 'class="star"' not in remote.get("/?q=ferry").text
    assert remote.get("/api/search?collection=Boats", headers=BEARER).json["total"] == 1


def signed_in(remote):
    answer = post(remote, "/session", token=f" {TOKEN} ")
    assert answer.status_code == 303
    return next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(COOKIE))


def test_signing_in_sets_a_cookie_that_is_not_the_token(remote, collections):
    cookie = signed_in(remote)
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    collections.add("Boats", [("ferry", "")])
    assert "Boats" in remote.get("/collections").text
    assert post(remote, "/star", star="ferry").status_code == 303
    assert post(remote, "/star", {"Origin": "null"}, star="ferry").status_code == 303
    assert post(remote, "/star", {"Sec-Fetch-Site": "cross-site"}, star="x").status_code == 403
    assert remote.get("/api/search?collection=Boats").json["total"] == 1
    post(remote, "/session", do="out")
    assert remote.get("/collections").status_code == 401


def test_a_wrong_token_signs_nobody_in(remote):
    for wrong in ("", "x", TOKEN.upper(), TOKEN + "x", "é"):
        answer = post(remote, "/session", token=wrong)
        assert answer.status_code == 403
        assert "not the token" in answer.text
    assert post(remote, "/session", {"Origin": "http://evil"}, token=TOKEN).status_code == 403
    assert remote.get("/collections").status_code == 401


def test_a_session_ends_by_itself_and_with_another_token():
    class Asked:
        def __init__(self, cookie):
            self.headers, self.cookies = {}, {COOKIE: cookie}

    at = 1_000_000.0
    cookie = Access(token=TOKEN, now=lambda: at).new_cookie()
    assert Access(token=TOKEN, now=lambda: at + SECONDS - 1).allows(Asked(cookie))
    assert not Access(token=TOKEN, now=lambda: at + SECONDS).allows(Asked(cookie))
    assert not Access(token=TOKEN + "2", now=lambda: at).allows(Asked(cookie))
    ends, _, made = cookie.partition("-")
    for odd in (f"{int(ends) + 1}-{made}", f"-{made}", "²-x", "é", "9" * 99):
        assert not Access(token=TOKEN, now=lambda: at).allows(Asked(odd))


def test_a_server_is_local_on_this_machine_without_a_proxy():
    assert Access.of("127.0.0.1", "", 0, "").local
    assert Access.of("[::1]", "", 0, "").local
    assert not Access.of("0.0.0.0", "", 0, "").local
    assert not Access.of("127.0.0.1", "https://archive.example", 0, "").local
    assert not Access.of("127.0.0.1", "", 1, "").local


def test_a_request_that_a_proxy_passed_on_is_not_local(client):
    assert client.get("/collections", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 404


def test_damaged_collections_are_named_and_the_search_goes_on(client, collections):
    collections.make("Boats")
    collections.path.write_bytes(b"no database" * 999)
    for path in ("/", "/?q=ferry", "/article/ferry"):
        page = client.get(path)
        assert page.status_code == 200
        assert "The file of collections is unavailable" in page.text
    assert client.get("/collections").status_code == 503
    assert post(client, "/star", star="ferry").status_code == 503
    assert client.get("/api/search?collection=Boats").status_code == 503


def test_an_article_that_is_removed_stays_in_its_collection(client, collections, engines):
    collections.add("Boats", [("ferry", "Ferry")])
    indexer_of(engines).remove(["ferry"])
    assert "no longer in the archive" in client.get("/collections/Boats").text
    assert client.get("/collections/Boats?article=ferry").status_code == 200


def test_the_first_visit_knows_of_none_before(client):
    page = client.get("/").text
    assert "since your last visit" not in page
    assert "Added this week: 7 articles" in visible_text(page)


def test_a_later_visit_shows_what_came_in_between(engines, collections, tmp_path):
    client = served(engines, Access()).test_client()
    client.get("/")
    before = Visit.read(client.get_cookie("visit").value, 1 << 33)
    ended = before.at - OVER - 1
    client.set_cookie("visit", str(before._replace(at=ended)))
    story = {"id": "late", "title": "Late ferry", "text": "The last ferry left. It was late."}
    fill(engines, write_stories(tmp_path, [story]))
    page = client.get("/").text
    found = re.search(r'since your last visit, [^:]+: <a href="([^"]+)">1 article</a>', page)
    shown = client.get(unescape(found[1])).text
    assert "Late ferry" in shown
    assert "Swing bridge" not in shown
    assert client.get("/").text.count("1 article<") >= 1, "it is shown as long as the visit lasts"


def test_recently_added_shows_the_day_each_hit_came(client):
    assert re.search(r'class="came">added \d+ \w+ \d{4}<', client.get("/?sort=added").text)
    assert 'class="came"' not in client.get("/?sort=newest").text


@pytest.mark.parametrize("cookie", ["", "x", "1.2.3", "9.9.9.9999999999", f"{'9' * 15}.1.1.1"])
def test_a_cookie_that_cannot_be_true_is_no_visit(client, cookie):
    client.set_cookie("visit", cookie)
    assert "since your last visit" not in client.get("/").text


def test_a_visit_ends_half_an_hour_after_its_last_request():
    first = Visit().going_on(100, 1_000)
    assert first == (0, 0, 100, 1_000)
    assert first.going_on(200, 1_000 + OVER) == (0, 0, 200, 1_000 + OVER)
    second = first.going_on(300, 1_001 + OVER)
    assert second == (100, 1_000, 300, 1_001 + OVER)
    assert Visit.read(str(second), second.at) == second
    assert Visit.read(str(second), second.at - 1) == Visit()


@pytest.mark.parametrize(
    ("since", "status"),
    [("2024", 200), ("2024-03-23T10:00Z", 200), ("2024-03-23T10:00+01:00", 200), ("soon", 400),
     ("2024-13-01", 400), ("2024-03-23T25:00Z", 400), ("9999-12-31T23:59:59-23:59", 400),
     ("0001-01-01", 200)],
)  # fmt: skip
def test_added_since_is_a_day_or_an_instant(client, since, status):
    answer = client.get("/api/search", query_string={"added_since": since})
    assert answer.status_code == status
    assert status == 200 or answer.json["field"] == "added_since"
