from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from backfile.archive.model.errors import BadQuery, EngineUnavailable
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.filtering import passing_articles
from backfile.index.model.filters import Filters, milliseconds_of
from backfile.index.model.query import Mode, Query, Sort
from backfile.index.search.concordance import Concordances
from backfile.index.search.memberships import show_collections
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.result_cache import ResultCache
from backfile.index.search.searcher import Searcher
from tests.builders import STORIES, fill, indexer_of, write_stories

TODAY = datetime.now().astimezone().date()
FERRIES = Query(filters=Filters(collection="Ferries"))
STARRED = [
    ("ferry", ""),
    ("https://bote.example/a?b=1", ""),
    ("/2023/05/pier%20", ""),
    ("gone", ""),
]


@pytest.fixture
def collections(engines):
    engines.catalog.collections.add("Ferries", STARRED)
    return engines.catalog.collections


@pytest.fixture
def searcher(engines, collections):
    return Searcher(engines, RankingOptions(), seconds=iter(range(0, 10_000, 10)).__next__)


def ids(results):
    return {hit.article.id for hit in results.hits}


def later(searcher, engines, tmp_path, *stories):
    folder = tmp_path / "later"
    folder.mkdir(exist_ok=True)
    fill(engines, write_stories(folder, stories))
    searcher.look_again()


def test_a_collection_is_a_filter_by_which_everything_is_counted(searcher):
    found = searcher.search(FERRIES)
    assert ids(found) == {article_id for article_id, _ in STARRED} - {"gone"}
    assert found.total == found.totals.articles == 3
    assert sum(each.count for each in found.timeline.bins) == 3
    assert {each.value for each in found.facets["source"]} == {"Courier", "Hafenbote", "Gazette"}
    assert ids(searcher.search(replace(FERRIES, text="ferry"))) == {"ferry"}


def test_a_collection_is_found_whatever_the_case_and_shown_by_its_name(searcher):
    found = searcher.search(Query(filters=Filters(collection="fERRIES")))
    assert found.query.filters.collection == "Ferries"


def test_an_unknown_collection_is_refused_with_the_nearest_name(searcher):
    with pytest.raises(BadQuery, match="there is no 'Ferrys'; there is 'Ferries'") as refused:
        searcher.search(Query(filters=Filters(collection="Ferrys")))
    assert refused.value.field == "collection"


def test_a_change_of_a_collection_is_seen_without_a_new_generation(searcher, collections):
    before = searcher.search(FERRIES)
    collections.add("Ferries", [("bridge", "")])
    collections.remove("Ferries", ["ferry"])
    after = searcher.search(FERRIES)
    assert ids(after) == ids(before) - {"ferry"} | {"bridge"}
    assert after.generation == before.generation


def test_a_later_page_is_not_cut_from_an_answer_before_a_change(engines, collections):
    searcher = Searcher(engines, RankingOptions(), cache=ResultCache())
    first = searcher.search(replace(FERRIES, limit=2))
    collections.remove("Ferries", [each for each, _ in STARRED])
    later = searcher.search(replace(FERRIES, limit=2, cursor=first.next))
    assert (first.total, later.total) == (3, 0)


def test_an_article_that_was_removed_is_not_counted_and_comes_back(searcher, engines, tmp_path):
    indexer_of(engines).remove(["ferry"])
    searcher.look_again()
    assert searcher.search(FERRIES).total == 2
    later(searcher, engines, tmp_path, {"id": "gone", "title": "Back", "text": "It is back."})
    assert ids(searcher.search(FERRIES)) >= {"gone"}


def test_an_article_that_changes_stays_in_its_collection(searcher, engines, tmp_path):
    more = {**STORIES[0], "text": f"{STORIES[0]['text']} Then it sailed."}
    later(searcher, engines, tmp_path, more)
    assert "ferry" in ids(searcher.search(FERRIES))


def test_damaged_collections_leave_other_searches_alone(searcher, collections):
    collections.path.write_bytes(b"no database" * 999)
    assert searcher.search(Query("ferry")).total
    with pytest.raises(EngineUnavailable, match="the file of collections"):
        searcher.search(FERRIES)


def test_collections_may_be_hidden_from_a_thread(searcher):
    show_collections(lambda: False)
    try:
        with pytest.raises(BadQuery, match="for the owner of this server"):
            searcher.search(FERRIES)
        assert searcher.search(Query("ferry")).total
    finally:
        show_collections(lambda: True)
    assert searcher.search(FERRIES).total


def test_a_collection_that_was_not_looked_up_filters_nothing_by_mistake(searcher):
    with pytest.raises(ValueError, match="was not looked up"):
        passing_articles(searcher.table(), Filters(collection="Ferries"))


def test_articles_are_found_by_when_they_came(searcher, engines, tmp_path):
    seen = searcher.table().last_added
    assert searcher.search(Query(filters=Filters(added_since=TODAY))).totals.articles == 7
    tomorrow = TODAY + timedelta(days=1)
    assert searcher.search(Query(filters=Filters(added_since=tomorrow))).total == 0
    later(searcher, engines, tmp_path, {"id": "new", "title": "New", "text": "A new one came in."})
    since = datetime.fromtimestamp((seen + 1) / 1000, UTC)
    found = searcher.search(Query(filters=Filters(added_since=since), sort=Sort.ADDED))
    assert ids(found) == {"new"}
    assert milliseconds_of(found.hits[0].added) == searcher.table().last_added > seen


def test_a_replaced_article_came_when_its_first_version_did(searcher, engines, tmp_path):
    first = searcher.table()
    more = {**STORIES[0], "text": f"{STORIES[0]['text']} Then it sailed."}
    later(searcher, engines, tmp_path, more)
    second = searcher.table()
    assert second.generation > first.generation
    assert np.array_equal(second.number, first.number)
    assert np.array_equal(second.added, first.added)


def test_an_article_of_an_early_release_came_at_no_known_time(engines):
    with engines.catalog._database.writing() as connection:
        connection.exec_driver_sql("UPDATE articles SET kept_at = '' WHERE id = 'ferry'")
        connection.exec_driver_sql("UPDATE articles SET kept_at = 'damaged' WHERE id = 'bridge'")
    table = ArticleTable.load(engines.catalog, 1)
    assert passing_articles(table, Filters(added_since=date.min)).sum() == 5
    assert [table.added_at(n) is None for n in range(7)].count(True) == 2


def test_words_in_context_follow_a_collection_and_are_hidden_with_it(searcher, collections):
    concordances = Concordances(searcher)
    ferries = replace(FERRIES, text="ferry", mode=Mode.KEYWORD)
    before = concordances.of(ferries)
    assert {each.article.id for each in before.occurrences} == {"ferry"}
    collections.remove("Ferries", ["ferry"])
    assert not concordances.of(replace(ferries, strict=True)).occurrences
    assert concordances.of(ferries) is not before
    show_collections(lambda: False)
    with pytest.raises(BadQuery, match="for the owner of this server"):
        concordances.of(ferries)
