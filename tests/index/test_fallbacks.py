"""A search goes on by the part that can be read: by meaning without words, and the other way."""

import pytest

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.model.query import Mode, Query
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from tests.builders import app_over, damage, indexer_of

NEEDS_WORDS = ['"swing bridge"', "ferry NOT bridge", "ferr*", "ferry AND bridge", "title:ferry"]


@pytest.fixture
def archive(prepared, tmp_path):
    """The stories in the real engines, and their folder."""
    made = prepared["engines"].copy(tmp_path / "archive")
    yield made, tmp_path / "archive"
    made.catalog.close()


@pytest.fixture
def whole(prepared, tmp_path):
    made = prepared["engines"].copy(tmp_path / "whole")
    yield made
    made.catalog.close()


@pytest.fixture
def wordless(archive):
    """The stories, with a lexical index that cannot be opened."""
    engines, folder = archive
    damage(next(folder.glob("lexical/*.row.col")), "flip")
    return engines


def searcher_of(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


def ids(results):
    return [hit.article.id for hit in results.hits]


def test_a_hybrid_search_goes_on_by_meaning_with_a_note(wordless, whole):
    found = searcher_of(wordless).search(Query("ferry bridge"))
    by_meaning = searcher_of(whole).search(Query("ferry bridge", mode=Mode.SEMANTIC))
    assert ids(found) == ids(by_meaning) != []
    (note,) = found.reading.notes
    assert note.startswith("by meaning alone: the lexical index is unavailable: MAIN_")
    assert note.endswith("row.col is damaged; `backfile verify --repair` mends it")
    assert found.did_you_mean is None


def test_a_search_by_meaning_and_one_without_words_need_no_words(wordless, whole):
    for query in (
        Query("ferry bridge", mode=Mode.SEMANTIC),
        Query("ferry bridge source:Courier", mode=Mode.SEMANTIC),
        Query("before:2024"),
        Query(""),
    ):
        found, expected = (searcher_of(each).search(query) for each in (wordless, whole))
        assert ids(found) == ids(expected) != []
        assert found.totals == expected.totals


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SEMANTIC])
@pytest.mark.parametrize("text", NEEDS_WORDS)
def test_what_excludes_articles_by_words_is_an_error_without_them(wordless, text, mode):
    with pytest.raises(EngineUnavailable, match="verify --repair"):
        searcher_of(wordless).search(Query(text, mode=mode))


def test_what_is_by_words_alone_is_an_error_that_says_what_mends_it(wordless):
    client = app_over(wordless, floor=0.2).test_client()
    for address in (
        "/api/search?q=ferry&mode=keyword",
        "/api/suggest?q=fer",
        "/api/articles/ferry/related",
        "/readyz",
    ):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert answer.json["detail"].endswith("`backfile verify --repair` mends it")
    assert client.get("/?q=ferry").status_code == 200
    assert client.get("/article/ferry").status_code == 200
    assert client.get("/overview").status_code == 200


def test_a_damaged_list_fails_the_searches_that_read_it_alone(archive):
    engines, folder = archive
    searcher = searcher_of(engines)
    assert searcher.search(Query("bridge", mode=Mode.KEYWORD)).hits
    (path,) = folder.glob("lexical/*.pos")
    damage(path, "flip")
    searcher = searcher_of(engines)
    assert searcher.search(Query("bridge", mode=Mode.KEYWORD)).hits
    with pytest.raises(EngineUnavailable, match=path.name):
        searcher.search(Query('"swing bridge"', mode=Mode.KEYWORD))


def test_without_spellings_a_search_offers_no_correction(archive):
    engines, folder = archive
    damage(next(folder.glob("lexical/*.voc")), "flip")
    searcher = searcher_of(engines)
    assert ids(searcher.search(Query("ferry", mode=Mode.KEYWORD))) != []
    misspelt = searcher.search(Query("bridgge", mode=Mode.KEYWORD))
    assert (misspelt.did_you_mean, misspelt.offers) == (None, ())
    with pytest.raises(EngineUnavailable):
        searcher.search(Query("bridgge~", mode=Mode.KEYWORD))


def test_without_vectors_a_hybrid_search_goes_on_by_words_with_a_note(archive):
    engines, folder = archive
    damage(folder / "vectors", "cut")
    searcher = searcher_of(engines)
    found = searcher.search(Query("ferry bridge"))
    by_words = searcher.search(Query("ferry bridge", mode=Mode.KEYWORD))
    assert sorted(ids(found)) == sorted(ids(by_words)) != []
    assert found.reading.notes[0].startswith("by words alone: the file of vectors is unavailable")
    with pytest.raises(EngineUnavailable, match="verify --repair"):
        searcher.search(Query("ferry bridge", mode=Mode.SEMANTIC))
    assert searcher.related("ferry").coverage == 0


def test_with_neither_words_nor_vectors_a_search_is_an_error(archive):
    engines, folder = archive
    damage(folder / "vectors", "empty")
    damage(next(folder.glob("lexical/*.toc")), "zero")
    for mode in Mode:
        with pytest.raises(EngineUnavailable):
            searcher_of(engines).search(Query("ferry", mode=mode))
    assert searcher_of(engines).search(Query("")).totals.articles == 7


def test_an_engine_that_failed_is_tried_again(archive):
    engines, folder = archive
    path = next(folder.glob("lexical/*.toc"))
    path.rename(folder / "away")
    now = 100.0
    searcher = Searcher(engines, RankingOptions(), seconds=lambda: now)
    with pytest.raises(EngineUnavailable):
        searcher.search(Query("ferry", mode=Mode.KEYWORD))
    (folder / "away").rename(path)
    now += 9
    with pytest.raises(EngineUnavailable):
        searcher.search(Query("ferry", mode=Mode.KEYWORD))
    now += 2
    assert searcher.search(Query("ferry", mode=Mode.KEYWORD)).hits


def test_a_server_sees_that_the_words_were_made_again(wordless):
    searcher = searcher_of(wordless)
    with pytest.raises(EngineUnavailable):
        searcher.search(Query("ferry", mode=Mode.KEYWORD))
    indexer_of(wordless).lexical.rebuild()
    searcher.look_again()
    assert searcher.search(Query("ferry", mode=Mode.KEYWORD)).hits
