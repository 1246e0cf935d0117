"""Sentences that recur in an outlet are left out; which ones does not depend on the order."""

import json
from contextlib import closing
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.furniture import furniture_of, left_out, without
from backfile.archive.passages import Span
from backfile.index.indexing.verify import verify
from backfile.index.model.query import Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import app_over, engines_in, indexer_of, invented_text

CONTINUED = "Story Continued Below"
LETTER = "Sign up for the morning letter of the Courier, which is free."
BACKGROUND = "The ferry was built in 1998 and carries two hundred cars."


def stories(count=10, **fields):
    """Articles of one outlet about different things, in different months."""
    for n in range(count):
        before, after = invented_text(n, 52), invented_text(100 + n, 52)
        yield {
            "id": f"c{n}",
            "title": f"Report {invented_text(500 + n, 3)}"[7 if n % 2 else 0 :],
            "published": date(2020 + n // 12, n % 12 + 1, 3).isoformat(),
            "source": "Courier",
            "language": "en",
            "text": f"{before}\n\n{CONTINUED}\n\n{after} {LETTER}",
            **fields,
        }


def written(folder, articles):
    path = folder / "news.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in articles))
    return path


@pytest.fixture
def opened(tmp_path):
    made = engines_in(tmp_path / "archive", in_memory=True)
    yield made
    made.catalog.close()


def put(engines, folder, articles, **options):
    indexer = indexer_of(engines, **options)
    indexer.index(Reading([written(folder, articles)], FieldMap()))
    indexer.embed()
    return engines


def furniture_in(engines, article_id):
    stored = engines.catalog.stored_article(article_id)
    found = furniture_of(stored.article.text, stored.passages)
    return [stored.article.text[start:end] for start, end in found]


def hits(engines, text):
    found = Searcher(engines, RankingOptions()).search(Query(f'"{text}"', limit=100))
    return {hit.article.id for hit in found.hits}


def test_a_sentence_of_eight_unrelated_articles_is_left_out_of_all(opened, tmp_path):
    put(opened, tmp_path, stories(7))
    assert hits(opened, CONTINUED) == {f"c{n}" for n in range(7)}
    put(opened, tmp_path, [*stories(9)][7:])
    assert hits(opened, CONTINUED) == hits(opened, LETTER) == set()
    assert furniture_in(opened, "c0") == furniture_in(opened, "c8") == [CONTINUED, LETTER]
    assert all(CONTINUED in opened.catalog.article(f"c{n}").text for n in range(9))
    assert list(verify(opened)) == []


def test_passages_read_on_without_their_furniture(opened, tmp_path):
    put(opened, tmp_path, stories())
    stored = opened.catalog.stored_article("c3")
    text, passages = stored.article.text, stored.passages
    ranges = [(start, end) for each in passages for start, end in each.left_out]
    assert "".join(text[start:end] for start, end in ranges).strip() in ("", CONTINUED)
    kept = "".join("".join(each.text.split()) for each in passages)
    assert kept == "".join(text.replace(CONTINUED, "").replace(LETTER, "").split())
    assert all(without(text[p.start : p.end], moved(p)) == p.text for p in passages)


def moved(passage):
    return [Span(a - passage.start, b - passage.start) for a, b in passage.left_out]


@pytest.mark.parametrize(
    "fields",
    [
        {"source": ""},
        {"title": "A ferry runs aground"},
        {"published": "2020-03-01"},
        {"published": None},
        {"text": f"{invented_text(1, 60)}\n\n{BACKGROUND}"},
    ],
    ids=["no outlet", "one running story", "one month", "no day", "one text"],
)
def test_what_recurs_in_one_story_is_news(opened, tmp_path, fields):
    articles = list(stories(10, **fields))
    put(opened, tmp_path, articles)
    expected = [CONTINUED, LETTER] if fields == {"source": ""} else []
    assert furniture_in(opened, "c5") == expected


def test_another_outlet_keeps_its_sentences(opened, tmp_path):
    other = {**next(stories(1)), "id": "g", "source": "Gazette"}
    put(opened, tmp_path, [*stories(), other])
    assert hits(opened, CONTINUED) == {"g"}


def test_an_article_of_furniture_alone_can_still_be_found(opened, tmp_path):
    alone = {**next(stories(1)), "id": "alone", "text": LETTER}
    put(opened, tmp_path, [*stories(), alone])
    assert hits(opened, LETTER) == {"alone"}
    assert list(verify(opened)) == []


def test_furniture_that_is_no_longer_held_is_searched_again(opened, tmp_path):
    put(opened, tmp_path, stories(9))
    assert hits(opened, CONTINUED) == set()
    indexer_of(opened).remove(["c1", "c4"])
    assert hits(opened, CONTINUED) == {f"c{n}" for n in range(9)} - {"c1", "c4"}
    assert list(verify(opened)) == []


def test_nothing_is_left_out_where_that_is_switched_off(opened, tmp_path):
    put(opened, tmp_path, stories())
    put(opened, tmp_path, [], furniture=False)
    assert len(hits(opened, CONTINUED)) == 10
    put(opened, tmp_path, [])
    assert hits(opened, CONTINUED) == set()


def test_the_page_and_json_of_an_article_show_what_is_not_searched(opened, tmp_path):
    put(opened, tmp_path, stories())
    client = app_over(opened).test_client()
    found = client.get("/api/articles/c2").json
    text = found["text"]
    assert [text[start:end] for start, end in found["furniture"]] == [CONTINUED, LETTER]
    assert all(CONTINUED not in each["text"] for each in found["passages"])
    page = client.get("/article/c2?q=continued").text
    assert f"Recurs in this outlet, not searched: </span>{CONTINUED}</span>" in page
    assert page.count('class="text furniture"') == 2
    assert "<h2" not in page.partition("</article>")[0]
    assert "<mark" not in page
    german = client.get("/article/c2", headers={"Accept-Language": "de"}).text
    assert "nicht durchsucht:" in german


def test_furniture_is_no_heading_and_copies_are_compared_without_it(opened, tmp_path):
    copy = {**next(stories(1)), "id": "g", "source": "Gazette"}
    copy["text"] = copy["text"].replace(CONTINUED, "").replace(LETTER, "").strip()
    put(opened, tmp_path, [*stories(), copy])
    assert [each.id for each in opened.catalog.clusters.copies_of("g").listed] == ["c0"]
    passages = opened.catalog.stored_article("c0").passages
    assert {each.heading for each in passages} == {""}


def test_words_are_marked_in_the_heading_of_a_passage(opened, tmp_path):
    lead, section = invented_text(1, 52), invented_text(2, 130)
    article = {"id": "h", "title": "Tides", "text": f"{lead}\n\nFerry Delays\n\n{section}"}
    put(opened, tmp_path, [article])
    found = Searcher(opened, RankingOptions()).search(Query("ferry"))
    marked = {(p.passage.heading, p.heading_highlights) for p in found.hits[0].passages}
    assert ("Ferry Delays", ((0, 5),)) in marked
    page = app_over(opened).test_client().get("/?q=ferry").text
    assert "<mark>Ferry</mark> Delays</a>" in page


def record(engines):
    """All passages with their articles, and all clusters, whatever rows and numbers they have."""
    rows = engines.catalog.rows_after(0).tolist()
    passages = {each.passage.id: each.passage for each in engines.catalog.stored(rows)}
    copies = {each[:-2]: engines.catalog.clusters.copies_of(each[:-2]) for each in passages}
    return passages, copies, engines.catalog.recurring.furniture()


ARTICLES = [*stories(10), *({**each, "id": f"x{each['id']}"} for each in stories(3))]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("once")
    made = engines_in(folder / "archive", in_memory=True)
    yield record(put(made, folder, ARTICLES))
    made.catalog.close()


@given(st.permutations(range(len(ARTICLES))), st.lists(st.integers(1, 6), max_size=4))
@settings(deadline=None, max_examples=15)
def test_any_order_and_any_batches_come_to_the_same(tmp_path_factory, at_once, order, sizes):
    folder = tmp_path_factory.mktemp("any")
    articles = [ARTICLES[i] for i in order]
    made = engines_in(folder / "archive", in_memory=True)
    with closing(made.catalog):
        for size in [*sizes, len(articles)]:
            some, articles = articles[:size], articles[size:]
            put(made, folder, some)
        assert record(made) == at_once


@pytest.mark.parametrize(
    ("text", "furniture", "left"),
    [
        ("A b c. F f f.", ["F f f."], "A b c."),
        ("F f f.\n\nA b c.", ["F f f."], "A b c."),
        ("A b c. F f f.\n\nD e f.", ["F f f."], "A b c.\n\nD e f."),
        ("A b c.\n\nF f f. D e f.", ["F f f."], "A b c.\n\nD e f."),
        ("A b c.\n\nF f f.\n\nG g g.\n\nD e f.", ["F f f.", "G g g."], "A b c.\n\nD e f."),
        ("F f f.", ["F f f."], "F f f."),
    ],
)
def test_no_blank_is_left_where_a_sentence_was(text, furniture, left):
    spans = [Span(text.index(each), text.index(each) + len(each)) for each in furniture]
    assert without(text, left_out(text, spans)).strip() == left
