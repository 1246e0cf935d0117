"""People, organisations and places are facets: counted exactly, included and excluded."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.category import Category
from backfile.index.model.filters import EXCLUSIONS, Filters
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import engines_in, everything, indexer_of, write_news
from tests.fakes import CapitalisedNames

KINDS = {"person": "people", "organisation": "organisations", "place": "places"}
TEXTS = ["ferry strike", "museum", "", "bridge OR storm"]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("facets")
    engines = engines_in(folder / "archive", in_memory=True, names=CapitalisedNames())
    news = write_news(folder / "news.jsonl", 60)
    indexer_of(engines).run(Reading([news], FieldMap()))
    yield engines
    engines.catalog.close()


@pytest.fixture(scope="module")
def searcher(engines):
    return Searcher(engines, RankingOptions())


def values_of(engines, hit, facet):
    return getattr(engines.catalog.stored_article(hit.article.id).names, KINDS[facet])


@pytest.mark.parametrize("text", TEXTS)
def test_facets_count_the_very_hits(searcher, engines, text):
    query = Query(text, mode=Mode.KEYWORD, copies=Copies.SHOW)
    results, hits = everything(searcher, query)
    hits = [hit for hit in hits if hit.group is results.counted]
    for facet in KINDS:
        counted = {each.value: each.count for each in results.facets[facet]}
        assert counted == Counter(name for hit in hits for name in values_of(engines, hit, facet))
        assert results.facets_total[facet] == len(counted)
    assert results.facets["person"]


@pytest.mark.parametrize("copies", Copies)
@pytest.mark.parametrize("text", TEXTS)
def test_a_click_gives_exactly_its_count(searcher, text, copies):
    query = Query(text, mode=Mode.KEYWORD, copies=copies, strict=True)
    for each in searcher.search(query).facets["person"]:
        chosen = Filters(person=(each.value.upper(),))
        assert searcher.search(replace(query, filters=chosen)).total == each.count


def test_several_values_of_a_facet_are_alternatives_and_facets_bind_together(searcher, engines):
    two = Filters(person=("Ana Ruiz", "Marian Holt"))
    _, hits = everything(searcher, Query(filters=two, copies=Copies.SHOW))
    assert {*two.person} == {
        name for hit in hits for name in values_of(engines, hit, "person") if name in two.person
    }
    assert searcher.search(Query(filters=replace(two, place=("Nowhere",)))).total == 0


def test_what_is_excluded_is_the_rest_of_what_is_included(searcher):
    ways = [Filters(**{name: ("Ana Ruiz",)}) for name in ("person", EXCLUSIONS["person"])]
    totals = [searcher.search(Query(filters=way, copies=Copies.SHOW)).total for way in ways]
    assert all(totals)
    assert sum(totals) == searcher.search(Query(copies=Copies.SHOW)).total


def test_the_file_of_the_table_holds_the_names(engines):
    engines.table.bring_up(engines.catalog)
    generation = engines.catalog.generation()
    loaded = ArticleTable.load(engines.catalog, generation)
    assert loaded.person.names
    assert engines.table.read().person.names == loaded.person.names
    assert engines.table.agrees(engines.catalog)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    values=st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), min_size=1, max_size=12),
    limit=st.integers(1, 9),
    seed=st.integers(0, 1 << 12),
)
def test_the_most_frequent_values_are_those_of_a_full_sort(values, limit, seed):
    category = Category.of(values)
    mask = np.array([bool(seed >> i & 1) for i in range(len(values))])
    counts = category.counts(mask)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    assert category.most(mask, limit) == (ordered[:limit], len(ordered))


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=3), min_size=1, max_size=40), st.data())
def test_the_entries_of_few_articles_are_those_of_the_whole_column(values, data):
    category = Category.of(values)
    chosen = data.draw(st.sets(st.integers(0, len(values) - 1)))
    mask = np.isin(np.arange(len(values)), list(chosen))
    expected = np.flatnonzero(mask[category.owners])
    assert np.arange(len(category.owners))[category.entries(mask)].tolist() == expected.tolist()
    one = np.arange(len(values)) == 0
    assert category.most(one, 9)[1] == len(set(values[0]))
