"""Misspelt words that somebody in the archive misspelt too, and corrections that fit the query."""

import io

import pytest

from backfile.archive.store.reader import ArchiveReader
from backfile.index.model.query import Mode, Query
from backfile.index.search.batch import answers, read_queries
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.web.api.exports import as_hit_table
from backfile.web.app import create_app
from tests.builders import engines_in, fill, write_stories

TEXTS = [
    *["Mr Giuliani spoke of the statue."] * 20,
    "Mr Guiliani spoke.",
    *["Hillary Clinton and the state won."] * 50,
    *["Hilary Clinton lost."] * 2,
    *["Zelenskyy met Duda."] * 4,
    *["Zelensky met Scholz."] * 6,
    *["A mango is ripe."] * 9,
    "Elephants were dancing the tanga.",
    "A ferry swims.",
    "Marmalade was spilt on the ferry.",
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    texts = enumerate(TEXTS)
    stories = [{"id": str(n), "title": f"Report {n}", "text": text} for n, text in texts]
    made = engines_in(folder / "archive", in_memory=True)
    fill(made, write_stories(folder, stories))
    yield made
    made.catalog.close()


@pytest.fixture
def searcher(engines):
    return Searcher(engines, RankingOptions(floor=0.2))


@pytest.fixture
def client(engines, searcher):
    return create_app(searcher, ArchiveReader(engines.catalog)).test_client()


def meant(searcher, text):
    found = searcher.search(Query(text, mode=Mode.KEYWORD)).did_you_mean
    return found and found.text


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Guiliani", "Giuliani"),
        ("guiliani spoke", "giuliani spoke"),
        ("GUILIANI", "GIULIANI"),
        ("Hilary Clinton", "Hillary Clinton"),
        ("Giuliani", None),
        ("statue", None),  # 20 articles beside 50 with state, and no name
        ("elephants dancing tango", "elephants dancing tanga"),  # mango is nine times as frequent
        ("tango", "mango"),
        ("elephants mangi", None),  # they never stand together
    ],
)
def test_a_correction_is_much_more_frequent_and_stands_beside_the_other_words(
    searcher, typed, expected
):
    assert meant(searcher, typed) == expected


def test_a_name_with_two_frequent_spellings_is_offered_in_the_other_one(searcher, client):
    for typed, other in (("Zelensky", "Zelenskyy"), ("Zelenskyy Duda", None)):
        found = searcher.search(Query(typed, mode=Mode.KEYWORD)).did_you_mean
        assert (found and found.text) == other
        assert found is None or (found.is_variant, found.is_shown) == (True, False)
    assert "Also spelt <a" in client.get("/?q=Zelensky").text


def test_the_hits_of_a_correction_are_shown_at_once_if_there_are_no_others(client):
    asked = {"q": "marmelade", "mode": "keyword"}
    answer = client.get("/api/search", query_string=asked).json
    assert (answer["query"]["q"], answer["query"]["read_as"]) == (
        "marmelade",
        "the words marmalade",
    )
    assert answer["did_you_mean"] == {
        "text": "marmalade", "articles": 1, "variant": False, "shown": True,
    }  # fmt: skip
    assert [hit["article"]["id"] for hit in answer["hits"]] == [str(len(TEXTS) - 1)]
    strict = client.get("/api/search", query_string=asked | {"strict": "1"}).json
    assert (strict["total"], strict["did_you_mean"]["shown"]) == (0, False)
    page = client.get("/", query_string=asked).text
    assert "Showing results for <bdi><em>marmalade</em></bdi>." in page
    assert 'href="/?q=marmelade&amp;mode=keyword&amp;strict=1" dir="auto">marmelade</a>' in page
    assert "marmelade" not in page.split('class="hit"')[1].split("</article>")[0]


def test_a_query_with_hits_of_its_own_is_never_replaced(client):
    answer = client.get("/api/search?q=ferry+marmelade&mode=keyword").json
    assert (answer["did_you_mean"]["text"], answer["did_you_mean"]["shown"]) == (
        "ferry marmalade",
        False,
    )
    assert answer["total"] == 2


def test_a_batch_says_what_it_searched_instead_and_a_feed_is_exact(searcher, client):
    asked = read_queries(io.StringIO("marmelade\nferry\n"))
    rows = "".join(as_hit_table(answers(searcher, asked, {"mode": ["keyword"]}))).splitlines()
    assert [row.split(",")[-2] for row in rows] == ["corrected", "marmalade", "", ""]
    assert client.get("/search.json?q=marmelade&mode=keyword").json["items"] == []
    assert len(client.get("/search.json?q=marmalade&mode=keyword").json["items"]) == 1
