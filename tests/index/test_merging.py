"""Merging segments: long lists are merged alone, and no segment becomes too large for memory."""

import time
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.model.errors import EngineUnavailable
from backfile.index.lexical.storage import forms, merging, whoosh_index, whoosh_snapshot
from backfile.index.lexical.storage.codec import document_rows
from backfile.index.lexical.storage.forms import FormLists, decode, decoded, encoded, name_of
from backfile.index.lexical.storage.merging import merge_segments
from backfile.index.lexical.storage.segments import staging_of
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.expression import Field
from backfile.index.seams.protocols import LexicalEntry

WORDS = ["ash", "Ash", "ASH", "ashes", "boat", "Boats", "e-mail", "E-Mail", "email", "fog"]
texts = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
parts_of_indexes = st.lists(st.lists(texts, min_size=1, max_size=9), min_size=2, max_size=4)


def indexed(folder, parts):
    """An index with a segment for each part, and the number of its passages."""
    made, row = WhooshIndex(folder / "lexical"), 1
    for part in parts:
        made.add([LexicalEntry(row + i, "A fog", text) for i, text in enumerate(part)])
        row += len(part)
    made.flush()
    return made, row - 1


def merged_files(index):
    """What all segments are as one: the bytes of its files by their extensions."""
    segment = merge_segments(index._path, index._opened_for_writing()._segments())
    files = staging_of(index._path, segment).glob(f"{segment.segment_id()}.*")
    return {path.name.partition(".")[2]: path.read_bytes() for path in files}


@settings(max_examples=40, deadline=None)
@given(parts=parts_of_indexes, gone=st.sets(st.integers(1, 36)), at_once=st.integers(1, 40))
def test_lists_that_are_merged_alone_are_written_as_with_others(
    parts, gone, at_once, tmp_path_factory
):
    index, _ = indexed(tmp_path_factory.mktemp("merging"), parts)
    index.remove(np.array(sorted(gone)))
    together = merged_files(index)
    with patch.object(merging, "OCCURRENCES_AT_ONCE", at_once):
        alone = merged_files(index)
    assert {"pst", "pos", "voc"} <= together.keys()
    assert alone == together


@given(st.integers(1, 300), st.data())
def test_forms_of_long_lists_are_packed_in_parts(n_forms, data):
    chosen = data.draw(st.lists(st.integers(0, n_forms - 1), min_size=1, max_size=300))
    names = [name_of("ferri", f"ferry{n}") for n in range(n_forms)]
    lists = FormLists(np.array([0, n_forms]), names, np.array(chosen, np.uint32))
    whole = encoded(["ferri"], lists, [len(chosen)])
    with patch.object(forms, "OCCURRENCES_AT_ONCE", 16):
        assert encoded(["ferri"], lists, [len(chosen)]) == whole
        assert decode(whole[0], "ferri", len(chosen)).choices.tolist() == chosen
        both = decoded(["ferri", "ash"], [whole[0], b""], np.array([len(chosen), 2]))
    assert both.choices.tolist() == [*chosen, 0, 0]


class MergingMeanwhile:
    """Reads the rows of an index, and has all its files merged away, before or after; N times."""

    def __init__(self, folder, times, *, before):
        self.writer = WhooshIndex(folder / "lexical")
        self.left, self.before = times, before

    def __call__(self, reader):
        found = None if self.before else document_rows(reader)
        if self.left:
            self.left -= 1
            row = self.writer.last_row() + 1
            self.writer.add([LexicalEntry(row, "A fog", "ash boat")])
            self.writer.flush()
            self.writer._merge(self.writer._opened_for_writing()._segments())
            self.writer.flush()
        return document_rows(reader) if found is None else found


@pytest.mark.parametrize("before", [True, False])
def test_a_snapshot_is_opened_while_a_writer_merges_again_and_again(tmp_path, monkeypatch, before):
    """Rows, lengths and lists are of one commit, and no file that a merge takes away is missed."""
    indexed(tmp_path, [["ash"], ["boat fog", "fog"]])
    merging_meanwhile = MergingMeanwhile(tmp_path, 12, before=before)
    monkeypatch.setattr(whoosh_snapshot, "document_rows", merging_meanwhile)
    found = WhooshIndex(tmp_path / "lexical").snapshot()
    assert merging_meanwhile.left == 0
    assert found.rows().tolist() == list(range(1, 3 + 12 + 1))
    assert found.word_counts(Field.TEXT)[1:].tolist() == [1, 2, 1, *[2] * 12]
    assert found.postings(Field.TEXT, "fog").rows.tolist() == [2, 3]


def test_the_rows_of_an_index_are_read_while_a_writer_merges(tmp_path, monkeypatch):
    indexed(tmp_path, [["ash"], ["boat fog", "fog"]])
    merging_meanwhile = MergingMeanwhile(tmp_path, 12, before=True)
    monkeypatch.setattr(whoosh_index, "document_rows", merging_meanwhile)
    assert WhooshIndex(tmp_path / "lexical").rows().tolist() == list(range(1, 3 + 12 + 1))


def test_a_file_that_no_merge_has_taken_away_is_damage_at_once(tmp_path):
    index, _ = indexed(tmp_path, [["ash"], ["boat fog", "fog"]])
    next((tmp_path / "lexical").glob("*.text_words.col")).unlink()
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match=r"text_words.col is damaged"):
        index.snapshot()
    assert time.monotonic() - began < whoosh_index.SECONDS_OF_TRIES / 2


@pytest.mark.parametrize("n_segments", [3, 12, 40])
def test_no_segment_has_more_passages_than_one_may_have(tmp_path, n_segments):
    parts = [["fog"] * (1 + n % 5) for n in range(n_segments)]
    with (
        patch.object(whoosh_index, "MOST_DOCUMENTS", 20),
        patch.object(whoosh_index, "MOST_SEGMENTS", 6),
    ):
        index, n_rows = indexed(tmp_path, parts)
        index.settle()
    sizes = [segment.doc_count() for segment in index._opened()._segments()]
    assert sum(sizes) == n_rows
    assert max(sizes) <= 20
    assert len(sizes) <= 6 + 2 * n_rows / 20
    assert index.rows().tolist() == list(range(1, n_rows + 1))
