"""What index/protocols.py promises, held against the real engines and the fakes alike."""

from contextlib import suppress

import numpy as np
import pytest

from backfile.archive.store.vectors import VectorFile
from backfile.index.lexical.scoring.bm25 import Idf
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.expression import (
    And,
    Field,
    Fuzzy,
    Near,
    Not,
    Or,
    Phrase,
    Prefix,
    Stretch,
    Word,
    Words,
)
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.vector import chroma_snapshot
from backfile.index.vector.chroma_index import ChromaIndex
from tests.fakes import MemoryIndex, MemoryVectors

TEXTS = ["the swing bridge is shut", "bridge the swing", "a ferry runs", "ferry ferry bridge"]


@pytest.fixture(params=[WhooshIndex, MemoryIndex])
def lexical(request, tmp_path):
    if request.param is MemoryIndex:
        return MemoryIndex()
    return WhooshIndex(tmp_path / "lexical")


@pytest.fixture(params=[ChromaIndex, MemoryVectors])
def neighbours(request, tmp_path):
    vectors = VectorFile(tmp_path / "vectors", 8)
    rows = np.arange(1, 401)
    made = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    vectors.write(rows, made / np.linalg.norm(made, axis=1, keepdims=True))
    if request.param is MemoryVectors:
        return MemoryVectors(vectors)
    return ChromaIndex(tmp_path / "chroma", vectors)


def entries(start=1, texts=TEXTS):
    return [LexicalEntry(row, f"title {row}", text) for row, text in enumerate(texts, start)]


def table(n_rows, per_article=1):
    """Articles of so many passages each, rows from 1."""
    article_of = np.full(n_rows + 1, -1, np.int32)
    article_of[1:] = np.arange(n_rows) // per_article
    nothing = ArticleTable.__dataclass_fields__
    assert "article_of" in nothing
    from backfile.index.model.article_table import Category

    none = Category.of([()] * (int(article_of.max()) + 1))
    days = np.ones(int(article_of.max()) + 1, np.int32)
    return ArticleTable(1, article_of, article_of >= 0, days, -days, -days, *[none] * 4)


def held(lexical, expression, n_rows=4, per_article=1):
    found = lexical.snapshot().match(expression, table(n_rows, per_article))
    return np.flatnonzero(found.held).tolist()


def test_an_empty_index_answers_with_nothing(lexical):
    assert lexical.last_row() == 0
    assert lexical.rows().tolist() == []
    assert held(lexical, Words((Word("bridge"),))) == []


def test_added_passages_are_found_by_row_and_last_row_grows(lexical):
    lexical.add(entries())
    lexical.add(entries(5, ["a late ferry"]))
    assert lexical.last_row() == 5
    assert lexical.rows().tolist() == [1, 2, 3, 4, 5]
    assert held(lexical, Words((Word("ferry"),)), 5) == [2, 3, 4]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Word("bridges"), [0, 1, 3]),
        (Phrase("swing bridge"), [0]),
        (Phrase("bridge swing", slop=2), [1]),
        (Prefix("ferr"), [2, 3]),
        (Fuzzy("fery"), [2, 3]),
        (Fuzzy("brigde"), [0, 1, 3]),
        (Fuzzy("birdgee"), []),
        (Fuzzy("birdgee", edits=2), [0, 1, 3]),
        (Prefix("bridge"), [0, 1, 3]),
        (Near("bridge", "swing", within=1), [0]),
        (Near("bridge", "swing", within=2), [0, 1]),
        (Near("bridge", "swing", within=2, ordered=True), [1]),
        (Near("swing bridge", "shut", within=2), [0]),
        (Near("ferry", "ferry", within=1), [3]),
        (And((Word("bridge"), Word("ferry"))), [3]),
        (Or((Word("shut"), Word("runs"))), [0, 2]),
        (Not(Word("bridge")), [2]),
        (Word("title", Field.TITLE), [0, 1, 2, 3]),
        (Word("ferry", Field.TITLE), []),
        (Words((Word("bridge"), Not(Word("ferry")))), [0, 1]),
        (Words((Word("nowhere"),)), []),
    ],
)
def test_an_expression_matches_the_articles_it_describes(lexical, expression, expected):
    lexical.add(entries())
    assert held(lexical, expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (Near("ferry", "bridge", within=Stretch.SENTENCE), [0, 3]),
        (Near("bridge", "ferry", Field.TEXT, Stretch.SENTENCE), [0]),
        (Near("bridge", "ferry", within=Stretch.SENTENCE, ordered=True), [3]),
        (Near("ferry", "bridge", within=Stretch.PARAGRAPH), [0, 1, 3]),
        (Near("swing bridge", "late ferry", within=Stretch.PARAGRAPH), [1]),
        (Near("ferry", "ferry", within=Stretch.PARAGRAPH), [2]),
        (Near("ferry", "ferry", within=Stretch.SENTENCE), []),
        (Near("bridge", "ferry", Field.TITLE, Stretch.SENTENCE), [3]),
        (Near("bridge", "quay", within=Stretch.SENTENCE), []),
    ],
)
def test_words_are_found_in_one_sentence_or_paragraph(lexical, expression, expected):
    lexical.add(
        [
            LexicalEntry(1, "", "The ferry hit the bridge. Nobody saw it.", "en"),
            LexicalEntry(2, "", "A late ferry. The swing bridge shut.\n\nA quay.", "en"),
            LexicalEntry(3, "", "One ferry. Another ferry.\n\nThe bridge is shut.", "en"),
        ]
    )
    lexical.add([LexicalEntry(4, "The bridge. The ferry", "A quay. The bridge.", "en")])
    assert held(lexical, expression) == expected
    lexical.flush()
    lexical.settle()  # segments are merged
    assert held(lexical, expression) == expected


def test_and_is_decided_for_articles_not_for_passages(lexical):
    lexical.add(entries())
    both = And((Word("shut"), Word("swing")))
    apart = And((Word("runs"), Phrase("ferry bridge")))
    assert held(lexical, both, per_article=2) == [0]
    assert held(lexical, apart, per_article=2) == [1]


@pytest.mark.parametrize(
    ("word", "edits", "expected"),
    [
        ("ferri", 1, {"ferry": 1}),
        ("ferries", 2, {}),
        ("ferry", 0, {"ferry": 0}),
        ("hsut", 1, {"shut": 1}),
        ("zzzzz", 2, {}),
    ],
)
def test_words_are_found_by_their_spelling_not_by_their_stems(lexical, word, edits, expected):
    lexical.add(entries())
    found = lexical.snapshot().spellings(table(4)).near(word, edits)
    assert {near.spelling.text: near.distance for near in found} == expected


def test_a_spelling_knows_its_terms_how_often_it_stands_and_how_it_is_written(lexical):
    texts = ["Die Brücke, die Brücke", "BRÜCKE", "A brucke of its own"]
    languages = ["de", "de", "en"]
    lexical.add(
        LexicalEntry(row, "", text, language)
        for row, (text, language) in enumerate(zip(texts, languages, strict=True), 1)
    )
    (found,) = lexical.snapshot().spellings(table(3)).beginning("bruc")
    assert (found.text, found.written, found.frequency) == ("brucke", "Brücke", 4)
    assert set(found.terms) == {"bruck|de", "bruck"}


def test_spellings_that_begin_alike_come_commonest_first(lexical):
    lexical.add(entries(1, ["ferry ferry", "fern", "ferry fern feral", "fog"]))
    found = lexical.snapshot().spellings(table(4)).beginning("fer")
    assert [each.text for each in found] == ["ferry", "fern", "feral"]


def test_a_word_that_only_removed_articles_hold_is_not_given_away(lexical):
    lexical.add(entries(1, ["a secret", "a ferry", "no secrets"]))
    known = table(3)
    known.article_of[1] = -1
    living = lexical.snapshot().spellings(known)
    assert [each.text for each in living.beginning("secret") if each.living] == ["secrets"]
    near = [each.spelling for each in living.near("secret", 1)]
    assert [each.text for each in near if each.living] == ["secrets"]


def test_letters_that_are_cut_are_no_spellings_and_words_beside_them_are(lexical):
    lexical.add(entries(1, ["東京 ferry ราคา", "iPhone東京"]))
    found = lexical.snapshot().spellings(table(2)).beginning("")
    assert "ferry" in {each.text for each in found}
    assert not any("東" in each.text for each in found)


@pytest.mark.parametrize("idf", Idf)
def test_both_lexical_engines_give_the_scores_of_bm25f(tmp_path, idf):
    whoosh, memory = WhooshIndex(tmp_path / "lexical"), MemoryIndex()
    for index in (whoosh, memory):
        index.add(entries())
    expression = Words((Word("ferry"), Word("bridge")))
    found = [i.snapshot().match(expression, table(4), idf=idf) for i in (whoosh, memory)]
    scores = [each.scores for each in found]
    assert scores[0].max() > 0
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_removed_passages_are_gone_and_rows_that_never_were_are_passed_over(lexical):
    lexical.add(entries())
    lexical.remove(np.array([4, 99]))
    assert lexical.rows().tolist() == [1, 2, 3]
    assert held(lexical, Word("ferry"), 3) == [2]


def test_a_snapshot_stays_as_it_was(lexical):
    lexical.add(entries())
    before = lexical.snapshot()
    lexical.add(entries(5, ["a late ferry"]))
    lexical.remove(np.array([3]))
    found = before.match(Word("ferry"), table(5))
    assert np.flatnonzero(found.held).tolist() == [2, 3]


def test_rows_the_columns_do_not_know_are_passed_over(lexical):
    lexical.add(entries())
    assert held(lexical, Word("ferry"), n_rows=3) == [2]


def test_clear_forgets_everything_and_filling_again_works(lexical):
    lexical.add(entries())
    lexical.clear()
    assert lexical.last_row() == 0
    lexical.add(entries())
    assert held(lexical, Word("ferry")) == [2, 3]


def test_an_index_is_replaced_at_the_end_and_answers_until_then(lexical):
    lexical.add(entries())
    lexical.flush()
    with lexical.replaced() as fresh:
        assert fresh.last_row() == 0
        fresh.add(entries(5, ["a late ferry"]))
        fresh.flush()
        assert held(lexical, Word("ferry"), 5) == [2, 3]
    assert lexical.rows().tolist() == [5]
    lexical.add(entries(6, ["a later ferry"]))
    lexical.flush()
    assert held(lexical, Word("ferry"), 6) == [4, 5]


def test_an_index_that_could_not_be_replaced_stays(lexical):
    lexical.add(entries())
    lexical.flush()
    with suppress(InterruptedError), lexical.replaced() as fresh:
        fresh.add(entries(5, ["a late ferry"]))
        raise InterruptedError
    assert held(lexical, Word("ferry"), 5) == [2, 3]


def embedded(n=400, total=401):
    mask = np.zeros(total, np.bool_)
    mask[1 : n + 1] = True
    return mask


def test_what_is_embedded_is_found_sealed_or_not_warm_or_not(neighbours):
    query = np.eye(8, dtype=np.float32)[0]
    unsealed = neighbours.snapshot(embedded()).nearest(query, None, 10)
    neighbours.seal(np.arange(1, 401))
    cold = neighbours.snapshot(embedded()).nearest(query, None, 10)
    neighbours.warm()
    sealed = neighbours.snapshot(embedded()).nearest(query, None, 10)
    assert cold.rows.tolist() == sealed.rows.tolist()
    assert unsealed.rows.tolist() == sealed.rows.tolist()
    assert (np.diff(sealed.scores) <= 0).all()
    np.testing.assert_allclose(unsealed.scores, sealed.scores, rtol=1e-5)


def test_a_mask_is_answered_exactly(neighbours):
    neighbours.seal(np.arange(1, 401))
    snapshot = neighbours.snapshot(embedded())
    query = np.eye(8, dtype=np.float32)[1]
    wanted = np.zeros(401, np.bool_)
    wanted[[7, 70, 300]] = True
    found = snapshot.nearest(query, wanted, 2)
    scores = snapshot.similarities(query, np.array([7, 70, 300]))
    assert found.scores.tolist() == sorted(scores.tolist(), reverse=True)[:2]
    assert set(found.rows.tolist()) <= {7, 70, 300}


@pytest.mark.parametrize("floor", [-1.0, 0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("asking_chroma", [True, False])
def test_all_that_is_near_enough_is_found_and_nothing_else(
    neighbours, floor, asking_chroma, monkeypatch
):
    monkeypatch.setattr(chroma_snapshot, "ROWS_A_NEIGHBOUR", 0 if asking_chroma else 1_000_000)
    neighbours.seal(np.arange(1, 301))  # the last hundred is newer
    neighbours.warm()
    alive = embedded()
    alive[::7] = False
    snapshot = neighbours.snapshot(alive)
    query = np.eye(8, dtype=np.float32)[4]
    everyone = np.flatnonzero(alive)
    near = everyone[snapshot.similarities(query, everyone) >= floor]
    found = snapshot.within(query, floor)
    assert sorted(found.rows.tolist()) == near.tolist()
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min(initial=1.0) >= floor


def test_rows_that_are_gone_are_never_returned(neighbours):
    neighbours.seal(np.arange(1, 401))
    neighbours.warm()
    alive = embedded()
    alive[::2] = False
    found = neighbours.snapshot(alive).nearest(np.eye(8, dtype=np.float32)[2], None, 300)
    assert len(found.rows) == 200
    assert (found.rows % 2 == 1).all()


def test_sealing_in_pieces_holds_each_row_once(neighbours):
    for last in (10, 15, 200, 230, 400):
        neighbours.seal(np.arange(1, last + 1))
    neighbours.seal(np.arange(1, 401))
    neighbours.check()
    neighbours.warm()
    assert neighbours.rows().tolist() == list(range(1, 401))
    found = neighbours.snapshot(embedded()).nearest(np.eye(8, dtype=np.float32)[3], None, 400)
    assert sorted(found.rows.tolist()) == list(range(1, 401))


@pytest.mark.parametrize("merged", [False, True])
def test_a_word_is_found_by_its_beginning_while_any_passage_holds_it(lexical, merged):
    lexical.add(entries(1, [f"ferry {'x' * n}" for n in range(1, 31)]))
    lexical.add(entries(31, ["a bridge"]))
    for left in range(29, 0, -1):
        lexical.remove(np.array([left + 1]))
        if merged:
            lexical.settle()
        articles = table(31)
        articles.article_of[left + 1 : 31] = -1
        for expression in (Prefix("ferr"), Fuzzy("fery"), Fuzzy("ferrx")):
            found = lexical.snapshot().match(expression, articles)
            assert np.flatnonzero(found.held).tolist() == list(range(left))
