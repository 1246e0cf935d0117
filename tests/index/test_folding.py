"""Folded or shown, the answers about copies agree: totals, pages, facets, timeline and clicks."""

import random
from dataclasses import replace
from datetime import date
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.model.filters import EXCLUSIONS, FACETS, DateFilter, Filters
from backfile.index.model.groups import Group
from backfile.index.model.query import Copies, Mode, Query, Sort
from backfile.index.model.results import ScorePartKind
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.scripts.printing.hits import print_results
from backfile.web.app import create_app
from tests.builders import engines_in, everything, fill, invented_text, wire_story, write_records

SOURCES = ("Courier", "Gazette", "Hafenbote", "")
TEXTS = ("", "ferry", "bridge ferry", '"swing bridge"', "strike OR bridge", "zxqv")
QUESTION = "why did the strike at the old harbour stop a ferry"  # of which articles hold a little


def records(seed):
    """Thirty articles of about a dozen stories; copies differ in source, day, author and end."""
    choose = random.Random(seed)
    made = []
    for story in range(12):
        text = f"{choose.choice(TEXTS[1:4])} {invented_text(f'{seed} {story}', 120)}".replace(
            '"', ""
        )
        for copy in range(choose.choice((1, 1, 2, 3, 6))):
            day = date(2023 + choose.randint(0, 1), choose.randint(1, 12), choose.randint(1, 28))
            made.append(
                {
                    "id": f"s{story}c{copy}",
                    "title": text[:30],
                    "source": choose.choice(SOURCES),
                    "author": choose.sample(["Ana Ruiz", "Cary Umber"], choose.randint(0, 2)),
                    "published": day.isoformat() if choose.random() < 0.8 else None,
                    "text": f"{text} {choose.choice(('Strike.', 'Bridge.', 'Ferry.'))}",
                }
            )
    choose.shuffle(made)
    return made


@pytest.fixture(scope="module")
def searcher_of(tmp_path_factory):
    @cache
    def engines_of(seed):
        folder = tmp_path_factory.mktemp("stories")
        engines = engines_in(folder / "archive", in_memory=True)
        fill(engines, write_records(folder / "news.jsonl", records(seed)))
        return engines

    def made(seed, floor=0.2):
        return Searcher(engines_of(seed), RankingOptions(floor=floor))

    return made


def story_of(article_id):
    return article_id.split("c")[0]


@pytest.mark.long
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 4),
    text=st.sampled_from(TEXTS),
    mode=st.sampled_from(Mode),
    sort=st.sampled_from(Sort),
    since=st.none() | st.dates(date(2022, 12, 1), date(2024, 12, 1)),
    source=st.sampled_from([(), ("Courier",), ("gazette", "Courier")]),
)
def test_folded_and_shown_answers_agree(searcher_of, seed, text, mode, sort, since, source):
    searcher = searcher_of(seed)
    filters = Filters(since=since, source=source)
    query = Query(text, mode, filters, Group.RELATED, sort)
    folded, leads = everything(searcher, query)
    shown, hits = everything(searcher, replace(query, copies=Copies.SHOW))
    ids = [hit.article.id for hit in hits]
    assert shown.total == shown.totals.articles == folded.totals.articles == len(hits)
    assert folded.total == folded.totals.stories == shown.totals.stories == len(leads)
    assert len(set(ids)) == len(ids)
    assert len({story_of(hit.article.id) for hit in leads}) == len(leads)
    assert sum(1 + hit.copies.total for hit in leads) == len(hits)
    listed = [hit.article.id for hit in leads] + [c.id for hit in leads for c in hit.copies.listed]
    assert sorted(listed) == sorted(ids)
    assert all(not hit.copies.total for hit in hits)
    scores = {hit.article.id: hit.score for hit in hits}
    for hit in leads:
        same = [hit.article.id, *(copy.id for copy in hit.copies.listed)]
        assert hit.score == pytest.approx(max(scores[each] for each in same))
        days = [hit.article.date_span, *(copy.date_span for copy in hit.copies.listed)]
        assert days == sorted(days, key=lambda day: (day is None, day))
    for results in (folded, shown):
        by_words, alone = results.totals.by_words, results.totals.by_meaning_alone
        assert by_words + alone == results.total


@pytest.mark.long
@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 4),
    text=st.sampled_from((*TEXTS, QUESTION)),
    mode=st.sampled_from(Mode),
    copies=st.sampled_from(Copies),
    filters=st.sampled_from(
        [
            Filters(),
            Filters(author=("Ana Ruiz",)),
            Filters(not_source=("courier",)),
            Filters(source=("Gazette", "Hafenbote"), language=("en",)),
            Filters(not_author=("Ana Ruiz",), not_source=("Gazette", "Hafenbote")),
        ]
    ),
    floor=st.sampled_from([0.05, 0.2, 0.5]),
)
def test_a_click_gives_exactly_its_count(searcher_of, seed, text, mode, copies, filters, floor):
    searcher = searcher_of(seed, floor)
    # A click that leaves nothing would be relaxed: the law is about exact answers.
    query = Query(text, mode=mode, copies=copies, filters=filters, strict=True)
    results = searcher.search(query)

    def clicked(**changed):
        narrowed = replace(query, match=results.counted, filters=replace(filters, **changed))
        return searcher.search(narrowed).total

    same = replace(query, match=results.counted)
    results = searcher.search(same)
    shown = everything(searcher, replace(same, copies=Copies.SHOW))[1]
    for name in FACETS:
        for count in results.facets[name]:
            # Alone in its facet, whatever else of that facet is chosen now.
            assert clicked(**{name: (count.value,), EXCLUSIONS[name]: ()}) == count.count
            if name in filters.filtered_facets:
                continue
            without = [hit for hit in shown if count.value not in values_of(hit.article, name)]
            stories = {story_of(hit.article.id) for hit in without}
            left = clicked(**{EXCLUSIONS[name]: (count.value,)})
            assert left == (len(stories) if copies is Copies.FOLD else results.total - count.count)
    for period in results.timeline.bins:
        assert clicked(since=period.since, until=period.until) == period.count
        within = Filters(since=period.since, until=period.until)
        assert searcher.search(Query(copies=copies, filters=within)).total == period.of
    assert clicked(date=DateFilter.NONE) == results.timeline.undated


def values_of(article, name):
    value = article.authors if name == "author" else getattr(article, name)
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", ["ferry", "bridge ferry", "strike OR bridge"])
def test_the_parts_of_a_score_add_up_where_a_copy_answers_better_too(searcher_of, text, mode):
    _, hits = everything(searcher_of(1), Query(text, mode=mode))
    assert any(hit.copies.total for hit in hits)
    for hit in hits:
        assert sum(part.score for part in hit.why.parts) == pytest.approx(hit.score, abs=1e-4)


def test_a_copy_that_answers_better_is_named_among_the_parts(searcher_of):
    query = Query("strike OR bridge", mode=Mode.KEYWORD)
    _, hits = everything(searcher_of(1), query)
    _, shown = everything(searcher_of(1), replace(query, copies=Copies.SHOW))
    alone = {hit.article.id: hit.score for hit in shown}
    better = [hit for hit in hits if hit.score > alone[hit.article.id] + 1e-4]
    assert better
    for hit in better:
        part = hit.why.parts[-1]
        assert part.kind is ScorePartKind.COPY
        assert part.score == pytest.approx(hit.score - alone[hit.article.id], abs=1e-4)


def test_a_filter_makes_the_first_that_passes_it_the_lead(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_records(tmp_path / "news.jsonl", wire_story(5)))
    searcher = Searcher(engines, RankingOptions())
    everyone = searcher.search(Query("wire", mode=Mode.KEYWORD))
    assert [hit.article.id for hit in everyone.hits] == ["w4"]
    later = Query("wire", mode=Mode.KEYWORD, filters=Filters(since=date(2024, 5, 26)))
    assert [hit.article.id for hit in searcher.search(later).hits] == ["w2"]
    assert searcher.search(later).hits[0].copies.total == 2


@pytest.fixture
def engines(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_records(tmp_path / "news.jsonl", wire_story(24)))
    yield engines
    engines.catalog.close()


@pytest.fixture
def wired(engines):
    return Searcher(engines, RankingOptions())


def test_page_api_and_shell_say_the_same_of_copies(wired, reader, capsys):
    client = create_app(wired, reader).test_client()
    answer = client.get("/api/search?q=wire&mode=keyword").json
    totals = answer["totals"]
    assert (answer["total"], totals["articles"], totals["stories"]) == (1, 24, 1)
    hit = answer["hits"][0]
    assert (len(hit["copies"]), hit["copies_total"]) == (20, 23)
    assert hit["copies"][0].keys() == {"id", "title", "source", "published", "date", "url"}
    page = client.get("/?q=wire&mode=keyword").text
    assert "1 story, 24 articles" in page
    assert "<summary>23 duplicates</summary>" in page
    assert "/?q=wire&amp;mode=keyword&amp;copies=show" in page
    shown = client.get("/?q=wire&mode=keyword&copies=show").text
    assert "24 articles, 1 story" in shown
    assert "fold duplicates" in shown
    assert client.get("/api/search?q=wire&copies=both").json["field"] == "copies"
    print_results(wired.search(Query("wire", mode=Mode.KEYWORD)), why=False)
    said = capsys.readouterr()
    assert "and 23 duplicates: Outlet 22 (" in said.out
    assert "1 story, 24 articles" in said.err


def test_an_article_lists_its_copies(wired, reader):
    client = create_app(wired, reader).test_client()
    answer = client.get("/api/articles/w3").json
    assert answer["copies_total"] == 23
    assert answer["copies"][0]["id"] == "w23"
    page = client.get("/article/w3").text
    assert "The same story, 23 duplicates" in page
    assert 'href="/article/w23"' in page
    assert client.get("/api/articles/own").json["copies"] == []
    assert "The same story" not in client.get("/article/own").text


def test_copies_survive_the_columns_file(tmp_path):
    engines = engines_in(tmp_path / "archive", in_memory=True)
    fill(engines, write_records(tmp_path / "news.jsonl", wire_story(3)))
    before = Searcher(engines, RankingOptions()).search(Query("wire"))
    engines.table.bring_up(engines.catalog)
    after = Searcher(engines, RankingOptions()).search(Query("wire"))
    assert before.hits == after.hits
    assert engines.table.agrees(engines.catalog)
