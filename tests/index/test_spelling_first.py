"""A plain word ranks articles with its exact spelling first, and names the form that was found."""

import pytest

from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import FAMILIES, engines_in, fill, write_stories

TEXTS = {
    "pistorius": "Oscar Pistorius and his lawyer came to the court.",
    "award": "The Oscars went to a film about the sea, and everybody was there to see it happen.",
    "accent": "José spoke in the town hall today.",
    "ferries": "Ferries left the quay in the morning.",
}


@pytest.fixture(scope="module", params=FAMILIES)
def searcher(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spelt")
    stories = [{"id": name, "title": "Report", "text": text} for name, text in TEXTS.items()]
    engines = engines_in(folder / "archive", in_memory=request.param == "memory")
    fill(engines, write_stories(folder, stories))
    yield Searcher(engines, RankingOptions(floor=0.2))
    engines.catalog.close()


def hits(searcher, text, mode=Mode.KEYWORD):
    return searcher.search(Query(text, mode=mode)).hits


@pytest.mark.parametrize("mode", [Mode.KEYWORD, Mode.HYBRID])
def test_the_exact_spelling_comes_first_and_another_form_is_named(searcher, mode):
    found = {hit.article.id: hit for hit in hits(searcher, "oscars", mode)}
    award, pistorius = found["award"], found["pistorius"]
    assert mode is Mode.HYBRID or list(found) == ["award", "pistorius"]
    assert "found as" not in award.why.sentence
    assert pistorius.why.sentence.endswith('found as "Oscar"')
    assert pistorius.passages[0].why.sentence.endswith('found as "Oscar"')
    assert hits(searcher, "oscar")[0].article.id == "pistorius"


def test_a_spelling_that_is_nowhere_lowers_no_score(searcher):
    (alone,) = hits(searcher, "ferry")
    assert alone.score == hits(searcher, "ferries")[0].score
    assert 'found as "Ferries"' in alone.why.sentence


def test_capitals_and_accents_are_no_other_form(searcher):
    assert "found as" not in hits(searcher, "jose")[0].why.sentence


def test_the_parts_of_a_lowered_score_add_up(searcher):
    for hit in hits(searcher, "oscars film"):
        assert sum(part.score for part in hit.why.parts) == pytest.approx(hit.score)
