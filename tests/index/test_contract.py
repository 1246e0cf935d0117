"""The promises of index/seams/protocols.py, checked for the real engines and the fakes alike."""

from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.store.vectors import VectorFile
from backfile.index.lexical.spelling.spellings import Spellings
from backfile.index.lexical.spelling.word_list import WordList
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import INDEXED, Field, Stretch
from backfile.index.model.postings import Slot
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.vector.chroma_index import ChromaIndex
from tests.builders import entries, table
from tests.fakes import MemoryIndex, MemoryVectors

# Chroma is asked where that is quicker than comparing all rows: as measured, always, and never.
CHROMA = [ChromaIndex, *(partial(ChromaIndex, rows_a_neighbour=rows) for rows in (0, 1_000_000))]


@pytest.fixture(params=[*CHROMA, MemoryVectors], ids=["usual", "asked", "compared", "memory"])
def neighbours(request, tmp_path):
    vectors = VectorFile(tmp_path / "vectors", 8)
    rows = np.arange(1, 401)
    made = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    vectors.write(rows, made / np.linalg.norm(made, axis=1, keepdims=True))
    if request.param is MemoryVectors:
        return MemoryVectors(vectors)
    return request.param(tmp_path / "chroma", vectors)


def rows_of(lexical, term, field=Field.TEXT):
    return lexical.snapshot().postings(field, term).rows.tolist()


def slots(*terms):
    return [Slot((term,)) for term in terms]


def test_an_empty_index_gives_nothing(lexical):
    assert lexical.last_row() == 0
    assert lexical.rows().tolist() == []
    snapshot = lexical.snapshot()
    assert rows_of(lexical, "bridg") == []
    assert snapshot.rows().tolist() == []
    assert snapshot.phrase(Field.TEXT, slots("a", "ferri"), [1]).rows.tolist() == []
    assert list(snapshot.terms(Field.TEXT, "")) == []
    assert snapshot.vocabulary().keys == []
    assert not snapshot.lengths(Field.TEXT).any()


def test_added_passages_are_found_by_row_and_last_row_grows(lexical):
    lexical.add(entries())
    lexical.add(entries(5, ["a late ferry"]))
    assert lexical.last_row() == 5
    assert lexical.rows().tolist() == [1, 2, 3, 4, 5]
    assert rows_of(lexical, "ferri") == [3, 4, 5]


def test_a_posting_list_holds_the_rows_of_a_term_and_its_frequencies(lexical):
    lexical.add(entries())
    found = lexical.snapshot().postings(Field.TEXT, "ferri")
    assert (found.rows.tolist(), found.frequencies.tolist()) == ([3, 4], [1, 2])
    assert rows_of(lexical, "titl", Field.TITLE) == [1, 2, 3, 4]
    assert rows_of(lexical, "titl") == []
    assert rows_of(lexical, "ferry") == []  # a word, whose term is another


@pytest.mark.parametrize(
    ("words", "gaps", "expected"),
    [
        (["swing", "bridg"], [1], [1]),
        (["bridg", "swing"], [1], []),
        (["bridg", "swing"], [2], [2]),
        (["the", "swing", "shut"], [1, 2], []),
        (["the", "swing", "shut"], [1, 3], [1]),
        (["ferri", "ferri", "bridg"], [1, 1], [4]),
        (["ferri", "bridg"], [Stretch.SENTENCE], [4]),
        (["ferri"], [], [3, 4]),
        (["ferri", "nowher"], [1], []),
    ],
)
def test_a_phrase_is_found_where_no_gap_is_too_wide(lexical, words, gaps, expected):
    lexical.add(entries())
    found = lexical.snapshot().phrase(Field.TEXT, slots(*words), gaps)
    assert sorted(found.rows.tolist()) == expected


@pytest.mark.parametrize(
    ("words", "field", "stretch", "expected"),
    [
        (["ferri", "bridg"], Field.TEXT, Stretch.SENTENCE, [1]),
        (["bridg", "ferri"], Field.TEXT, Stretch.SENTENCE, []),
        (["ferri", "bridg"], Field.TEXT, Stretch.PARAGRAPH, [1, 2]),
        (["ferri", "ferri"], Field.TEXT, Stretch.PARAGRAPH, [3]),
        (["bridg", "ferri"], Field.TITLE, Stretch.SENTENCE, [4]),
        (["bridg", "quai"], Field.TEXT, Stretch.PARAGRAPH, []),
    ],
)
def test_terms_are_found_in_one_sentence_or_paragraph(lexical, words, field, stretch, expected):
    lexical.add(
        [
            LexicalEntry(1, "", "The ferry hit the bridge. Nobody saw it.", "en"),
            LexicalEntry(2, "", "A late ferry. The swing bridge shut.\n\nA quay.", "en"),
            LexicalEntry(3, "", "One ferry. Another ferry.\n\nThe bridge is shut.", "en"),
        ]
    )
    lexical.add([LexicalEntry(4, "The bridge. The ferry", "A quay. The bridge.", "en")])
    assert lexical.snapshot().phrase(field, slots(*words), [stretch]).rows.tolist() == expected
    lexical.flush()
    lexical.settle()  # segments are merged
    assert lexical.snapshot().phrase(field, slots(*words), [stretch]).rows.tolist() == expected


def test_terms_are_listed_by_their_beginning(lexical):
    lexical.add(entries())
    snapshot = lexical.snapshot()
    assert sorted(snapshot.terms(Field.TEXT, "s")) == ["shut", "swing"]
    assert sorted(snapshot.terms(Field.TITLE, "")) == ["1", "2", "3", "4", "titl"]


def test_lengths_are_those_of_each_row_and_0_elsewhere(lexical):
    lexical.add(entries(2))
    snapshot = lexical.snapshot()
    for lengths in (snapshot.lengths, snapshot.word_counts):
        assert lengths(Field.TEXT).tolist() == [0, 0, 5, 3, 3, 3]
        assert lengths(Field.TITLE).tolist() == [0, 0, 2, 2, 2, 2]


def test_words_are_counted_exactly_where_lengths_are_rounded(lexical):
    lexical.add(entries(1, ["ferry " * 1001]))
    snapshot = lexical.snapshot()
    assert snapshot.word_counts(Field.TEXT).tolist() == [0, 1001]
    assert snapshot.lengths(Field.TEXT)[1] == pytest.approx(1001, rel=0.1)


def test_the_witnesses_of_a_word_are_rows_that_hold_it(lexical):
    lexical.add(entries())
    lexical.add(entries(5, ["a late ferry"]))
    found = lexical.snapshot().vocabulary()
    assert found.keys == sorted(found.keys)
    witnesses = set(found.witnesses[found.keys.index("ferry\tferri")].tolist())
    assert witnesses - {-1}
    assert witnesses <= {-1, 3, 4, 5}


def spellings(lexical, known):
    return Spellings(WordList.of(lexical.snapshot().vocabulary()), known.alive)


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
    found = spellings(lexical, table(4)).near(word, edits)
    assert {near.spelling.text: near.distance for near in found} == expected


def test_a_spelling_has_its_terms_its_frequency_and_its_written_form(lexical):
    texts = ["Die Brücke, die Brücke", "BRÜCKE", "A brucke of its own"]
    languages = ["de", "de", "en"]
    lexical.add(
        LexicalEntry(row, "", text, language)
        for row, (text, language) in enumerate(zip(texts, languages, strict=True), 1)
    )
    (found,) = spellings(lexical, table(3)).beginning("bruc")
    assert (found.text, found.written, found.frequency) == ("brucke", "Brücke", 4)
    assert set(found.terms) == {"bruck|de", "bruck"}


def test_spellings_that_begin_alike_come_commonest_first(lexical):
    lexical.add(entries(1, ["ferry ferry", "fern", "ferry fern feral", "fog"]))
    found = spellings(lexical, table(4)).beginning("fer")
    assert [each.text for each in found] == ["ferry", "fern", "feral"]


def test_a_word_that_only_removed_articles_hold_is_not_given_away(lexical):
    lexical.add(entries(1, ["a secret", "a ferry", "no secrets"]))
    known = table(3)
    known.article_of[1] = -1
    living = spellings(lexical, known)
    assert [each.text for each in living.beginning("secret") if each.living] == ["secrets"]
    near = [each.spelling for each in living.near("secret", 1)]
    assert [each.text for each in near if each.living] == ["secrets"]


def test_words_of_rows_beyond_the_table_are_dead(lexical):
    lexical.add(entries(1, ["a ferry", "a bridge", "a secret"]))
    for n_rows, expected in ((1, []), (2, []), (3, ["secret"])):
        living = spellings(lexical, table(n_rows)).beginning("secret")
        assert [each.text for each in living if each.living] == expected


def test_letters_that_are_cut_are_no_spellings_and_words_beside_them_are(lexical):
    lexical.add(entries(1, ["東京 ferry ราคา", "iPhone東京"]))
    found = spellings(lexical, table(2)).beginning("")
    assert "ferry" in {each.text for each in found}
    assert not any("東" in each.text for each in found)


def test_removed_passages_are_gone_and_rows_that_never_were_are_ignored(lexical):
    lexical.add(entries())
    lexical.remove(np.array([4, 99]))
    assert lexical.rows().tolist() == [1, 2, 3]
    assert lexical.snapshot().rows().tolist() == [1, 2, 3]
    lexical.settle()
    assert set(rows_of(lexical, "ferri")) - {4} == {3}


def test_a_snapshot_stays_as_it_was(lexical):
    lexical.add(entries())
    before = lexical.snapshot()
    lexical.add(entries(5, ["a late ferry"]))
    lexical.remove(np.array([3]))
    lexical.settle()
    assert before.postings(Field.TEXT, "ferri").rows.tolist() == [3, 4]
    assert before.rows().tolist() == [1, 2, 3, 4]
    assert "late\tlate" not in before.vocabulary().keys


def test_clear_removes_everything_and_filling_again_works(lexical):
    lexical.add(entries())
    lexical.clear()
    assert lexical.last_row() == 0
    lexical.add(entries())
    assert rows_of(lexical, "ferri") == [3, 4]


TERMS = ["ash", "boat", "crew", "dock"]  # each its own term
passages = st.tuples(
    st.lists(st.sampled_from(TERMS), max_size=3).map(" ".join),
    st.lists(st.sampled_from([*TERMS, "Boat.\n\nThe", "Crew. A"]), max_size=5).map(" ".join),
)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.lists(passages, min_size=1, max_size=5), min_size=1, max_size=4),
    gone=st.sets(st.integers(1, 12)),
    settled=st.booleans(),
)
def test_both_lexical_engines_give_the_same_lists(parts, gone, settled, tmp_path_factory):
    indexes, row = (WhooshIndex(tmp_path_factory.mktemp("seam") / "lexical"), MemoryIndex()), 1
    for part in parts:
        for index in indexes:
            index.add([LexicalEntry(n, *each, "en") for n, each in enumerate(part, row)])
        row += len(part)
    for index in indexes:
        index.remove(np.array(sorted(gone), np.int64))
        if settled:
            index.settle()
    one, other = (index.snapshot() for index in indexes)
    living = np.zeros(row, np.bool_)
    living[other.rows()] = True
    assert one.rows().tolist() == other.rows().tolist()
    for field in INDEXED:
        for term in TERMS:
            lists = [each.postings(field, term) for each in (one, other)]
            found = [(p.rows[living[p.rows]], p.frequencies[living[p.rows]]) for p in lists]
            np.testing.assert_array_equal(*found)
        assert set(other.terms(field, "")) <= set(one.terms(field, ""))
        for gap in (1, 2, *Stretch):
            asked = slots("ash", "boat", "crew")
            found = [each.phrase(field, asked, [gap, 2]) for each in (one, other)]
            counted = [dict(zip(*map(list, postings), strict=True)) for postings in found]
            assert len(counted[0]) == len(found[0].rows)
            assert {row: n for row, n in counted[0].items() if living[row]} == counted[1]
        for name in ("lengths", "word_counts"):
            known = [getattr(each, name)(field)[other.rows()] for each in (one, other)]
            np.testing.assert_array_equal(*known)
    assert set(other.vocabulary().keys) <= set(one.vocabulary().keys)


def test_an_index_is_replaced_at_the_end_and_answers_until_then(lexical):
    lexical.add(entries())
    lexical.flush()
    with lexical.replaced() as fresh:
        assert fresh.last_row() == 0
        fresh.add(entries(5, ["a late ferry"]))
        fresh.flush()
        assert rows_of(lexical, "ferri") == [3, 4]
    assert lexical.rows().tolist() == [5]
    lexical.add(entries(6, ["a later ferry"]))
    lexical.flush()
    assert rows_of(lexical, "ferri") == [5, 6]


def test_an_index_that_could_not_be_replaced_stays(lexical):
    lexical.add(entries())
    lexical.flush()
    with suppress(InterruptedError), lexical.replaced() as fresh:
        fresh.add(entries(5, ["a late ferry"]))
        raise InterruptedError
    assert rows_of(lexical, "ferri") == [3, 4]


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
def test_all_that_is_near_enough_is_found_and_nothing_else(neighbours, floor):
    neighbours.seal(np.arange(1, 301))  # the last hundred is newer
    neighbours.warm()
    alive = embedded()
    alive[::7] = False
    snapshot = neighbours.snapshot(alive)
    query = np.eye(8, dtype=np.float32)[4]
    everyone = np.flatnonzero(alive)
    near = everyone[snapshot.similarities(query, everyone) >= floor]
    found = snapshot.within(query, floor)
    assert found.rows.tolist() == near.tolist()
    assert found.scores.tolist() == snapshot.similarities(query, near).tolist()
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
