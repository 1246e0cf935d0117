"""The pages of one article: its matches, its neighbours in a search, and what it was before."""

import csv
import html
import io
import json
import re
import time
from collections import Counter
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from backfile.archive.model.errors import WithdrawnArticle
from backfile.web.app import create_app
from backfile.web.article.changes import MOST_PARAGRAPHS, text_changes
from tests.builders import (
    app_over,
    backfile,
    engines_in,
    fill,
    indexer_of,
    visible_text,
    write_stories,
)

FERRY = {
    "id": "night ferry/1",
    "title": "Night ferry",
    "published": "2024-03-23",
    "text": "The ferry stops in May.\n\nNobody could be reached.\n\nA bus may replace the ferry.",
}
CORRECTED = FERRY | {
    "title": "Night ferry goes",
    "text": "The ferry stops in June.\n\nNobody could be reached.\n\n"
    "A bus & tram may replace the ferry.",
}


@pytest.fixture
def client(searcher, reader):
    return create_app(searcher, reader).test_client()


@pytest.fixture
def corrected(tmp_path):
    """An archive with an article that was corrected, and its application."""
    made = engines_in(tmp_path / "archive", in_memory=True)
    fill(made, write_stories(tmp_path, [FERRY]))
    fill(made, write_stories(tmp_path, [CORRECTED]))
    yield made, app_over(made, floor=0.2).test_client()
    made.catalog.close()


def hit_links(client, search):
    page = client.get(f"/?{search}").text
    return [html.unescape(each) for each in re.findall(r'<h2[^>]*><a href="([^"]+)"', page)]


def link(page, rel):
    found = re.search(rf'<link rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else None


def id_in(url):
    return re.split(r"[?#]", url)[0]


@pytest.mark.long
@pytest.mark.parametrize(
    "search", ["q=ferry+bridge+harbour", "q=", "language=en&sort=oldest", "q=the&mode=semantic"]
)
def test_one_goes_from_hit_to_hit_as_they_are_listed_and_back(client, search):
    expected = [id_in(each) for each in hit_links(client, search)]
    assert len(expected) > 2
    at, forward = hit_links(client, search)[0], []
    while at:
        page = client.get(at).text
        forward.append(id_in(at))
        assert f'<span class="count">{len(forward)} of {len(expected)}</span>' in page
        last, at = at, link(page, "next")
    assert forward == expected
    backward = []
    while last:
        backward.append(id_in(last))
        last = link(client.get(last).text, "prev")
    assert backward == expected[::-1]


def test_the_way_back_leads_to_the_page_of_results_that_the_hit_is_on(client):
    third = hit_links(client, "q=ferry+bridge+harbour&limit=2")
    page = client.get("/?q=ferry+bridge+harbour&limit=2").text
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    hit = hit_links(client, following.removeprefix("/?"))[0]
    assert hit not in third
    back = re.search(r'class="back" href="([^"]+)"', client.get(hit).text)[1]
    assert html.unescape(back) == following


def test_a_direct_visit_names_no_neighbours(client):
    page = client.get("/article/ferry?q=ferry").text
    assert 'rel="next"' not in page
    assert link(page, "next") is None


def test_where_another_article_has_taken_the_place_no_neighbours_are_named(client):
    page = client.get("/article/ferry?q=bridge&mode=keyword&hit=g999o0")
    assert page.status_code == 200
    assert 'rel="next"' not in page.text
    assert "hit=" in client.get("/article/bridge?q=bridge&mode=keyword&hit=g999o0").text


@pytest.mark.parametrize("asked", ["hit=first", "hit=g1o-1", "since=soon&hit=g1o1"])
def test_a_place_that_no_answer_gave_is_refused(client, asked):
    assert client.get(f"/article/ferry?{asked}").status_code == 400


def test_matches_are_numbered_from_the_title_on_and_one_is_current(client):
    page = client.get("/article/ferry?q=ferry+timetable+bus&step=2").text
    marks = re.findall(r'<mark id="m(\d+)"( aria-current="true")?>([^<]+)</mark>', page)
    assert [int(number) for number, _, _ in marks] == list(range(1, len(marks) + 1))
    assert [text for _, _, text in marks] == ["Ferry", "timetable", "ferry", "bus"]
    assert [bool(now) for _, now, _ in marks] == [False, True, False, False]
    assert "2 of 4 matches" in page


def test_without_javascript_the_links_step_through_all_matches_and_around(client):
    at, seen = "/article/ferry?q=ferry+timetable+bus&mode=keyword", []
    for _ in range(5):
        page = client.get(at).text
        at = html.unescape(re.search(r'id="next-match" href="([^"]+)"', page)[1])
        seen.append(at.partition("#")[2])
        assert f'id="{seen[-1]}"' in page
        assert "mode=keyword" in at
    assert seen == ["m1", "m2", "m3", "m4", "m1"]


@pytest.mark.parametrize("match", ["0", "-3", "99", "x", "9" * 5000])
def test_a_match_that_is_not_there_does_no_harm(client, match):
    assert client.get(f"/article/ferry?q=ferry&step={match}").status_code == 200


def test_words_are_marked_in_the_articles_own_language(client):
    page = client.get(f"/article/{quote('https://bote.example/a?b=1', safe='')}?q=drehbrücken").text
    assert len(re.findall(r"<mark[^>]*>Drehbrücke</mark>", page)) == 2


def test_every_passage_can_be_linked_to(client):
    page = client.get("/article/ferry").text
    assert 'id="p0" href="#p0" aria-label="Link to passage 1"' in page


def test_citations_can_be_copied_from_the_page_and_are_those_of_the_files(client):
    page = client.get("/article/ferry").text
    shown = [
        html.unescape(each)
        for each in re.findall(r'<pre class="quoted"[^>]*>(.*?)</pre>', page, re.S)
    ]
    for written, style in zip(shown, ("bibtex", "ris", "csl"), strict=True):
        cited = client.get(f"/cite/{style}/ferry").text.replace("\r\n", "\n")
        if style == "csl":
            assert json.loads(written) == json.loads(cited)
        else:
            assert written.replace("\r\n", "\n").strip() == cited.strip()


def test_what_has_changed_is_shown_word_by_word(corrected):
    _, client = corrected
    path = f"/history/{quote(FERRY['id'], safe='')}"
    assert f'href="{path}"' in client.get(f"/article/{quote(FERRY['id'], safe='')}").text
    page = client.get(path).text
    assert "The ferry stops in <del>May.</del> <ins>June.</ins>" in page
    assert "A bus <ins>&amp; tram</ins> may replace the ferry." in page
    assert "Nobody could be reached" not in page
    assert "<del>Night ferry</del> <ins>Night ferry goes</ins>" in page


def test_an_article_that_never_changed_says_nothing_of_versions(client):
    assert "What has changed" not in client.get("/article/ferry").text
    assert "has not changed since" in client.get("/history/ferry").text


def test_the_api_gives_the_history_that_the_shell_gives(corrected, tmp_path):
    path = write_stories(tmp_path, [FERRY])
    archive = tmp_path / "other"
    backfile("index", path, "--no-vectors", "--archive", archive)
    backfile("index", write_stories(tmp_path, [CORRECTED]), "--no-vectors", "--archive", archive)
    printed = json.loads(
        backfile("show", FERRY["id"], "--history", "--json", "--archive", archive).output
    )
    answer = corrected[1].get(f"/api/articles/{quote(FERRY['id'], safe='')}/history").json
    for versions in (printed["versions"], answer["versions"]):
        assert [each["title"] for each in versions] == ["Night ferry goes", "Night ferry"]
    assert answer.keys() == printed.keys()
    assert answer["versions"][0].keys() == printed["versions"][0].keys()


def test_what_its_source_took_back_is_not_shown_as_history(corrected):
    engines, client = corrected
    taken_back = [WithdrawnArticle("wire.xml", FERRY["id"], 9, "canceled")]

    class Wire(list):
        bytes_done = bytes_total = 0

    indexer_of(engines).index(Wire(taken_back))
    name = quote(FERRY["id"], safe="")
    assert client.get(f"/history/{name}").status_code == 404
    assert client.get(f"/api/articles/{name}/history").status_code == 404


PARAGRAPHS = st.lists(
    st.lists(st.sampled_from(["ferry", "bridge", "the", "<b>"]), min_size=1).map(" ".join)
).map("\n\n".join)


@given(PARAGRAPHS, PARAGRAPHS)
def test_changes_hold_each_word_that_came_or_went_and_no_other(former, later):
    shown = " ".join(map(str, text_changes(former, later)))
    old = html.unescape(re.sub(r"<ins>.*?</ins>|</?del>", "", shown)).split()
    new = html.unescape(re.sub(r"<del>.*?</del>|</?ins>", "", shown)).split()
    was, is_now = Counter(former.split()), Counter(later.split())
    assert not Counter(old) - was
    assert not Counter(new) - is_now
    assert was - Counter(old) == is_now - Counter(new)


@pytest.mark.parametrize("end", ["\n", " "])
def test_texts_that_differ_all_over_are_compared_in_no_time(end):
    words = [f"w{n * n % 997}" for n in range(20_000)]
    former, later = (f"a{end}b{end}".join(some) for some in (words, words[::-1]))
    began = time.perf_counter()
    assert list(text_changes(former, later))
    assert time.perf_counter() - began < 5
    assert len(former.splitlines()) == 1 or len(former.splitlines()) > MOST_PARAGRAPHS


def test_a_history_page_reads_as_plain_text(corrected):
    _, client = corrected
    page = visible_text(client.get(f"/history/{quote(FERRY['id'], safe='')}").text)
    assert "2 versions of this article came in" in page


def test_the_page_of_an_article_reads_it_once(engines):
    engines.table.bring_up(engines.catalog)  # as each run of the indexer ends
    client = app_over(engines).test_client()
    read = []

    def note(_connection, _cursor, statement, *_rest):
        # But for the look whether the archive has changed, once a second.
        seen = statement.startswith("SELECT") and "FROM counters" not in statement
        read.extend([statement] if seen else [])

    event.listen(engines.catalog._database.engine, "before_cursor_execute", note)
    for most in (6, 4):  # the first page opens the engines, too
        assert client.get("/article/bridge").status_code == 200
        assert len(read) <= most
        assert sum("articles.text" in each for each in read) == 1
        read.clear()


def test_an_abstract_is_said_to_be_one_on_the_page_in_json_and_in_exports(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    stories = [
        {
            "id": "part",
            "title": "Ferry ends",
            "text": "The night ferry stops in May.",
            "text_kind": "abstract",
        },
        {"id": "whole", "title": "Bridge shut", "text": "The swing bridge was closed at noon."},
    ]
    fill(engines, write_stories(tmp_path, stories))
    client = app_over(engines).test_client()
    assert "This is an abstract, not the whole text." in client.get("/article/part").text
    assert "This is an abstract" not in client.get("/article/whole").text
    assert "<span>abstract</span>" in client.get("/?q=ferry&mode=keyword").text
    assert client.get("/api/articles/part").json["text_kind"] == "abstract"
    (hit,) = client.get("/api/search?q=bridge&mode=keyword").json["hits"]
    assert hit["article"]["text_kind"] == "whole"
    kinds = [
        json.loads(line)["text_kind"] for line in client.get("/export.jsonl").text.splitlines()
    ]
    assert sorted(kinds) == ["abstract", "whole"]
    rows = csv.DictReader(io.StringIO(client.get("/export.csv").text.lstrip("\ufeff")))
    assert {row["id"]: row["text_kind"] for row in rows} == {"part": "abstract", "whole": "whole"}
    engines.catalog.close()
