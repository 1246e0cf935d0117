"""Comparing vectors by their codes gives what comparing all of them exactly gives."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.store.vectors import VectorFile
from backfile.index.seams.protocols import Ranking
from backfile.index.vector import vector_scan
from backfile.index.vector.codes import CodedQuery, CodeFile, Codes, Rounded
from backfile.index.vector.exact_scan import above, cosines, top
from backfile.index.vector.vector_scan import VectorScan
from tests.builders import DAMAGES, damage

DIMENSION, N_ROWS = 24, 900
ALL = np.arange(1, N_ROWS + 1)
NO_CODES = Codes(np.empty((0, DIMENSION), np.int8), np.empty(0, np.float32), np.empty(0, np.bool_))


def of_length_1(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowded(seed, n=N_ROWS):
    """Vectors around a few others, some of them nearly axes, which have coarse scales."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((9, DIMENSION))
    centres[:3] = 4 * np.eye(DIMENSION)[:3]
    return of_length_1(centres[chance.integers(0, 9, n)] + chance.standard_normal((n, DIMENSION)))


@pytest.fixture
def file(tmp_path):
    made = VectorFile(tmp_path / "vectors", DIMENSION)
    made.write(ALL, crowded(0))
    return made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(vector_scan, "PIECE", 128)


def exactly(vectors, vector, mask, floor):
    rows = np.flatnonzero(mask)
    found = np.array([cosines(vectors, rows[i : i + 1], vector)[0] for i in range(len(rows))])
    return rows[found >= floor].tolist(), found[found >= floor].tolist()


def mask_of(rows):
    mask = np.zeros(N_ROWS + 1, np.bool_)
    mask[rows] = True
    return mask


FILTERS = {
    "all": ALL,
    "half of them": ALL[::2],
    "a range": ALL[100:500],
    "a few": ALL[::60],
    "a few in a range": ALL[100:400:9],
    "none": ALL[:0],
}


@given(
    seed=st.integers(0, 1000),
    floor=st.one_of(st.floats(-1, 1), st.integers(0, N_ROWS - 1)),
    passing=st.sampled_from(sorted(FILTERS)),
    coded=st.sampled_from(["all", "a range", "half of them", "none"]),
    length=st.sampled_from([1, 0.4, 0]),
)
def test_rows_and_scores_are_those_of_comparing_all_exactly(
    tmp_path_factory, seed, floor, passing, coded, length
):
    folder = tmp_path_factory.mktemp("scan")
    file = VectorFile(folder / "vectors", DIMENSION)
    file.write(ALL, crowded(seed))
    codes = CodeFile(file)
    codes.bring_up(FILTERS[coded])
    vectors, mask = file.read(N_ROWS + 1), mask_of(FILTERS[passing])
    vector = length * crowded(seed + 1, 1)[0]
    if isinstance(floor, int):  # the cosine of a row itself
        floor = float(cosines(vectors, ALL[[floor]], vector)[0])
    scan = VectorScan(vectors, codes.read(N_ROWS + 1))
    found = scan.within(vector, mask, floor)
    assert (found.rows.tolist(), found.scores.tolist()) == exactly(vectors, vector, mask, floor)
    shutil.rmtree(folder)


@pytest.mark.parametrize("passing", FILTERS)
@pytest.mark.parametrize("limit", [1, 20, 100, N_ROWS, 2 * N_ROWS])
def test_the_nearest_are_those_of_comparing_all_exactly(file, passing, limit):
    codes = CodeFile(file)
    codes.bring_up(ALL[:700])
    vectors, rows = file.read(N_ROWS + 1), FILTERS[passing]
    vector = crowded(5, 1)[0]
    scan = VectorScan(vectors, codes.read(N_ROWS + 1))
    found = scan.nearest(vector, mask_of(rows), limit)
    expected = top(rows, cosines(vectors, rows, vector), limit)
    assert found.rows.tolist() == expected.rows.tolist()
    assert found.scores.tolist() == expected.scores.tolist()


@given(
    npst.arrays(np.float32, (20, 8), elements=st.floats(-1, 1, width=32)),
    npst.arrays(np.float32, 8, elements=st.floats(-1, 1, width=32)),
)
def test_no_cosine_is_above_its_bound(values, vector):
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    values = (values / np.where(lengths > 1e-3, lengths, np.inf)).astype(np.float16)
    codes, scales = Rounded.of(values)
    query = CodedQuery.of(vector)
    dots = (codes.astype(np.float32) @ query.code[0].astype(np.float32)).astype(np.float32)
    exact = values.astype(np.float64) @ vector.astype(np.float16).astype(np.float64)
    assert (exact <= query.most(dots, scales)).all()


def test_codes_spare_most_exact_comparisons(file, monkeypatch):
    codes = CodeFile(file)
    codes.bring_up(ALL)
    compared = []

    def counting(vectors, rows, vector):
        compared.extend(rows.tolist())
        return cosines(vectors, rows, vector)

    monkeypatch.setattr(vector_scan, "cosines", counting)
    scan = VectorScan(file.read(N_ROWS + 1), codes.read(N_ROWS + 1))
    found = scan.within(crowded(5, 1)[0], mask_of(ALL), 0.6)
    assert 0 < len(found.rows) <= len(compared) < 2 * len(found.rows)
    assert set(found.rows.tolist()) <= set(compared)


def test_a_cosine_is_added_up_in_float32_whatever_the_processor(file):
    vectors = file.read(N_ROWS + 1)
    vector = crowded(7, 1)[0]
    expected = vectors[ALL].astype(np.float64) @ vector.astype(np.float16).astype(np.float64)
    np.testing.assert_allclose(cosines(vectors, ALL, vector), expected, atol=1e-6)


def coded(file):
    return np.flatnonzero(CodeFile(file).read(N_ROWS + 1).valid).tolist()


def test_a_row_has_a_code_once_it_is_brought_up_and_none_once_its_vector_changes(file):
    codes = CodeFile(file)
    assert coded(file) == []
    assert codes.is_behind(ALL)
    codes.bring_up(ALL[:300])
    assert coded(file) == ALL[:300].tolist()
    assert codes.is_behind(ALL)
    assert not codes.is_behind(ALL[:300])
    codes.bring_up(ALL)
    assert coded(file) == ALL.tolist()
    file.write(ALL[10:12], crowded(3, 2))
    assert coded(file) == np.delete(ALL, [10, 11]).tolist()
    codes.bring_up(ALL)
    assert coded(file) == ALL.tolist()
    codes.check()


def test_rows_that_are_gone_are_blank(file, tmp_path):
    codes = CodeFile(file)
    codes.bring_up(ALL)
    codes.bring_up(ALL[::2])
    assert coded(file) == ALL[::2].tolist()
    left = np.frombuffer((tmp_path / "vectors.codes").read_bytes(), np.int8)
    assert not left.reshape(-1, DIMENSION)[ALL[1::2]].any()
    assert (tmp_path / "vectors.codes").stat().st_mode & 0o077 == 0
    assert (tmp_path / "vectors.codes.notes").stat().st_mode & 0o077 == 0


def test_vectors_without_checksums_have_no_codes_until_they_have_them(file, tmp_path):
    (tmp_path / "vectors.sums").unlink()
    codes = CodeFile(file)
    codes.bring_up(ALL)
    assert coded(file) == []
    assert not codes.is_behind(ALL)
    file.write(ALL[:1], crowded(0, 1))
    codes.bring_up(ALL)
    assert coded(file) == ALL.tolist()


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0, 3])
def test_what_is_no_vector_of_length_1_is_compared_exactly(file, broken):
    file.write(ALL[:1], np.full((1, DIMENSION), broken, np.float32))
    codes = CodeFile(file)
    codes.bring_up(ALL)
    assert coded(file) == ALL[1:].tolist()
    assert not codes.is_behind(ALL)
    codes.check()


@pytest.mark.parametrize("killed_before", range(1, 7))
def test_a_kill_leaves_rows_with_their_codes_or_without(file, monkeypatch, killed_before):
    """Lots of 300 rows are nine writings: no notes, the codes, then the notes, of each."""
    from backfile.archive.store import vectors
    from backfile.index.vector import codes as module

    monkeypatch.setattr(vectors, "ROWS_AT_ONCE", 300)
    CodeFile(file).bring_up(ALL)
    file.write(ALL, crowded(9))
    written = []

    def dying(path, rows, lines):
        written.append(path)
        if len(written) == killed_before:
            raise InterruptedError
        vectors.write_lines(path, rows, lines)

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_lines", dying)
        with pytest.raises(InterruptedError):
            CodeFile(file).bring_up(ALL)
    assert coded(file) == ALL[: (killed_before - 1) // 3 * 300].tolist()
    CodeFile(file).check()
    CodeFile(file).bring_up(ALL)
    assert coded(file) == ALL.tolist()


def test_a_code_that_was_blanked_by_a_killed_run_is_not_used_again(file, monkeypatch):
    from backfile.archive.store import vectors
    from backfile.index.vector import codes as module

    def dying(path, rows, lines):
        vectors.write_lines(path, rows, lines)
        if path.suffix == ".codes":
            raise InterruptedError

    CodeFile(file).bring_up(ALL)
    with monkeypatch.context() as patched:
        patched.setattr(module, "write_lines", dying)
        with pytest.raises(InterruptedError):
            CodeFile(file).bring_up(ALL[5:])
    CodeFile(file).check()
    assert coded(file) == ALL[5:].tolist()


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", ["vectors.codes", "vectors.codes.notes"])
def test_damaged_codes_are_named_or_not_used(name, kind, file, tmp_path):
    codes = CodeFile(file)
    codes.bring_up(ALL)
    damage(tmp_path / name, kind, 0.5)
    vector, vectors, mask = crowded(5, 1)[0], file.read(N_ROWS + 1), mask_of(ALL)
    if (name, kind) in {("vectors.codes", "flip"), ("vectors.codes", "zero")}:
        with pytest.raises(EngineUnavailable, match="--repair"):
            codes.check()
    else:  # its rows have no code
        found = VectorScan(vectors, codes.read(N_ROWS + 1)).within(vector, mask, 0.5)
        expected = above(Ranking(ALL, cosines(vectors, ALL, vector)), 0.5)
        assert found.rows.tolist() == expected.rows.tolist()
    codes.clear()
    codes.bring_up(ALL)
    codes.check()
    assert coded(file) == ALL.tolist()


def test_codes_of_nothing_are_not_used(file, tmp_path):
    """A disk that lost its content reads as zeros, which would hide all rows."""
    codes = CodeFile(file)
    codes.bring_up(ALL)
    path = tmp_path / "vectors.codes"
    path.write_bytes(bytes(path.stat().st_size))
    assert coded(file) == []


def test_the_code_of_a_row_that_is_gone_is_blanked_even_after_a_kill(file, tmp_path, monkeypatch):
    from backfile.archive.store import vectors
    from backfile.index.vector import codes as module

    codes = CodeFile(file)
    codes.bring_up(ALL)
    file.blank(ALL[6:7])

    def dying(path, rows, lines):
        if path.suffix == ".codes":
            raise InterruptedError
        vectors.write_lines(path, rows, lines)

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_lines", dying)
        with pytest.raises(InterruptedError):
            codes.bring_up(np.delete(ALL, 6))
    left = np.delete(ALL, 6)
    assert codes.is_behind(left)
    codes.bring_up(left)
    assert not codes.is_behind(left)
    stored = np.fromfile(tmp_path / "vectors.codes", np.int8).reshape(-1, DIMENSION)
    assert not stored[ALL[6]].any()
    assert stored[left].any(axis=1).all()


def test_a_damaged_vector_has_no_code_until_it_is_whole_again(file, tmp_path):
    codes, vectors = CodeFile(file), file.read(N_ROWS + 1).copy()
    path = tmp_path / "vectors"
    stored = bytearray(path.read_bytes())
    at = int(ALL[9]) * DIMENSION * 2
    whole, stored[at : at + 4] = stored[at : at + 4], b"\0\0\0\0"
    path.write_bytes(stored)
    codes.bring_up(ALL)
    stored[at : at + 4] = whole
    path.write_bytes(stored)
    vector = vectors[ALL[9]].astype(np.float32)
    found = VectorScan(file.read(N_ROWS + 1), codes.read(N_ROWS + 1)).within(
        vector, mask_of(ALL), 0.9
    )
    assert ALL[9] in found.rows
    codes.bring_up(ALL)
    assert coded(file) == ALL.tolist()


def test_the_nearest_are_found_beside_vectors_that_are_no_numbers():
    vectors = np.zeros((2_001, DIMENSION), np.float16)
    vectors[1:] = crowded(3, 2_000)
    broken = np.arange(1, 2_001, 40)
    vectors[broken] = np.nan
    mask = np.ones(2_001, np.bool_)
    mask[0] = False
    found = VectorScan(vectors, NO_CODES).nearest(crowded(4, 1)[0], mask, 1)
    assert len(found.rows) == 1
    assert found.rows[0] not in broken


def test_codes_that_vanish_while_they_are_opened_are_not_used(file, monkeypatch):
    codes = CodeFile(file)
    codes.bring_up(ALL)

    def vanished():
        raise FileNotFoundError("vectors.codes.notes")

    monkeypatch.setattr(codes, "_notes", vanished)
    assert len(codes.read(N_ROWS + 1).codes) == 0
