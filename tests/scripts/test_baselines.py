"""The baselines of a benchmark do the work they are timed for: they find what plain code finds."""

import random
import sys

import numpy as np
import pytest

from backfile.index.lexical.analysis.analyser import terms, weighty
from backfile.index.lexical.analysis.stemming import fold
from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Or
from backfile.index.model.expression import Prefix as PrefixOf
from backfile.index.model.expression import Word as WordOf
from backfile.index.seams.protocols import LexicalEntry
from backfile.scripts.bench.baselines.registry import baselines
from backfile.scripts.bench.baselines.stock_whoosh import StockWhoosh
from backfile.scripts.bench.baselines.words import KINDS, Kind, Passage, as_terms
from tests.builders import table

# Stems, accents, capitals, stops and marks inside words: each could be cut in two ways.
TEXT = "the and ferry ferries Bridge bridges bridging ash Zoë O’Dowd U.S covid_19 3.5 Ελλάδα"
WORDS = TEXT.split()
N_PASSAGES = 80
EVERYTHING = 1_000
ENGINES = ("Whoosh", "SQLite FTS5", "tantivy, with totals", "tantivy, best only", "bm25s")
QUERIES = [
    (Kind.WORDS, ["ferry", "ASH"]),
    (Kind.WORDS, ["the", "O'Dowd", "U.S"]),
    (Kind.WORDS, ["the", "and"]),
    (Kind.WORDS, ["zoe", "nowhere"]),
    (Kind.WORDS, ["nowhere"]),
    (Kind.QUESTION, ["The", "Ελλάδα", "and", "the", "bridges", "and", "Covid_19", "3.5", "Ferry"]),
    (Kind.PHRASE, ["the", "ferry"]),
    (Kind.PHRASE, ["Zoë's", "Bridge"]),
    (Kind.PHRASE, ["ash", "Ash"]),
    (Kind.PHRASE, ["ferry"]),
    (Kind.PHRASE, ["O'Dowd", "U.S"]),
    (Kind.PHRASE, ["ferry", "nowhere"]),
    (Kind.PREFIX, ["ferr"]),
    (Kind.PREFIX, ["Bridges"]),  # the terms are all of the stem, which is shorter
    (Kind.PREFIX, ["O’Do"]),
    (Kind.PREFIX, ["Ελλά"]),
    (Kind.PREFIX, ["nowh"]),
]


@pytest.fixture(scope="module")
def passages():
    choose = random.Random(7)
    made = [
        Passage(
            10 + 3 * i,  # rows have holes, and do not begin at the first
            " ".join(choose.choices(WORDS, k=choose.randrange(3))),
            " ".join(choose.choices(WORDS, k=choose.randrange(1, 9))) + " gull" * (i % 3),
        )
        for i in range(N_PASSAGES)
    ]
    return [*made, Passage(500, "A lighthouse", "the lighthouse and the ash"), Passage(501, "", "")]


@pytest.fixture(scope="module")
def searches(passages, tmp_path_factory):
    """Each way to search, by its name, over baselines that are built."""
    made = baselines(tmp_path_factory.mktemp("baselines")).by_words
    for baseline in made:
        baseline.build(as_terms(passages) if baseline.takes_terms else passages)
    yield {search.name: search for baseline in made for search in baseline.searches()}
    for baseline in made:
        baseline.close()


@pytest.fixture(params=ENGINES)
def search(request, searches):
    if request.param not in searches:
        pytest.skip("needs the benchmark extra")
    return searches[request.param]


@pytest.fixture(scope="module")
def scores_of(passages, tmp_path_factory):
    """What our own engine scores each row, for an expression."""
    return scorer(passages, tmp_path_factory.mktemp("ours"))


def scorer(passages, folder):
    made = WhooshIndex(folder / "lexical")
    made.add([LexicalEntry(*passage) for passage in passages])
    known = table(passages[-1].row)
    known.article_of[np.setdiff1d(np.arange(known.n_rows), [p.row for p in passages])] = -1
    return lambda expression: LexicalSearch(made.snapshot(), known).match(expression).scores


def matching(passages, kind, words):
    """The rows that hold what is asked for, found by reading them."""
    wanted = terms(" ".join(weighty(words) if kind in (Kind.WORDS, Kind.QUESTION) else words))

    def holds(found):
        if kind is Kind.PHRASE:
            return any(found[i : i + len(wanted)] == wanted for i in range(len(found)))
        begins = kind is Kind.PREFIX and any(term.startswith(fold(words[0])) for term in found)
        return begins or bool(set(wanted) & set(found))

    return {p.row for p in passages if holds(terms(p.title)) or holds(terms(p.text))}


@pytest.mark.parametrize(("kind", "words"), QUERIES)
def test_every_baseline_finds_the_passages_that_hold_what_is_asked_for(
    search, passages, kind, words
):
    if kind not in search.kinds:
        assert search.name == "bm25s"
        return
    found = search.best(kind, words, EVERYTHING)
    assert len(found) == len(set(found))
    assert set(found) == matching(passages, kind, words)


@pytest.mark.parametrize("kind", [Kind.WORDS, Kind.QUESTION])
def test_the_best_passage_for_a_rare_word_is_the_one_that_holds_it(search, kind):
    assert search.best(kind, ["The", "lighthouse", "ash"], 3)[0] == 500


def test_as_many_are_listed_as_are_asked_for(search):
    best = search.best(Kind.WORDS, ["ferry", "ash"], 5)
    assert len(best) == 5
    assert set(best) <= set(search.best(Kind.WORDS, ["ferry", "ash"], EVERYTHING))


def test_both_searches_of_tantivy_list_the_same(searches):
    pytest.importorskip("tantivy", reason="needs the benchmark extra")
    counting, pruning = searches["tantivy, with totals"], searches["tantivy, best only"]
    for kind, words in QUERIES:
        assert counting.best(kind, words, 10) == pruning.best(kind, words, 10)


@pytest.mark.parametrize(
    "words", [["ferry", "ash"], ["zoe", "covid", "gull"], ["bridge", "Ελλάδα", "U.S", "3.5"]]
)
def test_stock_whoosh_ranks_one_field_as_our_own_engine_does(passages, tmp_path, words):
    untitled = [Passage(row, "", f"{title} {text}") for row, title, text in passages]
    stock = StockWhoosh(tmp_path / "stock")
    stock.build(untitled)
    scores = scorer(untitled, tmp_path)(Or(tuple(map(WordOf, words))))
    best = stock.searches()[0].best(Kind.QUESTION, words, 10)
    np.testing.assert_allclose(scores[best], np.sort(scores)[::-1][:10], rtol=1e-4)
    assert set(np.flatnonzero(scores)) == matching(untitled, Kind.QUESTION, words)
    stock.close()


@pytest.mark.parametrize("prefix", ["ferr", "Bridges", "O’Do"])
def test_our_own_engine_takes_a_prefix_for_the_same_terms(passages, scores_of, prefix):
    scores = scores_of(PrefixOf(prefix))
    assert set(np.flatnonzero(scores)) == matching(passages, Kind.PREFIX, [prefix])


def test_a_baseline_writes_into_the_folder_it_names(passages, tmp_path):
    for baseline in baselines(tmp_path).by_words:
        baseline.build(as_terms(passages) if baseline.takes_terms else passages)
        baseline.close()
        assert baseline.folder.parent == tmp_path
        assert sum(file.stat().st_size for file in baseline.folder.rglob("*")) > 0


def test_a_baseline_that_is_not_installed_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tantivy", None)
    monkeypatch.setitem(sys.modules, "bm25s", None)
    monkeypatch.setitem(sys.modules, "faiss", None)
    found = baselines(tmp_path)
    assert found.missing == ["tantivy", "bm25s", "faiss"]
    assert [baseline.name for baseline in found.by_words] == ["Whoosh", "SQLite FTS5"]
    assert [baseline.name for baseline in found.by_meaning] == ["Chroma", "numpy"]


def test_a_search_that_does_not_know_an_order_of_words_says_so(searches):
    without = {name for name, search in searches.items() if search.kinds < KINDS}
    assert without <= {"bm25s"}


@pytest.mark.parametrize("since", [None, 0, 300, 590])
@pytest.mark.parametrize(
    "name", ["Chroma", "numpy", "faiss, exact", "faiss, codes", "faiss, graph"]
)
def test_the_nearest_from_a_day_on_are_those_that_comparing_all_finds(name, since, tmp_path):
    chance = np.random.default_rng(3)
    rows, days = np.arange(600) * 2 + 1, chance.permutation(600)
    vectors = chance.standard_normal((600, 16))
    halves = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    vector = halves[5].astype(np.float32)
    baseline = {each.name: each for each in baselines(tmp_path).by_meaning}[name]
    baseline.build(rows, halves, days)
    similar = np.where(days >= (since or 0), halves.astype(np.float32) @ vector, -2)
    expected = rows[np.argsort(-similar)][: min(20, 600 - (since or 0))]
    found = baseline.nearest(vector, since, 20).tolist()
    if name == "faiss, codes":  # it does not compare exactly what is near
        assert len({*found} & {*expected.tolist()}) >= len(expected) - 1
    else:
        assert found == expected.tolist()
    baseline.close()
