"""Tests of the file that keeps the embeddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.store.vectors import VectorFile

ROWS = st.lists(st.integers(1, 50), min_size=1, max_size=10, unique=True)


@pytest.fixture
def file(tmp_path):
    return VectorFile(tmp_path / "vectors", 4)


def some(rows, seed=0):
    """A vector for each row that float16 holds exactly."""
    return np.random.default_rng(seed).integers(-8, 8, (len(rows), 4)).astype(np.float32)


def test_an_absent_file_has_no_rows(file):
    assert file.read(10).shape == (0, 4)
    file.blank(np.array([1, 2]))
    assert file.read(10).shape == (0, 4)


@given(st.lists(ROWS, min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_each_row_holds_what_was_last_written_to_it(tmp_path_factory, writes):
    path = tmp_path_factory.mktemp("vectors") / "vectors"
    expected = {}
    for seed, rows in enumerate(writes):
        vectors = some(rows, seed)
        VectorFile(path, 4).write(np.array(rows), vectors)
        expected |= dict(zip(rows, vectors, strict=True))
    read = VectorFile(path, 4).read(51)
    assert read.dtype == np.float16
    assert len(read) == max(expected) + 1
    assert all((read[row] == vector).all() for row, vector in expected.items())


def test_no_more_is_read_than_was_asked_for(file):
    file.write(np.array([5]), some([5]))
    assert file.read(3).shape == (3, 4)
    assert file.read(100).shape == (6, 4)
    assert file.read(2).shape == (2, 4)


def test_a_reader_sees_what_is_written_after_it_opened(tmp_path, file):
    reader = VectorFile(tmp_path / "vectors", 4)
    file.write(np.array([1]), some([1]))
    before = reader.read(2)
    file.write(np.array([1, 3]), some([1, 3], seed=1))
    assert (before[1] == some([1, 3], seed=1)[0]).all()
    assert (reader.read(4)[3] == some([1, 3], seed=1)[1]).all()


def test_blanked_rows_are_zero_and_their_neighbours_stay(file):
    file.write(np.array([1, 2, 3]), np.ones((3, 4), np.float32))
    file.blank(np.array([2, 99]))
    assert file.read(4)[:, 0].tolist() == [0, 1, 0, 1]


def test_the_file_is_for_its_owner_alone(tmp_path, file):
    file.write(np.array([1]), some([1]))
    assert (tmp_path / "vectors").stat().st_mode & 0o077 == 0


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_rows_whose_bytes_changed_are_damaged(tmp_path, file):
    rows = np.array([1, 2, 3, 9])
    file.write(rows, some(rows))
    assert file.damaged(rows).tolist() == []
    flip(tmp_path / "vectors", 2 * 8 + 7)
    assert file.damaged(rows).tolist() == [2]
    assert file.damaged(np.array([2, 9, 10, 11])).tolist() == [2, 10, 11]
    file.write(np.array([2]), some([2]))
    assert file.damaged(rows).tolist() == []
    file.blank(np.array([3]))
    assert file.damaged(rows).tolist() == []


def test_a_row_whose_checksum_changed_is_damaged_and_one_without_is_taken_as_it_is(tmp_path, file):
    rows = np.arange(1, 5)
    file.write(rows, some(rows))
    sums = tmp_path / "vectors.sums"
    flip(sums, 3 * 4)
    assert file.damaged(rows).tolist() == [3]
    sums.write_bytes(sums.read_bytes()[:13])
    flip(tmp_path / "vectors", 4 * 8)
    assert file.damaged(rows).tolist() == []
    sums.unlink()
    assert file.damaged(rows).tolist() == []


def test_rows_without_a_checksum_get_one_at_the_next_writing(tmp_path, file):
    rows = np.arange(1, 5)
    file.write(rows, some(rows))
    (tmp_path / "vectors.sums").unlink()
    file.write(np.array([7]), some([7]))
    flip(tmp_path / "vectors", 3 * 8)
    assert file.damaged(np.append(rows, 7)).tolist() == [3]
    assert (tmp_path / "vectors.sums").stat().st_mode & 0o077 == 0


@given(st.lists(ROWS, min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_what_is_written_is_never_damaged(tmp_path_factory, writes):
    path = tmp_path_factory.mktemp("vectors") / "vectors"
    for seed, rows in enumerate(writes):
        VectorFile(path, 4).write(np.array(rows), some(rows, seed))
        VectorFile(path, 4).blank(np.array(rows[:1]))
    assert VectorFile(path, 4).damaged(np.unique(np.concatenate(writes))).tolist() == []
