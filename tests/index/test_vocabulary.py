"""The words of segments as they are spelt: stored, merged as segments are, gone with the files."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.index.lexical.scoring.lexical_search import LexicalSearch
from backfile.index.lexical.spelling import word_list
from backfile.index.lexical.spelling.spellings import Spellings, is_within
from backfile.index.lexical.spelling.word_list import WordList, letters_of
from backfile.index.lexical.storage import whoosh_index
from backfile.index.lexical.storage.inversion import Inverter
from backfile.index.lexical.storage.vocabulary import EXTENSION, WITNESSES, decode, encode, joined
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.seams.protocols import LexicalEntry
from tests.builders import table

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8)
words = st.text("abcdeé", max_size=8)


def vocabulary(some):
    inverter = Inverter()
    for text in some:
        inverter.add([text])
    return joined([inverter.forms()])


@given(texts)
def test_what_is_stored_is_what_is_read(some):
    made = vocabulary(some)
    read = decode(encode(made))
    assert read.keys == made.keys == sorted(set(made.keys))
    assert read.written == made.written
    np.testing.assert_array_equal(read.counts, made.counts)
    np.testing.assert_array_equal(read.witnesses, made.witnesses)


def test_a_word_has_witnesses_from_all_over_the_segment():
    made = vocabulary(["ferry"] * 40)
    assert made.counts.tolist() == [40]
    (witnesses,) = made.witnesses.tolist()
    assert len(set(witnesses)) == WITNESSES
    assert [each // 10 for each in witnesses] == [0, 1, 2, 3]


@pytest.mark.parametrize("row", [(1 << 31) + 5, (1 << 32) - 2])
def test_a_row_that_only_damage_can_give_marks_no_word_as_living(row):
    made = vocabulary(["ferry bridge", "ferry"]).moved(np.array([row, 1]))
    every = WordList.of(made)
    grown = WordList.of(vocabulary(["ash"]).moved(np.array([2]))).with_more(made)
    for words in (every, grown):
        spellings = Spellings(words, np.array([False, True, True]))
        living = {each.text: each.living for each in spellings.beginning("")}
        assert living["ferry"]
        assert not living["bridge"]


def test_a_word_without_a_living_witness_is_forgotten():
    made = vocabulary(["ferry", "bridge", "ferry"])
    moved = made.moved(np.array([-1, -1, 7]))
    moved = moved.masked(moved.known)
    assert moved.keys == ["ferry\tferri"]
    assert set(moved.witnesses.ravel().tolist()) == {-1, 7}


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.lists(st.sampled_from(["ferry", "Ferry fog", "bridge bridges", "ash"]),
                               min_size=1, max_size=5), min_size=10, max_size=12))  # fmt: skip
def test_merged_segments_know_the_words_of_all(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    whole, merged, row = WhooshIndex(folder / "whole"), WhooshIndex(folder / "merged"), 1
    flat = [text for part in parts for text in part]
    whole.add([LexicalEntry(row, "", text) for row, text in enumerate(flat, 1)])
    with patch.object(whoosh_index, "MOST_SEGMENTS", 4):
        for part in parts:
            merged.add([LexicalEntry(at, "", text) for at, text in enumerate(part, row)])
            row += len(part)
    merged.settle()
    whole.flush()
    known = table(len(flat))
    ours, theirs = (
        LexicalSearch(i.snapshot(), known).spellings().beginning("") for i in (merged, whole)
    )
    assert [(each.text, each.terms, each.frequency) for each in ours] == [
        (each.text, each.terms, each.frequency) for each in theirs
    ]


TEXTS = ["ferry", "FERRY fog", "bridge bridges", "ash Ferry", "Brücke ferries", "fog ash-tree"]


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6), min_size=2,
                      max_size=6), few=st.integers(1, 20))  # fmt: skip
def test_words_that_follow_all_segments_are_those_that_are_gathered_at_once(
    parts, few, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("words")
    known, earlier, row = table(60), None, 1
    whole, growing = WhooshIndex(folder / "whole"), WhooshIndex(folder / "growing")
    with patch.object(word_list, "FEW", few):
        for number, part in enumerate(parts):
            entries = [LexicalEntry(at, "", text) for at, text in enumerate(part, row)]
            growing.add(entries)
            growing.flush()
            if number % 3 == 2:
                growing.settle()
            row += len(part)
            earlier = LexicalSearch(growing.snapshot(), known, earlier)
            earlier.spellings()
        fresh = LexicalSearch(growing.snapshot(), known)
        flat = [text for part in parts for text in part]
        whole.add([LexicalEntry(at, "", text) for at, text in enumerate(flat, 1)])
        whole.flush()
        once = LexicalSearch(whole.snapshot(), known)
        found = [list(each.spellings().beginning("")) for each in (earlier, fresh, once)]
    assert found[0] == found[1]
    assert [each._replace(written="") for each in found[1]] == [
        each._replace(written="") for each in found[2]
    ]
    near = [each.spellings().near("fery", 2) for each in (earlier, fresh)]
    assert near[0] == near[1]


def test_each_segment_has_one_file_of_words_and_none_is_left_behind(tmp_path):
    made = WhooshIndex(tmp_path)
    for row in range(1, 30):
        made.add([LexicalEntry(row, "", f"ferry {row}")])
    made.settle()
    segments = {each.segment_id() for each in made._opened()._segments()}
    assert {path.stem for path in tmp_path.rglob(f"*{EXTENSION}")} == segments


def test_words_can_be_read_from_a_snapshot_whose_segments_were_merged_away(tmp_path):
    made = WhooshIndex(tmp_path)
    made.add([LexicalEntry(1, "", "ferry")])
    made.add([LexicalEntry(2, "", "bridge")])
    made.flush()
    before = made.snapshot()
    made.settle()
    found = LexicalSearch(before, table(2)).spellings().beginning("")
    assert [each.text for each in found] == ["bridge", "ferry"]


@given(words, words, st.integers(0, 2))
def test_words_that_are_ruled_out_by_their_letters_are_too_far_apart(one, other, edits):
    marks = letters_of([one, other])
    if int(np.bitwise_count(marks[0] ^ marks[1])) > 2 * edits:
        assert not is_within(one, other, edits)


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("presidnet", "president", 1), ("brigde", "bridge", 1), ("ca", "abc", 3), ("", "ab", 2)],
)
def test_neighbours_that_changed_places_are_one_edit_as_in_lucene(one, other, edits):
    assert is_within(one, other, edits)
    assert not is_within(one, other, edits - 1)
